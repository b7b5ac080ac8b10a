"""Checkpoints in a store that speaks S3, and that fails as stores do."""
