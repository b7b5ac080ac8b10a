"""Telling: from the names and shapes of a model's tensors to the layers that have them, and why.

A listing is split into modules (tensors that share a name up to its last part). Of each module the rules of its
framework say which layer it is: pytorch.py, keras.py, flax.py. A layer is taken only where it has just these arrays.
What no rule knows stays a bare tensor, and is said.
"""
