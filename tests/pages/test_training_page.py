"""The training on the page: whose curves they are, how far it has come, and that rows say what curves say."""

import json
import re
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.reader import (
    IN_CHROMIUM,
    PHONE,
    SETTLED,
    Reader,
    colour,
    drawn,
    focused,
    module,
    note,
    serious_violations,
    shared,
    show,
)

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


@pytest.mark.parametrize("seed", ["42", "1"])
def test_whatever_the_task_the_training_that_is_offered_agrees_with_the_notes(reader: Reader, seed: str) -> None:
    page = reader.open()
    page.locator('[data-key="/seed"]').fill(seed)
    show(page, "train")
    for task in ("moons", "spirals", "quadratic"):
        page.locator('[data-key="/task"]').select_option(task)
        drawn(page)
        runs = {one["scheme"]: one for one in events(reader, page) if one["event"] == "run"}
        assert runs["he_normal"]["learnt"], task
        assert runs["he_normal"]["final_loss"] < 0.7 * runs["glorot_normal"]["final_loss"]
        assert not runs["zeros"]["learnt"]
        assert not runs["small_normal"]["learnt"]


# What is seen of it


def events(reader: Reader, page: Page, **more: Any) -> list[dict[str, Any]]:
    """Return the service's events of the training that the page asks for, watched."""
    asked = module(page, "train/question.js", f"m.question({json.dumps(shared(page))})")
    lines = httpx.post(f"{reader.server}/train?format=jsonl", json=asked | {"watch": True} | more, timeout=60).text
    return [httpx.Response(200, text=line).json() for line in lines.splitlines()]


def scrub(page: Page, index: int) -> None:
    page.locator('[data-key="scrub"]').fill(f"{index}")
    drawn(page)


def test_the_boundary_is_drawn_under_the_data_at_any_step(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    page.locator('[data-key="/task"]').select_option("moons")
    field(page, "steps", "40")
    choose(page, "glorot_normal", "zeros")
    train(page, 2)
    told = [one for one in events(reader, page) if one.get("run") == 0 and "boundary" in one]
    examples = events(reader, page, steps=1)[0]
    for index in (0, 13, 39):
        scrub(page, index)
        shown = page.locator(".answers svg.chart").first
        assert shown.get_attribute("aria-label") == sentence("glorot_normal", examples, told[index]["boundary"])
        expect(shown.locator("image")).to_have_count(1)
        for name in ("answers", "weights"):
            assert page.locator(f'[data-key^="chart-{name}"]').count() == 2
        notes = page.locator("#panel .beside .note").all_inner_texts()
        assert [re.match(r"step \d+", note)[0] for note in notes] == [f"step {index}"] * 4  # type: ignore[index]
        marks = page.locator("#panel .pair .now").all()
        places = {float(mark.get_attribute("x1") or 0) for mark in marks}
        assert len(places) == 1
        if index < 39:  # at the newest there is no need for a mark
            assert all(colour(mark, "visibility") == "visible" for mark in marks)
    points = page.locator(".answers svg.chart").first.locator("path.heart")
    assert [path.get_attribute("d").count("M") for path in points.all()] == [250, 250]  # type: ignore[union-attr]


def sentence(start: str, examples: dict[str, Any], boundary: dict[str, Any]) -> str:
    """Return what a picture of a boundary says: the share of each class that lies where the network answers so."""
    low, high, size = np.array(boundary["low"]), np.array(boundary["high"]), boundary["size"]
    cells = ((np.array(examples["points"]) - low) / (high - low) * size).astype(int)
    likely = np.round(np.array(boundary["values"])[cells[:, 1] * size + cells[:, 0]] * 254) / 254 > 0.5
    labels = np.array(examples["labels"])
    a, b = (f"{100 * (likely[labels == label] == bool(label)).mean():.0f}%" for label in (0, 1))
    return f"{start}: {a} of class A and {b} of class B lie on their side of the boundary"


def test_pictures_of_a_run_that_is_done_stay_while_others_are_trained(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    page.locator('[data-key="/task"]').select_option("spirals")
    field(page, "steps", "60")
    choose(page, "he_normal", "glorot_normal", "zeros")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".outcomes tbody tr")).to_have_count(1)
    page.evaluate("window.first = document.querySelector('[data-key=\"chart-answers-0\"]')")
    expect(page.locator(".outcomes tbody tr")).to_have_count(3)
    assert page.evaluate("first.isConnected")


def test_images_and_predictions_are_shown_with_what_is_right(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    field(page, "steps", "30")
    choose(page, "he_normal")
    train(page, 1)
    last = [one for one in events(reader, page) if "answers" in one][-1]
    best = np.array(last["answers"]).argmax(axis=1)
    right = int((best == np.arange(20) % 10).sum())
    shown = page.locator(".answers svg.chart")
    assert shown.get_attribute("aria-label") == f"he_normal: {right} of 20 images are answered right"
    assert [text.split()[0] for text in shown.locator(".answer").all_text_contents()] == [f"{digit}" for digit in best]
    expect(shown.locator(".answer.is-right")).to_have_count(right)
    page.locator('[data-key="/task"]').select_option("quadratic")
    field(page, "learning_rate", "0.001")
    train(page, 1)
    last = [one for one in events(reader, page) if "answers" in one][-1]
    targets = np.array(events(reader, page, steps=1)[0]["targets"])
    error = float(np.mean((np.array(last["answers"]) - targets) ** 2))
    told = page.locator(".answers svg.chart").get_attribute("aria-label")
    assert told is not None
    assert float(told.split()[-1]) == pytest.approx(error, rel=5e-3)


# Stop, and go on


def test_a_training_that_was_stopped_goes_on_to_what_it_would_have_come_to(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    page.locator('[data-key="/task"]').select_option("moons")
    field(page, "steps", "120")
    choose(page, "he_normal", "glorot_normal")
    page.locator('[data-key="/restarts"]').fill("2")
    drawn(page)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".outcomes tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("#panel .actions .note")).to_contain_text("Stopped in run 2 of 4")
    page.get_by_role("button", name="Go on", exact=True).click()
    rows = page.locator(".outcomes tbody tr")
    expect(rows).to_have_count(4)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    ends = [float(row.split("→")[1].split()[0]) for row in rows.all_inner_texts()]
    whole = [one for one in events(reader, page) if one["event"] == "run"]
    assert [row.split()[:2] for row in rows.all_inner_texts()] == [[run["scheme"], run["seed"]] for run in whole]
    assert ends == pytest.approx([run["final_loss"] for run in whole], rel=6e-3)


SMALL = {
    "seed": "7",
    "layers": [
        {"name": "fc1", "type": "dense", "shape": [2, 16], "activation": "tanh"},
        {"name": "fc2", "type": "dense", "shape": [16, 16], "activation": "tanh"},
        {"name": "out", "type": "dense", "shape": [16, 2]},
    ],
}


def test_a_training_in_the_browser_stands_still_and_goes_on_from_its_step(reader: Reader) -> None:
    page = reader.open()
    module(page, "frame/state.js", f"m.edit('test', (shared) => (shared.spec = {json.dumps(SMALL)}))")
    show(page, "train")
    page.locator('[data-key="/task"]').select_option("moons")
    field(page, "steps", "2000")
    choose(page, "glorot_normal", "zeros")
    before = len(reader.requests)
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator(".answers svg.chart image").first.wait_for()
    expect(page.locator(".progress")).to_contain_text("in this browser")
    page.get_by_role("button", name="Stop", exact=True).click()
    note = page.locator("#panel .actions .note")
    expect(note).to_contain_text("goes on from there")
    page.wait_for_timeout(SETTLED)
    said = note.inner_text()
    page.wait_for_timeout(SETTLED)
    assert note.inner_text() == said
    page.get_by_role("button", name="Go on", exact=True).click()
    expect(page.locator(".outcomes tbody tr")).to_have_count(2)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    assert [request for request in reader.requests[before:] if request.url.endswith("/train")] == []
    rows = page.locator(".outcomes tbody tr").all_inner_texts()
    ends = [float(row.split("→")[1].split()[0]) for row in rows]
    whole = [one for one in events(reader, page) if one["event"] == "run"]
    assert ends == pytest.approx([run["final_loss"] for run in whole], rel=0.05)
    assert ["not learnt" in row for row in rows] == [not run["learnt"] for run in whole]


def test_what_is_left_of_a_training_is_asked_for_by_its_runs(reader: Reader) -> None:
    page = reader.open()
    asked = {"seed": "18446744073709551615", "schemes": ["zeros", "ones", "he_normal"], "restarts": 3, "steps": 5}
    left = module(page, "train/question.js", f"m.remaining({json.dumps(asked)}, 4)")
    assert left == [
        {"question": asked | {"schemes": ["ones"], "restarts": 2, "seed": "0"}, "first": 4},
        {"question": asked | {"schemes": ["he_normal"]}, "first": 6},
    ]


# Restarts, axes, values, and what is said


def test_restarts_stand_side_by_side_on_one_axis_and_are_told_in_a_sentence(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    field(page, "steps", "60")
    choose(page, "he_normal", "zeros")
    page.locator('[data-key="/restarts"]').fill("3")
    drawn(page)
    rows = train(page, 6)
    charts = page.locator('[data-key^="chart-loss-"]')
    expect(charts).to_have_count(2)
    assert [chart.locator("path.run").count() for chart in charts.all()] == [3, 3]
    ticks = [chart.locator(".axes text").all_text_contents() for chart in charts.all()]
    assert ticks[0] == ticks[1]
    learnt = [row.split()[0] for row in rows.all_inner_texts() if "not learnt" not in row]
    assert learnt == ["he_normal"] * 3
    said = page.locator(".sentence").inner_text()
    assert said.startswith("he_normal learnt in all 3 restarts")
    assert said.endswith("zeros never learnt in 3 restarts: the loss stayed at 2.30, what guessing gives.")
    seen = set()
    for restart in ("1", "2", "3"):
        page.locator(".scrubber .chip").get_by_text(restart, exact=True).click()
        drawn(page)
        seen.add(page.locator("#panel .answers .note").first.inner_text())
    assert len(seen) == 3


def test_an_axis_is_chosen_kept_by_the_link_and_read_point_by_point(reader: Reader) -> None:
    page = reader.open()
    show(page, "train")
    field(page, "steps", "30")
    choose(page, "glorot_normal", "zeros")
    train(page, 2)
    chart = page.locator('[data-key="chart-loss"]')
    assert "0" not in chart.locator(".axes .grid + text").all_text_contents()
    page.get_by_role("button", name="Linear axis").click()
    drawn(page)
    expect(page.get_by_role("button", name="Linear axis")).to_have_attribute("aria-pressed", "true")
    assert "0" in chart.locator(".axes .grid + text").all_text_contents()
    chart.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    words = page.locator(".reading").inner_text().splitlines()
    whole = [one for one in events(reader, page) if one["event"] == "run"]
    step = int(words[0].removeprefix("step "))
    read = {line.split()[0]: float(line.split(": ")[1]) for line in words[1:]}
    for run in whole:
        assert read[run["scheme"]] == pytest.approx(run["loss"][step], rel=6e-3)
    page.wait_for_timeout(SETTLED)
    again = reader.open(page.url)
    drawn(again)
    assert shared(again)["train"]["axis"] == "linear"


@pytest.mark.parametrize(
    "about", [{"color_scheme": "dark"}, {"viewport": PHONE, "is_mobile": True}, {"forced_colors": "active"}]
)
def test_what_is_seen_of_a_training_is_for_everybody(reader: Reader, about: dict[str, Any]) -> None:
    page = reader.open(**about)
    module(page, "frame/state.js", f"m.edit('test', (shared) => (shared.spec = {json.dumps(SMALL)}))")
    show(page, "train")
    page.locator('[data-key="/task"]').select_option("moons")
    field(page, "steps", "50")
    choose(page, "glorot_normal", "zeros")
    page.locator('[data-key="/restarts"]').fill("2")
    drawn(page)
    train(page, 4)
    page.locator('[data-key="scrub"]').focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    drawn(page)
    expect(page.locator(".scrubber output")).to_have_text("1 of 50")
    assert focused(page) == "scrub"
    assert serious_violations(page) == []
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # Two classes are told apart by their shapes as well, and the boundary is a line.
    shapes = [colour(page.locator(f".answers .class-{name}.heart").first, "stroke-linecap") for name in ("a", "b")]
    assert len(set(shapes)) == 2
    line = page.locator(".answers .chart .divide").first
    assert colour(line, "stroke") != colour(page.locator(".answers"), "background-color")
