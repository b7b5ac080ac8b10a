"""Runs of neighbouring elements as a moved axis leaves them: any starts, any length, in blocks of 1,024 and across."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.stream.addresses import Runs

MOST = 5000  # elements: more than four scratch blocks
# Where counters of four elements, or halves of an address, come to an end.
ENDS = (0, 2**32, 2**34)


@st.composite
def several_runs(draw: st.DrawFn, furthest: int = 2**35) -> Runs:
    """Return runs of one length; their starts may be multiples of a counter's elements, or follow each other."""
    length = draw(st.one_of(st.integers(1, 40), st.sampled_from([1023, 1024, 1025]), st.integers(1, 2500)))
    step = draw(st.sampled_from([1, 2, 4, length]))
    end = draw(st.sampled_from([end for end in ENDS if end <= furthest]))
    nearby = st.integers(0, 4 * MOST // step).map(lambda place: max(end - 2 * MOST, 0) // step * step + place * step)
    starts = draw(st.lists(nearby, min_size=1, max_size=max(MOST // length, 1)))
    return Runs(np.array(starts, np.uint64), length)


def one_by_one(runs: Runs, fill: Any, dtype: Any) -> NDArray[Any]:
    """Return the runs' elements, each run asked for alone: what `fill` makes of all of them must equal it."""
    out = np.empty((runs.starts.size, runs.length), dtype)
    for start, row in zip(runs.starts, out, strict=True):
        fill(Runs.one(int(start), runs.length), row)
    return out.ravel()
