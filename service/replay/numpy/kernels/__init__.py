"""The generator of numpy, compiled."""
