"""Job: all that a worker must know to make, or to verify, any shard of a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Job:
    """A checkpoint to be written: small, and the same wherever it is sent.

    `spec` is a canonical text; `options` are those of the store, which may be secret and are shown nowhere; after
    `deadline`, seconds since 1970, nothing is gone on with. `threads` draw a shard at once.
    """

    spec: str
    shard_bytes: int
    place: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    deadline: float | None = None
    threads: int = 1
