"""What it takes to read a body, to plan the spec in it, and to tell of the plan."""

from collections.abc import Iterable

from service.networks.layers.attention import Attention
from service.networks.layers.layer import LayerSpec
from service.networks.layers.recurrent import Recurrent
from service.specs.rules import is_literal, price
from service.specs.spec import Spec

# Seconds: of a body, a value in it and a byte, which may be one of an array in base64; of a recipe written out.
PER_BODY, PER_VALUE, PER_BYTE, RECIPE = 1e-4, 1.5e-6, 6e-9, 1e-2
ALIKE, ANEW = 8e-6, 8e-5  # an array of a layer that another was like before, and of one that is decided anew
COMPARISON = 1.5e-6  # a piece of a rule's pattern with a name
TOLD = 1.2e-5  # an array that /plan tells of


def reading(body: bytes) -> float:
    """Return the seconds of making a spec of a body."""
    values = body.count(b",") + 1
    return PER_BODY + PER_VALUE * values + PER_BYTE * len(body) + (RECIPE if b'"recipe"' in body else 0.0)


def planning(spec: Spec) -> float:
    """Return the seconds of planning a spec: layers that are alike are decided once, but in a framework's stream."""
    layers: list[LayerSpec] = [layer for layer in spec.layers if isinstance(layer, LayerSpec)]
    every = sum(map(arrays_of, layers))
    anew = every if spec.algorithm != "initserve/1" else sum(map(arrays_of, distinct(layers)))
    compared = sum(price(rule.match) for rule in spec.all_rules if not is_literal(rule.match))
    return PER_BODY + ALIKE * every + ANEW * anew + COMPARISON * compared * every


def describing(arrays: int) -> float:
    """Return the seconds of telling of so many arrays, none of which is drawn."""
    return PER_BODY + TOLD * arrays


def distinct(layers: Iterable[LayerSpec]) -> list[LayerSpec]:
    """Return one layer of all that are alike."""
    return list({layer.likeness: layer for layer in layers}.values())


def arrays_of(layer: LayerSpec) -> int:
    """Return about how many arrays a layer has, without making any of them."""
    if isinstance(layer, Recurrent):
        return 4 * layer.num_layers * (2 if layer.bidirectional else 1)
    return 8 if isinstance(layer, Attention) else 2
