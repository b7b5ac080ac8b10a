"""ONNX's operators, as onnxruntime runs them, on channels-last inputs."""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Arrays = dict[str, NDArray[Any]]


def operate(kind: str, inputs: list[str], arrays: Arrays, x: NDArray[Any], **attributes: Any) -> NDArray[Any]:
    """Run one operator; `inputs` are names of arrays, "x" or "" for none."""
    kept = {name: array for name, array in arrays.items() if name in inputs}
    assert kept.keys() == arrays.keys()
    node = helper.make_node(kind, inputs, ["y"], **attributes)
    dtype = TensorProto.INT32 if x.dtype == np.int32 else TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", dtype, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in kept.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    made: NDArray[Any] = session.run(None, {"x": np.ascontiguousarray(x)})[0]
    return made


def named(arrays: Arrays, *names: str) -> list[str]:
    return [name for name in names if name in arrays]


def run(layer: dict[str, Any], arrays: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    kind = layer["type"]
    if kind == "dense":
        return operate("Gemm", ["x", *named(arrays, "B", "C")], arrays, x)
    if kind.startswith("separable"):
        middle = layer["shape"][-2]
        parts = [{n.partition(".")[2]: a for n, a in arrays.items() if n.startswith(part)} for part in ("dep", "poi")]
        return convolve(parts[1], convolve(parts[0], x, "Conv", group=middle), "Conv")
    if "conv" in kind:
        groups = layer["shape"][-2] if kind.startswith("depthwise") else layer.get("groups", 1)
        strides = {"strides": [layer.get("strides", 1)] * (len(layer["shape"]) - 2)}
        transposed = kind.endswith("transpose")
        return convolve(arrays, x, "ConvTranspose" if transposed else "Conv", group=groups, **strides)
    if kind == "embedding":
        return operate("Gather", ["data", "x"], arrays, x)
    if kind in ("simple_rnn", "lstm", "gru"):
        return recurrent(layer, arrays, x)
    if kind == "layer_norm":
        return operate("LayerNormalization", ["x", "Scale", "B"], arrays, x, epsilon=1e-3, axis=-len(layer["shape"]))
    if kind == "batch_norm":
        names = ["x", "scale", "B", "input_mean", "input_var"]
        return operate("BatchNormalization", names, arrays, x, epsilon=1e-3)
    if kind == "group_norm":
        first = np.moveaxis(x, -1, 1)
        made = operate("GroupNormalization", ["x", "scale", "bias"], arrays, first, epsilon=1e-3, num_groups=3)
        return np.moveaxis(made, 1, -1)
    if kind == "instance_norm":
        made = operate("InstanceNormalization", ["x", "scale", "B"], arrays, np.moveaxis(x, -1, 1), epsilon=1e-3)
        return np.moveaxis(made, 1, -1)
    if kind == "prelu":
        return operate("PRelu", ["x", "slope"], arrays, x)
    assert kind == "multi_head_attention"
    return attention(layer, arrays, x)


def convolve(arrays: Arrays, x: NDArray[Any], kind: str, **attributes: Any) -> NDArray[Any]:
    made = operate(kind, ["x", *named(arrays, "W", "B")], arrays, np.moveaxis(x, -1, 1), **attributes)
    return np.moveaxis(made, 1, -1)


def recurrent(layer: dict[str, Any], arrays: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    kind = {"simple_rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}[layer["type"]]
    more: dict[str, Any] = {"linear_before_reset": 1} if kind == "GRU" else {}
    direction = "bidirectional" if layer.get("bidirectional") else "forward"
    steps = np.moveaxis(x, 1, 0)  # (steps, batch, in) -> (steps, directions, batch, units)
    names = ["x", *named(arrays, "W", "R", "B")]
    made = operate(kind, names, arrays, steps, hidden_size=layer["shape"][1], direction=direction, **more)
    return np.concatenate(list(np.moveaxis(made, (1, 2), (0, 1))), -1)


def attention(layer: dict[str, Any], arrays: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    """Run four Gemms, and between them what makes heads attend, in NumPy."""
    _, heads, size = layer["shape"]
    batch, steps, width = x.shape

    def gemm(part: str, of: NDArray[Any]) -> NDArray[Any]:
        own = {name.partition(".")[2]: array for name, array in arrays.items() if name.startswith(f"{part}.")}
        return operate("Gemm", ["x", "B", "C"], own, of.reshape(batch * steps, -1).astype(np.float32))

    query, key, value = (gemm(part, x).reshape(batch, steps, heads, size) for part in ("query", "key", "value"))
    scores = np.einsum("bths,buhs->bhtu", query, key) / np.sqrt(size)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    read = np.einsum("bhtu,buhs->bths", shares, value)
    return gemm("attention_output", read).reshape(batch, steps, width)
