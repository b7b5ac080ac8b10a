"""Checkpoints in shards, and training without one: what frameworks read, and what they fill themselves."""
