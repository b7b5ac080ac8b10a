"""Networks drawn at random give PyTorch's outputs, and its gradients at every array, whatever is joined to what."""

from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from service.analysis import tape
from service.analysis.network import Network
from service.specs.spec import Spec
from tests.frameworks.torch_networks import run

Written = dict[str, Any]
DRAWN: Written = {"scheme": {"name": "random_normal", "stddev": 0.35}, "bias": {"name": "random_normal", "stddev": 0.3}}
NORMS = [
    {"match": "*gamma", "scheme": {"name": "random_normal", "mean": 1.0, "stddev": 0.3}},
    {"match": "*beta", "scheme": {"name": "random_normal", "stddev": 0.3}},
]
ACTIVATIONS = ["relu", "tanh", "sigmoid", "gelu", "silu", "elu", "softplus", "leaky_relu"]
WIDTH = 8
EXAMPLES = 3


class Growing:
    """A network that grows a layer at a time: every one of WIDTH features, so that most may be joined to most."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw
        self.places: tuple[int, ...] = draw.choice([(), (6,), (7, 7)])
        self.input_shape = [*self.places, WIDTH]
        self.layers: list[Written] = []
        self.known: list[tuple[str, tuple[int, ...]]] = [("input", self.places)]

    def put(self, kind: str, inputs: list[str] | None = None, **members: Any) -> str:
        name = f"n{len(self.layers)}"
        self.layers.append({"type": kind, "name": name, "inputs": inputs or [self.known[-1][0]], **members})
        self.known.append((name, self.places))
        return name

    def other(self) -> str:
        """Return something of as many places that was there before."""
        return self.draw.choice([name for name, places in self.known if places == self.places])

    def between(self, kind: str, inputs: list[str] | None = None, **members: Any) -> str:
        """Put a layer that only the next one can take."""
        name = self.put(kind, inputs, **members)
        self.known.pop()
        return name

    def grow(self) -> None:
        choice, here = self.draw.choice, self.known[-1][0]
        kinds = ["dense", "add", "multiply", "concatenate", "split", "activation", "scale", "layer_norm", "batch_norm"]
        kinds += [[], ["conv1d", "multi_head_attention", "rms_norm", "transpose"], ["conv2d", "pool", "depthwise"]][
            len(self.places)
        ]
        kind = choice(kinds)
        activation: Written = {"activation": choice([*ACTIVATIONS, "linear", "linear"])}
        if kind == "dense":
            self.put("dense", shape=[WIDTH, WIDTH], **DRAWN, **activation)
        elif kind in ("add", "multiply"):
            self.put(kind, [here, self.other()])
        elif kind == "concatenate":
            both = self.between(kind, [self.other(), here])
            self.put("dense", [both], shape=[2 * WIDTH, WIDTH], **DRAWN)
        elif kind == "split":
            name = self.between("split", sizes=[3, 5])
            self.put("concatenate", [f"{name}:1", f"{name}:0"])
        elif kind == "activation":
            self.put(kind, activation=choice(ACTIVATIONS))
        elif kind == "scale":
            self.put(kind, by=choice([0.5, -2.0]))
        elif kind == "multi_head_attention":
            self.put(kind, shape=[WIDTH, 2, 4], causal=choice([True, False]), **DRAWN)
        elif kind == "transpose":
            turned = self.between("transpose", axes=[2, 1])
            mixed = self.between("dense", [turned], shape=[self.places[0]] * 2, **DRAWN)
            self.put("transpose", [mixed], axes=[2, 1])
        elif kind.startswith("conv"):
            self.convolve(kind, [*[3] * len(self.places), WIDTH, WIDTH], activation)
        elif kind == "depthwise":
            self.convolve("depthwise_conv2d", [3, 3, WIDTH, 1], activation)
        elif kind == "pool" and min(self.places) > 3:
            self.places = tuple((size - 2) // 2 + 1 for size in self.places)
            self.put(choice(["max_pool", "average_pool"]), window=2)
        elif kind != "pool":
            self.put(kind, shape=[WIDTH])

    def convolve(self, kind: str, shape: list[int], activation: Written) -> None:
        strides = self.draw.choice([1, 1, 2]) if min(self.places) > 3 else 1
        padding = self.draw.choice(["same", "circular", 1])
        self.places = tuple(-(-size // strides) for size in self.places)
        self.put(kind, shape=shape, strides=strides, padding=padding, **DRAWN, **activation)

    def grown(self) -> Written:
        """Return the network, of those layers alone that something of the last one comes of."""
        needed, kept = {self.layers[-1]["name"]}, []
        for layer in reversed(self.layers):
            if layer["name"] in needed:
                needed |= {each.partition(":")[0] for each in layer["inputs"]}
                kept.append(layer)
        return {"input_shape": self.input_shape, "layers": kept[::-1], "rules": NORMS}


@pytest.mark.parametrize("seed", range(100))
def test_a_network_drawn_at_random_is_pytorchs(seed: int) -> None:
    growing = Growing(Random(seed))
    for _ in range(growing.draw.randint(3, 12)):
        growing.grow()
    document = growing.grown()
    network = Network(Spec.model_validate({"seed": seed, **document}), 2**40)
    inputs = np.random.default_rng(seed).standard_normal((EXAMPLES, *document["input_shape"]))
    stages = network.run({"input": inputs})
    arrays = {
        stage.place.name: {
            name: torch.tensor(node.value.astype(np.float64), requires_grad=True)
            for name, node in stage.weights.items()
        }
        for stage in stages
    }
    wanted = run(document["layers"], arrays, torch.tensor(inputs))
    out = stages[-1].out
    size = float(np.abs(out.value).max())
    np.testing.assert_allclose(out.value, wanted.detach().numpy(), rtol=1e-9, atol=1e-10 * size)
    gradient = np.random.default_rng(seed + 1).standard_normal(out.value.shape)
    tape.backward(out, gradient)
    if wanted.requires_grad:  # or nothing in it has weights
        wanted.backward(torch.tensor(gradient))
    for stage in stages:
        for name, node in stage.weights.items():
            theirs = arrays[stage.place.name][name].grad
            if theirs is None or node.gradient is None:  # what a batch norm keeps for later
                assert theirs is None
                assert node.gradient is None
                continue
            largest = float(theirs.abs().max())
            np.testing.assert_allclose(node.gradient, theirs.numpy(), rtol=1e-7, atol=1e-8 * max(1.0, largest))
