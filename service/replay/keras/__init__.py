"""Keras: its sequence of seeds, what its layers construct, what its backends draw."""
