"""What Keras does on torch for a truncated normal: of four normals, the first within two standard deviations."""

from service.replay.truncation import CUT
from service.stream.targets import compiled


@compiled("void(float32[::1], float32[::1])", "void(float64[::1], float64[::1])")
def choose(values, out):
    """Put the first of each four values that is within the cut into `out`, or the first of all where none is."""
    for i in range(out.size):
        third = values[4 * i + 2] if abs(values[4 * i + 2]) < CUT else values[4 * i + 3]
        last = third if abs(third) < CUT else values[4 * i]
        second = values[4 * i + 1] if abs(values[4 * i + 1]) < CUT else last
        out[i] = values[4 * i] if abs(values[4 * i]) < CUT else second
