"""Families: published models, a file each. To add one, write its tree and its row here.

What all have in common is in engine.py (the order of draws), tree.py (modules), blocks.py and heads.py; settings.py
reads a config.
"""

from collections.abc import Mapping

from service.networks.families import (
    bart,
    bert,
    bloom,
    deberta_v2,
    deepseek_v3,
    distilbert,
    gemma2,
    gemma3,
    gpt2,
    gpt_neox,
    gpt_oss,
    llama,
    mamba,
    mistral,
    mixtral,
    opt,
    phi3,
    qwen2,
    qwen3,
    qwen3_moe,
    roberta,
    t5,
    vit,
)
from service.networks.families.family import Family

FAMILIES: Mapping[str, Family] = {
    "gpt2": gpt2.FAMILY,
    "bert": bert.FAMILY,
    "t5": t5.FAMILY,
    "vit": vit.FAMILY,
    "llama": llama.FAMILY,
    "mistral": mistral.FAMILY,
    "mixtral": mixtral.FAMILY,
    "qwen2": qwen2.FAMILY,
    "qwen3": qwen3.FAMILY,
    "qwen3_moe": qwen3_moe.FAMILY,
    "gemma2": gemma2.FAMILY,
    "phi3": phi3.FAMILY,
    "gpt_neox": gpt_neox.FAMILY,
    "opt": opt.FAMILY,
    "bloom": bloom.FAMILY,
    "deepseek_v3": deepseek_v3.FAMILY,
    "gpt_oss": gpt_oss.FAMILY,
    "gemma3_text": gemma3.TEXT,
    "roberta": roberta.FAMILY,
    "distilbert": distilbert.FAMILY,
    "deberta_v2": deberta_v2.FAMILY,
    "bart": bart.FAMILY,
    "mamba": mamba.FAMILY,
}
