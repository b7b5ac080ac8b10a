"""Published models by their own config.json: what it says is read, heads and ties, parts of a model, seeds by rule."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from service.errors import InitserveError, InvalidSpec
from service.networks.families import FAMILIES, clip, gemma3, siglip
from service.networks.families.family import Config
from service.networks.plan import Plan
from service.specs.faults import faults_of
from service.specs.published import config_of
from service.specs.spec import Spec

NARROW = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 11, "n_positions": 7}
LLAMA = {
    "vocab_size": 11, "hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip


def planned(recipe: str = "gpt2", config: dict[str, Any] | None = None, **more: Any) -> Plan:
    return Spec.model_validate(
        {"recipe": recipe, "config": NARROW if config is None else config, "seed": 3, **more}
    ).plan()


def arrays(plan: Plan) -> dict[str, NDArray[Any]]:
    return {
        each.key: np.concatenate([block.copy() for block in each.blocks()]).reshape(each.shape)
        for each in plan.parameters
    }


def test_a_model_is_the_layers_that_a_spec_could_state() -> None:
    plan = planned(head="causal_lm")
    stated = Spec.model_validate({"layout": "pytorch", **plan.written_out()}).plan()
    ours, theirs = arrays(plan), arrays(stated)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_what_a_layer_has_beside_a_tied_weight_is_not_lost_in_a_request_to_be_changed() -> None:
    config = {"dim": 12, "hidden_dim": 20, "n_layers": 1, "n_heads": 2, "vocab_size": 11}
    plan = planned("distilbert", config, head="masked_lm")
    stated = Spec.model_validate(plan.written_out()).plan()
    ours, theirs = arrays(plan), arrays(stated)
    assert "vocab_projector.bias" in ours
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_a_size_is_a_config_and_a_config_goes_over_it() -> None:
    whole = planned(config={"n_embd": 1024, "n_layer": 24, "n_head": 16})
    assert [each.shape for each in whole.parameters] == [
        each.shape for each in Spec.model_validate({"recipe": "gpt2", "size": "medium", "seed": 3}).plan().parameters
    ]
    shorter = planned(size="medium", config={"n_layer": 2})
    assert {each.shape[-1] for each in shorter.parameters} == {1024, 3072, 4096}
    assert len(shorter.layers) == 2 + 2 * 6 + 1


def test_arrays_that_are_others_are_said_and_left_out() -> None:
    plan = planned(head="causal_lm")
    assert plan.tied == {"lm_head.weight": "transformer.wte.weight"}
    assert "lm_head.weight" not in arrays(plan)
    assert planned(head="causal_lm", layout="keras").tied == {"lm_head/kernel": "transformer.wte/embeddings"}
    untied = planned(head="causal_lm", config={**NARROW, "tie_word_embeddings": False})
    assert untied.tied == {}
    assert arrays(untied)["lm_head.weight"].shape == (11, 16)


@pytest.mark.parametrize("layout", ["pytorch", "keras"])
def test_a_rule_about_an_array_that_is_another_one_is_told_which(layout: str) -> None:
    source = {"pytorch": "transformer.wte.weight", "keras": "transformer.wte/embeddings"}[layout]
    rules = [{"match": "lm_head*", "scheme": "zeros"}, {"match": "*/kernel", "scheme": "glorot_normal"}]
    plan = planned(head="causal_lm", layout=layout, rules=rules)
    (warning,) = plan.warnings
    assert (warning.code, warning.pointer, warning.remedy) == ("unused-rule", "/rules/0/match", {"match": source})
    meant = planned(head="causal_lm", layout=layout, rules=[warning.remedy | {"scheme": "ones"}])
    assert (arrays(meant)[source] == 1.0).all()


def test_a_part_that_is_another_array_is_told_which() -> None:
    with pytest.raises(InvalidSpec) as refused:
        planned(head="causal_lm", select="lm_head.*")
    assert refused.value.remedy == {"select": "transformer.wte.weight"}
    assert planned(head="causal_lm", select="transformer.wte.weight").tied == {
        "lm_head.weight": "transformer.wte.weight"
    }


@pytest.mark.parametrize("algorithm", ["initserve/1", "torch-cpu/1"])
@pytest.mark.parametrize("pattern", ["h.1.*", "*.c_proj.weight", "ln_f.bias", "h.0.mlp.c_fc/kernel"])
def test_a_part_has_the_bytes_that_it_has_in_the_whole(algorithm: str, pattern: str) -> None:
    whole, part = arrays(planned(algorithm=algorithm)), arrays(planned(algorithm=algorithm, select=pattern))
    assert 0 < len(part) < len(whole)
    assert all(np.array_equal(part[name], whole[name]) for name in part)


def test_a_part_is_the_same_by_its_canonical_text() -> None:
    plan = planned(select="h.1.*")
    again = Spec.model_validate_json(plan.canonical_json()).plan()
    assert arrays(again).keys() == arrays(plan).keys()
    assert again.canonical_json() == plan.canonical_json()
    assert config_of(plan) is None


def test_a_part_of_a_walked_stream_pays_the_way_to_it() -> None:
    config = {"hidden_size": 36, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    last = planned("vit", config, algorithm="torch-cpu/1", select="pooler.*")
    assert last.cost.operations > sum(each.operations for each in last.parameters)


def test_a_pattern_that_matches_nothing_is_told_the_nearest_name() -> None:
    with pytest.raises(InitserveError) as refused:
        planned(select="h.1.mlp.c_proj.weigth")
    assert refused.value.pointer == "/select"
    assert refused.value.remedy == {"select": "h.1.mlp.c_proj.weight"}


REFUSED: dict[str, tuple[dict[str, Any], str, dict[str, Any] | None]] = {
    "what does not divide": ({"n_embd": 18, "n_head": 4}, "/config/n_head", {"n_head": 3}),
    "a prime": ({"n_embd": 17, "n_head": 4}, "/config/n_head", {"n_head": 1}),
    "more than there is": ({"n_embd": 18, "n_head": 2**50}, "/config/n_head", {"n_head": 18}),
    "a default that would do": ({"n_embd": 24, "n_head": None}, "/config/n_head", {"n_head": 12}),
    "a default that would not do": ({"n_embd": 25, "n_head": None}, "/config/n_head", None),
    "another fault beside it": ({"n_embd": True, "vocab_size": "many"}, "/config/n_embd", None),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_a_refusal_proposes_would_do(why: str) -> None:
    config, pointer, remedy = REFUSED[why]
    document = {"recipe": "gpt2", "config": config}
    with pytest.raises(ValidationError) as refused:
        Spec.model_validate(document)
    (fault,) = faults_of(refused.value, document, Spec)
    assert (fault.pointer, fault.remedy) == (pointer, remedy)
    if remedy is not None:
        assert planned("gpt2", config | remedy).parameters


def test_a_setting_of_a_part_is_proposed_in_that_part() -> None:
    text = {"hidden_size": 30, "num_attention_heads": 4, "num_hidden_layers": 1}
    document = {"recipe": "clip", "config": {"text_config": text}}
    with pytest.raises(ValidationError) as refused:
        Spec.model_validate(document)
    (fault,) = faults_of(refused.value, document, Spec)
    assert (fault.pointer, fault.remedy) == ("/config/text_config/num_attention_heads", {"num_attention_heads": 3})


@pytest.mark.parametrize(
    ("document", "pointer", "remedy"),
    [
        ({"recipe": "gpt2", "config": {"model_type": "llama"}}, "/recipe", {"recipe": "llama"}),
        ({"recipe": "bert", "config": {"model_type": "deberta-v2"}}, "/recipe", {"recipe": "deberta_v2"}),
        ({"recipe": "gpt2", "head": "GPT2LMHeadModel"}, "/head", {"head": "causal_lm"}),
        ({"recipe": "gpt2", "head": "AutoModelForCausalLM"}, "/head", {"head": "causal_lm"}),
        ({"recipe": "bert", "head": "BertForTokenClassification"}, "/head", {"head": "token_classification"}),
        ({"recipe": "gpt2", "head": "casual_lm"}, "/head", {"head": "causal_lm"}),
    ],
)
def test_the_model_that_is_meant_is_proposed(document: dict[str, Any], pointer: str, remedy: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Spec.model_validate(document)
    (fault,) = faults_of(refused.value, document, Spec)
    assert (fault.pointer, fault.remedy) == (pointer, remedy)
    assert Spec.model_validate(document | remedy).layers


def test_a_config_alone_is_told_whose_it_is() -> None:
    with pytest.raises(ValidationError, match="names no recipe, and this is one of deberta_v2"):
        Spec.model_validate({"config": {"model_type": "deberta-v2"}})


def test_a_rule_gives_parameters_seeds_of_their_own() -> None:
    usual = arrays(planned())
    top = arrays(planned(rules=[{"match": "h.1.*", "seed": 4}]))
    other = arrays(planned(seed=4))
    for name in usual:
        assert np.array_equal(top[name], (other if name.startswith("h.1.") else usual)[name])
    both = arrays(planned(rules=[{"match": "wte.*", "seed": "4"}, {"match": "wte.*", "scheme": "he_normal"}]))
    assert not np.array_equal(both["wte.weight"], other["wte.weight"])
    correlation = np.corrcoef(both["wte.weight"].ravel(), other["wte.weight"].ravel())[0, 1]
    assert correlation > 0.9  # the words of the rule's seed, drawn by another rule's scheme


def test_a_rule_with_a_seed_is_for_streams_in_which_parameters_have_their_own() -> None:
    layers = [{"type": "dense", "shape": [3, 4]}]
    with pytest.raises(InitserveError) as refused:
        Spec.model_validate({
            "algorithm": "jax-threefry/1", "seed": 1, "layers": layers, "rules": [{"match": "*", "seed": 2}],
        }).plan()  # fmt: skip
    assert refused.value.pointer == "/rules/0/seed"


def test_the_dtype_of_a_config_is_the_specs_where_that_is_left_out() -> None:
    for config in ({"dtype": "bfloat16"}, {"torch_dtype": "bfloat16"}, {"dtype": "torch.bfloat16"}):
        plan = planned(config={**NARROW, **config})
        assert plan.dtype == "bfloat16"
        stated = planned(config={**NARROW, **config}, dtype="float32")
        assert stated.dtype == "float32"
        for each in (plan, stated):
            assert Spec.model_validate_json(each.canonical_json()).plan().dtype == each.dtype


def test_a_config_json_makes_the_model_that_it_was_made_of() -> None:
    plan = planned("llama", {**LLAMA, "rope_theta": 5e5, "architectures": ["Any"]}, head="causal_lm")
    config = config_of(plan)
    assert config is not None
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["rope_theta"] == 5e5
    again = Spec.model_validate({"recipe": "llama", "config": config, "head": "causal_lm", "seed": 3}).plan()
    assert [(each.key, each.shape) for each in again.parameters] == [(each.key, each.shape) for each in plan.parameters]


def test_a_member_that_is_nearly_another_is_warned_of() -> None:
    plan = planned(config={"n_layer": 1, "n_embed": 24, "resid_pdrop": 0.1})
    (warning,) = plan.warnings
    assert (warning.code, warning.pointer) == ("unread-setting", "/config/n_embed")
    assert "n_embd" in warning.detail
    assert planned(config={**NARROW, "n_embed": 24}).warnings == ()  # which is stated, so that another is meant


VALUES: tuple[Any, ...] = (
    None,
    -1,
    0,
    1,
    3,
    2**53,
    2**64,
    1e30,
    -0.5,
    True,
    "",
    "text",
    [],
    [0],
    [2, 2],
    [2] * 9,
    {},
    {"a": 1},
)


@pytest.mark.parametrize("recipe", FAMILIES)
def test_no_member_of_a_config_fails_otherwise_than_with_a_message(recipe: str) -> None:
    """Every member that a family knows, with values of every kind: it is read, or refused at its place."""
    for member in FAMILIES[recipe].defaults:
        for value in VALUES:
            small = {"num_hidden_layers": 1, "n_layer": 1, "num_layers": 1, "encoder_layers": 1, "decoder_layers": 1}
            with suppress(InvalidSpec):
                FAMILIES[recipe].model(None, {**small, member: value}, None)


PARTS: dict[tuple[str, str], Config] = {
    ("clip", "text_config"): clip.TEXT,
    ("clip", "vision_config"): clip.VISION,
    ("siglip", "text_config"): siglip.TEXT,
    ("siglip", "vision_config"): siglip.VISION,
    ("gemma3", "text_config"): gemma3.DEFAULTS,
    ("gemma3", "vision_config"): siglip.VISION,
}


@pytest.mark.parametrize(("recipe", "part"), PARTS)
def test_no_member_of_a_parts_config_fails_otherwise_than_with_a_message(recipe: str, part: str) -> None:
    for member in PARTS[recipe, part]:
        for value in VALUES:
            with suppress(InvalidSpec):
                FAMILIES[recipe].model(None, {part: {"num_hidden_layers": 1, member: value}}, None)
    with pytest.raises(InvalidSpec, match="hidden_size") as refused:
        FAMILIES[recipe].model(None, {part: {"hidden_size": 0}}, None)
    assert refused.value.pointer == f"/config/{part}/hidden_size"


def test_a_model_is_refused_in_its_configs_own_terms() -> None:
    for config, pointer in (
        ({"model_type": "bert"}, "/recipe"),
        ({"model_type": "xlnet"}, "/config/model_type"),
        ({"n_embd": 0}, "/config/n_embd"),
        ({"n_layer": 10**9}, "/config/n_layer"),
        ({"initializer_range": "wide"}, "/config/initializer_range"),
    ):
        with pytest.raises(ValidationError) as refused:
            planned(config=config)
        (found,) = refused.value.errors()
        assert "/" + "/".join(map(str, found["loc"])) == pointer
