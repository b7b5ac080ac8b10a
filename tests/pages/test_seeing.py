"""What is seen of a diagnosis: ridges, values under the pointer, words explained, numbers and sentences."""

import ast
import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.reader import (
    IN_CHROMIUM,
    PHONE,
    Reader,
    begin_with,
    colour,
    drawn,
    focused,
    module,
    note,
    serious_violations,
    settle,
    shoot,
    verdict,
)
from tests.pages.test_links import link

pytestmark = IN_CHROMIUM
VERDICTS = Path(__file__).parents[2] / "service/analysis/verdicts.py"


def stack(depth: int, scheme: Any = "he_normal", activation: str = "relu") -> dict[str, Any]:
    layers = [
        {"name": f"fc{place}", "type": "dense", "shape": [32, 32], "activation": activation, "scheme": scheme}
        for place in range(1, depth + 1)
    ]
    return {"seed": "1", "layers": layers}


def normal(stddev: float) -> dict[str, Any]:
    return {"name": "random_normal", "stddev": stddev}


def ridges(page: Page, way: str) -> Locator:
    return page.locator(f'svg[data-key="chart-ridges-{way}"]')


# Ridges


def test_every_layer_has_a_ridge_on_one_axis(reader: Reader) -> None:
    page = reader.open()
    for way in ("forward", "backward"):
        chart = ridges(page, way)
        assert chart.locator(".ridge-name").all_text_contents() == [f"fc{place}" for place in range(1, 8)] + ["out"]
        assert chart.locator(".ridge-row.is-normal").count() == 8
    # Of a ReLU's outputs half are 0: told beside the ridge, and a stem of half a ridge's height.
    shares = [int(text.rstrip("%")) for text in ridges(page, "forward").locator(".ridge-share").all_text_contents()[:7]]
    assert all(35 <= share <= 65 for share in shares)
    assert ridges(page, "forward").locator(".ridge-zero").count() == 7
    assert ridges(page, "backward").locator(".ridge-zero").count() == 0


def test_a_ridge_is_as_wide_as_its_layer(reader: Reader) -> None:
    """Normal values whose deviation is known: half the ridge's height is reached 1.18 deviations from the middle."""
    page = reader.open()
    chart = ridges(page, "backward")
    area = chart.locator(".ridge-area").last.get_attribute("d") or ""
    points = [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", area)]
    base = max(y for _, y in points)
    top = min(y for _, y in points)
    high = [x for x, y in points if base - y > (base - top) / 2]
    ticks = {
        float((text.text_content() or "").replace("−", "-")): float(text.get_attribute("x") or "nan")
        for text in chart.locator(".axes text").all()
        if re.fullmatch(r"[−\d.]+", text.text_content() or "")
    }
    unit = (ticks[2] - ticks[-2]) / 4
    # The gradient at the end is standard normal: 1,280 values, so that the height of a bin is known to a few tenths.
    assert (high[-1] - high[0]) / 2 / unit == pytest.approx(math.sqrt(2 * math.log(2)), rel=0.4)


def test_the_axis_is_chosen_kept_and_sent(reader: Reader) -> None:
    page = reader.open(link({"spec": stack(20, normal(0.001), "tanh")}))
    assert "10⁻" in " ".join(ridges(page, "forward").locator(".axes text").all_text_contents())  # by itself
    page.locator('[data-key="ridges/axis"]').select_option("linear")
    settle(page)
    assert "10⁻" not in " ".join(ridges(page, "forward").locator(".axes text").all_text_contents())
    page.reload()
    settle(page)
    expect(page.locator('[data-key="ridges/axis"]')).to_have_value("linear")


def test_saturated_outputs_and_zeros_are_told(reader: Reader) -> None:
    page = reader.open(link({"spec": stack(6, normal(1.0), "tanh")}))
    heads = ridges(page, "forward").locator(".ridge-head").all_text_contents()
    assert [head for head in heads if head.startswith("satur")]
    note(page, "0")
    assert ridges(page, "forward").locator(".ridge-share").all_text_contents() == ["100%"] * 6


def test_of_200_layers_some_are_shown_and_it_is_said(reader: Reader) -> None:
    page = reader.open(link({"spec": stack(200)}))
    names = ridges(page, "forward").locator(".ridge-name").all_text_contents()
    assert len(names) == 24
    assert (names[0], names[-1]) == ("fc1", "fc200")
    steps = [int(after[2:]) - int(before[2:]) for before, after in pairwise(names)]
    assert max(steps) - min(steps) <= 1
    expect(page.locator(".spreads")).to_contain_text("Shown are 24 of 200 layers")
    assert page.locator(".reasons tbody tr").count() < 40
    assert page.locator(".weights .ridge-row").count() == 1  # all the same distribution
    expect(page.locator(".weights")).to_contain_text("fc1 … fc200: the same distribution")


def test_of_blocks_each_has_a_ridge(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "transformer")
    names = ridges(page, "forward").locator(".ridge-name").all_text_contents()
    assert 3 <= len(names) <= 24
    assert [name for name in names if name.startswith("block1")]
    expect(page.locator(".spreads > .note")).to_contain_text("a ridge a block")


# Values under the pointer


def read(page: Page) -> list[str]:
    return page.locator(".reading:visible > *").all_inner_texts()


def test_values_are_read_by_pointer_and_by_keys(reader: Reader) -> None:
    page = reader.open()
    chart = page.locator('svg[data-key="chart-forward"]')
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 80)
    first = read(page)
    assert first[0] == "fc1"
    assert first[1].startswith("measured ")
    assert first[-1] == "Normal zone"
    assert chart.locator(".crosshair").count() == 1
    page.mouse.move(5, 5)
    assert read(page) == []
    chart.focus()
    page.keyboard.press("End")
    assert read(page)[0] == "out"
    page.keyboard.press("ArrowLeft")
    assert read(page)[0] == "fc7"
    expect(page.get_by_role("status").filter(has_text="fc7, measured")).to_have_count(1)  # said as well
    page.keyboard.press("Escape")
    assert read(page) == []
    page.keyboard.press("Home")
    assert read(page) == first


def test_values_are_read_by_touch(reader: Reader) -> None:
    page = reader.open(viewport=PHONE, is_mobile=True, has_touch=True)
    chart = ridges(page, "forward")
    chart.scroll_into_view_if_needed()
    chart.tap()
    assert read(page)[0].startswith("fc")
    assert "of the values" in read(page)[1]
    page.locator("#spreads-title").tap()
    assert read(page) == []


def test_every_chart_can_be_read(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "transformer")
    charts = page.locator("#panel svg.chart")
    assert charts.count() >= 7
    for chart in charts.all():
        chart.focus()
        page.keyboard.press("Home")
        assert len(read(page)) >= 2, chart.get_attribute("data-key")


# Weights


def test_equal_weights_are_told_together_and_one_is_seen_large(reader: Reader) -> None:
    page = reader.open()
    weights = page.locator(".weights")
    assert weights.locator(".ridge-name").all_text_contents() == ["fc1", "fc2 … fc7", "out"]
    expect(weights).to_contain_text("fc2 … fc7: the same distribution")
    # He: the root of 2 over as many numbers as a neuron takes.
    spread = [float(text) for text in weights.locator(".ridge-share").all_text_contents()[:2]]
    assert spread == pytest.approx([math.sqrt(2 / 784), math.sqrt(2 / 128)], rel=0.01)
    expect(weights.locator(".constants")).to_contain_text("= 0 fc1/bias … out/bias")
    weights.locator("select").select_option("fc3/kernel")
    settle(page)
    expect(weights.locator("svg.chart")).to_have_count(2)
    page.reload()
    settle(page)
    expect(weights.locator("figcaption").last).to_have_text("fc3/kernel")


# Words explained


def test_a_word_is_explained_where_it_stands(reader: Reader) -> None:
    page = reader.open(locale="es-ES")
    word = page.locator(".spreads .term").first
    word.focus()
    page.keyboard.press("Enter")
    meaning = page.locator(".meaning:popover-open")
    expect(meaning).to_contain_text("Lo que da una capa")
    expect(meaning).to_be_focused()  # so that it is read out
    page.keyboard.press("Escape")
    expect(meaning).to_have_count(0)
    expect(word).to_be_focused()
    for fold in page.locator("#panel details.numbers > summary").all():
        fold.click()
    drawn(page)
    keys = set(page.locator("#panel .term").evaluate_all("all => all.map((one) => one.getAttribute('popovertarget'))"))
    told = {
        "rms",
        "rank",
        "distinct",
        "singular",
        "forecast",
        "slope",
        "normal",
        "fan",
        "correlation",
        "silent",
        "gradient",
    }
    assert keys >= {f"term-{key}" for key in told}


def test_every_term_in_a_sentence_has_its_meaning(reader: Reader) -> None:
    page = reader.open()
    for words in module(page, "./words/language.js", "m.WORDS").values():
        marked = [key for text in words.values() for key in re.findall(r"\[\[([\w-]+)", text)]
        assert len(marked) > 10
        assert [key for key in marked if f"term.{key}.text" not in words] == []


# Numbers

WRITTEN = [  # value, measured in English and in Spanish, as one chose it in English
    (0, "0", "0", "0"),
    (1, "1", "1", "1"),
    (64, "64", "64", "64"),
    (0.78, "0.780", "0,780", "0.78"),
    (0.7731, "0.773", "0,773", "0.7731"),
    (-0.05, "−0.0500", "−0,0500", "−0.05"),
    (12.34, "12.3", "12,3", "12.34"),
    (999.6, "1,000", "1000", "999.6"),
    (2550.0001, "2,550", "2550", "2,550"),
    (17345.6, "17,300", "17 300", "17,345.6"),
    (123456, "123,456", "123 456", "123,456"),
    (1.7e7, "1.7 × 10⁷", "1,7 × 10⁷", "1.7 × 10⁷"),
    (0.00009, "9.0 × 10⁻⁵", "9,0 × 10⁻⁵", "9 × 10⁻⁵"),
    (-4e-17, "−4.0 × 10⁻¹⁷", "−4,0 × 10⁻¹⁷", "−4 × 10⁻¹⁷"),
    (0.001, "0.00100", "0,00100", "0.001"),
    (9.999e5, "1.0 × 10⁶", "1,0 × 10⁶", "1 × 10⁶"),
]
SAID = [  # how often, and how much is left, in English and in Spanish
    (1.5, "1.5 times", "1,5 veces"),
    (1234, "1,200 times", "1200 veces"),
    (1e6, "1 million times", "1 millón de veces"),
    (1.72e7, "17 million times", "17 millones de veces"),
    (2.5e9, "2.5 billion times", "2500 millones de veces"),
    (4.8e12, "4.8 trillion times", "4,8 billones de veces"),
    (2e20, "2 × 10²⁰ times", "2 × 10²⁰ veces"),
]
LEFT = [
    (0, "nothing", "nada"),
    (0.51, "half", "la mitad"),
    (0.7, "70%", "el 70 %"),
    (0.0101, "a hundredth", "una centésima parte"),
    (1e-6, "a millionth", "una millonésima parte"),
    (1 / 2300, "one part in 2,300", "una parte de cada 2300"),
    (4.4e-41, "one part in 2 × 10⁴⁰", "una parte de cada 2 × 10⁴⁰"),
]
SHARES = [(0, "0%"), (0.002, "<1%"), (0.5, "50%"), (0.9951, ">99%"), (1, "100%")]


def spaced(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_numbers_are_written_in_one_way(reader: Reader) -> None:
    page = reader.open()

    def written(name: str, values: list[Any], language: str = "en") -> list[str]:
        code = f"(m.read('{language}'), {json.dumps(values)}.map((value) => m.{name}(value)))"
        return [spaced(text) for text in module(page, "./words/language.js", code)]

    values = [row[0] for row in WRITTEN]
    assert written("number", values) == [row[1] for row in WRITTEN]
    assert written("number", values, "es") == [row[2] for row in WRITTEN]
    assert written("exact", values) == [row[3] for row in WRITTEN]
    for rows, name in ((SAID, "times"), (LEFT, "part")):
        assert written(name, [row[0] for row in rows]) == [row[1] for row in rows]
        assert written(name, [row[0] for row in rows], "es") == [row[2] for row in rows]
    assert written("percent", [row[0] for row in SHARES]) == [row[1] for row in SHARES]


def test_numbers_within_the_service_s_sentences_are_written_so_too(reader: Reader) -> None:
    page = reader.open()
    texts = [
        "a loss of 2.55e+03 after 3 steps, from 0.000090",
        "the spec has more than 100,000 parameters",
        "two layers are called 'block1.0.fc2'; every layer needs a name of its own",
        "a seed of 18446744073709551616 is 0 or more",
    ]
    told = module(page, "./words/sentences.js", f"{json.dumps(texts)}.map(m.sentence)")
    assert [spaced(text) for text in told] == [
        "a loss of 2,550 after 3 steps, from 9 × 10⁻⁵",
        "the spec has more than 100,000 parameters",
        "two layers are called 'block1.0.fc2'; every layer needs a name of its own",
        "a seed is a whole number from 0 to 18446744073709551615",
    ]


@pytest.mark.parametrize("locale", ["en-GB", "es-ES"])
def test_no_number_on_the_page_is_written_as_a_program_would(reader: Reader, locale: str) -> None:
    page = reader.open(link({"spec": stack(20, normal(1.0))}), locale=locale)
    for fold in page.locator("#panel details.numbers > summary").all():
        fold.click()
    drawn(page)
    text = page.locator("#panel").inner_text() + " ".join(
        page.locator("#panel [aria-label]").evaluate_all("all => all.map((one) => one.ariaLabel)")
    )
    assert re.findall(r"\d[eE][+-]?\d+|·10|\d\.\d{6,}|NaN|undefined|null", text) == []
    if locale == "es-ES":
        assert re.findall(r"\d\.\d", text) == []


# Sentences


def codes() -> set[tuple[str, str]]:
    """Return the verdicts and codes that the service gives layers, as its source says them, but for theory's own."""
    made = [node for node in ast.walk(ast.parse(VERDICTS.read_text())) if isinstance(node, ast.Call)]
    given = [call.args[:2] for call in made if isinstance(call.func, ast.Name) and call.func.id == "Judgement"]
    found = {tuple(str(one.value) for one in args if isinstance(one, ast.Constant)) for args in given}
    return {(one[0], one[1]) for one in found if one[1] != "beyond-theory"}


def test_every_verdict_and_reason_has_words_of_its_own(reader: Reader) -> None:
    page = reader.open()
    words = module(page, "./words/language.js", "m.WORDS")
    assert len(codes()) >= 18
    for said, code in codes():
        for language in ("en", "es"):
            assert f"reason.{said}.{code}" in words[language]
            assert f"summary.{said}" in words[language]


TOLD = [  # a start, and what a student reads of it
    (
        stack(20, normal(math.sqrt(1 / 32) / 2), "tanh"),
        r"shrinks to (half|4\d%) at every layer: from fc1 to fc19 only one part in [\d,]+ of it is left",
    ),
    (
        stack(20, normal(1.0)),
        r"The signal grows \d(\.\d)? times at every layer: from fc1 to fc19, .* billion times in all",
    ),
    (stack(20, normal(1.0)), r"In fc1: a change in its weights is amplified [\d.]+ (b|m)illion times by the end"),
    (
        stack(12, normal(0.001)),
        r"Every step would be tiny.*of a change in its weights only one part in .* arrives at the end",
    ),
    (stack(6, {"name": "constant", "value": 0.1}), r"all its 32 neurons compute the same and get the same gradient"),
    (stack(6, "zeros"), r"Nothing moves.*every output is 0 whatever the input"),
    (stack(8), r"outputs from 0\.\d+ to [\d.]+, gradients from 0\.\d+ to [\d.]+\. Training can begin"),
]


@pytest.mark.parametrize(("spec", "words"), TOLD, ids=range(len(TOLD)))
def test_a_verdict_is_told_to_a_student_in_its_numbers(reader: Reader, spec: dict[str, Any], words: str) -> None:
    page = reader.open(link({"spec": spec}))
    english = page.locator(".summary").inner_text()
    assert re.search(words, spaced(english)), english
    page.locator('[data-key="language"]').click()
    settle(page)
    spanish = page.locator(".summary").inner_text()
    digits = re.compile("\\d+(?:[.,\u202f]\\d+)*")
    assert len(digits.findall(spanish)) == len(digits.findall(english)), spanish


def test_growth_is_told_as_it_is(reader: Reader) -> None:
    """Linear layers of orthogonal weights with a gain multiply whatever goes through them by just that gain."""
    layers = [
        {"name": f"fc{place}", "type": "dense", "shape": [16, 16], "scheme": {"name": "orthogonal", "gain": 2.0}}
        for place in range(1, 12)
    ]
    page = reader.open(link({"spec": {"seed": "1", "layers": layers}}))
    expect(page.locator(".summary")).to_contain_text(
        "The signal grows 2 times at every layer: from fc1 to fc10, 510 times in all."
    )


def test_equal_rows_are_one(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "tanh20")
    note(page, "σ = 1")
    rows = page.locator(".reasons tbody tr")
    assert rows.count() <= 6
    expect(rows.first.locator("th")).to_contain_text(re.compile(r"fc1 … fc\d+\s*\d+ layers"))
    expect(rows.first).to_contain_text(re.compile(r"amplified \d+ to [\d,.]+ times"))
    page.locator('[data-key="summary-every-layer"]').click()
    expect(page.locator('[data-key="every-layer"] tbody tr')).to_have_count(20)


# The page


def test_the_parts_come_in_order_of_what_matters(reader: Reader) -> None:
    page = reader.open()
    note(page, "σ = 1")
    order = [
        "What goes through the network",
        "Sizes, layer by layer",
        "Why, layer by layer",
        "Worth knowing",
        "Weights",
        "Across sizes",
        "In the first steps",
    ]
    assert [head for head in page.locator("#panel h3").all_inner_texts() if head in order] == order
    expect(page.locator(".study details[open]")).to_have_count(0)
    heads = [page.locator(f".spreads {one}").first for one in ("h3", "figcaption", ".note")]
    sizes = [float(colour(head, "font-size").removesuffix("px")) for head in heads]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_the_verdict_s_layers_lie_in_their_zones(reader: Reader) -> None:
    page = reader.open()
    note(page, "σ = 1")
    picture = page.locator(".verdict .zones")
    steep = picture.locator("rect.is-steep").evaluate("zone => zone.getBoundingClientRect().left")
    marks = picture.locator(".mark-in-chart")
    assert marks.count() == 8
    for mark in marks.all():
        box = mark.bounding_box()
        assert box is not None
        beyond = box["x"] + box["width"] / 2 > steep
        assert beyond == ("is-steep" in (mark.get_attribute("class") or ""))


@pytest.mark.parametrize("window", [PHONE, {"width": 720, "height": 500}], ids=["phone", "200 %"])
def test_the_verdict_is_in_sight_at_once(reader: Reader, window: dict[str, int]) -> None:
    page = reader.open(viewport=window)
    note(page, "σ = 1")
    strip = page.locator("#strip")
    expect(strip).to_be_visible()
    expect(strip).to_contain_text("Steep zone")
    expect(strip).to_contain_text("Every step would be huge")
    box = strip.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= window["height"] + 1
    strip.click()
    expect(verdict(page)).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == window["width"]


def test_what_is_there_stays_where_only_colours_change(reader: Reader) -> None:
    """A theme is CSS alone, and typing what changes no answer draws nothing anew."""
    page = reader.open(link({"spec": stack(200)}))
    page.evaluate("window.charts = [...document.querySelectorAll('#panel .part svg.chart')]")
    page.locator('[data-key="theme"]').click()
    drawn(page)
    page.locator('[data-key="study-summary-steps"]').click()
    page.locator('[data-key="/steps"]').fill("4")
    settle(page)
    assert page.evaluate("charts.length > 4 && charts.every((chart) => chart.isConnected)")


def test_parts_come_one_after_another_without_moving_what_is_read(reader: Reader) -> None:
    page = reader.window()
    page.add_init_script(
        "window.shifted = 0; new PerformanceObserver((list) => { for (const one of list.getEntries())"
        " if (one.sources.some(({ node }) => node?.parentElement?.closest('#panel'))) shifted += one.value; })"
        ".observe({ type: 'layout-shift', buffered: true });"
    )
    page.goto(reader.server + link({"spec": stack(200)}))
    settle(page)
    page.wait_for_timeout(300)
    assert page.evaluate("shifted") < 0.05


def test_numbers_unfolded_stay_unfolded(reader: Reader) -> None:
    page = reader.open()
    page.locator('[data-key="summary-numbers-ridges-forward"]').click()
    expect(page.locator('[data-key="numbers-ridges-forward"] tbody tr')).to_have_count(8)
    assert focused(page) == "summary-numbers-ridges-forward"
    note(page, "σ = 1")
    expect(page.locator('[data-key="numbers-ridges-forward"] tbody tr')).to_have_count(8)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_see(reader: Reader, theme: str) -> None:
    page = reader.open(color_scheme=theme, reduced_motion="reduce")
    note(page, "σ = 1")
    for fold in page.locator("#panel details > summary").all():
        fold.click()
    drawn(page)
    ridges(page, "forward").focus()
    page.keyboard.press("End")
    page.locator(".weights select").select_option(index=1)
    page.locator("#verdict-title .term").click()
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    shoot(page, f"seeing-{theme}")
