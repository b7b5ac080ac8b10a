"""Networks of published families against the transformers library: outputs and gradients on the same weights."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from service.errors import InvalidSpec
from service.networks.families import FAMILIES
from service.specs.recipes import networks
from tests.frameworks.families.oracle import real, with_tied
from tests.frameworks.families.test_families import KNOWN, REFUSED
from tests.frameworks.graphs.ours import WEIGHTS, arrays_of, compare, inputs_of, passed, spec_of

END = 5  # the token that ends a sequence, which T5 and BART read where they read a whole one
ENDED = {("t5", "sequence_classification"), ("bart", "sequence_classification")}
MEANT = {"pad_token_id": 1, "eos_token_id": END, "bos_token_id": 2, "decoder_start_token_id": 1}
DTYPES = ("dtype", "torch_dtype")
# What the library runs, and a network does not say.
NOT_TOLD = {
    ("gpt2", "cross attention"): "add_cross_attention",
    ("bert", "cross attention"): "add_cross_attention",
    ("roberta", "cross attention"): "add_cross_attention",
    ("opt", "plain norms"): "layer_norm_elementwise_affine",
}
UNRUN = ("three labels", "question_answering")  # which the library splits into two


def cases() -> Iterator[Any]:
    """Yield each family with all its heads by its small config, and by others without a head and with one."""
    for family, case in KNOWN.items():
        for word, config in case.configs().items() if family in networks() else ():
            of_labels = {"sequence_classification"} if "label" in word else set[str]()
            heads = case.heads if word == "as it is" else (*case.heads[:2], *of_labels.intersection(case.heads[2:]))
            for head, weights in product(heads, WEIGHTS if word == "as it is" else ["all of chance"]):
                skipped = (family, word, head) in REFUSED or (word, head) == UNRUN
                if not skipped and not any(name in config for name in DTYPES):
                    yield pytest.param(family, word, config, head, weights, id=f"{family}, {word}, {head}, {weights}")


def not_told(family: str, word: str, config: dict[str, Any], head: str | None) -> str | None:
    """Return the member of a config for which no network is told, if any."""
    if (family, head) == ("distilbert", "masked_lm") and config.get("tie_word_embeddings", True):
        return "tie_word_embeddings"
    return NOT_TOLD.get((family, word))


def given(family: str, inputs: dict[str, NDArray[Any]], head: str | None) -> dict[str, torch.Tensor]:
    """Return inputs as the library takes them; positions and types that it counts itself are left out."""
    names = {"input": "input_ids", "token_types": "token_type_ids", "decoder_input": "decoder_input_ids"}
    tensors = {names[name]: torch.tensor(each) for name, each in inputs.items() if name in names}
    if "input_ids" in tensors and tensors["input_ids"].is_floating_point():
        return {"pixel_values": tensors["input_ids"].movedim(-1, 1)}
    if head == "multiple_choice":
        return {name: each[:, None] for name, each in tensors.items()}
    return tensors


def output_of(made: Any, ours: tuple[int, ...]) -> torch.Tensor:
    """Return what the library's model gives, as an array of our shape."""
    if "start_logits" in made:
        return torch.stack([made.start_logits, made.end_logits], -1)
    for name in ("logits", "pooler_output", "last_hidden_state"):
        if made.get(name) is not None:
            return torch.as_tensor(made[name]).reshape(ours)
    raise AssertionError(list(made))


@pytest.mark.parametrize(("family", "word", "config", "head", "weights"), [*cases()])
def test_a_recipe_is_the_librarys_network(
    family: str, word: str, config: dict[str, Any], head: str | None, weights: str
) -> None:
    config = {**config, **{name: token for name, token in MEANT.items() if name in FAMILIES[family].defaults}}
    if family.startswith("gpt"):
        config |= {"pad_token_id": 1}
    if family == "dinov2":  # the library makes other positions of those it has for images that are not square
        config |= {"image_size": 23, "patch_size": 5}
    if family == "bart":
        config |= {"eos_token_id": END}
    spec = spec_of(family, config=config, head=head, rules=WEIGHTS[weights])
    if (member := not_told(family, word, config, head)) is not None:
        with pytest.raises(InvalidSpec, match=member):
            _ = spec.network
        return
    inputs = inputs_of(spec, without=(*MEANT.values(),))
    if (family, head) in ENDED:
        inputs["input"][:, -1] = END
    ours = passed(spec, inputs)

    model = real(family, config, head)
    model.load_state_dict(
        with_tied({name: torch.from_numpy(each) for name, each in arrays_of(spec).items()}, spec.expanded.tied)
    )
    model = model.double().train(any(isinstance(each, nn.BatchNorm2d) for each in model.modules()))
    theirs = output_of(model(**given(family, inputs, head)), ours.output.shape)
    theirs.backward(torch.from_numpy(ours.sent))

    known = {name: each.grad.numpy() for name, each in model.named_parameters() if each.grad is not None}
    compare(ours, theirs.detach().numpy(), known)
