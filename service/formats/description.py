"""What a plan tells of itself in JSON, before a number is drawn.

Most layers of a large model are alike: what is told of their arrays is put in words once for all of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import to_json

from service import stopping
from service.formats.links import left_out, links_of, links_of_parameter, parameters_at
from service.formats.sharding import SHARD_BYTES, shard_of
from service.networks.arrays import PlannedArray
from service.networks.asked import Source
from service.networks.layers.listed import Taken
from service.networks.plan import Caution, Plan, PlannedLayer, PlannedParameter
from service.stream.dtypes import DtypeName
from service.stream.streams import ALGORITHM

NOTHING: Mapping[str, Any] = MappingProxyType({})


def dumps(value: object) -> bytes:
    return to_json(value)  # seven times as fast as the standard library's, for numbers above all


def encode_plan(plan: Plan, shard_bytes: int = SHARD_BYTES, more: Mapping[str, Any] = NOTHING) -> bytes:
    """Return the answer of /plan: that of /init without numbers, with bytes, shards and totals, and `more` members."""
    shards = shard_of(plan, shard_bytes)
    descriptions = Descriptions(parameters_at(plan))
    layers = []
    for layer in plan.layers:
        stopping.give_way()
        told = [
            b'%b,"bytes":%d,"shard":"%b"}' % (descriptions.of(each), each.bytes, shards[each.key].encode())
            for each in layer.parameters
        ]
        layers.append(opening_of_layer(layer) + b",".join(told) + b"]}")
    totals = {"parameters": len(plan.parameters), "elements": plan.elements, "bytes": plan.bytes}
    closed = closing(plan, shard_bytes) | {"totals": totals | {"shards": len(set(shards.values()))}, **more}
    return b"".join((opening(plan), b",".join(layers), b"],", dumps(closed)[1:]))


class Descriptions:
    """What the plan with this address knows of parameters already."""

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._known: dict[PlannedArray, bytes] = {}

    def of(self, parameter: PlannedParameter) -> bytes:
        """Return a parameter's description as an object without its closing brace."""
        array = parameter.array
        if array not in self._known:
            self._known[array] = dumps(describe(array))[:-1]
        if self._address is None:
            return self._known[array]
        return self._known[array] + b"," + dumps(links_of_parameter(self._address, parameter))[1:-1]


def describe(array: PlannedArray) -> dict[str, Any]:
    """Return what is known of an array in every layer that has it."""
    described = {"name": array.name, "shape": list(array.form.shape), "dtype": array.dtype}
    taken = {} if array.taken_for is None else {"taken_for": describe_taken(array.taken_for)}
    return described | describe_source(array.source, array.dtype) | taken


def describe_taken(taken: Taken) -> dict[str, str]:
    return {"kind": taken.kind, "why": taken.why}


def describe_source(source: Source, dtype: DtypeName) -> dict[str, Any]:
    """Return fans, scheme and reason; with the true fans where the scheme counts by others."""
    described: dict[str, Any] = {"fan_in": source.fans.fan_in, "fan_out": source.fans.fan_out}
    if source.fans != source.stated.fans:
        true = source.stated.fans
        described["true_fans"] = {"fan_in": true.fan_in, "fan_out": true.fan_out}
    scheme, reason = source.choice.scheme.model_dump(), source.choice.reason
    return described | {"scheme": scheme, "formula": source.formula(dtype), "reason": reason}


def opening(plan: Plan) -> bytes:
    """Return what an answer begins with, as far as the first layer."""
    exact = {} if plan.algorithm == ALGORITHM else {"exact": plan.exact}
    stated = {"algorithm": plan.algorithm, **exact, "seed": str(plan.seed), "layout": plan.layout, "dtype": plan.dtype}
    if plan.left_alone:
        stated["left_alone"] = {name: describe_taken(taken) for name, taken in plan.left_alone.items()}
    tied = {"tied": dict(plan.tied)} if plan.tied else {}
    return dumps(stated | tied)[:-1] + b',"layers":['


def opening_of_layer(layer: PlannedLayer) -> bytes:
    """Return what is told of a layer, as far as the first of its parameters."""
    head = {"name": layer.name, "type": layer.type, "activation": layer.activation}
    return dumps(head)[:-1] + b',"parameters":['


def closing(plan: Plan, shard_bytes: int = SHARD_BYTES) -> dict[str, Any]:
    """Return what an answer ends with: links, where it has an address, and warnings."""
    warnings = (*plan.warnings, *left_out(plan))
    return {**links_of(plan, shard_bytes), "warnings": [describe_warning(warning) for warning in warnings]}


def describe_warning(warning: Caution) -> dict[str, Any]:
    return {"code": warning.code, "pointer": warning.pointer, "detail": warning.detail, "try": warning.remedy}
