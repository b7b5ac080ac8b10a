"""What the catalogue says of each scheme, layer, activation, stream and recipe, by the tables that do the work."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from service.api.example_networks import EXAMPLES
from service.errors import UnsupportedCombination
from service.networks import activations
from service.networks.families.family import Family
from service.networks.layers import LAYERS, names
from service.networks.layers.layer import PlacedSpec
from service.networks.layers.structure import STRUCTURE
from service.networks.layouts import LAYOUTS, OTHER_LAYOUTS
from service.networks.schemes import ALIASES, FAMILIES, PRESETS
from service.replay import ALGORITHMS
from service.replay.framework import Stream
from service.specs.counting import count
from service.specs.recipes import RECIPES, Named, expand, networks
from service.specs.spec import Spec
from service.stream.streams import ALGORITHM

EVERY_LAYER: Mapping[str, type[PlacedSpec]] = {**LAYERS, **STRUCTURE}

# Layers that a family's example stands on, where a dense one does not do.
EXAMPLE_LAYERS: dict[str, dict[str, Any]] = {
    "identity": {"type": "dense", "shape": [8, 8]},
    "dirac": {"type": "conv2d", "shape": [3, 3, 8, 8]},
    "delta_orthogonal": {"type": "conv2d", "shape": [3, 3, 4, 8]},
    "reservoir": {"type": "tensor", "shape": [32, 32]},
    "siren": {"type": "dense", "shape": [16, 8], "activation": "sin"},
    "stft": {"type": "tensor", "shape": [16, 1, 9]},
    "bilinear": {"type": "conv2d_transpose", "shape": [4, 4, 3, 3], "strides": 2},
    "icnr": {"type": "conv2d", "shape": [3, 3, 4, 16]},
    "rope": {"type": "tensor", "shape": [32, 8]},
    "sinusoidal": {"type": "tensor", "shape": [32, 8]},
    "hippo": {"type": "tensor", "shape": [8, 8]},
    "s4d_real": {"type": "tensor", "shape": [4, 16]},
    "unit_forget_bias": {"type": "lstm", "shape": [8, 4]},
    "chrono": {"type": "lstm", "shape": [8, 4]},
    "step_bias": {"type": "tensor", "shape": [16]},
    "prior_bias": {"type": "dense", "shape": [16, 8], "activation": "sigmoid"},
}
ON_BIASES = ("unit_forget_bias", "chrono", "prior_bias")
# [[1, 2], [3, 4]] as float32
SMALL_ARRAY = (
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIpLCB9ICAgICAgICAgICAgICAgIC"
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAIA/AAAAQAAAQEAAAIBA"
)


def fields_of(model: type[BaseModel], defaults: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return a description's fields: name, default, what it is, and the range or choices that it takes."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    found = []
    for name, field in schema["properties"].items():
        if name in ("name", "type") and defaults is not None:
            continue
        entry = {"name": name, "detail": field.get("description", ""), "required": name in schema.get("required", [])}
        default = (defaults or {}).get(name, field.get("default"))
        if not entry["required"]:
            entry["default"] = default
        kept = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "pattern", "minItems", "maxItems")
        entry |= {key: field[key] for key in kept if key in field}
        found.append(entry)
    return found


def summary_of(thing: object) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]


def aliases_of(name: str, aliases: Mapping[str, str]) -> list[str]:
    return [alias for alias, meant in aliases.items() if meant == name]


def scheme_example(name: str, family: str) -> dict[str, Any]:
    if family == "array":
        layer = {"type": "dense", "shape": [2, 2], "scheme": {"name": "array", "npy": SMALL_ARRAY}}
    else:
        member = "bias" if family in ON_BIASES else "scheme"
        layer = {**EXAMPLE_LAYERS.get(family.rpartition(":")[2], {"type": "dense", "shape": [16, 8]}), member: name}
    return {"seed": 42, "layers": [layer]}


@cache
def describe_scheme(name: str) -> dict[str, Any]:
    preset = PRESETS.get(name)
    family = FAMILIES[preset.family if preset else name]
    stated = preset.model_dump() if preset else {}
    return {
        "name": name,
        "aliases": aliases_of(name, ALIASES),
        "summary": summary_of(family),
        "formula": family.formula,
        "parameters": fields_of(family, stated),
        "portable": True,
        "references": list(family.references),
        "example": scheme_example(name, family.family),
    }


def layer_example(name: str) -> dict[str, Any]:
    if name in STRUCTURE:
        return EXAMPLES[name]
    kind = LAYERS[name]
    sizes = kind.model_json_schema()["properties"].get("shape")
    shape = {} if sizes is None else {"shape": sizes["examples"][0]}
    more: dict[str, dict[str, Any]] = {
        "einsum_dense": {"equation": "abc,cde->abde", "bias_axes": "de"},
        "grouped_query_attention": {"kv_heads": 2},
    }
    return {"seed": 42, "layers": [{"type": name, **shape, **more.get(name, {})}]}


@cache
def describe_layer(name: str) -> dict[str, Any]:
    example = layer_example(name)
    holds: dict[str, list[dict[str, Any]]] = {}
    for layout in (*LAYOUTS, *OTHER_LAYOUTS) if name in LAYERS else ():
        try:
            parameters = Spec.model_validate({**example, "layout": layout}).plan().parameters
        except UnsupportedCombination:  # that library cannot have such a layer
            continue
        holds[layout] = [{"name": parameter.name, "shape": list(parameter.shape)} for parameter in parameters]
    return {
        "name": name,
        "aliases": names.SPELLINGS.get(name, "").split(),
        "summary": summary_of(EVERY_LAYER[name]),
        "parameters": fields_of(EVERY_LAYER[name], {}),
        "holds": holds,
        "example": example,
    }


@cache
def describe_activation(name: str) -> dict[str, Any]:
    row = activations.ACTIVATIONS[name]
    return {
        "name": name,
        "aliases": aliases_of(name, activations.ALIASES),
        "scheme": row.scheme,
        "reason": row.because,
        "gains": {
            "second_moment": row.gain,
            "variance": row.gain_std,
            "derivative": row.gain_back,
            "torch": row.torch,
        },
        "example": {"seed": 42, "layers": [{"type": "dense", "shape": [16, 8], "activation": name}]},
    }


OWN = Stream(
    name=ALGORITHM,
    summary="Philox4x32-10, a stream a parameter, an address an element; its bytes never change.",
    layout="keras",
    dtypes=("float32", "float64", "float16", "bfloat16"),
    versions={},
    addressable=True,
    exact=("every value, on every machine, in every layout, with any number of threads",),
    inexact=(),
    example={"algorithm": ALGORITHM, "seed": 42, "layers": [{"type": "dense", "shape": [16, 8]}]},
)


def describe_algorithm(name: str, ready: bool) -> dict[str, Any]:
    algorithm = OWN if name == ALGORITHM else ALGORITHMS[name]
    return {
        "name": algorithm.name,
        "ready": ready,
        "summary": algorithm.summary,
        "versions": dict(algorithm.versions),
        "layout": algorithm.layout,
        "dtypes": list(algorithm.dtypes),
        "addressable": algorithm.addressable,
        "exact": list(algorithm.exact),
        "not_exact": list(algorithm.inexact),
        "example": dict(algorithm.example),
    }


def published(family: Family) -> dict[str, Any]:
    """Return what tells a config.json of a published model: its library's words for the model and for its heads."""
    heads = {head: each.architecture for head, each in family.heads.items() if head is not None}
    return {"heads": [*heads], "architectures": heads, "library": family.library, "model_type": family.model_type}


@cache
def describe_recipe(name: str) -> dict[str, Any]:
    recipe = RECIPES[name]
    counts = {size: count(name, size) for size in recipe.sizes}
    return {
        "name": name,
        "aliases": [],
        "summary": recipe.summary,
        "sizes": [
            {"name": size, "parameters": found.arrays, "elements": found.elements} for size, found in counts.items()
        ],
        "rules": list(expand(Named(name)).rules),
        **(published(recipe) if isinstance(recipe, Family) else {}),
        "network": name in networks(),  # whether POST /diagnose runs it
        "references": list(recipe.references),
        # Under these streams it is the published model, draw by draw; under others' there is none to be like.
        "replayed_by": [algorithm for algorithm, replay in ALGORITHMS.items() if name in replay.recipes],
        "example": {"recipe": name, "size": next(iter(recipe.sizes)), "seed": 42},
    }
