"""Flax: linen's keys by path, nnx's by count, what its layers draw."""
