"""Writes service/replay/torch/erfinv.bin with the real torch: where its erfinv in float32 is not the nearest number.

Run it with the frameworks' Python: `.venv-frameworks/bin/python -m tests.golden.erfinv`.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from service.replay.torch.kernels.erfinv import erfinv
from service.replay.torch.ties import FILE, packed

OCTAVE = 2**23
FIRST, LAST = 0x33000000, 0x3F800000  # 2^-25 and 1


def octaves() -> list[NDArray[np.int32]]:
    """Return the bit patterns of all float32 numbers from 2^-25 to 1."""
    return [np.arange(start, start + OCTAVE, dtype=np.int32) for start in range(FIRST, LAST, OCTAVE)]


def differing(table: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the numbers whose inverse error function is not torch's where these are rounded away."""
    found = []
    for bits in octaves():
        theirs = torch.from_numpy(bits).view(torch.float32).erfinv().numpy()
        ours = bits.view(np.float32).copy()
        erfinv(ours, table)
        found.append(bits[theirs.view(np.int32) != ours.view(np.int32)])
    return np.concatenate(found)


if __name__ == "__main__":
    FILE.write_bytes(packed(differing(np.empty(0, np.int32))))
