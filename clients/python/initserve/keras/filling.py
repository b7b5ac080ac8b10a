"""Fills a Keras model's variables with what the model's spec gives, on any backend."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from initserve.arrays import Fillable, Told, arrays_of
from initserve.keras.tree import Node, nodes_of
from initserve.local import Local
from initserve.report import Filled, Report

DTYPES = ("float32", "float64", "float16", "bfloat16")
UNBUILT = "it is not built yet: build it, or call it once, then init_"
BEGINS = "its layer begins it as {} throughout"


def init_(
    model: Any,
    seed: int | str = 0,
    rules: Sequence[Mapping[str, Any]] = (),
    defaults: str | None = None,
    client: Fillable | None = None,
) -> Report:
    """Fill a model's variables in place, and return what was filled with what, and why.

    Each layer is a layer of a spec in Keras's layout, called by its place in the model: by attributes where a user
    wrote the class, by names without the numbers that Keras counts over the process elsewhere. The same bytes as that
    spec gives by other ways, on every backend. Variables of layers that no layer of a spec stands for are bare tensors,
    but for those that begin as one value throughout, which stay; integers (states of generators, counts) stay, too.
    `rules` and `defaults` are a spec's, `client` is `Local()` where it is left out; a scheme that nothing states is the
    one that the layer's activation recommends.

    Raises ValueError for a model that cannot be filled so, InitserveError for a spec that is refused; nothing is
    changed then.
    """
    if not model.built:
        raise ValueError(f"{model.name}: {UNBUILT}")
    nodes = list(nodes_of(model))
    report = Report(int(seed), "initserve/1")
    wanted = to_fill(nodes, report)
    base: dict[str, Any] = {"seed": seed, "layout": "keras", "rules": list(rules)}
    base |= {} if defaults is None else {"defaults": defaults}
    found = asked(Local() if client is None else client, base, nodes, wanted)
    kinds = {key: node.kind for node in nodes for key in node.variables}
    check(wanted, found)
    for key, variable in wanted.items():
        told = found[key]
        variable.assign(keras.ops.convert_to_tensor(np.asarray(told.array), dtype=variable.dtype))
        report.filled.append(Filled(key, tuple(variable.shape), kinds[key], told.scheme, told.formula, told.reason))
    return report


def asked(
    source: Fillable, base: Mapping[str, Any], nodes: Sequence[Node], wanted: Mapping[str, Any]
) -> dict[str, Told]:
    """Return the array of each that is wanted, and what the plan tells of it; nothing of it is drawn yet."""
    found: dict[str, Told] = {}
    for dtype in dict.fromkeys(variable.dtype for variable in wanted.values()):
        of_dtype = {key for key, variable in wanted.items() if variable.dtype == dtype}
        layers = [node.layer for node in nodes if of_dtype & node.variables.keys()]
        told = arrays_of(source, {**base, "dtype": dtype}, layers)
        found |= {key: each for key, each in told.items() if key in of_dtype}
    return found


def to_fill(nodes: Sequence[Node], report: Report) -> dict[str, Any]:
    """Return what is to be filled, by key; say in the report what is not; raises ValueError."""
    owners: dict[int, str] = {}
    wanted: dict[str, Any] = {}
    for node in nodes:
        for key, variable in node.variables.items():
            dtype = keras.backend.standardize_dtype(variable.dtype)
            if id(variable) in owners:
                report.tied[key] = owners[id(variable)]
                continue
            owners[id(variable)] = key
            if dtype not in DTYPES:
                if variable.name in ("kernel", "embeddings"):
                    raise ValueError(f"{key} is {dtype}: fill the model before it is quantised")
                report.kept[key] = f"{dtype} is not drawn"
            elif node.layer["type"] == "tensor" and (value := throughout(variable)) is not None:
                report.kept[key] = BEGINS.format(value)
            else:
                wanted[key] = variable
    return wanted


def throughout(variable: Any) -> float | None:
    """Return the value that a variable has everywhere; None where it has several."""
    values = keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32")).reshape(-1)
    return float(values[0]) if values.size and (values == values[0]).all() else None


def check(wanted: Mapping[str, Any], found: Mapping[str, Told]) -> None:
    for key, variable in wanted.items():
        shape = found[key].array.shape if key in found else None
        if shape != tuple(variable.shape):
            raise ValueError(f"{key} has shape {tuple(variable.shape)}, and its layer {shape}")
