"""Streams of residuals: where a graph adds branches to what passes by, which make up a block, what they add to it."""
