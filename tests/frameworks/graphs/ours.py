"""A recipe as the service runs it: outputs for inputs, and the gradient at every array as PyTorch has it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.analysis import tape
from service.analysis.network import Network, Stage
from service.networks.layouts import Arrangement, Cut, Flip, Join, Move, Reshape, Take, key_of
from service.specs.spec import Spec

Arrays = dict[str, NDArray[Any]]
TOLERANCE = 1e-4  # in parts of the root mean square of what is compared
ROUNDED = 1e-9  # below which part of the largest gradients one that is 0 may come out otherwise
FIXED = ("running_mean", "running_var", "final_logits_bias")  # which libraries do not learn
PLENTY = 2**50
LENGTH = 7  # of sequences
EXAMPLES = 3
# What /init gives, and the same with chance in what starts at 0 or 1, so that nothing in a wrong place goes unseen.
WEIGHTS: dict[str, list[dict[str, Any]]] = {
    "as init gives them": [],
    "all of chance": [
        {"match": "*", "scheme": {"name": "random_normal", "mean": 0.03, "stddev": 0.11}},
        {"match": "*moving_variance", "scheme": {"name": "random_uniform", "minval": 0.5, "maxval": 1.5}},
    ],
}


class Passed(NamedTuple):
    """What comes of a pass: the output, what gradient was put at it, and the gradients at arrays, by torch's names."""

    output: NDArray[Any]
    sent: NDArray[Any]
    gradients: Arrays


def spec_of(recipe: str, **more: Any) -> Spec:
    return Spec.model_validate({"recipe": recipe, "seed": 3, **{k: v for k, v in more.items() if v is not None}})


def arrays_of(spec: Spec) -> Arrays:
    """Return the arrays that /init gives, in PyTorch's layout."""
    plan = spec.plan()
    return {each.key: np.concatenate(list(each.blocks())).reshape(each.shape) for each in plan.parameters}


def passed(spec: Spec, inputs: Mapping[str, NDArray[Any]]) -> Passed:
    """Run a network there and back, with a gradient of chance at its output."""
    stages = Network(spec, PLENTY).run(inputs)
    output = stages[-1].out
    sent = np.random.default_rng(1).standard_normal(output.value.shape)
    value = output.value.copy()
    tape.backward(output, sent)
    found: Arrays = {}
    for stage in stages:
        if stage.place.tied is None and stage.weights:
            found |= gradients(stage)
    return Passed(value, sent, found)


def gradients(stage: Stage) -> Arrays:
    """Return the gradients at a layer's arrays as PyTorch has them; its two biases of a gate share one."""
    canonical = {
        name: np.zeros_like(node.value) if node.gradient is None else node.gradient
        for name, node in stage.weights.items()
    }
    canonical |= {name.replace("/bias", "/recurrent_bias"): value for name, value in canonical.items() if "/" in name}
    placements = stage.layer.placements()["pytorch"]
    return {key_of(stage.place.name, each.name, "pytorch"): arranged(each.of, canonical) for each in placements}


def arranged(of: Arrangement, arrays: Arrays) -> NDArray[Any]:
    """Return an array of a framework, as its arrangement says, of canonical ones."""
    match of:
        case Take(name):
            return arrays[name]
        case Cut(inner, axis, part, count):
            return np.split(arranged(inner, arrays), count, axis)[part]
        case Move(inner, axes):
            return arranged(inner, arrays).transpose(axes)
        case Reshape(inner, to):
            whole = arranged(inner, arrays)
            return whole.reshape(to(whole.shape))
        case Flip(inner, count):
            return np.flip(arranged(inner, arrays), tuple(range(count)))
        case Join(parts, axis):
            return np.concatenate([arranged(part, arrays) for part in parts], axis)
    raise NotImplementedError(type(of))


def inputs_of(spec: Spec, without: tuple[int, ...] = (), length: int = LENGTH) -> dict[str, NDArray[Any]]:
    """Return a batch for each input: words but those that mean something, positions, images; all of chance."""
    rng = np.random.default_rng(0)
    found: dict[str, NDArray[Any]] = {}
    graph = spec.graph
    for name, shape in spec.network.input_shape.items():
        tables = [graph.weights_of(place) for place in graph.takers(name)]
        if name == "positions":
            found[name] = np.broadcast_to(np.arange(length), (EXAMPLES, length)).copy()
        elif any(table.type == "embedding" for table in tables):
            words = [row for row in range(min(table.shape[0] for table in tables)) if row not in without]  # type: ignore[attr-defined]
            found[name] = rng.choice(words, (EXAMPLES, length))
        else:
            found[name] = rng.standard_normal((EXAMPLES, *shape))
    return found


def apart(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Return by how much two arrays differ at most, in parts of theirs: of its root mean square."""
    size = float(np.sqrt(np.mean(np.square(theirs)))) or 1.0
    return float(np.abs(ours - theirs).max(initial=0.0)) / size


def compare(ours: Passed, output: NDArray[Any], gradients: Mapping[str, NDArray[Any]]) -> None:
    """Hold the outputs of a pass and its gradients against a real model's, which has none where nothing is read."""
    assert apart(ours.output, output) < TOLERANCE
    assert {name for name, each in gradients.items() if each.any()} <= ours.gradients.keys()
    least = ROUNDED * max(float(np.sqrt(np.mean(np.square(each)))) for each in gradients.values())
    differ = {
        name: apart(each, gradients[name])
        for name, each in ours.gradients.items()
        if name in gradients and np.abs(each - gradients[name]).max() > least
    }
    assert {name: by for name, by in differ.items() if by >= TOLERANCE} == {}
    unread = ours.gradients.keys() - gradients.keys()
    assert {name for name in unread if ours.gradients[name].any() and not name.endswith(FIXED)} == set()
