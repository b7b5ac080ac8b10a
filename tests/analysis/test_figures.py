"""Figures are valid, whole, inside their frame, and the same to the byte."""

import re
from collections.abc import Sequence
from math import cos, radians, sin
from typing import Any
from xml.etree import ElementTree

import pytest

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.figures.diagnosis import diagnosis_figure
from service.analysis.figures.histograms import Panel, histogram_figure
from service.analysis.figures.svg import MARGIN, SMALL, TEXT, VERDICTS, WIDTH, shorten, width_of, wrap
from service.analysis.verdicts import SEVERITY

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "a<b>&\"'\x00\ud800]]>"
Element = ElementTree.Element


def layer(name: str, outputs: Any, gradients: Any, verdict: str = "normal", theory: Any = (1.0, 1.0)) -> dict[str, Any]:
    """Return a layer of an answer; ... stands for a part that is null, None for a number that is."""
    return {
        "name": name,
        "verdict": verdict,
        "forward": None if outputs is ... else {"rms": outputs},
        "backward": None if gradients is ... else {"rms": gradients},
        "forecast": None if theory is ... else {"rms": theory[0], "backward": theory[1]},
    }


def chained(layers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return layers each of which takes the one before, but for those that say what they take."""
    names = ["input", *(one["name"] for one in layers)]
    return [{"inputs": [before], **one} for before, one in zip(names, layers, strict=False)]


def answer(*layers: dict[str, Any], verdict: str = "normal", kind: str = "standard normal") -> dict[str, Any]:
    return {
        "algorithm": "initserve/1",
        "seed": "18446744073709551615",
        "verdict": verdict,
        "summary": "This start is in the normal zone: outputs and gradients keep their size from end to end.",
        "inputs": {"kind": kind, "shape": [] if kind == "none" else [128, 784]},
        "zone": {"low": 1 / 32, "high": 32.0},
        "layers": chained(layers),
    }


ANSWERS = {
    "one layer": answer(layer("only", 1.0, 1.0)),
    "long names": answer(*(layer("m" * 128, 1.0, 1.0) for _ in range(30))),
    "many": answer(*(layer(f"dense_{i}", 0.9**i, 1.1 ** (i - 500)) for i in range(1024))),
    "every verdict": answer(*(layer(verdict, 1.0, 1.0, verdict) for verdict in SEVERITY), verdict="dead"),
    "zeros": answer(layer("a", 1.0, 0.0, "dead"), layer("b", 0.0, 0.0, "dead"), layer("c", 0.0, 1.0, "dead")),
    "all zero": answer(layer("a", 0.0, 0.0, "dead", (0.0, 0.0)), layer("b", 0.0, 0.0, "dead", (0.0, 0.0))),
    "overflow": answer(layer("a", 1e300, None, "steep"), layer("b", None, 1e-320, "steep", (None, None))),
    "forecast alone": answer(layer("a", ..., ...), layer("b", ..., ..., theory=(2.0, None)), kind="none"),
    "beyond theory": answer(*(layer(name, ..., ..., theory=...) for name in "ab"), kind="none"),
    "no forecast": answer(*(layer(name, 1.0, 1.0, theory=...) for name in "abc")),
    "nasty names": answer(layer(NASTY, 1.0, 1.0), layer("\n\t\u202e漢字", 1.0, 1.0)),
    "narrow": answer(*(layer(f"l{i}", 1e-40**i, 1e40**i, "low-gradient") for i in range(5)), verdict="low-gradient"),
}


def weightless(name: str, *inputs: str, size: Any = 1.0) -> dict[str, Any]:
    return {**layer(name, size, 1.0, theory=...), "code": "no-weights", "inputs": list(inputs)}


def residual(count: int, share: Any = 0.3) -> dict[str, Any]:
    """Return the answer for so many blocks of a norm, a layer and a sum, each a block of its own."""
    layers, blocks, stream = [layer("embed", 1.0, 1.0)], [], "embed"
    for index in range(count):
        norm, dense, total = (f"block_{index}.{part}" for part in ("norm", "dense", "add"))
        layers += [{**layer(norm, 1.0, 0.5), "inputs": [stream]}, {**layer(dense, 0.3, 1.0), "inputs": [norm]}]
        layers += [weightless(total, stream, dense, size=1.04**index)]
        branch = {"at": total, "layers": [norm, dense], "share": share, "shortcut": stream}
        sides = {"in": 1.04**index, "out": 1.04 ** (index + 1)}
        blocks.append(
            {
                "name": f"block_{index}",
                "layers": [norm, dense, total],
                "stream": sides,
                "gradient": sides,
                "branches": [branch],
                "verdict": "normal",
            }
        )
        stream = total
    return answer(*layers, layer("head", 1.0, 1.0)) | {"blocks": blocks}


def across(slopes: Sequence[float], sizes: Sequence[int] = (64, 128, 256, 512), by: str = "width") -> dict[str, Any]:
    layers = [
        {
            "name": f"fc{index}",
            **{part: [size**slope for size in sizes] for part in ("forward", "backward", "update")},
            "slope": dict.fromkeys(("forward", "backward", "update"), slope),
        }
        for index, slope in enumerate(slopes)
    ]
    told = {"verdict": "growing", "summary": "Outputs grow with the width."}
    return answer(layer("only", 1.0, 1.0)) | {"across": {"by": by, "sizes": list(sizes), "layers": layers, **told}}


def steps(losses: Sequence[Any], layers: int = 2) -> dict[str, Any]:
    taken = [
        {
            "step": index,
            "loss": loss,
            "gradient_norm": loss,
            "layers": [
                {"name": f"fc{place}", "forward": loss, "backward": loss, "update": None if place else 0.1}
                for place in range(layers)
            ],
        }
        for index, loss in enumerate(losses)
    ]
    told = {"verdict": "explodes", "at": len(losses) - 1, "layer": "fc0", "summary": "The loss overflows."}
    about = {"optimizer": "adam", "learning_rate": 0.001, "loss": "cross_entropy"}
    return answer(layer("only", 1.0, 1.0)) | {"steps": {**about, "steps": taken, **told}}


ANSWERS |= {
    "residual": residual(3),
    "residual of zeros": residual(3, share=0.0),
    "very deep": residual(300),
    "overflowing share": residual(2, share=None),
    "two sources": answer(layer("a", 1.0, 1.0), layer("b", 2.0, 1.0), weightless("sum", "a", "b", "input")),
    "a part": answer(layer("a", 1.0, 1.0), {**layer("b", 2.0, 1.0), "inputs": ["a:1"]}),
    "attention": residual(2)
    | {
        "attention": [{"name": f"{i}", "heads": 2, "entropy": 0.9 + 0.05 * i, "logits": {"std": None}} for i in (0, 1)],
        "output": {"distance": 1.25},
    },
    "across widths": across([0.5, 0.0, -1.0]),
    "across depths": across([0.001 * index for index in range(200)], (2, 4, 8), "depth"),
    "one size": across([0.0], (64,)),
    "steps": steps([2.3, 2.0, 50.0, None]),
    "one step": steps([2.3]),
    "fifty steps": steps([0.9**index for index in range(50)], 200),
}
EDGES = [-1.0 + i / 32 for i in range(65)]
COUNTS = [min(i, 63 - i) for i in range(64)]
PANELS = {
    "bell": Panel("fc1/kernel", "N(0, 0.1²)", EDGES, COUNTS, [float(count) for count in COUNTS]),
    "constant": Panel("fc1/bias", "= 0", EDGES, [0] * 32 + [9] + [0] * 31, None),
    "empty": Panel("none/kernel", "", EDGES, [0] * 64, None),
    "far off": Panel("x" * 200, "y" * 500, [5.0 + edge * 1e-13 for edge in EDGES], COUNTS, None),
    "nasty": Panel(NASTY, NASTY, EDGES, COUNTS, None),
    "large": Panel("a", "b", [edge * 1e30 for edge in EDGES], [10**12] * 64, [1e12] * 64),
}
FIGURES = {name: diagnosis_figure(one) for name, one in ANSWERS.items()} | {
    "histograms": histogram_figure("Weights", list(PANELS.values())),
    "one histogram": histogram_figure(NASTY, [PANELS["bell"]]),
    "too many": histogram_figure("w " * 100, [PANELS["bell"]] * 72),
    "no histogram": histogram_figure("Nothing", []),
}


def of_kind(figure: str, *kinds: str) -> list[Element]:
    found = ElementTree.fromstring(figure).iter()
    return [one for one in found if set(kinds) <= set(one.get("class", "").split())]


def texts(figure: str) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(figure).iter(f"{SVG}text")]


def corners_of_text(one: Element) -> list[tuple[float, float]]:
    x, y = float(one.get("x", "")), float(one.get("y", ""))
    size = SMALL if "small" in one.get("class", "") else TEXT
    wide = width_of("".join(one.itertext()), size)
    start = x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[one.get("text-anchor", "start")]
    turn = re.match(r"rotate\((\S+) (\S+) (\S+)\)", one.get("transform", "rotate(0 0 0)"))
    assert turn
    angle, about_x, about_y = (float(group) for group in turn.groups())
    sine, cosine = sin(radians(angle)), cos(radians(angle))
    return [
        (
            about_x + (px - about_x) * cosine - (py - about_y) * sine,
            about_y + (px - about_x) * sine + (py - about_y) * cosine,
        )
        for px, py in ((start, y - size * 0.8), (start, y), (start + wide, y))
    ]


def corners(one: Element) -> list[tuple[float, float]]:
    if one.tag == f"{SVG}text":
        return corners_of_text(one)
    if one.tag == f"{SVG}rect":
        x, y = float(one.get("x", 0)), float(one.get("y", 0))
        return [(x, y), (x + float(one.get("width", "")), y + float(one.get("height", "")))]
    path = one.get("d", "")
    found = [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+?) ([-\d.]+)", path)]
    found += [(float(x), found[0][1]) for x in re.findall(r"H([-\d.]+)", path)]
    return found + [(found[0][0], float(y)) for y in re.findall(r"V([-\d.]+)", path)] if found else []


def placed(one: Element, right: float = 0.0, down: float = 0.0) -> list[tuple[float, float]]:
    """Return the corners of everything that is drawn; only groups are moved."""
    if one.tag == f"{SVG}g":
        moved = re.match(r"translate\((\S+) (\S+)\)", one.get("transform", ""))
        assert moved
        right, down = right + float(moved[1]), down + float(moved[2])
    mine = [] if one.tag in (f"{SVG}g", f"{SVG}svg") else corners(one)
    return [(x + right, y + down) for x, y in mine] + [c for child in one for c in placed(child, right, down)]


@pytest.mark.parametrize("name", FIGURES)
def test_it_is_a_figure_by_itself(name: str) -> None:
    figure = FIGURES[name]
    root = ElementTree.fromstring(figure.encode())
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert [one.tag for one in root[:3]] == [f"{SVG}title", f"{SVG}desc", f"{SVG}style"]
    assert root[0].text
    assert root[1].text
    assert "prefers-color-scheme:dark" in (root[2].text or "")
    assert not re.search(r"<script|\shref|url\(|@import|\son\w+=|nan|inf\b", figure)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_lies_outside(name: str) -> None:
    root = ElementTree.fromstring(FIGURES[name])
    left, top, width, height = map(float, root.get("viewBox", "").split())
    found = placed(root)
    assert len(found) > 2
    assert width == WIDTH
    for x, y in found:
        assert left - 0.01 <= x <= left + width + 0.01
        assert top - 0.01 <= y <= top + height + 0.01


@pytest.mark.parametrize("name", ANSWERS)
def test_it_is_the_same_to_the_byte(name: str) -> None:
    assert diagnosis_figure(ANSWERS[name]) == FIGURES[name]


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - {"beyond theory", "forecast alone"}))
def test_every_layer_has_its_dots(name: str) -> None:
    layers = [layer for layer in ANSWERS[name]["layers"] if layer.get("code") != "no-weights"]
    blocks = [block["verdict"] for block in ANSWERS[name].get("blocks", []) if block["stream"]["out"] is not None]
    for verdict in VERDICTS:
        dots = [one for one in of_kind(FIGURES[name], "mark", verdict) if len(one)]
        assert len(dots) == 2 * sum(layer["verdict"] == verdict for layer in layers) + blocks.count(verdict)
    passed = [one for one in of_kind(FIGURES[name], "mark", "pass") if len(one)]
    assert len(passed) == 2 * (len(ANSWERS[name]["layers"]) - len(layers))


def test_verdicts_differ_in_shape() -> None:
    shapes = set()
    for verdict in VERDICTS:
        legend = next(one for one in of_kind(FIGURES["every verdict"], "mark", verdict) if not len(one))
        shapes.add(legend.get("d"))
    assert len(shapes) == len(VERDICTS)


@pytest.mark.parametrize("name", ANSWERS)
def test_the_verdict_and_the_zone_are_told(name: str) -> None:
    said = texts(FIGURES[name])
    assert said[0].startswith(f"{ANSWERS[name]['verdict'].capitalize()} start")
    assert ANSWERS[name]["summary"] in " ".join(said)
    assert said.count("normal zone") == len(of_kind(FIGURES[name], "zone")) == 2


def test_the_zone_is_where_the_answer_says() -> None:
    zone = of_kind(FIGURES["one layer"], "zone")[0]
    dot = next(one for one in of_kind(FIGURES["one layer"], "mark") if len(one))
    top, height = float(zone.get("y", "")), float(zone.get("height", ""))
    assert corners(dot)[0][1] == pytest.approx(top + height / 2, abs=0.02)


def test_the_zone_of_outputs_goes_with_the_inputs() -> None:
    loud = answer(layer("a", 1000.0, 1.0) | {"judged_by": {"size": 1.0}}, layer("b", 1000.0, 1.0, theory=...))
    zone, _ = of_kind(diagnosis_figure(loud), "zone")
    middle = float(zone.get("y", "")) + float(zone.get("height", "")) / 2
    dot = next(one for one in of_kind(diagnosis_figure(loud), "mark") if len(one))
    assert corners(dot)[0][1] == pytest.approx(middle, abs=0.02)


def test_zero_is_open_at_the_bottom_and_overflow_at_the_top() -> None:
    assert len(of_kind(FIGURES["zeros"], "mark", "open")) == 4
    assert texts(FIGURES["zeros"]).count("0") == 2
    assert len(of_kind(FIGURES["overflow"], "mark", "open")) == 2
    assert texts(FIGURES["overflow"]).count("∞") == 2
    for name in ("one layer", "many", "every verdict"):
        assert not of_kind(FIGURES[name], "mark", "open")
    lowest = max(corners(one)[0][1] for one in of_kind(FIGURES["zeros"], "grid"))
    assert max(corners(one)[0][1] for one in of_kind(FIGURES["zeros"], "open")) > lowest


def test_theory_alone_says_so() -> None:
    figure = FIGURES["forecast alone"]
    assert "Normal start, says theory" in texts(figure)
    assert "theory reaches 1 of 2 layers" in texts(figure)
    assert not of_kind(figure, "measured")
    assert of_kind(figure, "dashed")
    assert len([one for one in of_kind(figure, "mark") if len(one)]) == 3
    assert texts(FIGURES["beyond theory"]).count("theory reaches 0 of 2 layers") == 2


def test_of_many_layers_some_are_named() -> None:
    named = [text for text in texts(FIGURES["many"]) if text.startswith("dense_")]
    assert 10 < len(named) < 30
    assert (named[0], named[-1]) == ("dense_0", "dense_1023")


def test_what_the_service_answers() -> None:
    layers = [{"name": f"fc{i}", "type": "dense", "shape": [8, 8], "activation": "relu"} for i in range(3)]
    for more in ({}, {"forecast_only": True}):
        request = DiagnoseRequest.model_validate({"seed": 1, "layers": layers, **more})
        figure = diagnosis_figure(Diagnosis(request, 10**9).answer())
        assert len([one for one in of_kind(figure, "mark") if len(one)]) == 6
        assert {"fc0", "fc1", "fc2", "initserve/1, seed 1"} <= set(texts(figure))


def test_a_histogram_has_bars_a_curve_and_ticks() -> None:
    figure = FIGURES["one histogram"]
    bars = [one for one in of_kind(figure, "bars") if one.tag == f"{SVG}path"]
    assert len(bars) == 1
    assert bars[0].get("d", "").count("V") == 63  # 62 bins that are not empty, and the way back
    assert len(of_kind(figure, "line", "theory")) == 2  # with the legend's
    assert texts(figure)[-3:] == ["−0.969", "0", "0.969"]
    assert {"fc1/kernel", "N(0, 0.1²)"} <= set(texts(figure))


def test_ticks_that_would_look_alike_are_distances() -> None:
    figure = histogram_figure("Far off", [PANELS["far off"]])
    assert texts(figure)[-3:] == ["−9.68e−14", "5", "+9.68e−14"]


def test_beyond_sixty_histograms_the_rest_is_counted() -> None:
    figure = FIGURES["too many"]
    assert texts(figure).count("fc1/kernel") == 60
    assert texts(figure)[-1] == "And 12 more, not drawn here."
    assert texts(histogram_figure("Some", [PANELS["bell"]], 1001))[-1] == "And 1,000 more, not drawn here."


def test_words_are_wrapped_and_shortened() -> None:
    text = f"one two {'long' * 40} end"
    lines = wrap(text, 100.0)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width_of(line) <= 100.0 for line in lines)
    assert len(wrap(text, 100.0, most=2)) == 2
    assert wrap(text, 100.0, most=2)[-1].endswith("…")
    assert shorten("short", 100.0) == "short"
    assert shorten("encoder.block.11.attention", 100.0).startswith("…")
    assert width_of(shorten("m" * 99, 100.0)) <= 100.0 < WIDTH - 2 * MARGIN


def test_lines_go_where_the_network_goes() -> None:
    """A sum's line comes from its shortcut, thick, and from its branch, thin; none goes from a layer to the next."""
    figure = FIGURES["residual"]
    assert len(of_kind(figure, "line", "stream")) == 2 * 1 + 1  # in two panels, and that of the blocks
    branches = of_kind(figure, "line", "branch")
    assert [len(corners(one)) for one in branches] == [1 + 3 * 3] * 2  # through each norm and layer to their sum
    assert not [one for one in of_kind(figure, "line", "measured") if len(corners(one)) > 2]
    sums = of_kind(FIGURES["two sources"], "line", "measured")
    assert [len(corners(one)) for one in sums] == [2] * (1 + 2 * 3)  # the legend's; a to b, a to the sum, b to the sum


def test_what_has_no_weights_is_not_judged() -> None:
    figure = FIGURES["residual"]
    assert "8 normal" in texts(figure)
    assert len(of_kind(figure, "mark", "pass")) == 2 * 3


def test_a_branch_that_adds_nothing_lies_at_the_bottom() -> None:
    assert texts(FIGURES["residual of zeros"]).count("0") == 1
    assert len(of_kind(FIGURES["residual of zeros"], "share")) == 3
    assert not of_kind(FIGURES["overflowing share"], "share")


def test_of_many_blocks_some_are_named() -> None:
    named = [text for text in texts(FIGURES["very deep"]) if re.fullmatch(r"block_\d+", text)]
    assert 10 < len(named) < 30
    assert (named[0], named[-1]) == ("block_0", "block_299")
    assert len(FIGURES["very deep"]) < 600_000


def test_an_exponent_stands_at_each_line() -> None:
    figure = FIGURES["across widths"]
    for name in ("0.50 fc0", "0.00 fc1", "−1.00 fc2"):
        assert texts(figure).count(name) == 3
    assert [len(of_kind(figure, "line", kind)) for kind in ("steep", "normal", "low-gradient")] == [3, 3, 3]
    (steep, *_), (flat, *_) = of_kind(figure, "line", "steep"), of_kind(figure, "line", "normal")
    (_, first), *_, (_, last) = corners(steep)
    assert first - last == pytest.approx(150 / 5 * 0.4515, rel=0.01)  # log10(8 ** 0.5) of five decades
    assert len({y for _, y in corners(flat)}) == 1


def test_of_many_curves_some_are_drawn_and_few_named() -> None:
    figure = FIGURES["across depths"]
    drawn = len(of_kind(figure, "line", "steep")) + len(of_kind(figure, "line", "normal"))
    assert 3 * 40 < drawn < 3 * 60
    assert 3 <= len([text for text in texts(figure) if re.fullmatch(r"0\.\d\d fc\d+", text)]) <= 3 * 9


def test_steps_show_where_it_explodes() -> None:
    figure = FIGURES["steps"]
    assert texts(figure).count("∞") == 2
    assert "First steps, adam, rate 0.001: explodes" in texts(figure)
    assert len(of_kind(figure, "line", "steep")) >= 2  # the layer that the verdict speaks of


def test_attention_and_the_top_are_told_in_words() -> None:
    said = texts(FIGURES["attention"])
    assert "Entropy of attention, of the greatest possible: 0.9 to 0.95" in said
    assert "Outputs of two inputs differ by 1.25 of their size" in said
    assert not [text for text in said if text.startswith("Logits")]
