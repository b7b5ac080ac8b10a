"""The playground in a real browser: build, see, compare, train, drag, take along; and that everybody can use it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from safetensors.numpy import load_file

from tests.pages.reader import (
    IN_CHROMIUM,
    PHONE,
    Reader,
    begin_with,
    clipboard,
    note,
    serious_violations,
    settle,
    shoot,
    show,
    spec,
    verdict,
)

PLAYGROUND = Path(__file__).parents[2] / "service/pages/playground"
VIEWS = ("diagnosis", "compare", "train", "starts")
pytestmark = IN_CHROMIUM


def charts(page: Page) -> list[str]:
    drawn: list[str] = page.locator("#panel svg.chart").evaluate_all("charts => charts.map((chart) => chart.outerHTML)")
    return drawn


def test_a_stack_is_built(reader: Reader) -> None:
    page = reader.open()
    expect(verdict(page)).to_have_text("Normal zone")
    page.get_by_label("Begin with").select_option("lstm")
    settle(page)
    assert [layer["name"] for layer in spec(page)["layers"]] == ["words", "lstm", "out"]
    page.get_by_role("button", name="Remove lstm").click()
    assert spec(page)["layers"][-1]["shape"] == [64, 10]  # it reads what the embedding gives
    page.get_by_label("Type of the new layer").select_option("gru")
    page.get_by_role("button", name="Add", exact=True).click()
    assert spec(page)["layers"][-1] == {"name": "gru_3", "type": "gru", "shape": [10, 64], "activation": "tanh"}
    fields = page.locator(".layer-fields")
    fields.get_by_label("units").fill("24")
    fields.get_by_label("activation").select_option("relu")
    fields.get_by_label("scheme", exact=True).select_option("random_uniform")
    fields.get_by_label("maxval").fill("0.1")
    fields.get_by_label("bias", exact=True).select_option("none")
    settle(page)
    assert spec(page)["layers"][-1] == {
        "name": "gru_3",
        "type": "gru",
        "shape": [10, 24],
        "activation": "relu",
        "scheme": {"name": "random_uniform", "maxval": 0.1},
        "bias": None,
    }
    page.locator('[data-key="layer-gru_3"]').focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator('[data-key="layer-gru_3"]')).to_be_focused()
    assert [layer["name"] for layer in spec(page)["layers"]] == ["words", "gru_3", "out"]
    assert [layer["shape"] for layer in spec(page)["layers"]] == [[1000, 64], [64, 24], [24, 10]]
    before = spec(page)["seed"]
    page.get_by_role("button", name="New seed").click()
    assert spec(page)["seed"] != before
    expect(verdict(page)).to_have_text("Normal zone")


@pytest.mark.parametrize(
    "preset", ["mlp", "relu30", "tanh20", "residual", "lenet5", "resnet", "conv", "lstm", "transformer"]
)
def test_every_preset_starts_well(reader: Reader, preset: str) -> None:
    page = reader.open()
    page.get_by_label("Begin with").select_option(preset)
    settle(page)
    expect(page.locator(".problem")).to_have_count(0)
    expect(verdict(page)).to_have_text("Normal zone")
    assert page.locator(".weights .ridge-row").count() >= 1


@pytest.mark.parametrize(
    ("label", "word"),
    [("0", "Dead"), ("5", "Symmetric"), ("σ = 0.001", "Low-gradient zone"), ("σ = 1", "Steep zone")],
)
def test_what_starts_badly_is_told_and_mended(reader: Reader, label: str, word: str) -> None:
    page = reader.open()
    note(page, label)
    expect(verdict(page)).to_have_text(word)
    expect(page.locator("#verdict-status")).to_contain_text(word)
    assert page.locator(".warnings li").count() > 0
    page.get_by_role("button", name="Apply").click()
    expect(verdict(page)).to_have_text("Normal zone")
    settle(page)
    assert page.locator(".weights svg.chart path.line.curve").count() == 3  # of fc1, of fc2 to fc7 together, of out


def test_an_error_stands_at_its_field(reader: Reader) -> None:
    page = reader.open()
    page.locator('[data-key="layer-fc2"]').click()
    page.get_by_role("textbox", name="out", exact=True).fill("0")
    wrong = page.locator('[data-key="/layers/1/shape/1"]')
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    expect(page.locator(".problem")).to_contain_text("fc2, out:")
    assert len(reader.complaints) == 2  # the browser's own lines on the two refusals
    reader.complaints.clear()
    wrong.fill("32")
    expect(verdict(page)).to_have_text("Normal zone")


def test_two_starts_are_compared_on_common_axes(reader: Reader) -> None:
    page = reader.open()
    show(page, "compare")
    page.locator('[data-key="compare/b/scheme"]').select_option("small_normal")
    settle(page)
    expect(page.locator(".side-a .side-verdict h4")).to_have_text("Normal zone")
    expect(page.locator(".side-b .side-verdict h4")).to_have_text("Low-gradient zone")
    figures = page.locator("#panel > .pair .figure")
    assert figures.count() == 6
    ticks = figures.evaluate_all(
        "figures => figures.map((figure) => [...figure.querySelectorAll('.axes text')].map((text) => text.outerHTML))"
    )
    assert ticks[0] == ticks[1] != ticks[2] == ticks[3]
    assert ticks[4] == ticks[5]
    page.locator(".side-b").get_by_role("button", name="New seed").click()
    settle(page)
    seeds = page.locator(".side").get_by_label("Seed").evaluate_all("fields => fields.map((field) => field.value)")
    assert seeds[0] == "42" != seeds[1]
    shoot(page, "compare")


def test_a_link_shows_the_same_picture(reader: Reader) -> None:
    page = reader.open()
    page.get_by_label("Begin with").select_option("tanh20")
    note(page, "σ = 1")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#toast")).to_contain_text("Copied")
    link = clipboard(page)
    other = reader.open(link)
    assert charts(other) == charts(page)
    assert spec(other) == spec(page)
    expect(verdict(other)).to_have_text("Steep zone")
    show(page, "compare")
    assert charts(reader.open(page.url)) == charts(page)


def test_a_link_that_cannot_be_read_is_said(reader: Reader) -> None:
    page = reader.open("/#nonsense")
    expect(verdict(page)).to_have_text("Normal zone")


def test_back_and_forth(reader: Reader) -> None:
    page = reader.open()
    note(page, "0")
    expect(verdict(page)).to_have_text("Dead")
    page.go_back()
    expect(verdict(page)).to_have_text("Normal zone")
    page.go_forward()
    expect(verdict(page)).to_have_text("Dead")


def test_weights_are_downloaded(reader: Reader, tmp_path: Path) -> None:
    page = reader.open()
    begin_with(page, "lenet5")
    files = {}
    for format in ("npz", "safetensors"):
        with page.expect_download() as download:
            page.get_by_role("link", name=f"All weights: {format}").click()
        assert download.value.suggested_filename == f"weights.{format}"
        files[format] = tmp_path / f"weights.{format}"
        download.value.save_as(files[format])
    tensors = load_file(files["safetensors"])
    with np.load(files["npz"]) as arrays:
        assert set(arrays) == set(tensors)
        assert arrays["conv1/kernel"].shape == (5, 5, 1, 6)
        assert all(np.array_equal(arrays[name], tensors[name]) for name in arrays)


def test_programs_are_copied_and_run(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = reader.open()
    begin_with(page, "tanh20")
    monkeypatch.chdir(tmp_path)
    page.locator('[data-key="program-numpy"]').click()
    page.locator('[data-key="copy-code"]').click()
    expect(page.locator("#toast")).to_contain_text("Copied")
    names: dict[str, Any] = {}
    exec(clipboard(page), names)
    page.locator('[data-key="program-javascript"]').click()
    page.locator('[data-key="copy-code"]').click()
    held = page.evaluate(
        f"(async () => {{ {clipboard(page)} return Object.fromEntries(Object.entries(weights)"
        ".map(([name, { values }]) => [name, [...values]])); })()"
    )
    assert set(held) == set(names["weights"])
    assert all(held[name] == array.flatten().tolist() for name, array in names["weights"].items())
    page.locator('[data-key="program-curl"]').click()
    expect(page.locator('[data-key="code"]')).to_contain_text("curl -f -o weights.safetensors")


def test_starts_are_trained(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    page.get_by_role("textbox", name="Steps").fill("60")
    page.get_by_role("button", name="glorot_normal", exact=True).click()  # not this one
    page.get_by_role("button", name="Train", exact=True).click()
    rows = page.locator(".outcomes tbody tr")
    expect(rows).to_have_count(3)
    assert [row.split()[0] for row in rows.all_inner_texts()] == ["he_normal", "small_normal", "zeros"]
    expect(rows.nth(2)).to_contain_text("not learnt")
    for chart in page.locator("#panel .pair svg.chart").all():
        assert chart.locator("path.run").count() == 3
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    settle(page)
    shoot(page, "train")


def test_a_training_is_stopped(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    page.get_by_role("textbox", name="Steps").fill("800")
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator("#panel path.run").first.wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Go on", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Start anew", exact=True)).to_be_visible()
    expect(page.locator("#panel .problem")).to_have_count(0)


def test_the_three_starts_are_moved_and_run(reader: Reader) -> None:
    page = reader.open(reduced_motion="reduce")
    show(page, "starts")
    balls = page.get_by_role("slider", name=re.compile("^Start "))
    expect(balls).to_have_count(3)
    balls.nth(0).focus()
    page.keyboard.press("ArrowRight")
    expect(balls.nth(0)).to_have_attribute("aria-valuenow", "1.20")
    page.keyboard.press("End")
    expect(balls.nth(0)).to_have_attribute("aria-valuetext", re.compile("Steep zone"))
    expect(balls.nth(0)).to_be_focused()
    page.keyboard.press("Home")
    expect(balls.nth(0)).to_have_attribute("aria-valuenow", "-1.50")
    box = balls.nth(1).bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 20, steps=4)
    page.mouse.up()
    expect(balls.nth(1)).not_to_have_attribute("aria-valuenow", "3.20")
    page.get_by_role("button", name="Let go").click()
    expect(balls.nth(0)).to_have_attribute("aria-valuenow", re.compile(r"^-1\."))  # it hardly moved
    expect(balls.nth(1)).to_have_attribute("aria-valuenow", re.compile(r"^4\.10"))  # the nearest minimum
    shoot(page, "starts")
    page.get_by_label("Loss", exact=True).select_option("bowl")
    page.get_by_role("button", name="Let go").click()
    for ball in balls.all():
        expect(ball).to_have_attribute("aria-valuenow", re.compile(r"^4\.[56]"))  # from everywhere
    shoot(page, "starts-convex")


def test_language_and_theme(reader: Reader) -> None:
    page = reader.open()
    page.get_by_role("button", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(verdict(page)).to_have_text("Zona normal")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Tema oscuro").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    expect(verdict(page)).to_have_text("Zona normal")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="English").click()
    expect(verdict(page)).to_have_text("Normal zone")
    expect(verdict(reader.open(locale="es-CL"))).to_have_text("Zona normal")


def test_both_languages_say_everything(reader: Reader) -> None:
    """The same keys, each with the same parameters: Spanish tells every name and number that English tells."""
    page = reader.open()
    rooms = [f"./{path.relative_to(PLAYGROUND)}" for path in sorted(PLAYGROUND.rglob("words.js"))]
    assert len(rooms) >= 8
    taught = page.evaluate(
        "async (rooms) => { await Promise.all(rooms.map((room) => import(new URL(room, document.baseURI))));"
        " return (await import(new URL('./words/language.js', document.baseURI))).WORDS; }",
        rooms,
    )
    told = {language: {key: parameters(text) for key, text in words.items()} for language, words in taught.items()}
    assert told["en"] == told["es"]
    for key in re.findall(r'data-words="([^"]+)"', page.content()):
        assert key in told["en"]


def parameters(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{(\w+)\}", text)))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_everybody_can_use_it(reader: Reader, view: str, theme: str) -> None:
    page = reader.open(color_scheme=theme, reduced_motion="reduce")
    note(page, "σ = 1")
    page.locator('[data-key="layer-fc2"]').click()
    show(page, view)
    if view == "train":
        page.get_by_role("textbox", name="Steps").fill("5")
        page.get_by_role("button", name="Train", exact=True).click()
        expect(page.locator(".outcomes tbody tr")).to_have_count(4)
    for fold in page.locator("#panel details.numbers > summary").all()[:3]:
        fold.click()
    assert serious_violations(page) == []


@pytest.mark.parametrize("view", VIEWS)
def test_it_fits_a_phone(reader: Reader, view: str) -> None:
    page = reader.open(viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    show(page, view)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    shoot(page, "phone" if view == "diagnosis" else f"phone-{view}")


def test_its_pictures_are_kept(reader: Reader) -> None:
    page = reader.open()
    shoot(page, "wide")
    page = reader.open(color_scheme="dark")
    page.get_by_label("Begin with").select_option("tanh20")
    settle(page)
    shoot(page, "dark")
    page = reader.open(locale="es-ES")
    page.get_by_role("button", name="σ = 0.001").click()
    settle(page)
    shoot(page, "spanish")
