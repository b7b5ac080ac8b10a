"""Networks on the playground: structure as text and in fields, recipes, blocks to open, sizes and first steps."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.pages.reader import (
    IN_CHROMIUM,
    PHONE,
    Reader,
    begin_with,
    drawn,
    focused,
    module,
    serious_violations,
    settle,
    shared,
    shoot,
    show,
    spec,
    verdict,
    way,
)
from tests.pages.test_links import link

pytestmark = IN_CHROMIUM
RESIDUAL: dict[str, Any] = {
    "seed": "1",
    "input_shape": [8],
    "layers": [
        {"name": "in", "type": "dense", "shape": [8, 16], "activation": "relu"},
        {"name": "fc", "type": "dense", "shape": [16, 16], "activation": "relu"},
        {"name": "sum", "type": "add", "inputs": ["in", "fc"]},
        {"name": "out", "type": "dense", "shape": [16, 4]},
    ],
}


def as_text(page: Page, document: Any) -> None:
    """Open the spec as text, and put another one in its place."""
    way(page, "text")
    page.locator("#spec-json").fill(document if isinstance(document, str) else json.dumps(document, indent=1))
    settle(page)


def open_layer(page: Page, name: str) -> None:
    way(page, "layers")
    page.locator(f'[data-key="layer-{name}"]').click()
    drawn(page)


def unfold_study(page: Page, name: str) -> None:
    page.locator(f'[data-key="study-summary-{name}"]').click()


def fill(page: Page, pointer: str, text: str) -> None:
    page.locator(f'[data-key="{pointer}"]').fill(text)


def test_a_network_is_typed_as_text_and_stays_as_it_was_written(reader: Reader) -> None:
    page = reader.open()
    as_text(page, RESIDUAL)
    expect(verdict(page)).to_have_text("Normal zone")
    assert spec(page) == RESIDUAL
    assert page.locator("#spec-json").input_value() == json.dumps(RESIDUAL, indent=1)
    way(page, "layers")
    expect(page.locator(".layer-name")).to_have_text(["in", "fc", "sum", "out"])
    expect(page.locator('[data-key="layer-sum"]')).to_contain_text("← in, fc")
    way(page, "text")
    assert page.locator("#spec-json").input_value() == json.dumps(RESIDUAL, indent=1)
    settle(page)
    page.reload()
    settle(page)
    assert page.locator("#spec-json").input_value().count("\n") >= 4


def test_text_that_is_no_network_is_told_and_asks_nothing(reader: Reader) -> None:
    page = reader.open()
    before = spec(page)
    as_text(page, '{"seed": "1",\n "layers": [}')
    error = page.locator("#spec-json-error")
    expect(error).to_contain_text("not JSON yet: line 2")
    assert spec(page) == before
    as_text(page, '{"layers": 5}')
    expect(error).to_contain_text("its layers")
    page.get_by_role("button", name="Back to the network in view").click()
    assert json.loads(page.locator("#spec-json").input_value()) == before
    assert focused(page) == "spec-json"
    expect(error).to_be_hidden()


def test_layers_without_weights_are_added_and_set(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "lenet5")
    page.locator('[data-key="add-type"]').select_option("add")
    page.locator('[data-key="add"]').click()
    drawn(page)
    assert spec(page)["layers"][-1]["inputs"] == ["out", "out"]  # nothing else has as many features
    fill(page, "/layers/8/inputs", "out, out, out")
    settle(page)
    assert spec(page)["layers"][-1] == {"name": "add_9", "type": "add", "inputs": ["out", "out", "out"]}
    expect(verdict(page)).to_have_text("Normal zone")
    open_layer(page, "pool1")
    fill(page, "/layers/1/strides", "2, 2")
    page.locator('[data-key="/layers/1/padding"]').fill("same")
    settle(page)
    pool = spec(page)["layers"][1]
    assert (pool["strides"], pool["padding"]) == ([2, 2], "same")
    fill(page, "/layers/1/strides", "")
    settle(page)
    assert "strides" not in spec(page)["layers"][1]


def test_what_is_set_by_hand_keeps_what_a_field_does_not_know(reader: Reader) -> None:
    layers: list[dict[str, Any]] = [
        {"name": "a", "type": "einsum_dense", "shape": [8, 16], "equation": "ab,bc->ac", "bias_axes": "c"},
        {"name": "b", "type": "dense", "shape": [16, 4], "seed": 7, "dtype": "float64"},
    ]
    page = reader.open(link({"spec": {"seed": "1", "fans": "pytorch", "layers": layers}}))
    open_layer(page, "b")
    page.locator('[data-key="/layers/1/activation"]').select_option("relu")
    assert spec(page) == {"seed": "1", "fans": "pytorch", "layers": [layers[0], {**layers[1], "activation": "relu"}]}
    reader.forgive(422)


def test_a_name_and_a_removal_are_followed_by_whoever_takes_the_layer(reader: Reader) -> None:
    page = reader.open(link({"spec": RESIDUAL}))
    open_layer(page, "in")
    fill(page, "/layers/0/name", "stem")
    settle(page)
    assert spec(page)["layers"][2]["inputs"] == ["stem", "fc"]
    page.get_by_role("button", name="Remove fc").click()
    settle(page)
    assert spec(page)["layers"][1]["inputs"] == ["stem", "stem"]
    expect(verdict(page)).to_be_visible()


def test_sizes_follow_along_the_network(reader: Reader) -> None:
    page = reader.open(link({"spec": RESIDUAL}))
    open_layer(page, "in")
    fill(page, "/layers/0/shape/1", "24")
    settle(page)
    assert [layer.get("shape") for layer in spec(page)["layers"]][1] == [24, 16]
    expect(page.locator("#panel .problem")).to_contain_text("sum (add) takes inputs of one shape")
    expect(page.locator(".layer.wrong .layer-name")).to_have_text("sum")
    reader.forgive(422)


def test_the_shape_of_an_input_is_set(reader: Reader) -> None:
    page = reader.open()
    fill(page, "/input_shape", "[784")
    assert "input_shape" in spec(page)  # the service says what it takes
    fill(page, "/input_shape", "[784]")
    settle(page)
    assert spec(page)["input_shape"] == [784]
    expect(verdict(page)).to_have_text("Normal zone")
    fill(page, "/input_shape", "32, 32, 3")
    settle(page)
    assert spec(page)["input_shape"] == [32, 32, 3]
    fill(page, "/input_shape", "")
    settle(page)
    assert "input_shape" not in spec(page)
    reader.forgive(422)


def test_as_many_examples_as_are_asked_for_are_sent_through(reader: Reader) -> None:
    page = reader.open()
    fill(page, "/batch", "16")
    settle(page)
    expect(page.locator("#panel .verdict")).to_contain_text("16 × 784")
    assert "batch" not in spec(page)
    page.reload()
    settle(page)
    expect(page.locator("#panel .verdict")).to_contain_text("16 × 784")
    fill(page, "/batch", "1")
    expect(page.locator("#panel .problem")).to_contain_text("this must be 2 or more")
    reader.forgive(422)


@pytest.mark.parametrize("preset", ["residual", "resnet", "transformer"])
def test_blocks_are_folded_and_opened(reader: Reader, preset: str) -> None:
    page = reader.open()
    begin_with(page, preset)
    folds = page.locator("details.fold")
    assert folds.count() >= 3
    expect(page.locator("details.fold[open]")).to_have_count(0)
    block = folds.filter(has_text="stream").first
    block.locator("summary").first.focus()
    page.keyboard.press("Enter")
    drawn(page)
    if block.locator("details.fold").count():  # several blocks that are alike
        block.locator("details.fold > summary").first.click()
    rows = block.locator("tbody tr")
    expect(rows.first).to_be_visible()
    assert rows.count() >= 3
    expect(page.locator("#panel .depths .chart path.line.stream")).to_have_count(2)
    assert page.locator("#panel .depths .chart path.line.branch").count() >= 2
    shoot(page, f"network-{preset}")


def test_attention_is_told(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "transformer")
    rows = page.locator('section[aria-labelledby="attention-title"] tbody tr')
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("%")
    expect(page.locator("#panel .verdict")).to_contain_text("outputs of two inputs differ")


def test_a_recipe_is_chosen_from_the_list(reader: Reader) -> None:
    page = reader.open()
    page.locator('[data-key="preset"] option[value="recipe vit"]').wait_for(state="attached")
    begin_with(page, "recipe lenet5")
    assert spec(page)["recipe"] == "lenet5"
    expect(verdict(page)).to_be_visible()
    assert page.locator("#panel .reasons tbody tr").count() > 1
    chosen = page.locator('[data-key="/size"]')
    for size in chosen.locator("option").evaluate_all("all => all.map((one) => one.value)"):
        chosen.select_option(size)
        drawn(page)
        assert spec(page)["size"] == size
    begin_with(page, "mlp")
    assert "recipe" not in spec(page)


def test_a_network_is_measured_across_widths(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "residual")
    unfold_study(page, "across")
    page.locator('[data-key="/across/width"]').fill("16, 32, 64")
    page.locator('[data-key="study-across"]').click()
    study = page.locator('section[aria-labelledby="across-title"]')
    expect(study.locator("svg.chart")).to_have_count(3, timeout=60_000)
    expect(study.locator(".curve-name").first).to_be_visible()
    expect(study.locator(".study-told strong")).to_be_visible()
    begin_with(page, "mlp")
    expect(study).to_contain_text("another network or other settings")
    expect(study.locator("[inert] svg.chart")).to_have_count(3)


def test_the_first_steps_are_taken(reader: Reader) -> None:
    page = reader.open()
    unfold_study(page, "steps")
    page.locator('[data-key="/steps"]').fill("4")
    page.locator('[data-key="study-steps"]').click()
    study = page.locator('section[aria-labelledby="steps-title"]')
    expect(study.locator("svg.chart")).to_have_count(4, timeout=60_000)
    expect(study.locator(".study-told strong")).to_be_visible()
    page.locator('[data-key="/learning_rate"]').fill("-1")
    page.locator('[data-key="study-steps"]').click()
    expect(study.locator(".problem")).to_contain_text("must be more than 0")
    expect(page.locator('[data-key="/learning_rate"]')).to_have_attribute("aria-invalid", "true")
    reader.forgive(422)


@pytest.mark.parametrize("locale", ["en-GB", "es-ES"])
def test_a_network_fits_a_phone(reader: Reader, locale: str) -> None:
    page = reader.open(viewport=PHONE, is_mobile=True, has_touch=True, locale=locale, color_scheme="dark")
    begin_with(page, "transformer")
    way(page, "text")
    page.locator("details.fold > summary").nth(1).click()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    expect(page.locator("#panel [lang=en]" if locale == "es-ES" else "#panel [lang=es]")).to_have_count(0)
    shoot(page, f"phone-network-{locale}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_a_network(reader: Reader, theme: str) -> None:
    page = reader.open(color_scheme=theme, reduced_motion="reduce")
    begin_with(page, "transformer")
    open_layer(page, "block1.add1")
    page.locator("details.fold > summary").nth(1).click()
    unfold_study(page, "steps")
    page.locator('[data-key="/steps"]').fill("2")
    page.locator('[data-key="study-steps"]').click()
    page.locator('section[aria-labelledby="steps-title"] svg.chart').first.wait_for()
    assert serious_violations(page) == []


def test_a_network_is_trained_as_it_is(reader: Reader) -> None:
    layers = [
        {"name": "conv", "type": "conv2d", "shape": [3, 3, 1, 4], "activation": "relu", "padding": "same"},
        {"name": "pool", "type": "max_pool", "window": 2},
        {"name": "flat", "type": "flatten"},
        {"name": "out", "type": "dense", "shape": [64, 10], "activation": "softmax"},
    ]
    page = reader.open(link({"spec": {"seed": "1", "input_shape": [8, 8, 1], "layers": layers}}))
    show(page, "train")
    page.locator('[data-key="train/network"]').select_option("whole")
    page.locator('[data-key="/steps"]').fill("5")
    drawn(page)
    assert spec(page)["layers"] == layers
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".outcomes tbody tr")).to_have_count(4)
    expect(page.locator("#panel .problem")).to_have_count(0)
    page.locator('[data-key="train/network"]').select_option("fitted")
    trained = module(page, "train/question.js", f"m.question({json.dumps(shared(page))}).layers")
    assert [layer["type"] for layer in trained] == ["dense"]
