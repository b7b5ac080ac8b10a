"""Layouts of frameworks beside Keras, PyTorch and Flax: a row each of OTHERS, by what it calls, turns and joins.

To add one, write its row (manner.py says what a row has), name it in OTHERS and in layouts.py.
"""

from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Layout, Placement, Placements
from service.networks.others.flax import transposed_kernels
from service.networks.others.manner import EQUINOX, HAIKU, MLX, ONNX, TENSORFLOW1, Manner
from service.networks.others.placing import placed_by

OTHERS: dict[Layout, Manner] = {
    "equinox": EQUINOX, "haiku": HAIKU, "mlx": MLX, "onnx": ONNX, "tensorflow1": TENSORFLOW1
}  # fmt: skip

__all__ = ["OTHERS", "EveryLayout"]


class EveryLayout(dict[Layout, tuple[Placement, ...]]):
    """A layer's arrays in every layout; those of OTHERS are found when they are asked for.

    Raises UnsupportedCombination for a layer that such a framework cannot have.
    """

    def __init__(self, layer: LayerSpec) -> None:
        super().__init__(layer.placed())
        self.layer = layer

    def __missing__(self, layout: Layout) -> tuple[Placement, ...]:
        native: Placements = self.layer.placements()
        if layout == "flax_transpose_kernel":
            found = transposed_kernels(self.layer, native["flax"])
        else:
            found = tuple(placed_by(OTHERS[layout], self.layer))
        self[layout] = found
        return found
