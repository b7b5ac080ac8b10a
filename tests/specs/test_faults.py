"""Refusals of a spec: each leads to the member at fault as it was posted, in plain words, with what would work."""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import pydantic_core
import pytest
from pydantic import ValidationError

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.trainable import TrainRequest
from service.api.entries import layer_example
from service.errors import InitserveError
from service.networks.layers import LAYERS
from service.networks.schemes import PRESETS
from service.specs.faults import Fault, faults_of
from service.specs.recipes import RECIPES
from service.specs.spec import Spec
from service.specs.wording import LONGEST, UNKNOWN_WORDS, WORDS

Document: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str | int, ...]

DENSE: Document = {"type": "dense", "shape": [2, 3]}
FULL: Document = {
    **DENSE, "name": "a", "activation": "relu", "gain": 1.0, "seed": "4", "lora_rank": 2,
    "bias": {"name": "constant", "value": 1.0}, "scheme": {"name": "torch:normal", "std": 1.0, "mean": 0.0},
}  # fmt: skip
RECIPE: Document = {
    "algorithm": "initserve/1", "exact": True, "seed": 1, "layout": "flax", "dtype": "float32", "defaults": "keras",
    "fans": "keras", "recipe": "bert", "size": "base",
    "rules": [{"match": "*", "scheme": {"name": "random_normal", "stddev": 1.0}, "because": "so"}],
}  # fmt: skip
TRAINING: Document = {
    "task": "moons", "schemes": ["zeros", {"name": "random_normal", "stddev": 1.0}], "restarts": 1, "steps": 5,
    "learning_rate": 0.1, "batch": 4, "layers": [FULL],
}  # fmt: skip
LOUD: Document = {"match": "*/kernel", "scheme": {"name": "constant", "value": 1e6}}
DIAGNOSIS: Document = {"batch": 4, "forecast_only": True, "tune": "lsuv", "layers": [FULL]}
# One document at least for every model, and for every member of most.
VALID: list[tuple[type[Spec], Document]] = [
    *((Spec, {"layers": [DENSE, layer_example(name)["layers"][0]]}) for name in LAYERS),
    *((Spec, {"layers": [{**DENSE, "scheme": preset.model_dump()}]}) for preset in PRESETS.values()),
    (Spec, RECIPE),
    (Spec, {"layers": [FULL]}),
    (TrainRequest, TRAINING),
    (DiagnoseRequest, DIAGNOSIS),
]
WRONG: tuple[Any, ...] = (
    None, {"q": 1}, {}, [], [[]], "no such word", "", 5.5, True, -7, 10**30, 10**400, 1e300, "x" * 300,
)  # fmt: skip


def faults(document: Any, model: type[Spec] = Spec) -> list[Fault]:
    """Return what is found wrong with a document, nothing where it is valid."""
    try:
        model.model_validate(document)
    except ValidationError as error:
        return faults_of(error, document, model)
    return []


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield from places(inner, (*path, name))


def changed(document: Document, path: Path, value: Any) -> Document:
    """Return a copy with another value at a place."""
    copy: Any = json.loads(json.dumps(document))
    holder = copy
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return dict(copy)


def without(document: Document, path: Path) -> Document:
    """Return a copy without the member at a place."""
    copy = changed(document, path, None)
    holder: Any = copy
    for part in path[:-1]:
        holder = holder[part]
    if isinstance(holder, dict):
        del holder[path[-1]]
    return copy


def pointer_of(path: Path) -> str:
    return "".join(f"/{part}" for part in path)


def mutants() -> Iterator[tuple[type[Spec], Document, str]]:
    """Yield valid documents made wrong at one place, with the place."""
    for model, document in VALID:
        assert not faults(document, model)
        for path in places(document):
            for value in WRONG:
                yield model, changed(document, path, value), pointer_of(path)
            if isinstance(path[-1], str):
                unheard = (*path[:-1], "unheard_of")
                yield model, changed(document, unheard, 1), pointer_of(unheard)
            yield model, without(document, path), pointer_of(path)


def between_members(pointer: str, fault: Fault) -> bool:
    """Whether two members disagree, of which the other may as well be at fault: the object that holds both is told."""
    together = ("must be in order", "a rule states ")
    both = pointer.startswith(f"{fault.pointer}/") and any(words in fault.detail for words in together)
    return both or (pointer, fault.pointer) == ("/recipe", "/size")


@pytest.fixture(scope="module")
def refused() -> list[tuple[str, Fault]]:
    """What is found wrong with every mutant, and where it was made wrong."""
    return [(pointer, fault) for model, document, pointer in mutants() for fault in faults(document, model)]


def test_a_refusal_leads_to_the_member_that_was_made_wrong(refused: list[tuple[str, Fault]]) -> None:
    for pointer, fault in refused:
        at_or_below = fault.pointer == pointer or fault.pointer.startswith(f"{pointer}/")
        assert at_or_below or between_members(pointer, fault), (pointer, fault)
    assert len(refused) > 10_000
    assert {"/layers/0/scheme/std", "/rules/0/because", "/schemes/1/stddev"} <= {pointer for pointer, _ in refused}


def test_every_refusal_is_in_plain_words_and_short(refused: list[tuple[str, Fault]]) -> None:
    templates = [each["message_template_python"] for each in pydantic_core._pydantic_core.list_all_errors()]
    beginnings = tuple(template.split("{")[0] for template in templates if len(template.split("{")[0]) > 4)
    for detail in {fault.detail for _, fault in refused}:
        assert 0 < len(detail) <= LONGEST
        assert not detail.startswith(beginnings), detail
        assert detail != UNKNOWN_WORDS


# What each kind of validator may find, by pydantic's documentation of them (strict, from a parsed document).
FINDINGS: dict[str, set[str]] = {
    "model": {"model_type", "missing", "extra_forbidden"},
    "tagged-union": {"model_attributes_type", "union_tag_invalid", "union_tag_not_found", "scheme_form"},
    "list": {"list_type"},
    "dict": {"dict_type"},
    "str": {"string_type", "string_unicode"},
    "bool": {"bool_type"},
    "int": {"int_type"},
    "float": {"float_type", "finite_number"},
    "literal": {"literal_error"},
}
BOUNDS: dict[str, str] = {
    "ge": "greater_than_equal", "gt": "greater_than", "le": "less_than_equal", "lt": "less_than",
    "min_length": "too_short", "max_length": "too_long", "pattern": "pattern_mismatch",
}  # fmt: skip
PLUMBING = {
    "definitions", "definition-ref", "function-before", "function-after", "no-info", "model-fields", "model-field",
    "default", "nullable", "union", "function-plain", "any",
}  # fmt: skip


def validators(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every validator of a model, as pydantic has it."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for key, inner in schema.items():
            if key not in ("serialization", "metadata", "cls", "config"):
                yield from validators(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from validators(inner)


@pytest.mark.parametrize("model", [Spec, DiagnoseRequest, TrainRequest])
def test_there_are_words_for_everything_that_may_be_found(model: type[Spec]) -> None:
    for validator in validators(model.__pydantic_core_schema__):
        kind = validator["type"]
        assert kind in FINDINGS or kind in PLUMBING, f"what may a validator of type {kind} find? add it to FINDINGS"
        found = set(FINDINGS.get(kind, ()))
        found |= {f"{'string_' * (kind == 'str')}{name}" for bound, name in BOUNDS.items() if bound in validator}
        assert found <= WORDS.keys()
        # Without a bound each of 200,000 wrong values would be a finding of its own.
        assert kind != "list" or "max_length" in validator


@pytest.mark.parametrize(
    ("document", "pointer", "words", "remedy"),
    [
        ({"seed": 2**64}, "/seed", "a seed is an integer from 0", {"seed": "18446744073709551615"}),
        ({"seed": 2**53}, "/seed", "write a larger one as a decimal string", {"seed": "9007199254740992"}),
        ({"seed": 1.5}, "/seed", "a seed is an integer", {"seed": 1}),
        ({"seed": True}, "/seed", "a seed is an integer", {"seed": 1}),
        ({"seed": "abc"}, "/seed", "a seed is an integer", {"seed": None}),
        ({"seed": "-0"}, "/seed", "a seed is an integer", {"seed": "0"}),
        ({"seed": " 42"}, "/seed", "a seed is an integer", {"seed": "42"}),
        ({"seed": "007"}, "/seed", "a seed is an integer", {"seed": "7"}),
        ({"seed": []}, "/seed", "a seed is an integer", {"seed": None}),
        ({"dtype": "float"}, "/dtype", "did you mean float32?", {"dtype": "float32"}),
        ({"dtype": "int8"}, "/dtype", "this is one of float32, float64, float16, bfloat16", {"dtype": "float32"}),
        ({"dtype": 16}, "/dtype", "this is one of float32", {"dtype": "float32"}),
        ({"layout": "kears"}, "/layout", "did you mean keras?", {"layout": "keras"}),
        ({"defaults": "auto"}, "/defaults", "did you mean recommended?", {"defaults": "recommended"}),
        ({"fans": True}, "/fans", "this is one of true, keras, pytorch, flax", {"fans": "true"}),
        ({"algorithm": "torch-cpu"}, "/algorithm", "did you mean torch-cpu/1?", {"algorithm": "torch-cpu/1"}),
        ({"algorithm": "torch"}, "/algorithm", "did you mean torch-cpu/1?", {"algorithm": "torch-cpu/1"}),
        ({"algorithm": "initserve/2"}, "/algorithm", "did you mean initserve/1?", {"algorithm": "initserve/1"}),
        ({"algorithm": "xorshift"}, "/algorithm", "flax-linen/1", {"algorithm": "initserve/1"}),
        ({"sed": 1}, "/sed", "there is no such field here; did you mean seed?", None),
        ({"exact": "yes"}, "/exact", "true or false is needed here, not a string", {"exact": True}),
        ({"rules": None}, "/rules", "an array is needed here, not null", {"rules": []}),
        ({"layout": None}, "/layout", "this is one of keras, pytorch, flax", {"layout": "keras"}),
        ({"dtype": "fp8"}, "/dtype", "did you mean bfloat16?", {"dtype": "bfloat16"}),
        ({"layers": [{**DENSE, "activation": None}]}, "/layers/0/activation", "not null", {"activation": "linear"}),
        ({"layers": [{**DENSE, "bias": False}]}, "/layers/0/bias", "null leaves the bias out", {"bias": None}),
        ({"layers": [{**DENSE, "bias": True}]}, "/layers/0/bias", "a scheme is a name", {"bias": "auto"}),
        ({"layers": [{**DENSE, "scheme": 5}]}, "/layers/0/scheme", "a scheme is a name", {"scheme": "auto"}),
        ({"rules": ["*"]}, "/rules/0", "an object is needed here, not a string", None),
        ({"rules": [{"match": "*"}]}, "/rules/0", "a rule states a scheme, a seed, a dtype", None),
        ({"rules": [{"match": "*", "scheme": None}]}, "/rules/0/scheme", "scheme is null", None),
        ({"layers": []}, "/layers", "this takes 1 values or more, not 0", None),
        ({"layers": [5]}, "/layers/0", "an object is needed here, not an integer", None),
        ({"layers": [{"shape": [2, 2]}]}, "/layers/0/type", "a layer is an object with a type", None),
        ({"layers": [{**DENSE, "type": "dens"}]}, "/layers/0/type", "did you mean dense?", {"type": "dense"}),
        # Its shape, which is missing or another's, would be refused next.
        ({"layers": [{"type": "dens"}]}, "/layers/0/type", "did you mean dense?", None),
        ({"layers": [{**DENSE, "type": "convv2d"}]}, "/layers/0/type", "did you mean conv2d?", None),
        ({"layers": [{**DENSE, "type": "wavelet"}]}, "/layers/0/type", "GET /layers lists them", None),
        ({"layers": [{**DENSE, "scheme": "EYE_"}]}, "/layers/0/scheme", "mean 'eye_'?", {"scheme": "eye_"}),
        ({"layers": [{**DENSE, "scheme": "HE_NORMAL"}]}, "/layers/0/scheme", "'he_normal'?", {"scheme": "he_normal"}),
        ({"layers": [{**DENSE, "shape": [2, 3, 4]}]}, "/layers/0/shape", "2 values at the most: [in, out]", None),
        ({"layers": [{**DENSE, "shape": [2, 0]}]}, "/layers/0/shape/1", "leave the layer out, or make it 1", None),
        (
            {"algorithm": "torch-cpu/1", "layers": [{"type": "tensor", "shape": [0]}]},
            "/layers/0/shape/0",
            "an array without values",
            None,
        ),
        ({"layers": [{**DENSE, "shape": [2, -1]}]}, "/layers/0/shape/1", "this must be 1 or more, not -1", None),
        ({"layers": [{**DENSE, "name": "a b"}]}, "/layers/0/name", "letters, digits, _, -, .", {"name": "a_b"}),
        ({"layers": [{**DENSE, "gain": 10**400}]}, "/layers/0/gain", "this number is too large", None),
        ({"layers": [{**DENSE, "activation": "rleu"}]}, "/layers/0/activation", "mean relu?", {"activation": "relu"}),
        ({"layers": [{**DENSE, "scheme": "he_nromal"}]}, "/layers/0/scheme", "'he_normal'", {"scheme": "he_normal"}),
        ({"layers": [{**DENSE, "scheme": "???"}]}, "/layers/0/scheme", "GET /schemes", {"scheme": "auto"}),
        ({"layers": [{**DENSE, "bias": {"name": "nix"}}]}, "/layers/0/bias/name", "no scheme has this name", None),
        ({"layers": [{**DENSE, "scheme": "array"}]}, "/layers/0/scheme", "npy is required beside the name", None),
        ({"recipe": "lama"}, "/recipe", "did you mean llama?", {"recipe": "llama"}),
        ({"recipe": "gpt-2"}, "/recipe", "did you mean gpt2?", {"recipe": "gpt2"}),
        ({"recipe": 5}, "/recipe", "this is one of gpt2", {"recipe": "gpt2"}),
        ({"recipe": "gpt2", "config": {"n_embd": "wide"}}, "/config/n_embd", "an integer from 1", {"n_embd": 768}),
        ({"recipe": "gpt2", "config": {"n_head": 7}}, "/config/n_head", "a divisor of n_embd, 768", {"n_head": 6}),
        ({"recipe": "gpt2", "config": 5}, "/config", "the object that a config.json holds", {"config": {}}),
        ({"recipe": "gpt2", "head": "causal"}, "/head", "causal_lm", {"head": "causal_lm"}),
        ({"recipe": "lora", "head": "causal_lm"}, "/head", "no published model", None),
        ({"head": "causal_lm"}, "/head", "this spec names no recipe", None),
        ({"recipe": "BERT"}, "/recipe", "did you mean bert?", {"recipe": "bert"}),
        ({"recipe": "gpt2", "size": "XL"}, "/size", "small, medium, large, xl", {"size": "xl"}),
        ({"recipe": "gpt2", "size": "huge"}, "/size", "small, medium, large, xl", {"size": "small"}),
        ({"recipe": "gpt2", "size": 5}, "/size", "small, medium, large, xl", {"size": "small"}),
        ({"recipe": "gpt2", "rules": "all"}, "/rules", "an array is needed here, not a string", {"rules": []}),
        (
            {"recipe": "gpt2", "algorithm": {}},
            "/algorithm",
            "a string is needed here, not an object",
            {"algorithm": "initserve/1"},
        ),
        ({"size": "small"}, "/size", "this spec names no recipe", None),
    ],
)  # fmt: skip
def test_a_refusal_says_where_what_and_what_would_work(
    document: Document, pointer: str, words: str, remedy: Document | None
) -> None:
    document = document if "recipe" in document else {"layers": [DENSE], **document}
    (fault,) = faults(document)
    assert fault.pointer == pointer
    assert words in fault.detail
    assert fault.remedy == remedy
    if remedy is not None:
        path = tuple(int(part) if part.isdecimal() else part for part in pointer.split("/")[1:])
        assert not faults(changed(document, path, remedy[str(path[-1])]))


@pytest.mark.parametrize("document", [[], 5, None, "x", True, 1.5])
def test_a_spec_is_an_object(document: Any) -> None:
    (fault,) = faults(document)
    assert fault.pointer == ""
    assert fault.detail.startswith("an object is needed here, not ")


def test_a_recipe_and_layers_exclude_each_other() -> None:
    (fault,) = faults({"recipe": "gpt2", "layers": [DENSE]})
    assert (fault.pointer, fault.remedy) == ("/layers", None)


def test_a_member_called_as_a_type_of_layer_misleads_nobody() -> None:
    found = {fault.pointer for fault in faults({"layers": [{"type": "dense", "dense": {"shape": 1}}]})}
    assert found == {"/layers/0/shape", "/layers/0/dense"}


@pytest.mark.parametrize(
    ("scheme", "pointer"),
    [
        ({"name": "torch:normal", "std": -1}, "/std"),
        ({"name": "torch:normal", "std": 1.0, "stddev": 1.0}, ""),
        ({"name": "torch:uniform", "a": 2.0}, "/a"),
        ({"name": "torch:xavier_normal", "gain": "x"}, "/gain"),
        ({"name": "torch:xavier_normal", "gain": 1e100}, "/gain"),
        ({"name": "torch:kaiming_normal", "nonlinearity": "rleu"}, "/nonlinearity"),
        ({"name": "random_uniform", "minval": 1.0}, "/minval"),
        ({"name": "random_uniform", "minval": 1.0, "maxval": 0.0}, ""),
        ({"name": "zeros", "a/b~c": 1}, "/a~1b~0c"),
    ],
)
def test_a_frameworks_own_word_is_pointed_at_as_it_was_written(scheme: Document, pointer: str) -> None:
    (fault,) = faults({"layers": [{**DENSE, "scheme": scheme}]})
    assert fault.pointer == f"/layers/0/scheme{pointer}"
    (fault,) = faults({"recipe": "bert", "rules": [{"match": "*", "scheme": scheme}]})
    assert fault.pointer == f"/rules/0/scheme{pointer}"


@pytest.mark.parametrize(
    ("value", "pointer", "words"),
    [
        ({}, "", "an integer or an array is needed here, not an object"),
        (["x"], "/0", "an integer is needed here, not a string"),
        ([40], "/0", "this must be 31 or less, not 40"),
        (99, "", "this must be 31 or less, not 99"),
        (["x"] * 200_000, "", "this takes 32 values at the most"),
    ],
)
def test_of_a_value_of_several_kinds_what_is_wrong_with_its_own_is_told(value: Any, pointer: str, words: str) -> None:
    scheme = {"name": "jax:variance_scaling", "in_axis": value}
    (fault,) = faults({"layers": [{**DENSE, "scheme": scheme}]})
    assert fault.pointer == f"/layers/0/scheme/in_axis{pointer}"
    assert fault.detail.startswith(words)


@pytest.mark.parametrize("name", [".", "..", "...", "", "a/b", "ä"])
def test_a_name_is_more_than_dots(name: str) -> None:
    (fault,) = faults({"layers": [{**DENSE, "name": name}]})
    assert fault.pointer == "/layers/0/name"
    assert fault.detail.startswith("this is not written as it must be")


ALIASES = [
    ("dtype", "bf16", "bfloat16"), ("dtype", "BF16", "bfloat16"), ("dtype", "half", "float16"),
    ("dtype", "double", "float64"), ("dtype", "fp16", "float16"), ("dtype", "fp32", "float32"),
    ("dtype", "torch.float32", "float32"), ("dtype", "torch.float", "float32"), ("dtype", "torch.half", "float16"),
    ("dtype", "jnp.bfloat16", "bfloat16"), ("dtype", "np.float64", "float64"), ("dtype", "np.float_", "float64"),
    ("dtype", "tf.bfloat16", "bfloat16"), ("dtype", "<f4", "float32"), ("dtype", "Float32", "float32"),
    ("layout", "torch", "pytorch"), ("layout", "PyTorch", "pytorch"), ("layout", "jax", "flax"),
    ("layout", "tf", "keras"), ("layout", "tensorflow", "keras"), ("defaults", "torch", "pytorch"),
    ("fans", "jax", "flax"), ("algorithm", "Initserve/1", "initserve/1"),
]  # fmt: skip


@pytest.mark.parametrize(("member", "spelling", "meant"), ALIASES)
def test_other_spellings_that_mean_one_thing_are_read(member: str, spelling: str, meant: str) -> None:
    spec = Spec.model_validate({"layers": [DENSE], member: spelling})
    assert getattr(spec, member) == meant
    assert spec.written_out(1)[member] == meant


def test_numpys_names_of_dtypes_mean_what_they_mean_to_numpy() -> None:
    for spelling in ("half", "single", "double", "f2", "f4", "f8", "<f4"):
        dtype = np.dtype(spelling).name
        assert Spec.model_validate({"layers": [DENSE], "dtype": spelling}).dtype == dtype


@pytest.mark.parametrize("recipe", RECIPES)
def test_pointers_into_what_a_recipe_comes_to_lead_to_its_name(recipe: str) -> None:
    with pytest.raises(InitserveError) as caught:
        Spec.model_validate({"recipe": recipe, "dtype": "float16", "rules": [LOUD]}).plan()
    assert caught.value.pointer == "/rules/0/scheme"
    with pytest.raises(InitserveError) as caught:
        Spec.model_validate({"recipe": recipe, "rules": [{"match": "*", "scheme": "dirac"}]}).plan()
    assert caught.value.pointer == "/rules/0/scheme"
