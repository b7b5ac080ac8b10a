"""What no answer can hold: values beyond its dtype, two arrays under one key."""

from collections.abc import Iterable, Sequence

from service.errors import InvalidSpec, UnsupportedCombination
from service.networks.plan import PlannedLayer
from service.stream.distributions import Expectation
from service.stream.dtypes import DTYPES, DtypeName
from service.stream.matrices import GivenFirst

# A normal value is never farther from its mean: the quantile of half a word in 2^32 is 6.34 deviations.
REACH = 6.4


def refuse_overflow(expected: Expectation, dtype: DtypeName, pointer: str, dtypes: Iterable[DtypeName]) -> None:
    """Refuse values of which one may be beyond the largest number of the dtype; `dtypes` are those to choose from."""
    reach = reach_of(expected)
    largest = DTYPES[dtype].largest
    if reach > largest:
        wider = next((each for each in dtypes if DTYPES[each].largest >= reach), None)
        detail = f"values up to {reach:.6g} do not fit {dtype}, whose largest is {largest:.6g}"
        raise UnsupportedCombination(detail, pointer, None if wider is None else {"dtype": wider})


def reach_of(expected: Expectation) -> float:
    """Return how far from 0 a value may be."""
    if isinstance(expected, GivenFirst):
        return max(reach_of(expected.given), reach_of(expected.inner))
    return max(
        abs(expected.mean + way * expected.deviation if bound is None else bound)
        for bound, way in ((expected.low, -REACH), (expected.high, REACH))
    )


def refuse_seed(seed: int, algorithm: str, least: int, pointer: str) -> None:
    """Refuse a seed below the least that the stream takes."""
    if seed < least:
        others = "; torch's and JAX's streams take negative ones" if least == 0 else ""
        raise InvalidSpec(
            f"a seed of {algorithm} is {least} or more, not {seed}{others}", pointer, {"seed": str(-seed)}
        )


def refuse_shared_keys(layers: Sequence[PlannedLayer]) -> None:
    """Refuse two arrays under one key, which a file of many could not hold, and the key of a file's metadata."""
    seen: dict[str, int] = {}
    for index, layer in enumerate(layers):
        for parameter in layer.parameters:
            first = seen.setdefault(parameter.key, index)
            if first != index or parameter.key == "__metadata__":
                other = f"layer {layers[first].name} has one too" if first != index else "it is safetensors' own"
                raise InvalidSpec(f"an array would be called {parameter.key!r}: {other}", f"/layers/{index}/name")
