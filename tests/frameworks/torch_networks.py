"""The network of a spec in torch: each layer in a few lines of torch's own functions, for gradients and training."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from service.specs.spec import Spec

Document = dict[str, Any]
Tensors = dict[str, torch.Tensor]

ACTIVATIONS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda x: x, "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "sin": torch.sin,
    "gelu": functional.gelu, "silu": functional.silu, "elu": functional.elu, "selu": functional.selu,
    "softsign": functional.softsign, "relu6": functional.relu6, "softplus": functional.softplus,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.01), "hard_tanh": functional.hardtanh,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
}  # fmt: skip


def weights_of(layers: list[Document], seed: int, **more: Any) -> dict[str, Tensors]:
    """Return each layer's arrays as /init gives them, ready to be trained."""
    spec = Spec.model_validate({"seed": seed, "layers": layers, **more})
    return {
        layer.name: {
            array.source.stated.name: torch.tensor(
                np.concatenate(list(array.blocks())).reshape(array.shape).astype(np.float64), requires_grad=True
            )
            for array in layer.parameters
        }
        for layer in spec.plan().layers
    }


def run(layers: list[Document], weights: Mapping[str, Tensors], x: torch.Tensor) -> torch.Tensor:
    """Send a batch through and return what the last layer gives."""
    made: dict[str, torch.Tensor] = {"input": x}
    out = x
    documents = {layer["name"]: layer for layer in layers}
    for layer in layers:
        inputs = [made[name] for name in layer["inputs"]] if "inputs" in layer else [out]
        own = weights.get(layer["name"], {})
        if layer["type"] == "split":
            parts = inputs[0].split(layer["sizes"], layer.get("axis", -1))
            made |= {f"{layer['name']}:{number}": part for number, part in enumerate(parts)}
            continue
        if layer["type"] == "tied":
            out = tied(layer, documents[layer["to"]], weights[layer["to"]], *inputs)
        else:
            out = RULES[layer["type"]](layer, own, *inputs)
        made[layer["name"]] = out = ACTIVATIONS[activation_of(layer)](out)
    return out


def activation_of(layer: Document) -> str:
    within = ("lstm", "gru", "simple_rnn", "activation")
    return "linear" if layer["type"] in within else layer.get("activation", "linear")


def biased(y: torch.Tensor, own: Tensors, name: str = "bias") -> torch.Tensor:
    return y + own[name] if name in own else y


def tied(layer: Document, to: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    return x @ next(iter(own.values())).T if layer.get("transposed") else RULES[to["type"]](to, own, x)


def dense(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    y = x @ own["kernel"]
    if "lora_kernel_a" in own:
        y = y + x @ own["lora_kernel_a"] @ own["lora_kernel_b"]
    siren = layer.get("activation") == "sin" and "siren" in str(layer.get("scheme"))
    return biased(y, own) * (30.0 if siren else 1.0)


def first(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(-1, 1)


def last(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(1, -1)


def padded(layer: Document, x: torch.Tensor, fields: list[int]) -> torch.Tensor:
    """Pad so that with `same` ceil(n / stride) places come out, more of it at the end, as in Keras."""
    kind, stride = layer.get("padding", "circular"), layer.get("strides", 1)
    pads: list[int] = []
    for axis in reversed(range(len(fields))):
        if kind == "same":
            size = x.shape[2 + axis]
            whole = max((-(-size // stride) - 1) * stride + fields[axis] - size, 0)
            pads += [whole // 2, whole - whole // 2]
        elif kind == "circular":
            pads += [fields[axis] // 2, fields[axis] - 1 - fields[axis] // 2]
        else:
            pads += [0, 0] if kind == "valid" else [kind, kind]
    return functional.pad(x, pads, mode="circular" if kind == "circular" and any(pads) else "constant")


def conv(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    fields = layer["shape"][:-2]
    kernel = own["kernel"].movedim(-1, 0).movedim(-1, 1)
    x = padded(layer, first(x), fields)
    y = (functional.conv1d, functional.conv2d)[len(fields) - 1](x, kernel, stride=layer.get("strides", 1))
    return biased(last(y), own)


def depthwise(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    *fields, channels, multiplier = layer["shape"]
    kernel = own["kernel"].movedim(-2, 0).movedim(-1, 1).reshape(channels * multiplier, 1, *fields)
    y = functional.conv2d(padded(layer, first(x), fields), kernel, stride=layer.get("strides", 1), groups=channels)
    return biased(last(y), own)


def transposed(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    kernel = own["kernel"].movedim(-1, 0).movedim(-1, 1)  # Keras: (h, w, out, in) -> (in, out, h, w)
    y = functional.conv_transpose2d(first(x), kernel, stride=layer["strides"], padding=layer["padding"])
    return biased(last(y), own)


def standardised(x: torch.Tensor, axes: tuple[int, ...], centred: bool = True) -> torch.Tensor:
    x = x - x.mean(axes, keepdim=True) if centred else x
    return x / torch.sqrt((x * x).mean(axes, keepdim=True) + 1e-5)


def batch_norm(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    return standardised(x, tuple(range(x.ndim - 1))) * own["gamma"] + own["beta"]


def layer_norm(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    return standardised(x, (-1,)) * own["gamma"] + own["beta"]


def rms_norm(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    return standardised(x, (-1,), centred=False) * own["scale"]


def attention(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    _, heads, size = layer["shape"]
    query, key, value = (
        biased(torch.einsum("btd,dhs->bths", x, own[f"{name}/kernel"]), own, f"{name}/bias")
        for name in ("query", "key", "value")
    )
    key, value = (part.repeat_interleave(heads // part.shape[2], 2) for part in (key, value))
    logits = torch.einsum("bqhs,bkhs->bhqk", query, key) * size**-0.5
    if layer.get("causal"):
        steps = x.shape[1]
        logits = logits.masked_fill(torch.ones(steps, steps, dtype=torch.bool).triu(1), -torch.inf)
    read = torch.einsum("bhqk,bkhs->bqhs", logits.softmax(-1), value)
    back = torch.einsum("bqhs,hsd->bqd", read, own["attention_output/kernel"])
    return biased(back, own, "attention_output/bias")


def recurrent(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    (kernel,) = (value for name, value in own.items() if name.endswith("kernel") and "recurrent" not in name)
    (recur,) = (value for name, value in own.items() if name.endswith("recurrent_kernel"))
    bias = next((value for name, value in own.items() if name.endswith("bias")), torch.zeros(kernel.shape[1]))
    state = memory = torch.zeros(len(x), layer["shape"][1], dtype=x.dtype)
    inner_bias = torch.zeros(kernel.shape[1])
    if bias.ndim == 2:
        bias, inner_bias = bias
    act = ACTIVATIONS[layer.get("activation", "tanh")]
    outs = []
    for step in range(x.shape[1]):
        fed, past = x[:, step] @ kernel + bias, state @ recur + inner_bias
        if layer["type"] == "simple_rnn":
            state = act(fed + past)
        elif layer["type"] == "lstm":
            enter, keep, new, leave = (fed + past).chunk(4, -1)
            memory = keep.sigmoid() * memory + enter.sigmoid() * act(new)
            state = leave.sigmoid() * act(memory)
        else:
            (update, reset, new), (u, r, n) = fed.chunk(3, -1), past.chunk(3, -1)
            candidate = act(new + (reset + r).sigmoid() * n)
            update = (update + u).sigmoid()
            state = update * state + (1.0 - update) * candidate
        outs.append(state)
    return torch.stack(outs, 1)


def pool(layer: Document, own: Tensors, x: torch.Tensor) -> torch.Tensor:
    window, strides = layer["window"], layer.get("strides", layer["window"])
    x = first(x)
    if layer.get("padding", "valid") == "same":
        x = functional.pad(x, [(window - 1) // 2, window // 2] * 2, value=-torch.inf)
    by = functional.max_pool2d if layer["type"] == "max_pool" else functional.avg_pool2d
    return last(by(x, window, strides))


def product_of(*factors: torch.Tensor) -> torch.Tensor:
    out = factors[0]
    for factor in factors[1:]:
        out = out * factor
    return out


RULES: Mapping[str, Callable[..., torch.Tensor]] = {
    "dense": dense,
    "conv1d": conv,
    "conv2d": conv,
    "depthwise_conv2d": depthwise,
    "conv2d_transpose": transposed,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "embedding": lambda layer, own, x: own["embeddings"][x],
    "multi_head_attention": attention,
    "grouped_query_attention": attention,
    "lstm": recurrent,
    "gru": recurrent,
    "simple_rnn": recurrent,
    "tensor": lambda layer, own: own["value"][None],
    "add": lambda layer, own, *xs: sum(xs[1:], xs[0]),
    "multiply": lambda layer, own, *xs: product_of(*xs),
    "concatenate": lambda layer, own, *xs: torch.cat(xs, layer.get("axis", -1)),
    "activation": lambda layer, own, x: ACTIVATIONS[layer["activation"]](x),
    "flatten": lambda layer, own, x: x.reshape(len(x), -1),
    "reshape": lambda layer, own, x: x.reshape(len(x), *layer["shape"]),
    "transpose": lambda layer, own, x: x.permute(0, *layer["axes"]),
    "max_pool": pool,
    "average_pool": pool,
    "global_average_pool": lambda layer, own, x: x.mean(tuple(range(1, x.ndim - 1))),
    "upsample": lambda layer, own, x: last(functional.interpolate(first(x), scale_factor=layer["factor"])),
    "pad": lambda layer, own, x: functional.pad(x, [n for pair in reversed(layer["padding"]) for n in pair]),
    "scale": lambda layer, own, x: x * layer["by"],
}
