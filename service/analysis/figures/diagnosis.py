"""The picture of a diagnosis: its verdict in words, sizes by depth, its blocks, and what sizes and steps did."""

from collections import Counter
from math import isnan
from typing import Any

from service.analysis.figures.blocks import draw_blocks
from service.analysis.figures.curves import draw_across, draw_steps
from service.analysis.figures.decades import Track
from service.analysis.figures.depth import WEIGHTLESS, draw_depth, tracks_of
from service.analysis.figures.svg import HEAD, MARGIN, SMALL, Sheet, line, mark, number
from service.analysis.verdicts import SEVERITY


def write_verdict(sheet: Sheet, answer: dict[str, Any]) -> None:
    verdict, inputs, layers = answer["verdict"], answer["inputs"], answer["layers"]
    drawn = inputs["kind"] != "none"
    sheet.parts.append(mark(verdict, MARGIN + 9.0, sheet.y + 14.0, 8.0, "sign"))
    sheet.write(f"{verdict.capitalize()} start{'' if drawn else ', says theory'}", f"head {verdict}", HEAD, 27.0)
    sheet.y += 4.0
    sheet.write(answer["summary"])
    sheet.y += 4.0
    fed = f"inputs: {inputs['kind']}, {' × '.join(map(str, inputs['shape']))}" if drawn else "no number drawn"
    sheet.write(f"{len(layers):,} layer{'s' if len(layers) > 1 else ''}, {fed}", "small soft", SMALL)
    sheet.write(f"{answer['algorithm']}, seed {answer['seed']}", "small soft", SMALL)


def explain(sheet: Sheet, tracks: tuple[Track, ...], verdicts: Counter[str]) -> None:
    """Write the legend: lines that are there, and verdicts with how many layers have them."""
    lines = (
        ("measured", "line measured", any(not isnan(value) for track in tracks for value in track.measured)),
        ("forecast", "line theory dashed", any(not isnan(value) for track in tracks for value in track.forecast)),
    )
    entries = [(line([(0.0, 6.0), (20.0, 6.0)], kind), 20.0, name) for name, kind, there in lines if there]
    entries += [
        (mark(verdict, 5.0, 6.0, 4.6, "mark"), 10.0, f"{verdicts[verdict]:,} {verdict}")
        for verdict in reversed(SEVERITY)
        if verdicts[verdict]
    ]
    sheet.y += 4.0
    sheet.legend(entries)


def write_attention(sheet: Sheet, layers: list[dict[str, Any]]) -> None:
    """Write how evenly attention looks, and how far its logits lie apart."""
    for member, found in (
        ("Entropy of attention, of the greatest possible", [one["entropy"] for one in layers]),
        ("Logits of attention, std", [one["logits"]["std"] for one in layers]),
    ):
        known = [value for value in found if value is not None]
        if known:
            reach = number(known[0]) if len(known) == 1 else f"{number(min(known))} to {number(max(known))}"
            sheet.write(f"{member}: {reach}", "small", SMALL)


def write_output(sheet: Sheet, output: dict[str, Any]) -> None:
    """Write whether outputs of two inputs still differ where the network ends."""
    if output["distance"] is not None:
        sheet.write(f"Outputs of two inputs differ by {number(output['distance'])} of their size", "small", SMALL)


def in_words(track: Track, names: list[str]) -> str:
    ends = [(name, value) for name, value in zip(names, track.shown, strict=True) if not isnan(value)]
    return f"{track.title}: " + (" to ".join(f"{number(v)} at {n}" for n, v in (ends[0], ends[-1])) if ends else "?")


def diagnosis_figure(answer: dict[str, Any]) -> str:
    """Return the picture of an answer of POST /diagnose."""
    layers, sheet = answer["layers"], Sheet()
    names, tracks = [layer["name"] for layer in layers], tracks_of(answer)
    write_verdict(sheet, answer)
    explain(sheet, tracks, Counter(layer["verdict"] for layer in layers if layer.get("code") != WEIGHTLESS))
    draw_depth(sheet, answer)
    for member, write in (("attention", write_attention), ("output", write_output)):
        if answer.get(member):
            write(sheet, answer[member])
    for member, draw in (("blocks", draw_blocks), ("across", draw_across), ("steps", draw_steps)):
        if answer.get(member):
            draw(sheet, answer)
    described = f"{answer['summary']} {'; '.join(in_words(track, names) for track in tracks)}."
    return sheet.document(f"Diagnosis of a start: {answer['verdict']}", described)
