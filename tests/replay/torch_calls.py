"""torch's own calls, read as specs: each name stands for the layer or tensor that the call makes."""

from typing import Any

Layer = dict[str, Any]


class Tensor:
    """torch.empty(*shape), and what is called on it."""

    def __init__(self, *shape: int) -> None:
        self.shape = list(shape)

    def layer(self, scheme: Any) -> Layer:
        return {"type": "tensor", "shape": self.shape, "scheme": scheme}

    def uniform_(self, low: float = 0.0, high: float = 1.0) -> Layer:
        return self.layer({"name": "random_uniform", "minval": float(low), "maxval": float(high)})

    def normal_(self, mean: float = 0.0, std: float = 1.0) -> Layer:
        return self.layer({"name": "random_normal", "mean": float(mean), "stddev": float(std)})


class Init:
    """torch.nn.init."""

    def kaiming_uniform_(self, tensor: Tensor, **arguments: Any) -> Layer:
        return tensor.layer({"name": "torch:kaiming_uniform", **arguments})

    def kaiming_normal_(self, tensor: Tensor, **arguments: Any) -> Layer:
        return tensor.layer({"name": "torch:kaiming_normal", **arguments})

    def xavier_uniform_(self, tensor: Tensor, **arguments: Any) -> Layer:
        return tensor.layer({"name": "torch:xavier_uniform", **arguments})

    def xavier_normal_(self, tensor: Tensor, **arguments: Any) -> Layer:
        return tensor.layer({"name": "torch:xavier_normal", **arguments})

    def trunc_normal_(
        self, tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
    ) -> Layer:
        return tensor.layer({"name": "torch:trunc_normal", "mean": mean, "std": std, "a": a, "b": b})

    def sparse_(self, tensor: Tensor, sparsity: float, std: float = 0.01) -> Layer:
        return tensor.layer({"name": "torch:sparse", "sparsity": sparsity, "stddev": std})

    def eye_(self, tensor: Tensor) -> Layer:
        return tensor.layer("identity")

    def dirac_(self, tensor: Tensor, groups: int = 1) -> Layer:
        return tensor.layer({"name": "dirac", "groups": groups})

    def orthogonal_(self, tensor: Tensor, gain: float = 1.0) -> Layer:
        return tensor.layer({"name": "torch:orthogonal", "gain": gain})


class Timm:
    """timm.layers."""

    def trunc_normal_(self, tensor: Tensor, **arguments: float) -> Layer:
        return tensor.layer({"name": "timm:trunc_normal_", **arguments})

    def trunc_normal_tf_(self, tensor: Tensor, **arguments: float) -> Layer:
        return tensor.layer({"name": "timm.layers.trunc_normal_tf_", **arguments})


def kernel(size: int | tuple[int, ...], axes: int) -> list[int]:
    return list(size) if isinstance(size, tuple) else [size] * axes


class Modules:
    """torch.nn."""

    init = Init()

    def Linear(self, inputs: int, outputs: int, bias: bool = True) -> Layer:  # noqa: N802
        return {"type": "dense", "shape": [inputs, outputs], **({} if bias else {"bias": None})}

    def Bilinear(self, first: int, second: int, outputs: int, bias: bool = True) -> Layer:  # noqa: N802
        return {"type": "bilinear", "shape": [first, second, outputs], **({} if bias else {"bias": None})}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("ConvTranspose"):
            return lambda i, o, k, groups=1, bias=True: self.conv(f"conv{name[-2]}d_transpose", i, o, k, groups, bias)
        if name.startswith("Conv"):
            return lambda i, o, k, groups=1, bias=True: self.conv(f"conv{name[-2]}d", i, o, k, groups, bias)
        if name.startswith("BatchNorm"):
            return lambda size: {"type": "batch_norm", "shape": [size]}
        raise AttributeError(name)

    def conv(self, kind: str, i: int, o: int, k: Any, groups: int, bias: bool) -> Layer:
        shape = [*kernel(k, int(kind[4])), i, o]
        return {"type": kind, "shape": shape, "groups": groups, **({} if bias else {"bias": None})}

    def Embedding(self, rows: int, width: int, padding_idx: int | None = None) -> Layer:  # noqa: N802
        padding = {} if padding_idx is None else {"padding_index": padding_idx}
        return {"type": "embedding", "shape": [rows, width], **padding}

    EmbeddingBag = Embedding

    def LayerNorm(self, size: int) -> Layer:  # noqa: N802
        return {"type": "layer_norm", "shape": [size]}

    def recurrent(self, kind: str, inputs: int, units: int, bias: bool = True, **more: Any) -> Layer:
        return {"type": kind, "shape": [inputs, units], **more, **({} if bias else {"bias": None})}

    def RNN(self, *args: Any, **more: Any) -> Layer:  # noqa: N802
        return self.recurrent("simple_rnn", *args, **more)

    def LSTM(self, *args: Any, proj_size: int | None = None, **more: Any) -> Layer:  # noqa: N802
        return {**self.recurrent("lstm", *args, **more), "projection": proj_size}

    def GRU(self, *args: Any, **more: Any) -> Layer:  # noqa: N802
        return self.recurrent("gru", *args, **more)

    def RNNCell(self, *args: Any, **more: Any) -> Layer:  # noqa: N802
        return self.recurrent("simple_rnn", *args, cell=True, **more)

    def LSTMCell(self, *args: Any, **more: Any) -> Layer:  # noqa: N802
        return self.recurrent("lstm", *args, cell=True, **more)

    def GRUCell(self, *args: Any, **more: Any) -> Layer:  # noqa: N802
        return self.recurrent("gru", *args, cell=True, **more)

    def MultiheadAttention(  # noqa: N802
        self, width: int, heads: int, kdim: int | None = None, vdim: int | None = None, add_bias_kv: bool = False
    ) -> Layer:
        widths = {"key_width": kdim, "value_width": vdim, "bias_kv": add_bias_kv}
        return {"type": "multi_head_attention", "shape": [width, heads, width // heads], **widths}

    def TransformerEncoderLayer(self, width: int, heads: int, inner: int) -> Layer:  # noqa: N802
        return {"type": "transformer_encoder_layer", "shape": [width, heads, inner]}

    def TransformerDecoderLayer(self, width: int, heads: int, inner: int) -> Layer:  # noqa: N802
        return {"type": "transformer_decoder_layer", "shape": [width, heads, inner]}

    def TransformerEncoder(self, block: Layer, count: int, norm: Layer | None = None) -> Layer:  # noqa: N802
        kind = block["type"].removesuffix("_layer")
        return {"type": kind, "shape": block["shape"], "num_layers": count, "norm": norm is not None}

    TransformerDecoder = TransformerEncoder

    def Sequential(self, *layers: Layer | None) -> list[Layer]:  # noqa: N802
        return [layer for layer in layers if layer is not None]

    def ReLU(self) -> None:  # noqa: N802
        return None

    def Dropout(self) -> None:  # noqa: N802
        return None

    def Flatten(self) -> None:  # noqa: N802
        return None
