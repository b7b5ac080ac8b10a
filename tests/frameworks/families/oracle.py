"""The real model of a published family, as transformers builds it from a config, and what is planned for it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers.models.auto import modeling_auto

from service.networks.plan import Plan
from service.specs.spec import Spec

Config = Mapping[str, Any]

# Heads, the classes of transformers that put them on, and which models each of these knows, the first before others.
AUTO: dict[str | None, dict[str, Mapping[str, Any]]] = {
    None: {"AutoModel": modeling_auto.MODEL_MAPPING_NAMES},
    "causal_lm": {"AutoModelForCausalLM": modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES},
    "masked_lm": {"AutoModelForMaskedLM": modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES},
    "seq2seq_lm": {
        "AutoModelForSeq2SeqLM": modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        "AutoModelForSpeechSeq2Seq": modeling_auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
    },
    "sequence_classification": {
        "AutoModelForSequenceClassification": modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        "AutoModelForAudioClassification": modeling_auto.MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES,
    },
    "token_classification": {
        "AutoModelForTokenClassification": modeling_auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES
    },
    "question_answering": {"AutoModelForQuestionAnswering": modeling_auto.MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES},
    "multiple_choice": {"AutoModelForMultipleChoice": modeling_auto.MODEL_FOR_MULTIPLE_CHOICE_MAPPING_NAMES},
    "next_sentence_prediction": {
        "AutoModelForNextSentencePrediction": modeling_auto.MODEL_FOR_NEXT_SENTENCE_PREDICTION_MAPPING_NAMES
    },
    "image_classification": {
        "AutoModelForImageClassification": modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES
    },
    "image_text_to_text": {"AutoModelForImageTextToText": modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES},
    "ctc": {"AutoModelForCTC": modeling_auto.MODEL_FOR_CTC_MAPPING_NAMES},
}
COUNT = "num_batches_tracked"  # of a normalisation: an integer that starts at 0, which torch puts in itself


@dataclass(frozen=True)
class Case:
    """A family's small config, what else of it changes shapes or draws, and its best-known size.

    `variants` are laid over `config`, by a word for each; `size` is one that the family names, `elements` what its
    parameters have in all, a tied one once, with the head that it is published with.
    """

    config: dict[str, Any]
    heads: tuple[str | None, ...]
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    size: str = ""
    head: str | None = None
    elements: int = 0

    def configs(self) -> dict[str, dict[str, Any]]:
        return {"as it is": self.config, **{word: self.config | more for word, more in self.variants.items()}}


def real(model_type: str, config: Config, head: str | None, seed: int = 3, device: str = "cpu") -> nn.Module:
    """Return the model that transformers builds from a config.json after set_seed."""
    members = {
        name: value for name, value in deepcopy(dict(config)).items() if name != "model_type"
    }  # it writes to some
    stated = transformers.AutoConfig.for_model(**{"model_type": model_type, **members})
    transformers.set_seed(seed)
    with torch.device(device):
        return builder(model_type, head).from_config(stated)


def builder(model_type: str, head: str | None) -> Any:
    """Return the class of transformers that makes a model of this type with this head."""
    return getattr(transformers, next(name for name, known in AUTO[head].items() if model_type in known))


def heads_of(model_type: str) -> set[str | None]:
    """Return the heads that transformers has for a type of models."""
    return {head for head, classes in AUTO.items() if any(model_type in known for known in classes.values())}


def state(model: nn.Module) -> dict[str, Tensor]:
    """Return what a state_dict has but for counts."""
    return {name: value for name, value in model.state_dict().items() if not name.endswith(COUNT)}


def tied_in(model: nn.Module) -> dict[str, str]:
    """Return the names in a state_dict that are other names' tensors, and whose."""
    found: dict[str, str] = model.all_tied_weights_keys  # type: ignore[assignment]
    names = model.state_dict(keep_vars=True)
    assert all(names[target] is names[source] for target, source in found.items())
    assert len(names) - len(found) == len(set(map(id, names.values())))
    return found


def described(model: nn.Module) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return shape and dtype of all that a state_dict has but what is tied, in its order."""
    tied = tied_in(model)
    return {
        name: (tuple(value.shape), str(value.dtype).removeprefix("torch."))
        for name, value in state(model).items()
        if name not in tied
    }


def planned(family: str, config: Config | None, head: str | None, **more: Any) -> Plan:
    asked = {"recipe": family, "config": config, "head": head, "seed": 3, **more}
    return Spec.model_validate({name: value for name, value in asked.items() if value is not None}).plan()


def drawn(plan: Plan) -> dict[str, Tensor]:
    """Return a plan's arrays as PyTorch has them."""
    found = {}
    for each in plan.parameters:
        values = np.concatenate(list(each.blocks())).reshape(each.shape)
        if each.dtype == "bfloat16":
            found[each.key] = torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)
        else:
            found[each.key] = torch.from_numpy(values)
    return found


def with_tied(arrays: Mapping[str, Tensor], tied: Mapping[str, str]) -> dict[str, Tensor]:
    return {**arrays, **{target: arrays[source] for target, source in tied.items()}}


def alike(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two arrays have the same rows at 0, and else are samples of one law as far as their moments tell."""
    ours, theirs = ours.double(), theirs.double()
    count, spread = theirs.numel(), float(theirs.std()) if theirs.numel() > 1 else 0.0
    if spread < 1e-9:
        return bool(torch.allclose(ours, theirs, rtol=1e-6, atol=0.0))
    if theirs.dim() == 2 and not torch.equal(ours.any(dim=1), theirs.any(dim=1)):
        return False
    # Two samples' means and deviations are within 5.5 standard errors of each other: of 30,000 such, one in a thousand
    # runs has one that is not.
    return bool(
        abs(float(ours.std()) - spread) <= 5.5 * spread / count**0.5
        and abs(float(ours.mean() - theirs.mean())) <= 5.5 * spread * (2.0 / count) ** 0.5
    )


def units_apart(ours: Tensor, theirs: Tensor) -> float:
    """Return by how many units in the last place of float32 two arrays differ at most."""
    ours, theirs = ours.double(), theirs.double()
    exponents = torch.frexp(torch.maximum(ours.abs(), theirs.abs())).exponent
    return float(((ours - theirs).abs() / torch.exp2(exponents.double() - 24.0)).max())
