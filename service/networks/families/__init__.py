"""Families: published models, a file each. To add one, write its tree and its row here.

What all have in common is in engine.py (the order of draws), tree.py (modules) and heads.py; settings.py reads a config.
"""

from collections.abc import Mapping

from service.networks.families import bert, gpt2, llama, t5, vit
from service.networks.families.family import Family

FAMILIES: Mapping[str, Family] = {each.FAMILY.model_type: each.FAMILY for each in (gpt2, bert, t5, vit, llama)}
