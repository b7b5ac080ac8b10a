"""What the page says of errors and of changes: plain, at its place, in the reader's language."""

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.pages.reader import (
    IN_CHROMIUM,
    Reader,
    begin_with,
    clipboard,
    drawn,
    module,
    note,
    settle,
    show,
    spec,
    verdict,
)

pytestmark = IN_CHROMIUM
DENSE = {"name": "fc1", "type": "dense", "shape": [8, 4], "activation": "relu"}
OTHER = {"name": "fc2", "type": "dense", "shape": [4, 4], "activation": "relu"}
CONV = {"name": "conv", "type": "conv2d", "shape": [3, 3, 4, 8]}


def dense(**more: Any) -> dict[str, Any]:
    return {**DENSE, **more}


def normal(**more: Any) -> dict[str, Any]:
    return dense(scheme={"name": "random_normal", **more})


def network(*layers: Any, shape: Any = (8,)) -> dict[str, Any]:
    return {"seed": "1", "input_shape": list(shape) if isinstance(shape, tuple) else shape, "layers": list(layers)}


def joining(kind: str, *inputs: str, **more: Any) -> dict[str, Any]:
    return {"name": kind, "type": kind, **({"inputs": list(inputs)} if inputs else {}), **more}


IMAGE, STEPS = (8, 8, 4), (6, 8)
WORDS = {"name": "words", "type": "embedding", "shape": [10, 8]}
# Networks whose layers do not fit together, and structure that cannot be.
UNFIT = [
    network(DENSE, joining("add", "fc1", "nothing")),
    network(DENSE, joining("add", "fc1", "fc0")),
    network(DENSE, joining("add", "fc1", "fc2"), OTHER),
    network(DENSE, joining("add", "fc1", "fc1:0")),
    network(DENSE, joining("add", "fc1", "input")),
    network(DENSE, joining("add", "fc1")),
    network(DENSE, joining("split", sizes=[2, 2]), OTHER),
    network(DENSE, joining("split", sizes=[2, 2]), joining("add", "split:0", "split:5")),
    network(DENSE, joining("split", sizes=[2, 3]), joining("add", "split:0", "split:1")),
    network(DENSE, joining("split", sizes=[2, 2], axis=0)),
    network(DENSE, joining("concatenate", "fc1", "input", axis=2)),
    network(DENSE, joining("reshape", shape=[3, -1])),
    network(DENSE, joining("reshape", shape=[-1, -1])),
    network(DENSE, joining("transpose", axes=[2, 1])),
    network(DENSE, joining("transpose", axes=[1, 3])),
    network(DENSE, joining("max_pool", window=2)),
    network(DENSE, joining("pad", padding=[[1, 1], [1, 1]])),
    network(DENSE, joining("tied", to="fc9")),
    network(DENSE, joining("activation", activation="relu"), joining("tied", to="activation")),
    network(DENSE, joining("dot_product_attention", "fc1", "fc1", "fc1", heads=2)),
    network(DENSE, joining("dot_product_attention", "fc1", "fc1", "fc1", heads=2, key_heads=3)),
    network(DENSE, joining("rotary", heads=3)),
    network(DENSE, joining("relative_positions", "fc1")),
    network(DENSE, OTHER | {"shape": [7, 4]}),
    network(CONV, shape=(8, 8, 3)),
    network({**CONV, "padding": "valid"}, shape=(2, 8, 4)),
    network({**CONV, "strides": [1, 2, 3]}, shape=IMAGE),
    network({**CONV, "padding": -1}, shape=IMAGE),
    network({**CONV, "padding": "sameish"}, shape=IMAGE),
    network({"name": "norm", "type": "layer_norm", "shape": [5]}),
    network({"name": "lstm", "type": "lstm", "shape": [7, 4]}, shape=STEPS),
    network({"name": "look", "type": "multi_head_attention", "shape": [4, 2, 2]}, shape=STEPS),
    network({**DENSE, "inputs": 5}),
    network(DENSE, shape=[0]),
    network(DENSE, shape="8"),
]

# What a hand can type into the page's fields, and what a link may hold.
WRONG = [
    ("init", {"seed": seed, "layers": [DENSE]})
    for seed in ("", "-1", "abc", "1.5", str(2**64))
] + [
    ("init", {"seed": "1", "layers": layers})
    for layers in (
        [dense(name="")],
        [dense(name="a b")],
        [dense(name="a" * 200)],
        [DENSE, DENSE],
        [dense(shape=[8, 0])],
        [dense(shape=[8, -3])],
        [dense(shape=[8, 4.5])],
        [dense(shape=[8, ""])],
        [dense(shape=[8, "x"])],
        [dense(shape=[8, 1e300])],
        [dense(shape=[8])],
        [dense(shape=[8, 4, 2])],
        [{"name": "a", "type": "dense"}],
        [dense(activation="rellu")],
        [dense(activation="")],
        [dense(scheme="hee_normal")],
        [dense(scheme="")],
        [dense(bias="foo")],
        [normal(stddev=-1)],
        [normal(stddev="")],
        [normal(mean="x")],
        [normal(stddev=1e300)],
        [normal(sigma=1)],
        [dense(scheme={"name": "random_uniform", "minval": 3, "maxval": 1})],
        [dense(gain=-1)],
        [dense(gain="x")],
        [dense(groups=2)],
        [{"name": "a", "type": "denze", "shape": [8, 4]}],
        [{"name": "a", "shape": [8, 4]}],
        [{**CONV, "groups": 3}],
        [{"type": "multi_head_attention", "shape": [10, 3, -4]}],
        [dense(shape=[800000, 800000])],
        [dense(shape=[2**40, 2**40])],
        [],
    )
] + [
    ("diagnose", {"seed": "1", "layers": layers})
    for layers in (
        [DENSE, CONV],
        [CONV, {"type": "lstm", "shape": [8, 4]}],
        [DENSE, DENSE | {"name": "fc2"}],
        [DENSE, {"type": "embedding", "shape": [10, 4]}],
        [{"type": "lstm", "shape": [8, 4], "activation": "softmax"}],
        [dense(shape=[8000, 60000])],
        [dense(shape=[4096, 4096], scheme="orthogonal"), dense(name="b", shape=[4096, 4096], scheme="orthogonal")],
    )
] + [
    ("diagnose", network(DENSE) | {"forecast_only": True, "distributions": True})
] + [
    ("init", each) for each in UNFIT
] + [
    ("diagnose", each)
    for each in (
        network(DENSE, OTHER | {"inputs": ["input"], "shape": [8, 4]}),
        network(DENSE, WORDS),
        {"seed": "1", "layers": [{"type": "tensor", "shape": [4]}, DENSE]},
        {"seed": "1", "recipe": "deepseek_v3"},
    )
] + [
    ("train", {"seed": "1", "task": "moons", "layers": [dense(shape=[2, 2], activation="linear")], **more})
    for more in (
        {"learning_rate": -1},
        {"learning_rate": 0},
        {"learning_rate": 1e9},
        {"learning_rate": ""},
        {"watch": True},
        {"steps": 0},
        {"steps": 99999},
        {"steps": 1.5},
        {"task": "mnist"},
        {"schemes": ["zeros"] * 9},
        {"layers": [dense(shape=[2, 300]), *([OTHER | {"shape": [300, 300]}] * 4)]},
        {"layers": [dense(shape=[3, 2])]},
        {"layers": [CONV]},
        {"task": "digits", "layers": [{**CONV, "shape": [3, 3, 1, 4]}]},
        {"task": "digits", "layers": [WORDS, dense(shape=[8, 10], activation="linear")]},
        {"task": "digits", "input_shape": [9, 9, 1], "layers": [{**CONV, "shape": [3, 3, 1, 4]}]},
        {"schemes": ["zeros", "he_normal"], "restarts": 10, "steps": 2000, "layers": [
            dense(shape=[2, 300]), OTHER | {"shape": [300, 300]},
            {"name": "out", "type": "dense", "shape": [300, 2]},
        ]},
    )
]  # fmt: skip
# The validator's words, and those of a program, that no reader of the page should meet.
JARGON = (
    "pattern",
    "Input should",
    "(batch",
    "[128",
    "axes of space",
    "elements;",
    "batch may",
    "union",
    "not a string",
)


@pytest.fixture(scope="module")
def refusals(server: str) -> list[str]:
    """Everything that the service says to what is wrong in WRONG."""
    found: set[str] = set()
    for path, document in WRONG:
        answer = httpx.post(f"{server}/{path}", json=document, timeout=60)
        assert answer.status_code == 422, (path, document, answer.text[:300])
        problem = answer.json()
        found |= {error["detail"] for error in problem["errors"]} if "errors" in problem else {problem["detail"]}
    return sorted(found)


def said(page: Page, sentences: list[str]) -> dict[str, str | None]:
    """Return each sentence as the page says it; None where the page has no words for it."""
    found: dict[str, str | None] = page.evaluate(
        "async (all) => { const { sentence } = await import(new URL('./words/sentences.js', document.baseURI));"
        " return Object.fromEntries(all.map((one) => [one, sentence(one)])); }",
        sentences,
    )
    return found


def test_every_refusal_is_told_in_spanish(reader: Reader, refusals: list[str]) -> None:
    page = reader.open(locale="es-ES")
    told = said(page, refusals)
    assert [text for text, words in told.items() if words is None] == []
    for text, words in told.items():
        assert words is not None
        assert words != text
        assert not {"this", "must", "needs", "here", "take", "takes", "the"} & set(words.split()), words


def test_every_refusal_is_told_in_plain_words(reader: Reader, refusals: list[str]) -> None:
    page = reader.open()
    for text, words in said(page, refusals).items():
        assert words is not None
        assert not [word for word in JARGON if word in words], (text, words)


@pytest.mark.parametrize("locale", ["en-GB", "es-ES"])
def test_an_empty_name_is_told_what_a_name_has(reader: Reader, locale: str) -> None:
    page = reader.open(locale=locale)
    page.locator('[data-key="layer-fc1"]').click()
    page.locator('[data-key="/layers/0/name"]').fill("")
    error = page.locator('[id="field--layers-0-name-error"]')
    words = {"en-GB": "a name has letters, digits", "es-ES": "un nombre tiene letras, dígitos"}
    expect(error).to_contain_text(words[locale])
    expect(page.locator("#panel [lang=en]")).to_have_count(0)
    reader.forgive(422)


def test_what_is_wrong_with_all_layers_stands_at_their_field_and_is_mended_there(reader: Reader) -> None:
    page = reader.open()
    note(page, "σ = 1")
    page.locator('[data-key="all/stddev"]').fill("-1")
    expect(page.locator('[data-key="all/stddev"]')).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#stack .layer.wrong")).to_have_count(0)
    problem = page.locator("#panel .problem")
    expect(problem).to_contain_text("Start of all weights, stddev: this must be 0 or more")
    problem.get_by_role("button", name="Use stddev 0").click()
    settle(page)
    assert {json.dumps(layer["scheme"]) for layer in spec(page)["layers"]} == {'{"name": "random_normal", "stddev": 0}'}
    reader.forgive(422)


def test_weights_that_are_made_but_not_diagnosed_are_told_as_such(reader: Reader) -> None:
    page = reader.open()
    page.locator('[data-key="add-type"]').select_option("conv2d")
    page.locator('[data-key="add"]').click()
    problem = page.locator("#panel .problem")
    expect(problem).to_contain_text("The weights can be made, but not diagnosed")
    expect(problem).to_contain_text("takes height, width, channels with 10 channels, and 10 comes in")
    expect(page.locator("#panel .weights")).to_be_visible()
    expect(page.locator("#panel .past .weights")).to_have_count(0)
    reader.forgive(422)


def test_a_remedy_of_a_training_is_a_button(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    page.locator('[data-key="/steps"]').fill("99999")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#panel .problem")).to_contain_text("This cannot be trained as it is asked for")
    page.get_by_role("button", name="Use steps 2000").click()
    drawn(page)
    expect(page.locator('[data-key="/steps"]')).to_have_value("2000")
    reader.forgive(422)


@pytest.mark.parametrize("preset", ["mlp", "lstm", "transformer", "conv"])
def test_a_remedy_lists_no_change_that_is_none(reader: Reader, preset: str) -> None:
    page = reader.open()
    begin_with(page, preset)
    for label in ("σ = 1", "0"):
        note(page, label)
        for row in page.locator(".remedy li").all():
            before, after = row.inner_text().rsplit(" (", 1)[0].split(" → ")
            assert before.split(" ", 1)[1] != after
            for none in ("random_normal (stddev 1) → random_normal (mean 0, stddev 1)", "auto → 1", "auto → zeros"):
                assert none not in row.inner_text()


def test_a_warning_names_a_layer_once(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "transformer")
    note(page, "σ = 1")
    for row in page.locator(".warnings li strong").all_inner_texts():
        names = row.rstrip(": ").split(", ")
        assert len(names) == len(set(names))


def test_a_link_carries_its_language(reader: Reader) -> None:
    page = reader.open()
    page.get_by_role("button", name="Español").click()
    settle(page)
    page.get_by_role("button", name="Copiar enlace").click()
    expect(page.locator("#toast")).to_contain_text("Copiado")
    other = reader.open(clipboard(page), locale="en-GB")
    expect(other.locator("html")).to_have_attribute("lang", "es")
    expect(verdict(other)).to_have_text("Zona normal")
    other.goto("about:blank")
    other.goto(reader.server)
    settle(other)
    expect(other.locator("html")).to_have_attribute("lang", "en")  # the link's, not the reader's own choice


@pytest.mark.parametrize("label", ["0", "5", "σ = 0.001", "σ = 1", "Glorot"])
def test_the_spanish_page_says_as_much_as_the_english(reader: Reader, label: str) -> None:
    page = reader.open(locale="es-ES")
    begin_with(page, "relu30")
    note(page, label)
    expect(page.locator("#panel [lang=en]")).to_have_count(0)
    summary = page.locator(".verdict-words p:not(.also, .note)").inner_text()
    assert " En fc" in summary or " En out" in summary
    reasons = page.locator(".reason > span:last-child").all_inner_texts()
    page.get_by_role("button", name="English").click()
    settle(page)
    english = page.locator(".reason > span:last-child").all_inner_texts()
    for spanish, other in zip(reasons, english, strict=True):
        assert len(figures(spanish)) == len(figures(other)), (spanish, other)


def figures(text: str) -> list[str]:
    return [word for word in text.replace("\u202f", "").split() if any(letter.isdigit() for letter in word)]


def warnings_and_outcomes(server: str) -> set[str]:
    """Return what is said of the weights of starts of every kind, and of trainings."""
    found: set[str] = set()
    for layers in STARTS:
        plan = httpx.post(f"{server}/plan", json={"seed": "3", "layers": layers}).json()
        found |= {warning["detail"] for warning in plan["warnings"]}
    for rate in (1e-6, 0.05, 10, 1000):
        asked = {"seed": "3", "steps": 30, "learning_rate": rate, "layers": NARROW}
        for task in ("moons", "quadratic"):
            layers = [*NARROW[:-1], {**NARROW[-1], "shape": [16, 1 if task == "quadratic" else 2]}]
            layers[0] = {**layers[0], "shape": [8 if task == "quadratic" else 2, 16]}
            schemes = ["he_normal", "zeros", "small_normal", {"name": "constant", "value": 5}]
            answer = httpx.post(
                f"{server}/train", json={**asked, "task": task, "layers": layers, "schemes": schemes}, timeout=60
            ).json()
            found |= {run["reason"] for run in answer["runs"]}
    return found


def stack(depth: int, scheme: Any, activation: str = "relu", end: Any = None) -> list[dict[str, Any]]:
    layer = {"type": "dense", "shape": [32, 32], "activation": activation, "scheme": scheme}
    return [layer] * (depth - 1) + [{"type": "dense", "shape": [32, 10], "scheme": scheme if end is None else end}]


STARTS = [
    *(stack(depth, scheme) for depth in (1, 2, 8, 30) for scheme in ("he_normal", "zeros", "glorot_normal")),
    *(stack(8, {"name": "random_normal", "stddev": size}, "tanh") for size in (0.001, 1.0, 5.0)),
    *(stack(8, {"name": "constant", "value": value}, how) for value in (0.01, 5.0) for how in ("relu", "tanh")),
    stack(60, {"name": "random_normal", "stddev": 1e30}),
    stack(3, "he_normal", end="zeros"),
    stack(3, "he_normal", end={"name": "random_normal", "stddev": 100.0}),
    [{**stack(2, "he_normal")[0], "scheme": "zeros"}, *stack(3, "he_normal")],
    [{"type": "embedding", "shape": [50, 32]}, *stack(3, "he_normal", "sigmoid")],
    [{**stack(2, "he_normal")[0], "bias": {"name": "constant", "value": -9}}, *stack(2, "he_normal")],
]
NARROW: list[dict[str, Any]] = [
    {"name": "fc1", "type": "dense", "shape": [2, 16], "activation": "relu"},
    {"name": "fc2", "type": "dense", "shape": [16, 16], "activation": "relu"},
    {"name": "out", "type": "dense", "shape": [16, 2]},
]


def test_every_warning_and_outcome_is_told_in_spanish(reader: Reader) -> None:
    page = reader.open(locale="es-ES")
    told = said(page, sorted(warnings_and_outcomes(reader.server)))
    assert [text for text, words in told.items() if words is None] == []
    assert len(told) > 12


def test_reasons_of_starts_of_every_kind_are_told_alike_in_both_languages(reader: Reader) -> None:
    answers = [
        httpx.post(f"{reader.server}/diagnose", json={"seed": "3", "layers": layers}, timeout=60).json()
        for layers in STARTS
    ]
    page = reader.open()
    said = {}
    for language in ("en", "es"):
        tell = "(answer) => [m.summaryFor(answer), ...answer.layers.map((layer) => m.reasonFor([layer]))]"
        module(page, "./words/language.js", f"m.read('{language}')")
        said[language] = module(page, "./words/telling.js", f"{json.dumps(answers)}.flatMap({tell})")
    assert None not in said["en"]
    for english, spanish in zip(said["en"], said["es"], strict=True):
        assert len(figures(english)) == len(figures(spanish)), (english, spanish)
        assert english != spanish


def test_a_number_is_written_as_the_language_writes_it(reader: Reader) -> None:
    page = reader.open(locale="es-ES")
    english = "the loss goes from 1.5 to 0.25 in 30 steps, and no layer's outputs grow out of hand"
    assert "de 1,5 a 0,25 en 30 pasos" in str(said(page, [english])[english])
    english = "two layers are called 'block1.0.fc'; every layer needs a name of its own"
    assert "«block1.0.fc»" in str(said(page, [english])[english])


def test_zeros_are_told_as_alike_too_and_a_drift_as_a_drift(reader: Reader) -> None:
    page = reader.open()
    note(page, "0")
    expect(page.locator(".verdict .also")).to_contain_text("Symmetric")
    expect(page.locator(".reasons tbody tr").first).to_contain_text("1 / 128")
    note(page, "Glorot")
    expect(verdict(page)).to_have_text("Normal zone")
    expect(page.locator(".verdict .also")).to_have_text("but drifting")
    expect(page.locator(".verdict-words")).to_contain_text("outputs shrink")
    begin_with(page, "relu30")
    note(page, "Glorot")
    expect(verdict(page)).to_have_text("Low-gradient zone")
    note(page, "He")
    expect(verdict(page)).to_have_text("Normal zone")
    expect(page.locator(".verdict .also")).to_have_count(0)
