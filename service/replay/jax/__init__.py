"""JAX: threefry's keys, jax.random, jax.nn.initializers."""
