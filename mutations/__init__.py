"""Changes service/ in small wrong ways, one at a time, and says which changes no test notices: `make mutate`.

mutmut 3 leaves decorated functions, tables and field bounds alone, which is where most of this code is; cosmic-ray
starts a fresh process for each change. Here functions are changed where they are loaded, in a process forked from one
that has collected the tests, and only the tests that reach the function are run: a change takes a second.
"""
