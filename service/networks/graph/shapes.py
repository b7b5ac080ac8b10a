"""SHAPES: what each type of layer gives for what it takes, by the shapes of both, the batch first.

To add a layer type, write its rule and its row. A rule raises CannotTake where the layer cannot take what comes.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

from service.errors import InvalidSpec, UnsupportedCombination
from service.networks.graph.graph import Graph, Place
from service.networks.graph.refusal import CannotTake, sizes
from service.networks.graph.windows import borders_of, slid, spans_of, transposed
from service.networks.layers import structure as s
from service.networks.layers.attention import Attention
from service.networks.layers.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from service.networks.layers.dense import Dense
from service.networks.layers.dropout import Dropout
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import LayerSpec, PlacedSpec
from service.networks.layers.normalization import BatchNorm, GroupNorm, LayerNorm, PRelu, RmsNorm
from service.networks.layers.recurrent import Recurrent
from service.networks.layers.tensor import Tensor
from service.networks.layers.window import by_axis
from service.stream.views import Shape

Shapes: TypeAlias = tuple[Shape, ...]  # of a place: one, or one for each part of a split
MOST_SIZE = 2**40  # elements of what one place gives


def one(came: Shapes) -> Shape:
    if len(came) != 1:
        raise CannotTake("one input")
    return came[0]


def with_features(came: Shapes, features: int) -> Shape:
    """Return the one shape that comes; its last axis must be this long."""
    shape = one(came)
    if len(shape) < 2 or shape[-1] != features:
        raise CannotTake(f"{features} features")
    return shape


def dense(layer: Dense, came: Shapes) -> Shape:
    inputs, outputs = layer.shape
    shape = one(came)
    if shape[-1] != inputs and prod(shape[1:]) == inputs and len(shape) > 2:  # as if a flatten stood between
        return (shape[0], outputs)
    return (*with_features(came, inputs)[:-1], outputs)


AXES = ("length, channels", "height, width, channels", "depth, height, width, channels")


def read(layer: Any, came: Shapes) -> tuple[int, ...]:
    """Return the places of what a convolution takes; raises CannotTake."""
    *field, inputs, _ = layer.shape
    shape = one(came)
    if len(shape) != len(field) + 2 or shape[-1] != inputs:
        raise CannotTake(f"{AXES[len(field) - 1]} with {inputs} channels")
    return shape[1:-1]


def convolution(layer: Convolution | SeparableConvolution, came: Shapes) -> Shape:
    places = slid(layer, read(layer, came))
    return (came[0][0], *places, layer.shape[-1])


def depthwise(layer: DepthwiseConvolution, came: Shapes) -> Shape:
    places = slid(layer, read(layer, came))
    return (came[0][0], *places, prod(layer.shape[-2:]))


def transposed_convolution(layer: TransposedConvolution, came: Shapes) -> Shape:
    places = transposed(layer, read(layer, came))
    return (came[0][0], *places, layer.shape[-1])


def embedding(layer: Embedding, came: Shapes) -> Shape:
    return (*one(came), layer.shape[1])


def recurrent(layer: Recurrent, came: Shapes) -> Shape:
    shape = one(came)
    if len(shape) != 3 or shape[-1] != layer.shape[0]:
        raise CannotTake(f"steps of {layer.shape[0]} features")
    return (*shape[:2], layer.shape[1] * (2 if layer.bidirectional else 1))


def attention(layer: Attention, came: Shapes) -> Shape:
    width = layer.shape[0]
    if not 1 <= len(came) <= 2 or any(len(shape) != 3 or shape[-1] != width for shape in came):
        raise CannotTake(f"steps of {width} features, or queries and what keys and values are made of")
    if layer.causal and came[0][1] != came[-1][1]:
        raise CannotTake("as many keys as queries, where it is causal")
    return came[0]


def of_last_axes(layer: LayerNorm | RmsNorm | PRelu, came: Shapes) -> Shape:
    shape = one(came)
    count = len(layer.shape)
    if shape[1:][-count:] != tuple(layer.shape) and layer.shape != [1]:
        raise CannotTake(f"{' × '.join(map(str, layer.shape))} as the last of an example's axes")
    return shape


def of_features(layer: BatchNorm | GroupNorm, came: Shapes) -> Shape:
    return with_features(came, layer.shape[0])


def tensor(layer: Tensor, came: Shapes) -> Shape:
    if came:
        raise CannotTake("nothing: it is an array that others take")
    return (1, *layer.shape)


def dropout(layer: Dropout, came: Shapes) -> Shape:
    return one(came)


def broadcast(layer: s.Add | s.Multiply, came: Shapes) -> Shape:
    if len(came) < 2:
        raise CannotTake("two inputs or more")
    width = max(map(len, came))
    found: list[int] = []
    for each in zip(*((1,) * (width - len(shape)) + shape for shape in came), strict=True):
        known = set(each) - {1}
        if len(known) > 1:
            raise CannotTake("inputs of one shape, but for sizes of 1")
        found.append(known.pop() if known else 1)
    return tuple(found)


def axis_of(axis: int, shape: Shape) -> int:
    """Return an axis counted from 0, the batch; raises CannotTake where there is none."""
    found = axis if axis > 0 else len(shape) + axis
    if not 1 <= found < len(shape):
        raise CannotTake(f"more axes: it works along axis {axis}")
    return found


def concatenate(layer: s.Concatenate, came: Shapes) -> Shape:
    if not came:
        raise CannotTake("one input or more")
    axis = axis_of(layer.axis, came[0])
    rests = {(*shape[1:axis], *shape[axis + 1 :]) for shape in came}
    if len(rests) != 1 or len({len(shape) for shape in came}) != 1:
        raise CannotTake(f"inputs that differ along axis {layer.axis} alone")
    batch = max(shape[0] for shape in came)
    return (batch, *came[0][1:axis], sum(shape[axis] for shape in came), *came[0][axis + 1 :])


def as_it_comes(layer: Any, came: Shapes) -> Shape:
    return one(came)


def flatten(layer: s.Flatten, came: Shapes) -> Shape:
    shape = one(came)
    return (shape[0], prod(shape[1:]))


def reshape(layer: s.ReshapeLayer, came: Shapes) -> Shape:
    shape = one(came)
    whole, known = prod(shape[1:]), prod(size for size in layer.shape if size != -1)
    if whole % known or (-1 not in layer.shape and whole != known):
        raise CannotTake(f"as many numbers as {' × '.join(map(str, layer.shape))} have")
    return (shape[0], *(whole // known if size == -1 else size for size in layer.shape))


def transpose(layer: s.Transpose, came: Shapes) -> Shape:
    shape = one(came)
    if len(shape) != len(layer.axes) + 1:
        raise CannotTake(f"{len(layer.axes)} axes")
    return (shape[0], *(shape[axis] for axis in layer.axes))


def with_places(came: Shapes, stated: Sequence[Any] = ()) -> tuple[int, ...]:
    """Return the places between batch and features: one axis or more, as many as each stated list has entries."""
    places = one(came)[1:-1]
    counts = {len(each) for each in stated if isinstance(each, list)}
    if not places or len(places) > 3 or counts - {len(places)}:
        wanted = f"{min(counts)}" if counts else "one to three"
        raise CannotTake(f"places along {wanted} axes, with features")
    return places


def pool(layer: s.Pool, came: Shapes) -> Shape:
    shape = one(came)
    places = with_places(came, (layer.window, layer.strides, layer.padding))
    spans = spans_of(layer, len(places))
    if any(max(pair) >= span for pair, span in zip(borders_of(layer, places), spans, strict=True) if max(pair)):
        raise CannotTake("a padding narrower than its window")
    return (shape[0], *slid(layer, places), shape[-1])


def global_pool(layer: s.GlobalAveragePool, came: Shapes) -> Shape:
    shape = one(came)
    with_places(came)
    return (shape[0], shape[-1])


def upsample(layer: s.Upsample, came: Shapes) -> Shape:
    shape, places = one(came), with_places(came, (layer.factor,))
    sizes_ = (size * factor for size, factor in zip(places, by_axis(layer.factor, len(places)), strict=True))
    return (shape[0], *sizes_, shape[-1])


def pad(layer: s.Pad, came: Shapes) -> Shape:
    shape = one(came)
    if len(shape) != len(layer.padding) + 1:
        raise CannotTake(f"{len(layer.padding)} axes")
    found = tuple(size + sum(pair) for size, pair in zip(shape[1:], layer.padding, strict=True))
    if min(found) < 1 or any(size + min(pair) < 1 for size, pair in zip(shape[1:], layer.padding, strict=True)):
        raise CannotTake("more than it cuts off")
    return (shape[0], *found)


def split(layer: s.Split, came: Shapes) -> Shapes:
    shape = one(came)
    axis = axis_of(layer.axis, shape)
    parts = layer.parts(shape[axis])
    if sum(parts) != shape[axis] or min(parts) < 1:
        least = sum(size for size in layer.sizes if size != -1)
        raise CannotTake(f"{'more than ' if -1 in layer.sizes else ''}{least} along axis {layer.axis}")
    return tuple((*shape[:axis], size, *shape[axis + 1 :]) for size in parts)


def dot_product(layer: s.DotProductAttention, came: Shapes) -> Shape:
    heads, few = layer.heads, layer.key_heads or layer.heads
    if not 3 <= len(came) <= 4 or any(len(shape) != 3 for shape in came[:3]):
        raise CannotTake("queries, keys and values, each steps of features, and a bias if any")
    query, key, value = came[:3]
    if query[-1] % heads or key[-1] * heads != query[-1] * few or value[-1] % few or key[1] != value[1]:
        raise CannotTake(f"queries of {heads} heads, and as many keys as values, of {few} heads as wide")
    if layer.causal and query[1] != key[1]:
        raise CannotTake("as many keys as queries, where it is causal")
    if len(came) == 4 and came[3][1:] != (query[1], key[1], heads):
        raise CannotTake(f"a bias of {query[1]} × {key[1]} × {heads}")
    return (*query[:2], value[-1] // few * heads)


def relative(layer: s.RelativePositions, came: Shapes) -> Shape:
    if len(came) != 2 or any(len(shape) < 2 for shape in came):
        raise CannotTake("queries and keys, whose steps are counted")
    return (1, came[0][1], came[1][1])


def rotary(layer: s.Rotary, came: Shapes) -> Shape:
    shape = one(came)
    width = layer.width or shape[-1] // layer.heads
    if len(shape) != 3 or shape[-1] % layer.heads or width % 2 or width * layer.heads > shape[-1]:
        turned = "an even number" if layer.width is None else f"{width} or more, of which an even number turns,"
        raise CannotTake(f"steps of features for {layer.heads} heads, {turned} each")
    return shape


SHAPES: Mapping[type[PlacedSpec], Callable[[Any, Shapes], Shape]] = {
    Dense: dense,
    Convolution: convolution,
    SeparableConvolution: convolution,
    DepthwiseConvolution: depthwise,
    TransposedConvolution: transposed_convolution,
    Embedding: embedding,
    Recurrent: recurrent,
    Attention: attention,
    LayerNorm: of_last_axes,
    RmsNorm: of_last_axes,
    PRelu: of_last_axes,
    BatchNorm: of_features,
    GroupNorm: of_features,
    Tensor: tensor,
    Dropout: dropout,
    s.Add: broadcast,
    s.Multiply: broadcast,
    s.Concatenate: concatenate,
    s.ActivationLayer: as_it_comes,
    s.Flatten: flatten,
    s.ReshapeLayer: reshape,
    s.Transpose: transpose,
    s.Pool: pool,
    s.GlobalAveragePool: global_pool,
    s.Upsample: upsample,
    s.Pad: pad,
    s.Scale: as_it_comes,
    s.DotProductAttention: dot_product,
    s.RelativePositions: relative,
    s.Rotary: rotary,
}


def given(place: Place, graph: Graph, came: Shapes) -> Shapes:
    """Return the shapes of what a place gives, one but for a split; raises InvalidSpec for what it cannot take."""
    layer = place.layer
    try:
        if isinstance(layer, s.TiedLayer):
            parts: Shapes = (tied(layer, graph.places[place.tied or 0].layer, came),)
        elif isinstance(layer, s.Split):
            parts = split(layer, came)
        else:
            parts = (rule_of(layer, place.pointer)(layer, came),)
    except CannotTake as error:
        raise error.of(place.name, layer.type, came, pointer_of(place)) from None
    if any(prod(part) > MOST_SIZE for part in parts):
        raise InvalidSpec(f"{place.name} would give {sizes(parts[0])}: too much to run", place.pointer)
    return parts


def pointer_of(place: Place) -> str:
    """Return where the sizes of a layer stand that do not fit."""
    stated = place.layer.model_fields_set
    return next(
        (f"{place.pointer}/{member}" for member in ("shape", "window", "sizes") if member in stated), place.pointer
    )


def tied(layer: s.TiedLayer, other: PlacedSpec, came: Shapes) -> Shape:
    if not layer.transposed:
        return rule_of(other, "")(other, came)
    if not isinstance(other, Dense | Embedding):
        raise CannotTake("the transpose of a dense layer's or an embedding's matrix")
    inputs, outputs = other.shape
    return (*with_features(came, outputs)[:-1], inputs)


def rule_of(layer: PlacedSpec, at: str) -> Callable[[Any, Shapes], Shape]:
    for kind in type(layer).__mro__:
        if kind in SHAPES:
            return SHAPES[kind]
    raise UnsupportedCombination(f"a layer of type {layer.type} has no place in a network that runs here", at)


def shapes_of(graph: Graph, inputs: Mapping[str, Shape]) -> list[Shapes]:
    """Return the shapes of what every place gives, for inputs of these shapes, the batch first.

    Raises InvalidSpec for the first layer that cannot take what comes.
    """
    found: list[Shapes] = []
    for place in graph.places:
        found.append(given(place, graph, came_to(place, found, inputs)))
    return found


def came_to(place: Place, found: Sequence[Shapes], inputs: Mapping[str, Shape]) -> Shapes:
    return tuple(inputs[one.name] if one.place is None else found[one.place][one.part] for one in place.takes)


def check_ends(graph: Graph) -> None:
    """Refuse a layer that leads nowhere: what it gives is taken by none, and it is not the last."""
    for place, consumers in zip(graph.places[:-1], graph.consumers[:-1], strict=True):
        if not consumers and not (isinstance(place.layer, LayerSpec) and any_tied(graph, place)):
            last = graph.places[-1].name
            detail = f"no layer takes what {place.name} gives, and the network's output is what {last}, the last, gives"
            raise InvalidSpec(detail, place.pointer)


def any_tied(graph: Graph, place: Place) -> bool:
    return any(other.tied == place.index for other in graph.places)
