"""Where a checkpoint is written: a directory, or a bucket of an object store."""
