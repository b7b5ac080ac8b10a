"""Says what a network's parameters are: each one's name, shape, fans, scheme, and its place in every framework.

`fans` and `activations` < `schemes/` (what is drawn) < `layers/` (which parameters, and where frameworks keep them)
< `plan` (all of that for one network, before any number is drawn).
"""
