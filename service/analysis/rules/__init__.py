"""What each type of layer does with its inputs: a row of RULES for every type that runs.

To make another layer type run, add its rule. Norms take the batch's own mean and variance, as in training; recurrent
layers return every step; what drops out in training stays.
"""

from service.analysis.rules import arranging, attention, convolution, dense, norms, recurrent
from service.analysis.rules.attention import logits_of
from service.analysis.rules.rule import Rule, Weights
from service.errors import UnsupportedCombination
from service.networks.layers.layer import PlacedSpec

CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
RULES: dict[str, Rule] = {
    **dict.fromkeys(("dense", "transformers_conv1d"), dense.dense),
    "embedding": dense.embedding,
    "tensor": dense.tensor,
    **dict.fromkeys(CONVOLUTIONS, convolution.convolution),
    **{f"{name}_transpose": convolution.transposed for name in CONVOLUTIONS},
    **dict.fromkeys(("depthwise_conv1d", "depthwise_conv2d"), convolution.depthwise),
    **dict.fromkeys(("separable_conv1d", "separable_conv2d"), convolution.separable),
    "batch_norm": norms.batch_norm,
    "layer_norm": norms.layer_norm,
    "group_norm": norms.group_norm,
    "instance_norm": norms.instance_norm,
    "rms_norm": norms.rms_norm,
    "prelu": norms.prelu,
    **dict.fromkeys(("multi_head_attention", "grouped_query_attention"), attention.attention),
    "dot_product_attention": attention.dot_product_attention,
    "rotary": attention.rotary,
    "relative_positions": attention.relative_positions,
    **dict.fromkeys(("simple_rnn", "lstm", "gru"), recurrent.recurrent),
    "add": arranging.add,
    "multiply": arranging.multiply,
    "concatenate": arranging.concatenate,
    "split": arranging.split,
    **dict.fromkeys(("activation", "dropout"), arranging.same),
    "scale": arranging.scale,
    "flatten": arranging.flatten,
    "reshape": arranging.reshape,
    "transpose": arranging.transpose,
    "pad": arranging.pad,
    "max_pool": arranging.max_pool,
    "average_pool": arranging.average_pool,
    "global_average_pool": arranging.global_average_pool,
    "upsample": arranging.upsample,
}

# Members that change what a layer does beyond its rule.
BEYOND = ("projection", "key_width", "value_width", "bias_kv")


def rule_of(layer: PlacedSpec, at: str) -> Rule:
    """Return the rule that a layer runs by; raises UnsupportedCombination where it has none."""
    for member in BEYOND:
        if getattr(layer, member, None):
            raise UnsupportedCombination(f"a layer with {member} has no rule to run by here", at)
    if layer.type in RULES:
        return RULES[layer.type]
    names = "dense, conv, separable and depthwise, embedding, norms, recurrent, attention, and layers without weights"
    raise UnsupportedCombination(f"a layer of type {layer.type} has no rule to run by here; these have: {names}", at)


__all__ = ["RULES", "Rule", "Weights", "logits_of", "rule_of"]
