"""WAYS: what another width means for each type of layer, which sizes it may choose, and which follow."""

from collections.abc import Mapping, Sequence

from service.analysis.across.axes import FIXED, Axes, Axis, Going, Way, fixed, makers, product, resized
from service.networks.graph.graph import Place
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
from service.networks.layers.normalization import BatchNorm, GroupNorm, LayerNorm, PRelu, RmsNorm
from service.networks.layers.recurrent import Recurrent
from service.networks.layers.tensor import Tensor
from service.stream.views import Shape

Given = tuple[Axes, ...]


def dense(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    (x,), (inputs, outputs) = came, vars(place.layer)["shape"]
    flat = len(gives[0]) < len(x)
    out = at.chosen_by(place, outputs)
    at.write(place, shape=[resized(inputs, product(x) if flat else x[-1]), out.now])
    return ((out,) if flat else (*x[:-1], out),)


def embedding(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    (x,), (rows, width) = came, vars(place.layer)["shape"]
    out = at.chosen_by(place, width)
    at.write(place, shape=[rows, out.now])
    return ((*x, out),)


def convolution(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    """Keep as many groups, unless each channel is one of its own."""
    (x,), layer = came, place.layer
    *field, inputs, outputs = vars(layer)["shape"]
    out = at.chosen_by(place, outputs)
    now = resized(inputs, x[-1])
    at.write(place, shape=[*field, now, out.now])
    groups = vars(layer).get("groups", 1)
    if groups > 1 and groups == inputs:
        at.write(place, groups=now)
    return ((*fixed(gives[0][:-1]), out),)


def depthwise(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    (x,) = came
    *field, inputs, multiplier = vars(place.layer)["shape"]
    now = resized(inputs, x[-1])
    at.write(place, shape=[*field, now, multiplier])
    out = x[-1] if multiplier == 1 else Axis(inputs * multiplier, now * multiplier, None, x[-1].made_of)
    return ((*fixed(gives[0][:-1]), out),)


def recurrent(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    (x,), layer = came, place.layer
    assert isinstance(layer, Recurrent)
    inputs, units = layer.shape
    out = at.chosen_by(place, units)
    at.write(place, shape=[resized(inputs, x[-1]), out.now])
    return ((*x[:-1], Axis(2 * units, 2 * out.now, None, out.made_of) if layer.bidirectional else out),)


def attention(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    x, layer = came[0], place.layer
    assert isinstance(layer, Attention)
    width, heads, size = layer.shape
    now = at.heads(heads)
    at.write(place, shape=[resized(width, x[-1]), now, resized(heads * size, x[-1]) // now])
    if "kv_heads" in vars(layer):
        at.write(place, kv_heads=max(1, layer.key_heads * now // heads))
    return (x,)


def as_it_comes(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    return (came[0],)


def norm(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    shape = vars(place.layer)["shape"]
    if shape != [1]:
        at.write(place, shape=[*shape[:-1], resized(shape[-1], came[0][-1])])
    return (came[0],)


def tensor(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    """Keep places; features are as many as what the array meets."""
    shape = vars(place.layer)["shape"]
    if not shape or shape[-1] == 1:
        return (fixed(gives[0]),)
    out = at.chosen_by(place, shape[-1])
    at.write(place, shape=[*shape[:-1], out.now])
    return ((*fixed(gives[0][:-1]), out),)


def joined(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    count = max(map(len, came))
    whole = [(Axis(1, 1, FIXED),) * (count - len(axes)) + axes for axes in came]
    return (tuple(at.equals.join(axes) for axes in zip(*whole, strict=True)),)


def concatenated(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    count, axis = len(came[0]), vars(place.layer)["axis"]
    along = axis + count if axis < 0 else axis - 1
    return (
        tuple(
            Axis(sum(axis.before for axis in axes), sum(axis.now for axis in axes), None, makers(axes))
            if number == along
            else at.equals.join(axes)
            for number, axes in enumerate(zip(*came, strict=True))
        ),
    )


def split(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    (x,), layer = came, place.layer
    assert isinstance(layer, s.Split)
    along = layer.axis + len(x) if layer.axis < 0 else layer.axis - 1
    at.write(place, sizes=[size if size < 0 else resized(size, x[along]) for size in layer.sizes])
    whole, rest = x[along], x[along + 1 :]
    parts = [Axis(shape[along], resized(shape[along], whole), None, whole.made_of) for shape in gives]
    return tuple((*x[:along], part, *rest) for part in parts)


def flattened(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    return ((product(came[0]),),)


def reshaped(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    """Change the last axis: as what comes where it is as long, else in proportion to all that comes."""
    (x,), layer, (shape,) = came, place.layer, gives
    assert isinstance(layer, s.ReshapeLayer)
    whole = product(x)
    same = shape[-1] == x[-1].before
    last = x[-1] if same else Axis(shape[-1], resized(shape[-1], whole), None, whole.made_of)
    if layer.shape[-1] != -1:
        at.write(place, shape=[*layer.shape[:-1], last.now])
    return ((*fixed(shape[:-1]), last),)


def transposed(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    layer = place.layer
    assert isinstance(layer, s.Transpose)
    return (tuple(came[0][axis - 1] for axis in layer.axes),)


def windowed(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    return ((*fixed(gives[0][:-1]), came[0][-1]),)


def padded(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    """Pad features in proportion to those that come: a shortcut to a wider stage does."""
    (x,), layer = came, place.layer
    assert isinstance(layer, s.Pad)
    beside = [resized(each, x[-1]) for each in layer.padding[-1]]
    at.write(place, padding=[*layer.padding[:-1], beside])
    out = x[-1] if not any(beside) else Axis(gives[0][-1], x[-1].now + sum(beside), None, x[-1].made_of)
    return ((*fixed(gives[0][:-1]), out),)


def dot_product(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    layer, (query, _, value, *bias) = place.layer, came
    assert isinstance(layer, s.DotProductAttention)
    at.write(place, heads=at.heads(layer.heads))
    few = layer.key_heads or layer.heads
    if layer.key_heads is not None:
        at.write(place, key_heads=max(1, few * at.heads(layer.heads) // layer.heads))
    for axes in bias:
        if axes[-1].chosen is not None:
            at.of_heads.add(axes[-1].chosen)
    out = value[-1]
    if few != layer.heads:
        out = Axis(gives[0][-1], resized(gives[0][-1], value[-1]), None, value[-1].made_of)
    return ((*query[:-1], out),)


def rotary(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    layer = place.layer
    assert isinstance(layer, s.Rotary)
    at.write(place, heads=at.heads(layer.heads))
    return (came[0],)


def tied(at: Going, place: Place, came: Sequence[Axes], gives: Sequence[Shape]) -> Given:
    layer, other = place.layer, at.graph.weights_of(place)
    assert isinstance(layer, s.TiedLayer)
    if not layer.transposed:
        kept, before = at.written[place.index], at.chosen.copy()
        given = WAYS[next(kind for kind in type(other).__mro__ if kind in WAYS)](at, place, came, gives)
        at.written[place.index], at.chosen = kept, before
        (axes,) = given
        return ((*axes[:-1], Axis(axes[-1].before, at.choose(place.tied or 0, axes[-1].before), place.tied)),)
    x = came[0]
    assert isinstance(other, Dense | Embedding)
    own = Axis(other.shape[1], at.choose(place.tied or 0, other.shape[1]), place.tied)
    at.equals.join([x[-1], own])
    rows = other.shape[0]
    return ((*x[:-1], Axis(rows, int(at.written[place.tied or 0]["shape"][0]), FIXED)),)


WAYS: Mapping[type, Way] = {
    Dense: dense,
    Embedding: embedding,
    Convolution: convolution,
    TransposedConvolution: convolution,
    SeparableConvolution: convolution,
    DepthwiseConvolution: depthwise,
    Recurrent: recurrent,
    Attention: attention,
    BatchNorm: norm,
    GroupNorm: norm,
    LayerNorm: norm,
    RmsNorm: norm,
    PRelu: norm,
    Tensor: tensor,
    Dropout: as_it_comes,
    s.Add: joined,
    s.Multiply: joined,
    s.Concatenate: concatenated,
    s.ActivationLayer: as_it_comes,
    s.Scale: as_it_comes,
    s.Split: split,
    s.Flatten: flattened,
    s.ReshapeLayer: reshaped,
    s.Transpose: transposed,
    s.Pool: windowed,
    s.Upsample: windowed,
    s.Pad: padded,
    s.GlobalAveragePool: windowed,
    s.DotProductAttention: dot_product,
    s.Rotary: rotary,
    s.TiedLayer: tied,
}
