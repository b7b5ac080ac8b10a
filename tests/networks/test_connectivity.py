"""Schemes in which it matters where a value stands, by what a layer connects: groups, gates, experts, heads."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.errors import InvalidSpec
from service.specs.spec import Spec

Array = NDArray[Any]


def arrays(layer: dict[str, Any], **more: Any) -> dict[str, Array]:
    plan = Spec.model_validate({"seed": 1, "dtype": "float64", **more, "layers": [layer]}).plan()
    return {p.name: np.concatenate(list(p.blocks())).reshape(p.shape) for p in plan.parameters}


# A layer, the member that sets a kernel's scheme, the kernel, and the matrices (inputs, outputs) that it is made of.
def grouped(groups: int) -> Any:
    return lambda kernel: [
        part.reshape(-1, part.shape[-1]) for part in np.split(kernel, groups, axis=-1)
    ]  # (*field, in / g, out): outputs in groups


def transposed(groups: int) -> Any:
    # (*field, out / g, in): an input in group g feeds the window of its own outputs
    return lambda kernel: [
        np.moveaxis(part, -1, 0).reshape(part.shape[-1], -1) for part in np.split(kernel, groups, -1)
    ]


def by_channel(kernel: Array) -> list[Array]:
    return [kernel[..., channel, :].reshape(-1, kernel.shape[-1]) for channel in range(kernel.shape[-2])]


def gates(count: int) -> Any:
    return lambda kernel: np.split(kernel, count, axis=1)


def heads_out(kernel: Array) -> list[Array]:
    return [kernel.reshape(kernel.shape[0], -1)]


def heads_in(kernel: Array) -> list[Array]:
    return [kernel.reshape(-1, kernel.shape[-1])]


ATTENTION = {"type": "multi_head_attention", "shape": [12, 3, 4]}
KERNELS: dict[str, tuple[dict[str, Any], str, str, Any]] = {
    "dense": ({"type": "dense", "shape": [7, 5]}, "scheme", "kernel", lambda kernel: [kernel]),
    "conv in groups": (
        {"type": "conv2d", "shape": [3, 2, 8, 12], "groups": 4}, "scheme", "kernel", grouped(4)
    ),
    "conv in groups, wide": (
        {"type": "conv1d", "shape": [1, 4, 12], "groups": 2}, "scheme", "kernel", grouped(2)
    ),
    "transposed in groups": (
        {"type": "conv2d_transpose", "shape": [2, 2, 6, 9], "groups": 3}, "scheme", "kernel", transposed(3)
    ),
    "depthwise": ({"type": "depthwise_conv2d", "shape": [3, 3, 8, 1]}, "scheme", "kernel", by_channel),
    "depthwise, two each": ({"type": "depthwise_conv1d", "shape": [5, 3, 2]}, "scheme", "kernel", by_channel),
    "separable": (
        {"type": "separable_conv2d", "shape": [3, 3, 4, 6], "depth_multiplier": 2},
        "scheme", "depthwise_kernel", by_channel,
    ),
    "lstm": ({"type": "lstm", "shape": [3, 4]}, "recurrent_scheme", "lstm_cell/recurrent_kernel", gates(4)),
    "lstm, inputs": ({"type": "lstm", "shape": [3, 4]}, "scheme", "lstm_cell/kernel", gates(4)),
    "lstm, projected": (
        {"type": "lstm", "shape": [3, 4], "projection": 2}, "recurrent_scheme", "lstm_cell/recurrent_kernel", gates(4)
    ),
    "gru": ({"type": "gru", "shape": [3, 4]}, "recurrent_scheme", "gru_cell/recurrent_kernel", gates(3)),
    "simple": (
        {"type": "simple_rnn", "shape": [3, 4]}, "recurrent_scheme", "simple_rnn_cell/recurrent_kernel", gates(1)
    ),
    "gru, backwards": (
        {"type": "gru", "shape": [3, 4], "bidirectional": True, "num_layers": 2}, "recurrent_scheme",
        "layer_1/backward_gru/gru_cell/recurrent_kernel", gates(3),
    ),
    "experts": ({"type": "moe_dense", "shape": [3, 5, 4]}, "scheme", "kernel", list),
    "queries": (ATTENTION, "scheme", "query/kernel", heads_out),
    "attention's output": (ATTENTION, "output_scheme", "attention_output/kernel", heads_in),
    "einsum": (
        {"type": "einsum_dense", "equation": "bsd,ndh->bsnh", "shape": [3, 6, 2]}, "scheme", "kernel",
        lambda kernel: [kernel.transpose(1, 0, 2).reshape(6, 6)],
    ),
    "einsum of experts": (
        {"type": "einsum_dense", "equation": "bec,ecd->bed", "shape": [3, 5, 4]}, "scheme", "kernel", list
    ),
    "bilinear": ({"type": "bilinear", "shape": [2, 3, 4]}, "scheme", "kernel", heads_in),
}  # fmt: skip
SQUARE = [name for name in KERNELS if name in ("simple", "lstm", "gru", "gru, backwards", "queries", "einsum")]
WITHOUT_WINDOW = [name for name, row in KERNELS.items() if "conv" not in row[0]["type"]]
WITH_WINDOW = [name for name, row in KERNELS.items() if "conv" in row[0]["type"]]


def matrices(name: str, scheme: object, **more: Any) -> list[Array]:
    layer, member, parameter, split = KERNELS[name]
    found: list[Array] = split(arrays({**layer, member: scheme}, **more)[parameter])
    return found


def orthonormal(matrix: Array) -> bool:
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    return bool(np.abs(gram - np.eye(gram.shape[0])).max() < 1e-6)


@pytest.mark.parametrize("name", KERNELS)
def test_orthogonal_is_so_in_each_matrix_that_a_layer_connects(name: str) -> None:
    assert all(orthonormal(matrix) for matrix in matrices(name, "orthogonal"))


@pytest.mark.parametrize("name", WITHOUT_WINDOW)
def test_the_identity_is_in_each(name: str) -> None:
    for matrix in matrices(name, {"name": "identity", "gain": 2.0}):
        assert np.array_equal(matrix, 2.0 * np.eye(*matrix.shape))


@pytest.mark.parametrize("name", WITHOUT_WINDOW)
@pytest.mark.parametrize("columns", ["units", "inputs"])
def test_sparse_has_its_zeros_in_each(name: str, columns: str) -> None:
    for matrix in matrices(name, {"name": "sparse", "sparsity": 0.4, "stddev": 1.0, "columns": columns}):
        axis = 0 if columns == "units" else 1
        assert ((matrix == 0.0).sum(axis) == int(np.ceil(0.4 * matrix.shape[axis]))).all()


@pytest.mark.parametrize("name", SQUARE)
def test_a_reservoir_has_its_radius_in_each(name: str) -> None:
    for matrix in matrices(name, {"name": "reservoir", "radius": 1.25, "sparsity": 0.3}):
        assert np.abs(np.linalg.eigvals(matrix)).max() == pytest.approx(1.25, rel=1e-5)


@pytest.mark.parametrize("name", WITHOUT_WINDOW)
def test_zero_has_full_rank_in_each(name: str) -> None:
    assert all(np.linalg.matrix_rank(matrix) == min(matrix.shape) for matrix in matrices(name, "zer_o"))


# Layers, and the axis of the outputs of a kernel (several that count as one: the first) after `split` has cut it.
@pytest.mark.parametrize(
    ("layer", "split", "axis"),
    [
        ({"type": "dense", "shape": [5, 8]}, (5, 8), 1),
        ({"type": "conv2d", "shape": [3, 2, 8, 16], "groups": 4}, (3, 2, 2, 16), 3),
        ({"type": "conv1d_transpose", "shape": [3, 8, 16], "groups": 2}, (3, 8, 8), 1),
        ({"type": "depthwise_conv2d", "shape": [3, 3, 5, 8]}, (3, 3, 5, 8), 3),
        ({"type": "moe_dense", "shape": [3, 5, 8]}, (3, 5, 8), 2),
    ],
)
def test_icnr_has_outputs_alike_four_by_four(layer: dict[str, Any], split: tuple[int, ...], axis: int) -> None:
    kernel = kernel_of(layer, "icnr").reshape(split)
    outputs = np.moveaxis(kernel, axis, 0)
    pixels = outputs.reshape(-1, 4, *outputs.shape[1:])
    assert (pixels == pixels[:, :1]).all()
    assert len(np.unique(kernel)) == kernel.size // 4


def kernel_of(layer: dict[str, Any], scheme: object) -> Array:
    found = arrays({**layer, "bias": None, "scheme": scheme})
    return next(iter(found.values()))


def enlarged(layer: dict[str, Any], scheme: object, image: Array) -> Array:
    """Return what a transposed convolution makes of an image (height, width, channels), by hand."""
    kernel, stride = kernel_of(layer, scheme), layer["strides"]
    height, width, channels = image.shape
    rows, columns, reach, _ = kernel.shape
    each = channels // layer["groups"]
    out = np.zeros((stride * (height - 1) + rows, stride * (width - 1) + columns, reach * layer["groups"]))
    for y, x, channel in np.ndindex(image.shape):
        first = channel // each * reach
        top, left = stride * y, stride * x
        out[top : top + rows, left : left + columns, first : first + reach] += (
            image[y, x, channel] * kernel[..., channel]
        )
    return out


@pytest.mark.parametrize(("channels", "groups"), [(8, 8), (8, 2), (3, 1)])
@pytest.mark.parametrize(("size", "strides"), [(4, 2), (5, 3)])
def test_bilinear_enlarges_every_channel(channels: int, groups: int, size: int, strides: int) -> None:
    layer = {
        "type": "conv2d_transpose",
        "shape": [size, size, channels, channels],
        "strides": strides,
        "groups": groups,
    }
    made = enlarged(layer, "bilinear", np.ones((6, 6, channels)))
    assert made[size:-size, size:-size] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ({"type": "depthwise_conv2d", "shape": [3, 3, 8, 1]}, "dirac"),
        ({"type": "depthwise_conv1d", "shape": [4, 5, 2]}, "dirac"),
        ({"type": "separable_conv2d", "shape": [3, 2, 4, 6], "depth_multiplier": 2}, "dirac"),
    ],
)
def test_dirac_passes_every_channel_on(layer: dict[str, Any], name: str) -> None:
    kernel = kernel_of(layer, name)
    expected = np.zeros(kernel.shape)
    expected[(*(size // 2 for size in kernel.shape[:-2]), slice(None), 0)] = 1.0
    assert np.array_equal(kernel, expected)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_dirac_passes_a_groups_channels_on_both_ways(groups: int) -> None:
    for kind in ("conv2d", "conv2d_transpose"):
        kernel = kernel_of({"type": kind, "shape": [3, 4, 8, 8], "groups": groups}, "dirac")
        each = 8 // groups
        expected = np.zeros((3, 4, each, 8))
        expected[1, 2] = np.tile(np.eye(each), groups)
        assert np.array_equal(kernel, expected)


def test_depthwise_is_a_convolution_with_as_many_groups_as_channels_to_the_byte() -> None:
    for scheme in ("orthogonal", "dirac", "delta_orthogonal", "bilinear", "he_normal"):
        alone = kernel_of({"name": "c", "type": "depthwise_conv2d", "shape": [3, 3, 8, 1]}, scheme)
        groups = kernel_of({"name": "c", "type": "conv2d", "shape": [3, 3, 8, 8], "groups": 8}, scheme)
        assert np.array_equal(alone[..., 0], groups[:, :, 0]), scheme


@pytest.mark.parametrize("name", WITH_WINDOW)
def test_delta_orthogonal_is_orthogonal_in_each_centre(name: str) -> None:
    layer, member, parameter, _ = KERNELS[name]
    kernel = arrays({**layer, member: "delta_orthogonal"})[parameter]
    centre = tuple((size - 1) // 2 for size in kernel.shape[:-2])
    here = kernel[centre]
    if "depthwise" in layer["type"] or "separable" in layer["type"]:
        parts = [here[channel : channel + 1] for channel in range(here.shape[0])]
    elif "transpose" in layer["type"]:
        parts = [part.T for part in np.split(here, layer["groups"], 1)]
    else:
        parts = np.split(here, layer["groups"], 1)
    for part in parts:
        assert np.abs(part @ part.T - np.eye(part.shape[0])).max() < 1e-6
    kernel[centre] = 0.0
    assert not kernel.any()


@pytest.mark.parametrize(
    ("layer", "scheme"),
    [
        ({"type": "conv2d", "shape": [3, 3, 4, 4]}, "identity"),
        ({"type": "conv2d", "shape": [3, 3, 8, 4]}, "delta_orthogonal"),
        ({"type": "conv2d_transpose", "shape": [3, 3, 8, 4]}, "delta_orthogonal"),
        ({"type": "conv2d", "shape": [3, 3, 4, 8], "groups": 4}, "icnr"),
        ({"type": "dense", "shape": [4, 4]}, "dirac"),
        ({"type": "dense", "shape": [4, 4]}, "bilinear"),
        ({"type": "dense", "shape": [3, 4]}, "reservoir"),
        ({"type": "conv2d", "shape": [3, 3, 4, 4]}, "sparse"),
        ({"type": "conv2d", "shape": [3, 3, 4, 4]}, {"name": "dirac", "groups": 3}),
    ],
)
def test_what_a_layer_has_no_matrix_for_is_refused(layer: dict[str, Any], scheme: object) -> None:
    with pytest.raises(InvalidSpec, match="needs"):
        arrays({**layer, "scheme": scheme})
