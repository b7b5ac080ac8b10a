"""Writes whole checkpoints to a directory or an object store: every shard on its own, by one process or by a cluster.

A shard is a pure function of a spec and a number, so that nobody need agree with anybody on anything but the spec. A
new kind of store is a module of `places/` with a row in `place_at`; a new engine one of `engines/`, in ENGINES.
"""
