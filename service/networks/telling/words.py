"""What names say: the words that PyTorch's, Keras's and Flax's modules of a kind are called by."""

import re

from service.networks.telling.module import Module

NORMS = frozenset({"ln", "bn", "gn", "lnf", "rms", "norm", "layernorm", "rmsnorm", "batchnorm", "groupnorm"})
AFFINE = frozenset({"scale", "scaling", "gain", "gamma", "ls", "layerscale"})
EMBEDDING = re.compile(
    r"(embed|embeds|emb|embedding|embeddings|embedder|wte|wpe|tokens?|codebooks?|shared"
    r"|relative_attention_bias)(_?\d+)?$|embeds_layers?$|_table$|^embed_\w+$|quer(y|ies)_feat(ures)?$|reference_points$|(^|_)pe(_[kv])?$"
)
NO_EMBEDDING = re.compile(r"proj|linear|head|embed_out|conv|dense|norm|patch|time_?embed|timestep|router|gate|mlp|fc")
HEAD = re.compile(
    r"head|decoder|out|proj|classif|score|logits|vocab|fc|linear|dense|lora|up|down|expand|conv|mlp|gate|wi|w\d"
)
TRANSPOSED = re.compile(r"deconv|transpose|convtr|conv_?t(r)?(\W|_|\d|$)|(^|[._/])up_?conv(\W|\d|$)|tconv")
MAYBE_TRANSPOSED = re.compile(r"(^|[._/])(upsample\w*|upscale\w*|upsampler)([._/]|$)")
DEPTHWISE = re.compile(r"depthwise|(^|[._/])(conv_?)?dw(_?conv)?\d*([._/]|$)|dwconv|dw_conv|conv_dw")
GATES = frozenset({"gate", "router", "gating"})


def is_norm(module: Module) -> bool:
    return "norm" in module.own or bool(module.words & NORMS)


def is_slope(words: frozenset[str]) -> bool:
    return bool(words & {"prelu", "act", "activation", "relu", "slope"})


def is_embedding(module: Module) -> bool:
    return EMBEDDING.search(module.own) is not None and NO_EMBEDDING.search(module.own) is None


def is_gate(module: Module) -> bool:
    return module.own in GATES or module.own.endswith(("_gate", "_router"))
