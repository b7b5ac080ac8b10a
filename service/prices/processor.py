"""The processor whose seconds prices are in: one core of a server of this decade, with AVX2."""

OPERATION = 2.0**-35  # of a decomposition, or of a walk to a place of a stream, as networks/ and stream/ count them
MULTIPLICATION = 2.0**-34  # of a product of matrices in float64, as analysis/ counts
