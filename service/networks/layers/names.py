"""ALIASES: what PyTorch, Keras and Flax call the layer types, each of which may stand as a layer's `type`.

To add a spelling, add it to the row of the type that it means. Spellings are looked up whatever their case, with or
without the package before them (`nn.Linear`, `keras.layers.Dense`).
"""

from collections.abc import Mapping

SPELLINGS: dict[str, str] = {
    "dense": "Dense Linear",
    "transformers_conv1d": "transformers.Conv1D",
    "bilinear": "Bilinear",
    "einsum_dense": "EinsumDense Einsum",
    "conv1d": "Conv1D Conv1d Convolution1D Conv",
    "conv2d": "Conv2D Conv2d Convolution2D Conv",
    "conv3d": "Conv3D Conv3d Convolution3D Conv",
    "conv1d_transpose": "Conv1DTranspose ConvTranspose1d conv_transpose1d Convolution1DTranspose ConvTranspose",
    "conv2d_transpose": "Conv2DTranspose ConvTranspose2d conv_transpose2d Convolution2DTranspose ConvTranspose",
    "conv3d_transpose": "Conv3DTranspose ConvTranspose3d conv_transpose3d Convolution3DTranspose ConvTranspose",
    "depthwise_conv1d": "DepthwiseConv1D",
    "depthwise_conv2d": "DepthwiseConv2D",
    "separable_conv1d": "SeparableConv1D SeparableConvolution1D",
    "separable_conv2d": "SeparableConv2D SeparableConvolution2D",
    "embedding": "Embedding Embed EmbeddingBag",
    "simple_rnn": "SimpleRNN RNN SimpleCell SimpleRNNCell RNNCell",
    "lstm": "LSTM LSTMCell OptimizedLSTMCell",
    "gru": "GRU GRUCell",
    "multi_head_attention": "MultiHeadAttention MultiheadAttention MultiHeadDotProductAttention",
    "grouped_query_attention": "GroupedQueryAttention GroupQueryAttention",
    "transformer_encoder_layer": "TransformerEncoderLayer",
    "transformer_encoder": "TransformerEncoder",
    "transformer_decoder_layer": "TransformerDecoderLayer",
    "transformer_decoder": "TransformerDecoder",
    "batch_norm": "BatchNormalization BatchNorm BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
    "layer_norm": "LayerNormalization LayerNorm",
    "group_norm": "GroupNormalization GroupNorm",
    "instance_norm": "InstanceNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d InstanceNormalization",
    "rms_norm": "RMSNormalization RMSNorm",
    "prelu": "PReLU",
    "dropout": "Dropout",
    "tensor": "Parameter Param",
    "add": "Add",
    "multiply": "Multiply",
    "concatenate": "Concatenate Concat",
    "activation": "Activation",
    "flatten": "Flatten",
    "reshape": "Reshape Unflatten",
    "transpose": "Permute",
    "max_pool": "MaxPool1d MaxPool2d MaxPool3d MaxPooling1D MaxPooling2D MaxPooling3D MaxPool1D MaxPool2D MaxPool3D",
    "average_pool": "AvgPool1d AvgPool2d AvgPool3d AveragePooling1D AveragePooling2D AveragePooling3D",
    "global_average_pool": "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D",
    "upsample": "Upsample UpSampling1D UpSampling2D UpSampling3D",
    "pad": "ZeroPadding1D ZeroPadding2D ZeroPadding3D ZeroPad1d ZeroPad2d ZeroPad3d",
    "split": "",
    "scale": "Rescaling",
    "tied": "",
    "dot_product_attention": "scaled_dot_product_attention",
    "relative_positions": "",
    "rotary": "RotaryEmbedding",
}
# Flax's names of a convolution of any number of axes, which the shape tells.
BY_AXES: dict[str, str] = {"conv": "conv{axes}d", "convtranspose": "conv{axes}d_transpose"}
PACKAGES = (
    "nn", "torch.nn", "layers", "keras.layers", "tf.keras.layers", "tensorflow.keras.layers", "linen", "flax.linen",
    "flax.nnx", "nnx",
)  # fmt: skip
ALIASES: dict[str, str] = {
    spelling: kind for kind, text in reversed(SPELLINGS.items()) for spelling in reversed(text.split())
} | {"Conv": "conv2d", "ConvTranspose": "conv2d_transpose"}
BY_CASE: dict[str, str] = {spelling.lower(): kind for spelling, kind in ALIASES.items()}


def own_type(spelling: str, axes: int | None = None) -> str:
    """Return the layer type that a spelling means, itself if none; `axes` are those of a convolution's window."""
    package, _, last = spelling.rpartition(".")
    word = (last if package in PACKAGES else spelling).lower()
    if word in BY_AXES and axes in (1, 2, 3):
        return BY_AXES[word].format(axes=axes)
    return word if word in SPELLINGS else BY_CASE.get(word, spelling)


def by_own_type(value: object) -> object:
    """Return a layer with this service's name of its type, where it has another framework's."""
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        return value
    shape = value.get("shape")
    meant = own_type(value["type"], len(shape) - 2 if isinstance(shape, list) else None)
    if meant == value["type"]:
        return value
    alone = value["type"].lower().endswith("cell") and not value.keys() & {"num_layers", "bidirectional", "projection"}
    return {**({"cell": True} if alone else {}), **value, "type": meant}
