"""JAX: `init(shapes)` makes the arrays of any tree of shapes, each device's part alone."""

from initserve.jax.making import init, listing
from initserve.jax.names import Unusual

__all__ = ["Unusual", "init", "listing"]
