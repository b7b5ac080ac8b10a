"""The canonical text of a spec: it gives the same answer, and all that say the same have one, however they say it."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from service.api.entries import layer_example, scheme_example
from service.api.examples import EXAMPLES, LARGE_EXAMPLES
from service.errors import InitserveError
from service.formats import FORMATS, Include
from service.formats.description import encode_plan
from service.networks.activations import ALIASES as ACTIVATIONS
from service.networks.layers import LAYERS
from service.networks.layers.layer import BiasedLayerSpec, LayerSpec
from service.networks.layers.names import SPELLINGS
from service.networks.layouts import LAYOUTS
from service.networks.plan import Plan
from service.networks.schemes import ALIASES, FAMILIES, PRESETS, Scheme
from service.replay import ALGORITHMS
from service.specs.completion import usual
from service.specs.counting import count
from service.specs.recipes import RECIPES
from service.specs.spec import Spec
from tests.golden.addresses import FILE, unsaid
from tests.golden.write import cases
from tests.standard import specs

Written = dict[str, Any]
SMALL = 2**14  # elements up to which an answer is made and compared
EXAMPLE = json.loads((Path(__file__).parents[2] / "examples/lenet5.json").read_text())


def planned(document: Written) -> Plan:
    return Spec.model_validate(document).plan()


def answer(plan: Plan) -> bytes:
    """Return the answer of /init where it is small, else that of /plan."""
    if plan.elements > SMALL or plan.dtype == "bfloat16":
        return encode_plan(plan)
    return FORMATS["json"].encode(plan, Include()).whole()


@cache
def catalogue() -> dict[str, Written]:
    """Return a spec for all that the catalogue has, with a seed."""
    found = {f"example {name}": example["value"] for name, example in (EXAMPLES | LARGE_EXAMPLES).items()}
    found["example lenet5"] = EXAMPLE
    found |= {f"scheme {name}": scheme_example(name, scheme.family) for name, scheme in PRESETS.items()}
    found |= {f"scheme {name}": scheme_example(name, name) for name in FAMILIES}
    found |= cases()
    for name, replay in ALGORITHMS.items():
        found[f"algorithm {name}"] = dict(replay.example)
        for kind in LAYERS:
            found[f"layer {kind} under {name}"] = {**layer_example(kind), "algorithm": name, "exact": False}
    for recipe, row in RECIPES.items():
        size = min(row.sizes, key=lambda each: count(recipe, each).arrays)
        found[f"recipe {recipe} {size}"] = {"recipe": recipe, "size": size}
    for name in ("gpt2", "vit"):
        found |= {f"recipe {name} under {each}": {"algorithm": each, "recipe": name} for each in ALGORITHMS}
    return {name: {"seed": 42, **document} for name, document in found.items()}


def possible(document: Written) -> bool:
    try:
        planned(document)
    except (InitserveError, ValueError):
        return False
    return True


@cache
def at_random(count: int) -> list[Written]:
    """Return specs of one layer at random over all that there is, some layers of each type."""
    draw = Random(7)
    return [document for kind in LAYERS for document in islice(filter(possible, drawn(draw, kind)), count)]


def drawn(draw: Random, kind: str) -> Iterator[Written]:
    while True:
        yield specs.spec(draw, kind)


@cache
def every() -> list[tuple[str, Written, Plan]]:
    """Return all that can be, with its plan."""
    asked = [*catalogue().items(), *((f"at random {index}", each) for index, each in enumerate(at_random(3)))]
    return [(name, document, planned(document)) for name, document in asked if possible(document)]


def test_most_layers_can_be_had_under_a_frameworks_stream() -> None:
    """What the laws below are tried on is not empty: specs that cannot be are passed over there."""
    names = [name for name, _, _ in every()]
    assert sum("under torch-cpu" in name for name in names) >= 20
    assert sum("under keras" in name for name in names) >= 80


def answer_without_places(plan: Plan) -> bytes:
    """Return an answer without places in its spec, which warnings point at: layers without weights are not in texts."""
    return re.sub(rb"/layers/\d+", b"/layers/", answer(plan))


def test_the_canonical_text_gives_the_same_answer_and_is_its_own() -> None:
    for name, _, plan in every():
        text = plan.canonical_json()
        again = planned(json.loads(text))
        assert again.canonical_json() == text, name
        assert again.digest == plan.digest, name
        assert answer_without_places(again) == answer_without_places(plan), name


def spelt_out(document: Written, plan: Plan, draw: Random) -> Written:
    """Return a spec that says the same with everything stated, in other words, in another order."""
    spec = Spec.model_validate(document)
    replay = ALGORITHMS.get(spec.algorithm)
    found = {"algorithm": spec.algorithm, "seed": str(plan.seed), **usual(replay, spec.recipe is not None)}
    found |= {"exact": replay is None or spec.exact, "recipe": None, "size": None, "rules": [], **document}
    found["seed"] = plan.seed if 0 <= plan.seed < 2**53 else str(plan.seed)
    found.pop("input_shape", None)  # structure says nothing of weights
    if spec.recipe is None:
        weighted = [
            each for each in zip(document["layers"], spec.layers, strict=True) if isinstance(each[1], LayerSpec)
        ]
        found["layers"] = [
            layer_spelt_out(asked, read, made.name, draw)
            for (asked, read), made in zip(weighted, plan.layers, strict=True)
        ]
    elif spec.config is None:  # which says all, as a size does
        found["size"] = spec.size or next(iter(RECIPES[spec.recipe].sizes))
    found["rules"] = [
        {"because": rule.because, "scheme": scheme_spelt_out(rule.scheme, draw), "match": rule.match}
        for rule in spec.rules
    ]
    return shuffled(found, draw)


def layer_spelt_out(asked: Written, read: Any, name: str, draw: Random) -> Written:
    kind = type(read)
    found = {member: field.get_default(call_default_factory=True) for member, field in kind.model_fields.items()}
    if issubclass(kind, BiasedLayerSpec) and read.has_bias:
        del found["bias"]  # null would be none at all
    found |= {**read.implied, **asked, "name": name, "type": read.type}
    found.pop("inputs", None)
    spellings = [each for each in SPELLINGS.get(read.type, "").split() if each.isidentifier() and each[:4] != "Conv"]
    found["type"] = draw.choice([read.type, *spellings])
    found["activation"] = draw.choice([
        read.activation, *(alias for alias, meant in ACTIVATIONS.items() if meant == read.activation),
    ])  # fmt: skip
    for member in kind.model_fields:
        if isinstance(getattr(read, member), Scheme):
            found[member] = scheme_spelt_out(getattr(read, member), draw)
    return shuffled(found, draw)


def scheme_spelt_out(scheme: Any, draw: Random) -> str | Written:
    """Return a scheme with every parameter, whole numbers as integers, by another name where there is one."""
    if scheme.name == "auto":
        return {"name": "auto"}
    found = scheme.model_dump()
    for parameter, value in found.items():
        if isinstance(value, float) and value.is_integer() and str(value) != "-0.0":
            found[parameter] = int(value)
    # A spelling that one framework alone has may read arguments in that framework's words.
    plain = [alias for alias, meant in ALIASES.items() if meant == scheme.name and not alias.endswith("_")]
    found["name"] = draw.choice([scheme.name, *plain])
    return shuffled(found, draw)


def shuffled(document: Written, draw: Random) -> Written:
    names = list(document)
    draw.shuffle(names)
    return {name: document[name] for name in names}


def test_specs_that_say_the_same_have_one_text() -> None:
    draw = Random(11)
    for name, document, plan in every():
        assert planned(spelt_out(document, plan, draw)).canonical_json() == plan.canonical_json(), name


def test_a_text_states_algorithm_and_seed_and_nothing_that_is_so_anyway() -> None:
    document = {
        "layout": "keras", "dtype": "float32", "defaults": "recommended", "fans": "true", "exact": True, "seed": 5,
        "rules": [], "layers": [
            {"type": "Linear", "name": "dense_0", "shape": [2, 3], "activation": "linear", "gain": None, "seed": 5},
            {"type": "dense", "name": "out", "shape": [3, 1], "scheme": {"name": "he_normal", "scale": 2.0}, "seed": 6},
        ],
    }  # fmt: skip
    assert planned(document).canonical_json() == (
        '{"algorithm":"initserve/1","layers":[{"shape":[2,3],"type":"dense"},'
        '{"name":"out","scheme":"he_normal","seed":"6","shape":[3,1],"type":"dense"}],"seed":"5"}'
    )


DENSE = {"type": "dense", "shape": [4, 4]}
# Members that are no default where they stand, however alike they look.
STATED: dict[str, tuple[Written, Written]] = {
    "another framework's layout": ({"algorithm": "torch-cpu/1", "layout": "keras"}, {"algorithm": "torch-cpu/1"}),
    "what is recommended, under a framework": (
        {"algorithm": "keras-numpy/1", "defaults": "recommended"}, {"algorithm": "keras-numpy/1"},
    ),
    "no bias": ({"layers": [{**DENSE, "bias": None}]}, {}),
    "a scheme that would be chosen anyway": ({"layers": [{**DENSE, "scheme": "glorot_uniform"}]}, {}),
    "minus zero": (
        {"layers": [{**DENSE, "scheme": {"name": "constant", "value": -0.0}}]},
        {"layers": [{**DENSE, "scheme": "constant"}]},
    ),
    "minus zero of a preset": (
        {"layers": [{**DENSE, "scheme": {"name": "zeros", "value": -0.0}}]},
        {"layers": [{**DENSE, "scheme": "zeros"}]},
    ),
    "the choice by activation, where a framework's default is usual": (
        {"defaults": "keras", "layers": [{**DENSE, "scheme": "auto"}]}, {"defaults": "keras"},
    ),
    "a layer's own seed under a framework": (
        {"algorithm": "torch-cpu/1", "layers": [DENSE, {**DENSE, "seed": 3}]},
        {"algorithm": "torch-cpu/1", "layers": [DENSE, DENSE]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STATED)
def test_what_makes_another_answer_is_stated(case: str) -> None:
    ours, other = ({"seed": 3, "layers": [DENSE], **document} for document in STATED[case])
    assert planned(ours).canonical_json() != planned(other).canonical_json()
    assert answer(planned(ours)) != answer(planned(other))


# Members that say nothing where they stand, though they are no defaults.
UNSAID: dict[str, Written] = {
    "the choice by activation, where it is usual": {"layers": [{**DENSE, "scheme": "auto", "bias": "auto"}]},
    "that a stream need not be exact which always is": {"exact": False},
    "the spec's own seed of a layer": {"layers": [{**DENSE, "seed": 3}]},
}


@pytest.mark.parametrize("case", UNSAID)
def test_what_makes_no_other_answer_is_left_out(case: str) -> None:
    said, unsaid = ({"seed": 3, "layers": [DENSE], **document} for document in (UNSAID[case], {}))
    assert planned(said).canonical_json() == planned(unsaid).canonical_json()
    assert answer(planned(said)) == answer(planned(unsaid))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_recipe_stays_a_name_in_every_layout(layout: str) -> None:
    text = planned({"recipe": "gpt2", "size": "small", "layout": layout, "seed": "7"}).canonical_json()
    stated = {} if layout == "pytorch" else {"layout": layout}
    assert json.loads(text) == {"algorithm": "initserve/1", "recipe": "gpt2", "seed": "7", **stated}


def test_linens_own_names_are_left_out_where_linen_would_give_them() -> None:
    layers = [DENSE, {**DENSE, "name": "Dense_1"}, {**DENSE, "name": "head"}, {**DENSE, "name": "Dense_2"}]
    document = {"algorithm": "flax-linen/1", "seed": 1, "layers": layers}
    text = planned(document).canonical_json()
    assert [layer.get("name") for layer in json.loads(text)["layers"]] == [None, None, "head", None]
    assert [layer.name for layer in planned(json.loads(text)).layers] == ["Dense_0", "Dense_1", "head", "Dense_2"]


def test_a_name_that_only_looks_like_linens_is_stated() -> None:
    layers = [{**DENSE, "name": "Dense_1"}, DENSE]
    text = planned({"algorithm": "flax-linen/1", "seed": 1, "layers": layers}).canonical_json()
    assert [layer.get("name") for layer in json.loads(text)["layers"]] == ["Dense_1", None]


def test_what_texts_leave_unsaid_means_what_it_always_meant() -> None:
    """A recipe under its name and size, and every default: addresses and commit ids of years ago rest on them.

    What is new is added by make golden; what is meant otherwise has another name.
    """
    assert dict(unsaid()) == json.loads(FILE.read_text())


def test_a_spec_as_a_request_is_not_changed_by_its_text() -> None:
    document = deepcopy(EXAMPLE)
    planned(document).canonical_json()
    assert document == EXAMPLE


def anything(draw: Random) -> Written:
    """Return a spec of a few layers under any stream, with names that are the usual ones now and then, and rules."""
    found = specs.spec(draw, draw.choice(list(LAYERS)))
    if draw.random() < 0.5:
        for layer in specs.spec(draw, draw.choice(list(LAYERS)))["layers"]:
            usual_names = [f"{layer['type']}_{len(found['layers'])}", "Dense_0", "Dense_1", "Conv_0"]
            found["layers"].append(layer | ({"name": draw.choice(usual_names)} if draw.random() < 0.5 else {}))
    if draw.random() < 0.2:
        match = draw.choice(["*", "*/kernel", "nothing", "*bias*"])
        found["rules"] = [{"match": match, "scheme": specs.scheme(draw, []), "because": draw.choice([None, "so"])}]
    if draw.random() < 0.6:
        members = {"algorithm": draw.choice(list(ALGORITHMS)), "exact": draw.random() < 0.5, "seed": 5}
        kept = [name for name in ("layout", "defaults", "rules") if name in found and draw.random() < 0.5]
        layers = [{name: layer[name] for name in layer if name != "seed"} for layer in found["layers"]]
        found = {**{name: found[name] for name in kept}, **members, "layers": layers}
    return found


@pytest.mark.long
def test_thousands_of_specs_give_the_same_answer_by_their_text_and_have_one_however_they_are_said() -> None:
    draw = Random(13)
    documents = [document for document in (anything(draw) for _ in range(10_000)) if possible(document)]
    assert len(documents) > 3_000
    for document in documents:
        plan = planned(document)
        text = plan.canonical_json()
        again = planned(json.loads(text))
        assert again.canonical_json() == text, document
        assert answer_without_places(again) == answer_without_places(plan), document
        assert planned(spelt_out(document, plan, draw)).canonical_json() == text, document
