"""The lesson path: walked by keyboard in both languages, told right and wrong, settled, sent by link."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.pages.reader import (
    IN_CHROMIUM,
    PATIENCE,
    PHONE,
    Reader,
    clipboard,
    drawn,
    focused,
    serious_violations,
    settle,
    show,
)
from tests.test_lessons import LESSONS

pytestmark = IN_CHROMIUM
STEPS: list[dict[str, Any]] = json.loads(LESSONS.read_text())["steps"]
IDS = [step["id"] for step in STEPS]
LANGUAGES = {"en": ("en-GB", "Right.", "Not quite."), "es": ("es-ES", "Correcto.", "No del todo.")}
BORNE = {  # what a sentence says where the training bears the claim out
    "convex": r"All 4 starts ended at the same loss, [\d.]+\.",
    "valleys": r"the worst is [\d.]+ times as large as the best\.",
    "zones": r"Only the normal zone learnt\.",
    "symmetry": r"at most \d+% of the digits were right, where guessing gives 10%",
    "scale": r"Only the middle scale learnt\.",
    "glorot": r"With the variance used before 2010: \d+% right, which is guessing\.",
    "he": r"In as many steps, from Glorot's weights: \d+% right\. From He's: \d+% right\.",
    "keras": r"The default fails where the network is deep\.",
}


def lessons(reader: Reader, **about: Any) -> Page:
    page = reader.open(**about)
    show(page, "lessons")
    return page


def go(page: Page, step: str) -> None:
    page.locator(f'[data-key="step-{step}"]').click()
    expect(page.locator(f"#lesson-{step}")).to_be_focused()


def predict(page: Page, step: str, option: int) -> None:
    page.locator(f'[data-key="option-{step}-{option}"]').click()
    expect(page.locator(".lesson-answer p")).to_be_visible()


def tab_to(page: Page, key: str) -> None:
    """Come to an element by the tabulator alone."""
    for _ in range(60):
        if focused(page) == key:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{key} is not reached")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_path_is_walked_by_keyboard(reader: Reader, language: str) -> None:
    locale, right, wrong = LANGUAGES[language]
    page = lessons(reader, locale=locale, reduced_motion="reduce")
    page.locator("#tab-lessons").focus()
    for place, step in enumerate(STEPS):
        expect(page.locator(".lesson-nav [aria-current=step]")).to_have_attribute("data-key", f"step-{step['id']}")
        expect(page.locator(".lesson-picture.covered")).to_have_count(1)  # nothing is shown before the prediction
        expect(page.locator(".lesson-settle")).to_have_count(0)
        for option in (*(other for other in range(step["options"]) if other != step["right"]), step["right"]):
            tab_to(page, f"option-{step['id']}-{option}")
            page.keyboard.press("Enter")
            expect(page.locator(".lesson-answer strong")).to_have_text(right if option == step["right"] else wrong)
            assert focused(page) == f"option-{step['id']}-{option}"
            tab_to(page, f"again-{step['id']}")
            page.keyboard.press("Enter")
            expect(page.locator(".lesson-picture.covered")).to_have_count(1)
            page.locator(f"#lesson-{step['id']}").focus()
        tab_to(page, f"option-{step['id']}-{step['right']}")
        page.keyboard.press("Enter")
        expect(page.locator(".lesson-picture svg.chart").first).to_be_visible()
        expect(page.locator("#panel [lang=en]")).to_have_count(0)
        if place + 1 < len(STEPS):
            page.keyboard.press("ArrowRight")
            expect(page.locator(f"#lesson-{IDS[place + 1]}")).to_be_focused()
    expect(page.locator(".lesson-nav .seen")).to_have_count(len(STEPS) - 1)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(f"#lesson-{IDS[-2]}")).to_be_focused()
    settle(page)
    page.reload()
    settle(page)
    expect(page.locator(f"#lesson-{IDS[-2]}")).to_be_visible()
    expect(page.locator(".lesson-nav .seen")).to_have_count(len(STEPS) - 1)
    expect(page.locator(".lesson-answer strong")).to_have_text(right)


def test_each_training_says_what_it_showed(reader: Reader) -> None:
    page = lessons(reader, reduced_motion="reduce")
    for step in IDS:
        go(page, step)
        predict(page, step, 0)
        page.get_by_role("button", name="Settle it").click()
        said = page.locator(".lesson-shown p")
        expect(said).to_have_text(re.compile(BORNE[step]), timeout=4 * PATIENCE)  # a second or two, on an idle machine
        expect(page.locator(".lesson-settle path.size")).not_to_have_count(0)
        assert "undefined" not in page.locator("#panel").inner_text()
        assert "{" not in page.locator("#panel").inner_text()
    page.get_by_role("button", name="Again, from another seed").click()
    expect(page.get_by_role("button", name="Again, from another seed")).to_be_enabled()


def test_a_link_opens_the_step_as_it_was_set_with_the_note_on_top(reader: Reader) -> None:
    page = lessons(reader, locale="es-ES")
    go(page, "scale")
    predict(page, "scale", 2)
    page.locator('[data-key="lesson/stddev"]').fill("-0.5")
    note = "Mira <b>esto</b> & di por qué"
    page.locator('[data-key="lesson/note"]').fill(note + "x" * 400)
    page.get_by_role("button", name="Copiar un enlace a este paso").click()
    expect(page.locator("#toast")).to_contain_text("Copiado")
    other = reader.open(clipboard(page))
    expect(other.locator("html")).to_have_attribute("lang", "es")
    expect(other.locator("#lesson-scale")).to_be_visible()
    told = other.locator(".lesson-note p").inner_text()
    assert told.startswith(note)
    assert len(told) == 280
    expect(other.locator(".lesson-note b")).to_have_count(0)
    expect(other.locator(".lesson-picture.covered")).to_have_count(1)  # whoever opens it predicts for themselves
    predict(other, "scale", 0)
    expect(other.locator('[data-key="lesson/stddev"] ~ output')).to_have_text("σ = 0,316")


def test_a_ball_is_where_it_was_put_and_rolls_from_there(reader: Reader) -> None:
    page = lessons(reader, reduced_motion="reduce")
    go(page, "valleys")
    predict(page, "valleys", 0)
    ball = page.locator(".ball").nth(2)
    ball.focus()
    for _ in range(22):
        page.keyboard.press("ArrowLeft")
    expect(ball).to_have_attribute("aria-valuenow", "5.00")
    page.get_by_role("button", name="Let go").click()
    expect(ball).to_have_attribute("aria-valuenow", re.compile(r"^4\.[01]"))  # the other valley
    page.locator("#tab-starts").click()
    settle(page)
    expect(page.locator(".ball").nth(2)).to_have_attribute("aria-valuenow", "8.30")  # that view has balls of its own


def test_equal_neurons_stay_equal_in_the_picture_and_random_ones_do_not(reader: Reader) -> None:
    page = lessons(reader, reduced_motion="reduce")
    go(page, "symmetry")
    predict(page, "symmetry", 2)
    for step in (0, 100):
        page.locator('[data-key="lesson/after"]').fill(f"{step}")
        drawn(page)
        counts = page.locator(".twins-figure .note").all_inner_texts()
        assert [count.split()[0] for count in counts] == ["1", "1", "8"]
        columns = page.locator(".twins").nth(1).locator("rect[fill-opacity]")
        opacities = columns.evaluate_all("(cells) => cells.map((cell) => cell.getAttribute('fill-opacity'))")
        assert all(len(set(opacities[row * 8 : row * 8 + 8])) == 1 for row in range(8))  # a stripe a row
    before = page.locator(".twins").nth(1).inner_html()
    page.locator('[data-key="lesson/after"]').fill("50")
    drawn(page)
    assert page.locator(".twins").nth(1).inner_html() != before  # they learn, all the same


def test_a_slider_moves_the_picture_without_the_service(reader: Reader) -> None:
    page = lessons(reader)
    page.route("**/diagnose", lambda route: route.abort())
    page.route("**/train", lambda route: route.abort())
    go(page, "he")
    predict(page, "he", 2)
    line = page.locator(".lesson-picture path.is-own").first
    before = line.get_attribute("d")
    page.locator('[data-key="lesson/he/factor"]').fill("-0.5")
    expect(line).not_to_have_attribute("d", before or "")
    expect(page.locator(".lesson-picture .lesson-read")).to_contain_text("ReLU at 0.316")
    go(page, "scale")
    predict(page, "scale", 2)
    expect(page.locator(".lesson-picture .lesson-read")).to_contain_text(
        "The verdict is the service's, and it does not answer"
    )
    expect(page.locator(".ridge-area")).to_have_count(10)
    reader.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_step_lets_everybody_in(reader: Reader, scheme: str) -> None:
    page = lessons(reader, color_scheme=scheme, reduced_motion="reduce", viewport=PHONE if scheme == "dark" else None)
    for step in IDS:
        go(page, step)
        if page.locator(".lesson-picture.covered").count():
            predict(page, step, 1)
        page.locator(".lesson-picture svg.chart").first.wait_for()
        assert serious_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_path_is_a_hand_out(reader: Reader) -> None:
    page = lessons(reader)
    go(page, "keras")
    page.get_by_role("button", name="All steps as a hand-out").click()
    expect(page.locator(".lesson")).to_have_count(len(STEPS))
    expect(page.locator(".lesson-picture svg.chart")).not_to_have_count(0)
    expect(page.locator(".lesson-room")).to_have_count(0)  # every picture is drawn
    for step in IDS:
        assert page.locator(f'.lesson[aria-labelledby="lesson-{step}"] .lesson-picture svg').count() > 0
    page.emulate_media(media="print")
    expect(page.locator(".lesson-nav")).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Start over").click()
    expect(page.locator("#lesson-convex")).to_be_visible()
    expect(page.locator(".lesson-nav .seen")).to_have_count(0)


def test_a_network_opens_in_the_diagnosis(reader: Reader) -> None:
    page = lessons(reader)
    go(page, "keras")
    predict(page, "keras", 1)
    page.get_by_role("button", name="Open this network in Diagnosis").click()
    settle(page)
    expect(page.locator("#verdict-title")).to_have_text("Low-gradient zone")
