"""The generator of jax, compiled."""
