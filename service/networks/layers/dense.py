"""Layers in which every input feeds every output: dense, with LoRA too, bilinear, and one for each expert."""

from typing import Annotated, Literal

from pydantic import Field

from service.networks.description import Size
from service.networks.fans import Fans
from service.networks.layers.layer import BiasedLayerSpec
from service.networks.layouts import Move, Placement, Placements, Take, everywhere, kernel, named, together
from service.networks.parameters import ZEROS, Parameter
from service.networks.schemes import PRESETS, scaled
from service.networks.site import Axes

HE_UNIFORM = PRESETS["he_uniform"]
# PEFT: kaiming_uniform_(a=sqrt(5)) for A, zeros for B.
PEFT = scaled("variance_scaling", 1.0 / 3.0, "fan_in", "uniform")
LORA: Placements = {
    "keras": (Placement("lora_kernel_a", Take("lora_kernel_a")), Placement("lora_kernel_b", Take("lora_kernel_b"))),
    "pytorch": (
        Placement("lora_A.weight", Move(Take("lora_kernel_a"), (1, 0))),
        Placement("lora_B.weight", Move(Take("lora_kernel_b"), (1, 0))),
    ),
    "flax": (Placement("lora_a", Take("lora_kernel_a")), Placement("lora_b", Take("lora_kernel_b"))),
}


class Dense(BiasedLayerSpec):
    """Every input feeds every output: Keras `Dense`, PyTorch `Linear`, Flax `Dense`; with LoRA where `lora_rank` is."""

    type: Literal["dense"]
    shape: Annotated[list[Size], Field(min_length=2, max_length=2, description="[in, out]", examples=[[784, 256]])]
    lora_rank: Size | None = Field(None, description="Rank of a low-rank update beside the kernel (Hu et al. 2021).")

    def parameters(self) -> tuple[Parameter, ...]:
        inputs, outputs = self.shape
        weights = Parameter("kernel", (inputs, outputs), Fans(inputs, outputs), "weights", "scheme")
        found = self.with_bias(weights, (outputs,))
        if self.lora_rank is None:
            return found
        a = {"recommended": HE_UNIFORM, "keras": HE_UNIFORM, "pytorch": PEFT, "flax": HE_UNIFORM}
        b = dict.fromkeys(a, ZEROS)
        rank = self.lora_rank
        return (
            *found,
            Parameter("lora_kernel_a", (inputs, rank), Fans(inputs, rank), "weights", None, defaults=a),
            Parameter("lora_kernel_b", (rank, outputs), Fans(rank, outputs), "scale", None, defaults=b),
        )

    def placements(self) -> Placements:
        placed = self.placed_with_bias(kernel(0))
        return placed if self.lora_rank is None else together(placed, LORA)


class TransformersConv1D(Dense):
    """A dense layer that keeps its weight as (in, out) in PyTorch too: `Conv1D` of the transformers library."""

    type: Literal["transformers_conv1d"]  # type: ignore[assignment]

    def placements(self) -> Placements:
        weights = named("kernel", "kernel", "weight", "kernel")
        placed = self.placed_with_bias(weights)
        return placed if self.lora_rank is None else together(placed, LORA)


class Bilinear(BiasedLayerSpec):
    """Every pair of two inputs feeds every output: PyTorch `Bilinear`."""

    type: Literal["bilinear"]
    shape: Annotated[list[Size], Field(min_length=3, max_length=3, description="[in1, in2, out]", examples=[[8, 9, 4]])]

    def parameters(self) -> tuple[Parameter, ...]:
        first, second, outputs = self.shape
        true = Fans(first * second, outputs)
        # torch bounds weights and bias by 1 / sqrt(in1) alone.
        weights = Parameter(
            "kernel", (first, second, outputs), true, "weights", "scheme", {"pytorch": Fans(first, outputs * second)},
            axes=Axes.matrix((first, second, outputs), 2),
        )  # fmt: skip
        return self.with_bias(weights, (outputs,))

    def placements(self) -> Placements:
        take = Take("kernel")
        return self.placed_with_bias({
            "keras": (Placement("kernel", take),),
            "pytorch": (Placement("weight", Move(take, (2, 0, 1))),),
            "flax": (Placement("kernel", take),),
        })  # fmt: skip


class MoeDense(BiasedLayerSpec):
    """A dense layer for each expert of a mixture: kernel (experts, in, out), each expert counted by itself."""

    type: Literal["moe_dense"]
    shape: Annotated[
        list[Size], Field(min_length=3, max_length=3, description="[experts, in, out]", examples=[[8, 64, 128]])
    ]

    def parameters(self) -> tuple[Parameter, ...]:
        experts, inputs, outputs = self.shape
        weights = Parameter(
            "kernel",
            (experts, inputs, outputs),
            Fans(inputs, outputs),
            "weights",
            "scheme",
            # Bare three-axis arrays are convolutions to Keras and Flax, and turned round to torch.
            {
                "keras": Fans(experts * inputs, experts * outputs),
                "flax": Fans(experts * inputs, experts * outputs),
                "pytorch": Fans(inputs * outputs, experts * outputs),
            },
            axes=Axes.matrix((experts, inputs, outputs), 1, apart=1),
        )
        return self.with_bias(weights, (experts, outputs))

    def placements(self) -> Placements:
        return self.placed_with_bias(everywhere(Placement("kernel", Take("kernel"))))
