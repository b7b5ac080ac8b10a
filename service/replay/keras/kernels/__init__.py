"""The generator of keras, compiled."""
