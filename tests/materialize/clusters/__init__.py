"""Checkpoints by real clusters, whose workers are killed; make test-clusters has an environment of its own for them."""
