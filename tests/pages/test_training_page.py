"""The training on the page: whose curves they are, how far it has come, and that rows say what curves say."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.reader import IN_CHROMIUM, Reader, colour, drawn, note, show

pytestmark = IN_CHROMIUM
VERDICTS = ("normal", "low", "steep", "symmetric", "dead")


def train(page: Page, rows: int) -> Locator:
    """Train as the fields say and return the table's rows, once all of them are there."""
    page.get_by_role("button", name="Train", exact=True).click()
    found = page.locator(".outcomes tbody tr")
    expect(found).to_have_count(rows)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    return found


def choose(page: Page, *starts: str) -> None:
    """Leave only these starts chosen, in this order."""
    for chip in page.locator('#panel .chip[aria-pressed="true"]').all_inner_texts():
        page.locator("#panel .chip").get_by_text(chip, exact=True).click()
    drawn(page)
    for start in starts:
        page.locator("#panel .chip").get_by_text(start, exact=True).click()
    drawn(page)


def field(page: Page, name: str, value: str) -> None:
    page.locator(f'[data-key="/{name}"]').fill(value)
    drawn(page)


@pytest.mark.parametrize("change", ["rate", "task", "network", "starts"])
def test_curves_of_other_settings_are_told_as_past(reader: Reader, change: str) -> None:
    page = reader.open()
    show(page, "train")
    field(page, "steps", "5")
    choose(page, "zeros")
    train(page, 1)
    expect(page.locator(".outdated")).to_have_count(0)
    if change == "rate":
        field(page, "learning_rate", "0.3")
    elif change == "task":
        page.locator('[data-key="/task"]').select_option("spirals")
    elif change == "network":
        page.locator('[data-key="preset"]').select_option("tanh20")
    else:
        choose(page, "he_normal")
    expect(page.locator(".outdated")).to_contain_text("digits, learning rate 0.02, 5 steps")
    expect(page.locator("#panel [inert] .outcomes")).to_have_count(1)
    train(page, 1)
    expect(page.locator(".outdated")).to_have_count(0)
    expect(page.locator("#panel [inert]")).to_have_count(0)


def test_a_start_keeps_its_colour_and_it_is_no_verdicts(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    field(page, "steps", "3")
    choose(page, "he_normal", "glorot_normal", "small_normal", "zeros")
    train(page, 4)
    strokes = dict(zip(("he", "glorot", "small", "zeros"), colours(page), strict=True))
    choose(page, "glorot_normal", "he_normal")
    train(page, 2)
    assert colours(page) == [strokes["glorot"], strokes["he"]]
    assert len(set(strokes.values())) == 4
    verdicts = {page.evaluate(f"{COMPUTED}('var(--{name})')") for name in VERDICTS}
    assert verdicts.isdisjoint(strokes.values())


COMPUTED = """((text) => {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = text;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
})"""


def colours(page: Page) -> list[str]:
    lines = page.locator("#panel .pair svg.chart").first.locator("path.run")
    return [colour(line, "stroke") for line in lines.all()]


def test_a_curve_under_another_is_said_and_seen(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    field(page, "steps", "40")
    choose(page, "small_normal", "zeros")
    train(page, 2)
    legend = page.locator("#panel .pair .figure").first.locator(".legend li")
    assert legend.all_inner_texts() == ["small_normal (on one line with zeros)", "zeros"]
    loss = page.locator("#panel .pair svg.chart").first
    beneath, above = (float(colour(line, "stroke-width").removesuffix("px")) for line in loss.locator("path.run").all())
    assert beneath > 2 * above


def test_a_row_says_one_loss(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    page.locator('[data-key="/task"]').select_option("moons")
    field(page, "learning_rate", "10")
    field(page, "steps", "40")
    choose(page, "zeros", "small_normal")
    for row in train(page, 2).all():
        cells = row.locator("td").all_inner_texts()
        last = cells[2].split("→")[1].strip()
        said = re.search(r"the loss ended at ([\d.]+)", cells[4])
        assert said is not None
        assert float(said[1]) == pytest.approx(float(last), rel=1e-9)
        assert "the rest of the gradient is in later layers" in cells[4]
    expect(page.locator("#panel .pair figcaption").last).to_have_text("Norm of the gradient, all layers together")


def test_it_tells_how_far_it_has_come(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    field(page, "steps", "400")
    choose(page, "he_normal", "zeros")
    page.locator('[data-key="/restarts"]').fill("2")
    drawn(page)
    page.evaluate("""() => {
      window.told = [];
      new MutationObserver(() => {
        const now = document.querySelector(".progress");
        if (now) told.push(`${now.textContent} of all ${now.querySelector("progress").max}`);
      }).observe(document.body, { childList: true, subtree: true });
    }""")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".outcomes tbody tr")).to_have_count(4)
    expect(page.locator(".progress")).to_have_count(0)
    told = page.evaluate("told")
    words = r"Run [1-4] of 4, step \d+ of 400(about \d+ s left)?in (this browser|the service) of all 1600"
    assert [each for each in told if not re.fullmatch(words, each)] == []
    assert any("left" in each for each in told)
    assert any(each.startswith(("Run 2", "Run 3", "Run 4")) for each in told)


@pytest.mark.parametrize("task", ["digits", "moons", "spirals", "quadratic"])
def test_every_axis_has_ticks_to_read_by(reader: Reader, task: str) -> None:
    page = reader.open()
    note(page, "0")
    show(page, "train")
    field(page, "steps", "4")
    page.locator('[data-key="/task"]').select_option(task)
    choose(page, "small_normal")
    train(page, 1)
    for chart in page.locator("#panel .pair svg.chart").all():
        assert chart.locator(".axes .grid").count() >= 3


@pytest.mark.parametrize("seed", ["42", "7"])
def test_the_training_that_is_offered_shows_what_the_notes_claim(reader: Reader, seed: str) -> None:
    page = reader.open()
    page.locator('[data-key="/seed"]').fill(seed)
    show(page, "train")
    rows = {row.split()[0]: row for row in train(page, 4).all_inner_texts()}
    outcome = {start: "not learnt" not in row for start, row in rows.items()}
    assert outcome == {"he_normal": True, "glorot_normal": False, "small_normal": False, "zeros": False}
