"""The Hub's repositories: which spec a revision is, and which commit id; nothing of either is remembered.

`init/RECIPE[-SIZE][-HEAD]` has a revision for every seed of initserve's own stream and of PyTorch's. A commit id is the
digest of the canonical spec, its first 40 hexadecimal digits, and clients come back with it alone, to any replica: it
is led back to its seed by trying the seeds that people write. A larger seed cannot be found so; it stands in the id
itself, in place of the last 16 digits.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain, product

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from service.networks.families.family import Family
from service.replay import ALGORITHMS
from service.specs.canonical import canonical_document
from service.specs.jcs import canonical
from service.specs.recipes import RECIPES
from service.specs.spec import Spec
from service.specs.starts import Start
from service.stream.streams import ALGORITHM

STREAMS = {"seed": ALGORITHM, "torch-seed": "torch-cpu/1"}
MAIN = "seed-0"  # what `main` means, and `HEAD`
SEED = re.compile(r"(seed|torch-seed)-(0|-?[1-9][0-9]{0,19})")
COMMIT = re.compile(r"[0-9a-f]{40}")
STORED = re.compile(r"spec/sha256-([0-9a-f]{64})")
SEEDS = 2**64
TRIED = 2**16  # seeds from 0 that are tried for a commit id
# Digits of a commit id that are of the digest where a seed beyond them stands in the rest.
OF_DIGEST = 24


@dataclass(frozen=True, slots=True)
class Repository:
    """A recipe at a size, None for its first, with a head, None for none; every seed is a revision of it."""

    name: str
    recipe: str
    size: str | None
    head: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """What a revision of a repository comes to: the canonical spec, and its commit id."""

    text: str
    commit: str


@cache
def repositories() -> dict[str, Repository]:
    """Return every repository of a recipe by its name."""
    found = {}
    for recipe, described in RECIPES.items():
        for size, head in product((None, *described.sizes), heads_of(described)):
            name = "-".join(["init/" + recipe, *filter(None, (size, head))])
            found[name] = Repository(name, recipe, size, head)
    return found


def heads_of(recipe: Start | Family) -> tuple[str | None, ...]:
    return (None, *(head for head in recipe.heads if head)) if isinstance(recipe, Family) else (None,)


def revision_of(repository: Repository, name: str) -> Revision | None:
    """Return what a revision's name stands for, None where there is none of it: `seed-N`, `main` or a commit id.

    The first commit id of a repository takes some 100 milliseconds.
    """
    if COMMIT.fullmatch(name):
        return of_commit(repository, name)
    written = SEED.fullmatch(MAIN if name in ("main", "HEAD") else name)
    if written is None:
        return None
    algorithm, seed = STREAMS[written[1]], int(written[2])
    if around_seed(repository, algorithm) is None or not takes(algorithm, seed):
        return None
    return of_seed(repository, algorithm, seed)


def takes(algorithm: str, seed: int) -> bool:
    least = ALGORITHMS[algorithm].least_seed if algorithm in ALGORITHMS else 0
    return least <= seed < SEEDS


@cache
def around_seed(repository: Repository, algorithm: str) -> tuple[str, str] | None:
    """Return the canonical text before and after the seed; None where the stream does not draw the recipe."""
    document = {"recipe": repository.recipe, "algorithm": algorithm, "layout": "pytorch", "seed": "0"}
    for member in ("size", "head"):
        if (stated := getattr(repository, member)) is not None:
            document[member] = stated
    try:
        text = canonical(canonical_document(Spec.model_validate(document), 0))
    except ValidationError:
        return None
    before, _, after = text.partition('"seed":"0"')
    return f'{before}"seed":"', f'"{after}'


def of_seed(repository: Repository, algorithm: str, seed: int) -> Revision:
    around = around_seed(repository, algorithm)
    assert around is not None
    text = f"{around[0]}{seed}{around[1]}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    if 0 <= seed < TRIED:
        return Revision(text, digest[:40])
    return Revision(text, f"{digest[:OF_DIGEST]}{seed % SEEDS:016x}")


def of_commit(repository: Repository, commit: str) -> Revision | None:
    for algorithm in STREAMS.values():
        if around_seed(repository, algorithm) is None:
            continue
        for seed in chain(written_in(commit), tried(repository, algorithm, commit)):
            if takes(algorithm, seed) and (found := of_seed(repository, algorithm, seed)).commit == commit:
                return found
    return None


def written_in(commit: str) -> tuple[int, int]:
    """Return the seed that stands in a commit id; a stream that takes negative ones has it below 0, too."""
    seed = int(commit[OF_DIGEST:], 16)
    return seed, seed - SEEDS


def tried(repository: Repository, algorithm: str, commit: str) -> Iterator[int]:
    """Yield the tried seeds whose commit ids begin as this one."""
    around = around_seed(repository, algorithm)
    assert around is not None
    beginnings, seeds = table(*around)
    beginning = np.uint32(int(commit[:8], 16))
    first, last = np.searchsorted(beginnings, beginning, "left"), np.searchsorted(beginnings, beginning, "right")
    yield from map(int, seeds[first:last])


@lru_cache(maxsize=64)
def table(before: str, after: str) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """Return the first 8 digits of the tried seeds' commit ids, sorted, and the seeds in this order.

    There may be as many tables as repositories and streams, of 393,216 bytes each; those last asked for are kept.
    """
    begun = hashlib.sha256(before.encode())
    digests = []
    for seed in range(TRIED):
        one = begun.copy()
        one.update(f"{seed}{after}".encode())
        digests.append(one.digest()[:4])
    beginnings = np.frombuffer(b"".join(digests), ">u4").astype(np.uint32)
    order = np.argsort(beginnings)
    return beginnings[order], order.astype(np.uint16)
