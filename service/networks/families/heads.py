"""Heads: what the transformers library puts on a base model, where families have it alike."""

from collections.abc import Mapping

from service.networks.families.settings import Settings
from service.networks.families.tree import Initialise, Module, linear, model

LABELS: Mapping[str, object] = {"num_labels": 2, "id2label": None}


def labels(settings: Settings) -> int:
    """Return how many classes a config speaks of: its labels, or their number; two where it says neither."""
    named = settings.stated("id2label")
    if isinstance(named, Mapping) and named:
        return len(named)
    return settings.size("num_labels") if "num_labels" in settings else 2


def causal_lm(base: Module, initialise: Initialise, width: int, rows: int, table: str, tied: bool) -> Module:
    """Return a base model with a projection back to the vocabulary, the table itself where they are tied."""
    ties = {"lm_head.weight": f"{base.name}.{table}.weight"} if tied else {}
    return model("", initialise, base, linear("lm_head", width, rows, bias=False), ties=ties)


def sequence_classification(base: Module, initialise: Initialise, width: int, classes: int) -> Module:
    """Return a base model with a projection of one place's state to scores, without a bias."""
    return model("", initialise, base, linear("score", width, classes, bias=False))
