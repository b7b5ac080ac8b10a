"""Layers: one file a family; the union `Layer` is the registry.

What has no weights is in structure.py. To add a layer, write its class (its `type`, its sizes, its `parameters` and
where each layout places them), name it in the union, and say in names.py what the frameworks call it.
"""

from typing import Annotated, TypeAlias, get_args

from pydantic import BeforeValidator, Field

from service.networks.layers.attention import GroupedQueryAttention, MultiHeadAttention
from service.networks.layers.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from service.networks.layers.dense import Bilinear, Dense, MoeDense, TransformersConv1D
from service.networks.layers.dropout import Dropout
from service.networks.layers.einsum import EinsumDense
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import LayerSpec
from service.networks.layers.names import by_own_type
from service.networks.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, PRelu, RmsNorm
from service.networks.layers.recurrent import Gru, Lstm, SimpleRnn
from service.networks.layers.structure import AnyStructure
from service.networks.layers.tensor import Tensor
from service.networks.layers.transformer import (
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

AnyLayer: TypeAlias = (
    Dense
    | TransformersConv1D
    | Bilinear
    | MoeDense
    | EinsumDense
    | Conv1D
    | Conv2D
    | Conv3D
    | Conv1DTranspose
    | Conv2DTranspose
    | Conv3DTranspose
    | DepthwiseConv1D
    | DepthwiseConv2D
    | SeparableConv1D
    | SeparableConv2D
    | Embedding
    | SimpleRnn
    | Lstm
    | Gru
    | MultiHeadAttention
    | GroupedQueryAttention
    | TransformerEncoderLayer
    | TransformerEncoder
    | TransformerDecoderLayer
    | TransformerDecoder
    | BatchNorm
    | LayerNorm
    | GroupNorm
    | InstanceNorm
    | RmsNorm
    | PRelu
    | Dropout
    | Tensor
)
Layer: TypeAlias = Annotated[AnyLayer | AnyStructure, Field(discriminator="type"), BeforeValidator(by_own_type)]
LAYERS: dict[str, type[LayerSpec]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(AnyLayer)
}
