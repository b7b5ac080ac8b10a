"""A network's blocks in a picture: how their stream of residuals grows, and what branches add to it."""

from collections.abc import Iterator
from math import isnan, nan
from typing import Any

from service.analysis.figures.decades import Plot, Track
from service.analysis.figures.depth import write_names
from service.analysis.figures.svg import MARGIN, SMALL, Sheet, line, mark, number, words


def size(value: float | None) -> float:
    return nan if value is None else float(value)


def draw_stream(sheet: Sheet, blocks: list[dict[str, Any]]) -> None:
    """Draw the rms of the stream after each block, and of the gradient that comes back to it."""
    forward = [size(block["stream"]["out"]) for block in blocks]
    back = [size(block["gradient"]["out"]) for block in blocks]
    plot = Plot(Track("Stream after each block, rms", [*forward], [*back]), sheet.y + 40.0)
    sheet.parts.append(words(plot.track.title, MARGIN, plot.top - 16.0, "name"))
    sheet.parts += plot.draw()
    for values, kind in ((back, "line theory dashed"), (forward, "line stream")):
        points = [(plot.x(index), value) for index, value in enumerate(values)]
        sheet.parts += [line(run, kind) for run in plot.axis.curves(points) if len(run) > 1]
    sheet.parts += [*draw_ends(plot, blocks, forward)]
    sheet.y = plot.bottom


def draw_ends(plot: Plot, blocks: list[dict[str, Any]], values: list[float]) -> Iterator[str]:
    for index, (block, value) in enumerate(zip(blocks, values, strict=True)):
        if not isnan(value):
            title = f"{block['name']}: {number(value)}, {block['verdict']}"
            yield mark(block["verdict"], plot.x(index), plot.y(value), dot_of(plot), "mark", title)


def dot_of(plot: Plot) -> float:
    return min(max(0.3 * plot.slot, 1.5), 4.6)


def draw_shares(sheet: Sheet, blocks: list[dict[str, Any]]) -> Plot:
    """Draw what part of the sum each branch is, a dot each: what adds 0 lies at the bottom."""
    shares = [[size(branch["share"]) for branch in block["branches"]] for block in blocks]
    most = [max(each, default=nan) for each in shares]
    least = [min(each, default=nan) for each in shares]
    plot = Plot(Track("What each branch adds, of the sum", most, least, None), sheet.y + 40.0)
    sheet.parts.append(words(plot.track.title, MARGIN, plot.top - 16.0, "name"))
    sheet.parts += plot.draw()
    for index, (block, found) in enumerate(zip(blocks, shares, strict=True)):
        for place, (branch, share) in enumerate(zip(block["branches"], found, strict=True)):
            if isnan(share):
                continue
            x = plot.x(index) + (place - (len(found) - 1) / 2.0) * min(9.0, plot.slot / len(found))
            title = f"{branch['at']}: {number(share)}"
            sheet.parts.append(mark("share", x, plot.y(share), min(dot_of(plot), 3.4), "mark", title))
    sheet.y = plot.bottom
    return plot


def draw_blocks(sheet: Sheet, answer: dict[str, Any]) -> None:
    """Draw the stream and the branches, block by block."""
    blocks = answer["blocks"]
    draw_stream(sheet, blocks)
    plot = draw_shares(sheet, blocks)
    step = write_names(sheet, plot, [block["name"] for block in blocks])
    some = f"; one in {step} named, and the last" if step > 1 else ""
    for stream in answer.get("streams", []):
        sheet.write(f"{stream['summary'][:1].upper()}{stream['summary'][1:]}.", "small", SMALL)
    sheet.write(f"Blocks from input to output{some}. Dashed: the gradient at their ends", "small soft", SMALL)
