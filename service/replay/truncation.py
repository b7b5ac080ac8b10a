"""The truncated normal of Keras and JAX: cut at two standard deviations."""

CUT = 2.0  # standard deviations
DEVIATION_LEFT = 0.87962566103423978  # of a standard normal after the cut, as both have it written down
