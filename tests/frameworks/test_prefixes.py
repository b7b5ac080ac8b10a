"""A scheme under a framework's prefix, on every layer: on the array as the real framework's initialiser is given it."""

from collections.abc import Callable, Iterator
from typing import Any

import flax.linen as nn
import jax
import keras
import numpy as np
import pytest
import torch
from flax.traverse_util import flatten_dict
from jax._src.nn import initializers as jax_initializers
from keras.src.initializers import random_initializers
from numpy.typing import NDArray

from service.errors import InvalidSpec
from service.networks.layouts import LAYOUTS, as_they_are
from service.specs.spec import Spec
from tests.frameworks import flax_layers, keras_layers, torch_layers
from tests.frameworks.networks import LAYERS, Arrays, draw

Array = NDArray[Any]
init = torch.nn.init
MORE: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "square dense": ({"type": "dense", "shape": [8, 8]}, (8,)),
    "gru, both ways and stacked": ({"type": "gru", "shape": [6, 5], "bidirectional": True, "num_layers": 2}, (7, 6)),
    "transposed in groups": ({"type": "conv2d_transpose", "shape": [3, 2, 6, 4], "groups": 2}, (7, 6, 6)),
    "bilinear": ({"type": "bilinear", "shape": [4, 5, 6]}, ()),
}
EVERY = LAYERS | MORE
IN_FLAX = [
    name
    for name, (layer, _) in LAYERS.items()
    if not layer["type"].startswith("separable") and layer["type"] != "prelu"
]
ATTRIBUTES = ("kernel", "recurrent", "depthwise", "pointwise", "embeddings")


def matrices_in(layer: dict[str, Any], layout: Any) -> list[str]:
    """Return the canonical parameters that stand in arrays of two axes or more."""
    (spec,) = Spec.model_validate({"layers": [layer]}).weighted
    forms = as_they_are({parameter.name: parameter.shape for parameter in spec.parameters()})
    placed = [placement.of for placement in spec.placements()[layout] if len(placement.of.form(forms).shape) > 1]
    return [name for of in placed for name in of.sources()]


def ours(layer: dict[str, Any], scheme: object, framework: str, layout: str) -> Arrays:
    """Return, in a layout, a layer whose matrices in a framework are by a scheme."""
    names = matrices_in(layer, framework)
    rules = [{"match": f"layer/{name}", "scheme": scheme} for name in names]
    return draw({**layer, "name": "layer"}, rules=rules, layout=layout, dtype="float64")


def in_torch(name: str, scheme: object) -> Iterator[tuple[Array, torch.Tensor]]:
    """Yield our arrays as torch has them, and torch's own, empty."""
    layer = EVERY[name][0]
    arrays = ours(layer, scheme, "pytorch", "pytorch")
    for key, value in torch_layers.build(layer).state_dict().items():
        if value.dim() > 1:
            yield arrays[key], torch.empty(value.shape)


def orthonormal(matrix: Array) -> bool:
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    return bool(np.abs(gram - np.eye(gram.shape[0])).max() < 1e-6)


WITH_MATRICES = [name for name in EVERY if matrices_in(EVERY[name][0], "pytorch")]


@pytest.mark.parametrize("name", WITH_MATRICES)
def test_orthogonal_is_torchs(name: str) -> None:
    for array, real in in_torch(name, "torch:orthogonal"):
        assert orthonormal(init.orthogonal_(real).flatten(1).double().numpy())
        assert orthonormal(array.reshape(array.shape[0], -1))


@pytest.mark.parametrize("name", WITH_MATRICES)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_kaiming_counts_torchs_fans(name: str, mode: str) -> None:
    for array, real in in_torch(name, {"name": "torch:kaiming_uniform", "mode": mode}):
        bound = np.sqrt(6.0 / init._calculate_correct_fan(real, mode))
        assert np.abs(array).max() <= bound
        assert np.abs(array).max() > 0.8 * bound


OF_TWO_AXES = [
    name
    for name in WITH_MATRICES
    if all(value.dim() <= 2 for value in torch_layers.build(EVERY[name][0]).state_dict().values())
]


@pytest.mark.parametrize("name", OF_TWO_AXES)
def test_eye_and_sparse_are_torchs(name: str) -> None:
    for array, real in in_torch(name, "torch:eye"):
        assert np.array_equal(array, init.eye_(real).numpy())
    for array, real in in_torch(name, {"name": "torch:sparse", "sparsity": 0.4}):
        assert np.array_equal((array == 0.0).sum(0), (init.sparse_(real, 0.4) == 0.0).sum(0).numpy())


@pytest.mark.parametrize("name", [name for name in EVERY if "conv" in EVERY[name][0]["type"]])
def test_dirac_is_torchs(name: str) -> None:
    for groups in (1, None):
        scheme: dict[str, Any] = {"name": "torch:dirac"} | ({"groups": groups} if groups else {})
        layer = EVERY[name][0]
        modules = [module for module in torch_layers.build(layer).modules() if hasattr(module, "groups")]
        for (array, real), module in zip(in_torch(name, scheme), modules, strict=True):
            assert np.array_equal(array, init.dirac_(real, groups or module.groups).numpy())


CALLS: list[tuple[int, ...]] = []


@keras.saving.register_keras_serializable("tests")
class Numbered(keras.initializers.Initializer):  # type: ignore[misc]
    """Remembers the shapes that it is called with, and fills each array with the number of its call."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        CALLS.append(tuple(shape))
        return keras.ops.full(shape, float(len(CALLS) - 1))

    def get_config(self) -> dict[str, Any]:
        return {}


def called_in_keras(layer: dict[str, Any], inputs: tuple[int, ...], initializer: Any) -> dict[str, Any]:
    """Return a built layer's variables whose matrices an initialiser has made."""
    made = keras_layers.construct(layer)
    if isinstance(made, keras.layers.Bidirectional):
        cell = type(made.forward_layer)(
            layer["shape"][1], kernel_initializer=initializer, recurrent_initializer=initializer, name=layer["type"]
        )
        made = keras.layers.Bidirectional(cell)
    else:
        holder = getattr(made, "cell", made)
        for attribute in ATTRIBUTES:
            for spelling in (f"{attribute}_initializer", f"_{attribute}_initializer"):
                if hasattr(holder, spelling):
                    setattr(holder, spelling, initializer)
    if layer["type"] in ("multi_head_attention", "grouped_query_attention"):
        made.build((None, *inputs), (None, *inputs))
    else:
        made.build((None, *inputs))
    return keras_layers.variables(made)


IN_KERAS = [
    name for name in LAYERS if any("kernel" in each or "emb" in each for each in matrices_in(LAYERS[name][0], "keras"))
]


@pytest.mark.parametrize("name", IN_KERAS)
def test_orthogonal_and_identity_act_on_keras_arrays(name: str) -> None:
    layer, inputs = LAYERS[name]
    CALLS.clear()
    variables = called_in_keras(layer, inputs, Numbered())
    arrays = ours(
        {**layer, "bias": None} if layer["type"] != "embedding" else layer, "keras:orthogonal", "keras", "keras"
    )
    seen = 0
    for path, array in arrays.items():
        if array.ndim < 2:
            continue
        shape = CALLS[int(np.asarray(keras.ops.convert_to_numpy(variables[path])).ravel()[0])]
        assert shape == array.shape
        assert orthonormal(array.reshape(-1, shape[-1]))
        seen += 1
    assert seen == len(CALLS)


@pytest.mark.parametrize("name", IN_KERAS)
def test_he_counts_keras_fans(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, inputs = LAYERS[name]
    counted = []
    compute = random_initializers.compute_fans

    def spy(*given: Any, **named: Any) -> Any:
        counted.append(compute(*given, **named))
        return counted[-1]

    monkeypatch.setattr(random_initializers, "compute_fans", spy)
    called_in_keras(layer, inputs, keras.initializers.HeUniform())
    kernels = {**layer, "bias": None} if layer["type"] != "embedding" else layer
    assert fans_of(kernels, "keras:he_uniform", "keras") == set(counted)


def fans_of(layer: dict[str, Any], scheme: str, framework: Any) -> set[tuple[float, float]]:
    """Return the fans that the arrays of a framework are counted by."""
    rules = [{"match": f"layer/{name}", "scheme": scheme} for name in matrices_in(layer, framework)]
    spec = {"seed": 1, "layout": framework, "layers": [{**layer, "name": "layer"}], "rules": rules}
    planned = [parameter.source for parameter in Spec.model_validate(spec).plan().parameters]
    return {(s.fans.fan_in, s.fans.fan_out) for s in planned if s.choice.scheme.name == scheme}


def called_in_flax(layer: dict[str, Any], inputs: tuple[int, ...], initializer: Callable[..., Any]) -> dict[str, Any]:
    module = flax_layers.build(layer)
    names = ["kernel_init", "recurrent_kernel_init", "embedding_init"]
    if layer["type"].endswith("norm"):  # over several axes scale and bias are arrays of several axes
        names += ["scale_init", "bias_init"]

    def with_initializer(one: Any) -> Any:
        return one.clone(**{name: initializer for name in names if hasattr(one, name)})

    if isinstance(module, nn.Bidirectional):
        module = nn.Bidirectional(
            *(nn.RNN(with_initializer(each.cell)) for each in (module.forward_rnn, module.backward_rnn))
        )
    elif isinstance(module, nn.RNN):
        module = nn.RNN(with_initializer(module.cell))
    else:
        module = with_initializer(module)
    tree = module.init(jax.random.key(0), flax_layers.example(layer, inputs))
    found = {"/".join(path[1:]): value for path, value in flatten_dict(tree).items()}
    if layer["type"] in ("simple_rnn", "lstm", "gru") and not layer.get("bidirectional"):
        found = {path.removeprefix("cell/"): value for path, value in found.items()}
    return found


def numbered(key: Any, shape: Any, dtype: Any = None, **more: Any) -> Any:
    CALLS.append(tuple(shape))
    return jax.numpy.full(shape, float(len(CALLS) - 1))


WITH_MATRICES_IN_FLAX = [name for name in IN_FLAX if matrices_in(LAYERS[name][0], "flax")]


@pytest.mark.parametrize("name", WITH_MATRICES_IN_FLAX)
def test_orthogonal_acts_on_what_flaxs_initialisers_are_called_with(name: str) -> None:
    layer, inputs = LAYERS[name]
    CALLS.clear()
    real = called_in_flax(layer, inputs, numbered)
    kernels = {**layer, "bias": None} if layer["type"] == "multi_head_attention" else layer
    arrays = ours(kernels, "jax:orthogonal", "flax", "flax")
    for path, array in arrays.items():
        if array.ndim > 1:
            called = CALLS[int(np.asarray(real[path]).ravel()[0])]
            assert orthonormal(array.reshape(-1, called[-1])), path


@pytest.mark.parametrize("name", WITH_MATRICES_IN_FLAX)
def test_he_counts_flaxs_fans(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, inputs = LAYERS[name]
    counted = []
    compute = jax_initializers._compute_fans

    def spy(*given: Any, **named: Any) -> Any:
        counted.append(compute(*given, **named))
        return counted[-1]

    monkeypatch.setattr(jax_initializers, "_compute_fans", spy)
    called_in_flax(layer, inputs, jax.nn.initializers.he_uniform())
    kernels = {**layer, "bias": None} if layer["type"] == "multi_head_attention" else layer
    assert fans_of(kernels, "jax:he_uniform", "flax") == set(counted)


def three_axes(layer: dict[str, Any], layout: str, names: list[str]) -> bool:
    """Whether a layer has a matrix of three axes or more in a framework."""
    (spec,) = Spec.model_validate({"layers": [layer]}).weighted
    forms = as_they_are({parameter.name: parameter.shape for parameter in spec.parameters()})
    placed = [each.of for each in spec.placements()[layout] if set(each.of.sources()) & set(names)]  # type: ignore[index]
    return any(len(of.form(forms).shape) > 2 for of in placed)


SCHEMES = {"torch:orthogonal": "pytorch", "torch:sparse": "pytorch", "torch:eye": "pytorch", "jax:orthogonal": "flax",
           "keras:orthogonal": "keras", "keras:identity": "keras"}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in LAYERS if name in WITH_MATRICES])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_layout_only_moves_what_a_prefixed_scheme_made(name: str, scheme: str) -> None:
    layer, inputs = LAYERS[name]
    names = [each for each in matrices_in(layer, SCHEMES[scheme]) if not each.endswith("bias")]
    rules = [{"match": "*", "scheme": {"name": "random_normal", "mean": 0.2, "stddev": 0.3}}]
    rules += [{"match": f"layer/{each}", "scheme": scheme} for each in names]  # type: ignore[dict-item]
    if three_axes(layer, SCHEMES[scheme], names) and scheme.partition(":")[2] in ("sparse", "eye", "identity"):
        with pytest.raises(InvalidSpec, match="exactly two axes"):
            draw({**layer, "name": "layer"}, rules=rules)
        return
    made = {layout: draw({**layer, "name": "layer"}, rules=rules, layout=layout) for layout in LAYOUTS}
    x = np.random.default_rng(0).standard_normal((3, *inputs)).astype(np.float32)
    if layer["type"] == "embedding":
        x = np.random.default_rng(0).integers(0, layer["shape"][0], (3, *inputs)).astype(np.int32)
    of_keras = keras_layers.run(layer, keras_layers.load(layer, inputs, made["keras"]), x)
    of_torch = torch_layers.run(layer, torch_layers.load(layer, made["pytorch"]), x)
    assert np.abs(of_keras - of_torch).max() < 1e-5 * max(1.0, np.abs(of_keras).max())
    if name in IN_FLAX:
        of_flax = flax_layers.run(layer, made["flax"], x)
        assert np.abs(of_keras - of_flax).max() < 1e-5 * max(1.0, np.abs(of_keras).max())
