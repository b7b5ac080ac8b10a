"""Where checkpoints are written."""
