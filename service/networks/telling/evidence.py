"""What a listing says as a whole, which a module alone does not: gathered once, of each pattern and shape."""

import re
from collections.abc import Iterable

from service.networks.layouts import Layout
from service.networks.telling.module import Evidence, Module
from service.networks.telling.words import is_embedding, is_norm

# The types of models, as transformers 5.24 has them, whose normalisations multiply by 1 + weight.
ONE_PLUS = re.compile(
    r"((shield|col|pali|recurrent_|vault)?gemma[23]?|t5gemma2?|colpali|qwen3_next|qwen3_5(_moe)?|minimax_m3_vl|step3p7)"
    r"(_text|_vision|_module|_encoder|_decoder)?"
)
# Only models of these widths of vocabulary, or with these modules, may do so.
LARGE_VOCABULARY = 256_000
CLUES = frozenset({"pre_feedforward_layernorm", "linear_attn"})


def starts_at_zero(model_type: str | None, modules: Iterable[Module]) -> bool | None:
    """Return whether normalisations multiply by 1 + scale: by the model's type; None where they may."""
    if model_type is not None:
        return ONE_PLUS.fullmatch(model_type) is not None
    for module in modules:
        shape = module.shapes.get("weight", ())
        if module.parts & CLUES or (len(shape) == 2 and shape[0] >= LARGE_VOCABULARY and is_embedding(module)):
            return None
    return False


def evidence_of(modules: Iterable[Module], layout: Layout, model_type: str | None) -> Evidence:
    """Return what the modules of a listing, one of each pattern and shapes, say together."""
    modules = list(modules)
    transposed: set[str] = set()
    widths: set[int] = set()
    channels: set[int] = set()
    for module in modules:
        for name, shape in module.shapes.items():
            if name in ("embedding", "embeddings"):
                widths.add(shape[-1] if shape else 0)
        matrix = module.shapes.get("weight", ())
        bias = module.shapes.get("bias", ())
        if len(matrix) == 2 and is_embedding(module):
            widths.add(matrix[1])
        if len(matrix) == 1 and is_norm(module):
            widths |= {matrix[0]} if module.own.endswith(("layernorm", "ln_f")) else set()
        if len(matrix) == 2 and matrix[0] != matrix[1] and bias == (matrix[1],):
            transposed.add(module.own)
        if len(matrix) >= 3 and matrix[1] != 1:
            channels.add(matrix[0])
        kernel = module.shapes.get("kernel", ())
        if len(kernel) >= 3 and kernel[-2] != 1:
            channels.add(kernel[-1])
    transposed |= {"c_attn", "c_proj", "c_fc", "q_attn"} if transposed & {"c_attn", "c_fc"} else set()
    return Evidence(frozenset(transposed), frozenset(widths), frozenset(channels), starts_at_zero(model_type, modules))
