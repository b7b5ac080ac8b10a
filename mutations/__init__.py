"""Changes service/ in small wrong ways, one at a time, and says which changes no test notices: `make mutate`.

mutmut 3 leaves decorated functions, tables and field bounds alone, which is where most of this code is; cosmic-ray
starts a fresh process for each change. This is as much of either as is needed here.
"""
