"""A spec as the service takes it: any mapping that JSON can hold, NumPy's numbers and arrays included."""

import json
import operator
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

Spec: TypeAlias = Mapping[str, Any]


def body_of_spec(spec: Spec) -> bytes:
    """Return a spec in JSON. Seeds become texts: JSON's numbers are not exact up to 2^64 - 1 in every language."""
    return json.dumps(with_texts(spec), allow_nan=False, default=plain).encode()


def with_texts(value: Any) -> Any:
    """Return a document whose whole-number members `seed`, at any depth, are texts."""
    if isinstance(value, Mapping):
        return {name: seed_text(each) if name == "seed" else with_texts(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [with_texts(each) for each in value]
    return value


def seed_text(seed: Any) -> Any:
    return str(operator.index(seed)) if isinstance(seed, int | np.integer) and not isinstance(seed, bool) else seed


def plain(value: object) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} is nothing that JSON holds")
