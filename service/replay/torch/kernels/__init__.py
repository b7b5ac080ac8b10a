"""The generator of torch, compiled."""
