"""Our layers as arrays, and the real layers to hold beside them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.networks.layouts import SEPARATOR
from service.specs.spec import Spec

Arrays = dict[str, NDArray[Any]]


def draw(layer: dict[str, Any], **more: Any) -> Arrays:
    """Return one layer's arrays by their names within the layer."""
    (planned,) = Spec.model_validate({"seed": 42, **more, "layers": [layer]}).plan().layers
    separator = SEPARATOR[more.get("layout", "keras")]
    return {
        parameter.key.removeprefix(planned.name + separator): np.concatenate(list(parameter.blocks())).reshape(
            parameter.shape
        )
        for parameter in planned.parameters
    }


# (layer, input shape without batch): every layer that two frameworks or more have.
LAYERS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "dense": ({"type": "dense", "shape": [12, 7]}, (12,)),
    "dense without bias": ({"type": "dense", "shape": [12, 7], "bias": None}, (12,)),
    "conv1d": ({"type": "conv1d", "shape": [3, 6, 8]}, (11, 6)),
    "conv2d": ({"type": "conv2d", "shape": [3, 2, 6, 8]}, (9, 8, 6)),
    "conv2d in groups": ({"type": "conv2d", "shape": [3, 3, 6, 8], "groups": 2}, (9, 8, 6)),
    "conv3d": ({"type": "conv3d", "shape": [2, 3, 2, 4, 5]}, (6, 5, 7, 4)),
    "conv1d_transpose": ({"type": "conv1d_transpose", "shape": [4, 6, 5]}, (7, 6)),
    "conv2d_transpose": ({"type": "conv2d_transpose", "shape": [3, 2, 6, 5]}, (7, 6, 6)),
    "conv2d_transpose with strides": ({"type": "conv2d_transpose", "shape": [4, 4, 6, 5], "strides": 2}, (7, 6, 6)),
    "conv3d_transpose": ({"type": "conv3d_transpose", "shape": [2, 3, 2, 4, 3]}, (4, 5, 3, 4)),
    "depthwise_conv1d": ({"type": "depthwise_conv1d", "shape": [3, 6, 2]}, (9, 6)),
    "depthwise_conv2d": ({"type": "depthwise_conv2d", "shape": [3, 3, 6, 2]}, (9, 8, 6)),
    "separable_conv1d": ({"type": "separable_conv1d", "shape": [3, 6, 8], "depth_multiplier": 2}, (9, 6)),
    "separable_conv2d": ({"type": "separable_conv2d", "shape": [3, 3, 6, 8], "depth_multiplier": 2}, (9, 8, 6)),
    "embedding": ({"type": "embedding", "shape": [11, 5]}, (4,)),
    "simple_rnn": ({"type": "simple_rnn", "shape": [6, 5]}, (7, 6)),
    "lstm": ({"type": "lstm", "shape": [6, 5]}, (7, 6)),
    "gru": ({"type": "gru", "shape": [6, 5]}, (7, 6)),
    "lstm both ways": ({"type": "lstm", "shape": [6, 5], "bidirectional": True}, (7, 6)),
    "multi_head_attention": ({"type": "multi_head_attention", "shape": [12, 3, 4]}, (7, 12)),
    "layer_norm": ({"type": "layer_norm", "shape": [12]}, (7, 12)),
    "batch_norm": ({"type": "batch_norm", "shape": [12]}, (12,)),
    "group_norm": ({"type": "group_norm", "shape": [12]}, (5, 12)),
    "rms_norm": ({"type": "rms_norm", "shape": [12]}, (7, 12)),
    "prelu": ({"type": "prelu", "shape": [12]}, (12,)),
    "prelu with one slope": ({"type": "prelu", "shape": [12], "shared_axes": [1]}, (12,)),
    "prelu by channel": ({"type": "prelu", "shape": [5, 4, 6], "shared_axes": [1, 2]}, (5, 4, 6)),
    "layer_norm over three axes": ({"type": "layer_norm", "shape": [5, 4, 6]}, (5, 4, 6)),
    "rms_norm over two axes": ({"type": "rms_norm", "shape": [4, 6]}, (5, 4, 6)),
    "instance_norm": ({"type": "instance_norm", "shape": [6]}, (5, 4, 6)),
}


def restless(layer: dict[str, Any]) -> dict[str, Any]:
    """Return the layer with nothing at 0 or 1, so that a part in the wrong place shows."""
    rules = [{"match": "*", "scheme": {"name": "random_normal", "mean": 0.2, "stddev": 0.3}}]
    rules += [{"match": "*moving_variance", "scheme": {"name": "random_uniform", "minval": 0.5, "maxval": 1.5}}]
    return {"layer": layer, "rules": rules}
