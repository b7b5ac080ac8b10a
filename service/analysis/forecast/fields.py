"""What the taps of a layer's window see along each axis: kernels and pools, with strides, dilation and borders."""

from service.analysis.forecast.places import Table, transposed_table, window_table
from service.analysis.forecast.signal import Places
from service.networks.graph.windows import borders_of, spread, steps_of
from service.networks.layers.convolution import Sliding, TransposedConvolution
from service.networks.layers.structure import Pool
from service.networks.layers.window import borders, by_axis


def tables_of(layer: Sliding | Pool | TransposedConvolution, came: Places, given: Places) -> list[Table]:
    """Return what each tap sees along each axis, -1 for what lies beyond the border."""
    axes = len(came)
    ring = layer.padding == "circular"
    if isinstance(layer, TransposedConvolution):
        gaps = by_axis(layer.dilation, axes)
        crops = cropped(layer, axes)
        return [
            transposed_table(size, taps, outputs, layer.strides, gap, crop, ring)
            for size, taps, outputs, gap, crop in zip(came, layer.shape[:-2], given, gaps, crops, strict=True)
        ]
    pool = isinstance(layer, Pool)
    field = by_axis(layer.window, axes) if isinstance(layer, Pool) else layer.shape[:-2]
    gaps = (1,) * axes if pool else by_axis(layer.dilation, axes)  # type: ignore[union-attr]
    befores = [before for before, _ in borders_of(layer, came)]
    return [
        window_table(size, taps, outputs, step, gap, before, ring)
        for size, taps, outputs, step, gap, before in zip(
            came, field, given, steps_of(layer, axes), gaps, befores, strict=True
        )
    ]


def cropped(layer: TransposedConvolution, axes: int) -> list[int]:
    """Return how many places are cut off before each axis of what a transposed kernel writes."""
    spans = [spread(taps, gap) for taps, gap in zip(layer.shape[:-2], by_axis(layer.dilation, axes), strict=True)]
    if layer.padding == "same":
        return [max(span - layer.strides, 0) // 2 for span in spans]
    if isinstance(layer.padding, str):
        return [0] * axes
    return [before for before, _ in borders(layer.padding, axes)]
