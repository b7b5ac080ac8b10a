"""A framework's manner of keeping arrays: names, axes and gates, a row each.

Sources: Equinox 0.13 (equinox.nn), dm-haiku 0.0.17, MLX 0.32 (mlx.nn), ONNX's operators (opset 23), TensorFlow 1.15
(tf.layers, tf.nn.rnn_cell).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from service.networks.layers.recurrent import Place, Recurrent
from service.networks.layouts import Arrangement, Flip, Move, Placement
from service.networks.others import cells

Turn: TypeAlias = Callable[[Arrangement, int], Arrangement]


def as_it_is(kernel: Arrangement, spatial: int) -> Arrangement:
    """(*field, in, out)."""
    return kernel


def outputs_first(kernel: Arrangement, spatial: int) -> Arrangement:
    """(out, in, *field)."""
    return Move(kernel, (spatial + 1, spatial, *range(spatial)))


def around_field(kernel: Arrangement, spatial: int) -> Arrangement:
    """(out, *field, in)."""
    return Move(kernel, (spatial + 1, *range(spatial), spatial))


def turned_round(kernel: Arrangement, spatial: int) -> Arrangement:
    """(*field, out, in), every axis of the field backwards."""
    return Flip(kernel, spatial)


def field_last(kernel: Arrangement, spatial: int) -> Arrangement:
    """(out, in, *field) of (*field, out, in), every axis of the field backwards."""
    return Move(Flip(kernel, spatial), (spatial, spatial + 1, *range(spatial)))


def field_between(kernel: Arrangement, spatial: int) -> Arrangement:
    """(out, *field, in) of (*field, out, in)."""
    return Move(kernel, (spatial, *range(spatial), spatial + 1))


def inputs_first(kernel: Arrangement, spatial: int) -> Arrangement:
    """(in, out, *field) of (*field, out, in)."""
    return Move(kernel, (spatial + 1, spatial, *range(spatial)))


@dataclass(frozen=True)
class Manner:
    """One framework's.

    `names` are its words for canonical parameters, `parts` those for layers within layers. `kernel` turns a dense or
    convolution's kernel, `transposed` that of a transposed one, which `joins_groups` where groups stand in the
    outputs. `cell` places a recurrent cell's arrays. `lacks` says of layer types that there are none, and why.
    `forget_shift` says what its lstm adds to the forget gate itself, and how to have the other layouts' network.
    """

    called: str
    separator: str
    names: Mapping[str, str]
    kernel: Turn
    transposed: Turn
    cell: Callable[[Recurrent, Place], list[Placement]]
    joins_groups: bool = False
    conv_names: Mapping[str, str] = field(default_factory=dict)
    bias_axes: bool = False  # a convolution's bias has an axis of one for each of the field
    attention: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    by_type: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    forget_shift: str | None = None

    def name(self, kind: str, canonical: str) -> str:
        return self.by_type.get(kind, {}).get(canonical) or self.names.get(canonical, canonical)


TORCH_LIKE = {
    "kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias", "scale": "weight",
    "moving_mean": "running_mean", "moving_variance": "running_var", "lora_kernel_a": "lora_a",
    "lora_kernel_b": "lora_b", "alpha": "weight",
}  # fmt: skip
PROJECTIONS = {"query": "query_proj", "key": "key_proj", "value": "value_proj", "attention_output": "out_proj"}

EQUINOX = Manner(
    called="Equinox",
    separator=".",
    names={**TORCH_LIKE, "alpha": "negative_slope"},
    kernel=outputs_first,
    transposed=field_last,
    joins_groups=True,
    bias_axes=True,
    cell=cells.equinox,
    attention={**PROJECTIONS, "attention_output": "output_proj"},
    lacks={"simple_rnn": "equinox.nn has LSTMCell and GRUCell, but no simple cell"},
)
MLX = Manner(
    called="MLX",
    separator=".",
    names=TORCH_LIKE,
    kernel=around_field,
    transposed=field_between,
    cell=cells.mlx,
    attention=PROJECTIONS,
    parts={
        "dense_1": "linear1", "dense_2": "linear2", "norm_1": "ln1", "norm_2": "ln2", "norm_3": "ln3", "norm": "ln"
    },
)  # fmt: skip
HAIKU = Manner(
    called="Haiku",
    separator="/",
    names={
        "kernel": "w", "bias": "b", "gamma": "scale", "beta": "offset", "lora_kernel_a": "lora_a",
        "lora_kernel_b": "lora_b", "moving_mean": "mean_ema/average", "moving_variance": "var_ema/average",
    },
    kernel=as_it_is,
    transposed=turned_round,
    cell=cells.haiku,
    attention={"attention_output": "linear"},
    lacks={
        "gru": "Haiku's GRU resets the state before the matrix that this one resets it behind: no arrays make them one"
    },
    forget_shift="Haiku's LSTM adds 1 to its forget gate itself: to have the network of the other layouts, subtract 1 "
    "from the third quarter of linear/b",
)  # fmt: skip
ONNX = Manner(
    called="ONNX",
    separator=".",
    names={
        "kernel": "B", "bias": "C", "embeddings": "data", "gamma": "scale", "beta": "B", "alpha": "slope",
        "moving_mean": "input_mean", "moving_variance": "input_var",
    },
    kernel=as_it_is,
    transposed=inputs_first,
    conv_names={"kernel": "W", "bias": "B"},
    cell=cells.onnx,
    by_type={"layer_norm": {"gamma": "Scale"}, "group_norm": {"beta": "bias"}},
)  # fmt: skip
TENSORFLOW1 = Manner(
    called="TensorFlow 1",
    separator="/",
    names={},
    kernel=as_it_is,
    transposed=as_it_is,
    cell=cells.tensorflow1,
    forget_shift="TensorFlow's BasicLSTMCell adds its forget_bias, 1 by default, to its forget gate itself: to have "
    "the network of the other layouts, build it with forget_bias=0.0",
)
