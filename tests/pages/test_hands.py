"""The page by keyboard, by touch, under forced colours: what is chosen is seen, and nobody loses their place."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.pages.reader import IN_CHROMIUM, PHONE, Reader, begin_with, chip, colour, focused, settle, show, verdict

pytestmark = IN_CHROMIUM


def luminance(rgb: str) -> float:
    """Return the relative luminance of an sRGB colour (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", rgb)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(element: Locator) -> float:
    """Return the contrast of an element's text against its own background (WCAG 2.2)."""
    low, high = sorted(luminance(colour(element, name)) for name in ("color", "background-color"))
    return (high + 0.05) / (low + 0.05)


def test_the_skip_link_leaves_the_address_alone(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "lenet5")
    before = page.url
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "panel"
    assert page.url == before
    page.reload()
    settle(page)
    expect(page.locator('[data-key="preset"]')).to_have_value("lenet5")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chosen_chip_is_read_under_the_pointer(reader: Reader, scheme: str) -> None:
    page = reader.open(color_scheme=scheme)
    chosen = chip(page, "σ = 1")
    chosen.click()
    settle(page)
    expect(chosen).to_have_attribute("aria-pressed", "true")
    chosen.hover()
    assert contrast(chosen) >= 4.5
    show(page, "train")
    trained = page.locator('.chips .chip[aria-pressed="true"]').last
    trained.hover()
    assert contrast(trained) >= 4.5


def place(element: Locator) -> Any:
    """Return where an element stands; asked in the page at once, since one that is drawn anew between has no place."""
    return element.evaluate("(element) => element.getBoundingClientRect().toJSON()")


def test_chips_stay_under_the_pointer(reader: Reader) -> None:
    page = reader.open()
    before = place(chip(page, "He"))
    for label in ("σ = 1", "5", "auto", "σ = 0.001"):
        chip(page, label).click()
        settle(page)
        assert place(chip(page, "He")) == before


def test_home_and_end_walk_the_tabs(reader: Reader) -> None:
    page = reader.open()
    page.locator("#tab-diagnosis").focus()
    page.keyboard.press("End")
    expect(page.locator("#tab-starts")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#tab-starts")).to_be_focused()
    assert page.evaluate("scrollY") == 0
    page.keyboard.press("Home")
    expect(page.locator("#tab-lessons")).to_be_focused()
    expect(page.locator("#panel .lesson")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-starts")).to_be_focused()


def test_what_is_chosen_is_seen_under_forced_colours(reader: Reader) -> None:
    page = reader.open(forced_colors="active")
    tabs = [colour(page.locator(f"#tab-{view}"), "border-bottom-color") for view in ("diagnosis", "compare", "train")]
    paper = colour(page.locator("body"), "background-color")
    assert tabs[0] != tabs[1] == tabs[2] == paper
    chosen, other = (colour(chip(page, label), "background-color") for label in ("auto", "He"))
    assert chosen != other
    assert contrast(chip(page, "auto")) >= 3.0


def test_a_layer_that_is_removed_leaves_the_focus_on_its_neighbour(reader: Reader) -> None:
    page = reader.open()
    page.locator('[data-key="remove-fc3"]').focus()
    page.keyboard.press("Enter")
    settle(page)
    assert focused(page) == "layer-fc2"


@pytest.mark.parametrize("window", [PHONE, {"width": 720, "height": 500}], ids=["phone", "zoomed"])
def test_the_answer_is_seen_where_the_screen_is_small(reader: Reader, window: dict[str, int]) -> None:
    page = reader.open(viewport=window)
    strip = page.locator("#strip button")
    chip(page, "σ = 1").click()
    settle(page)
    expect(strip).to_contain_text("Steep zone")
    expect(strip).to_be_in_viewport(ratio=1)
    strip.click()
    expect(verdict(page)).to_be_in_viewport()
    expect(strip).to_be_hidden()
    page.evaluate("scrollTo(0, 0)")
    show(page, "compare")
    expect(strip).to_contain_text("A Steep zone B", use_inner_text=True)
    show(page, "train")
    expect(strip).to_contain_text("Choose starts and train them")
    show(page, "starts")
    expect(strip).to_be_hidden()


def test_the_strip_tells_that_the_service_is_being_asked(reader: Reader) -> None:
    page = reader.open(viewport=PHONE)
    page.route("**/diagnose", lambda route: None)  # never answered
    chip(page, "5").click()
    expect(page.locator("#strip")).to_contain_text("Asking the service")
    page.unroute_all(behavior="ignoreErrors")
