"""Checkpoints that are written whole."""
