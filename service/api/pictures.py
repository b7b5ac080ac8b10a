"""Statistics as a picture: every parameter's histogram, with what its distribution promises over it."""

from collections.abc import Iterator
from functools import partial

from service.analysis.figures import MOST_PANELS, Panel, histogram_figure
from service.analysis.statistics import Statistics, expected_counts
from service.formats.payload import Finish, Piece, afterwards, blocks, opened
from service.networks.plan import Plan, PlannedParameter
from service.stream.drawing import Drawing
from service.stream.dtypes import DTYPES


def surveyed(parameter: PlannedParameter, statistics: Statistics) -> Iterator[Piece]:
    """Return pieces that hold no bytes, after which the statistics are complete."""
    drawing = yield from opened(parameter)
    for first, count in blocks(0, parameter.elements):
        make = partial(survey, parameter, drawing, statistics, first, count)
        yield Piece(make, weight=count * DTYPES[parameter.dtype].size)


def survey(parameter: PlannedParameter, drawing: Drawing, statistics: Statistics, first: int, count: int) -> Finish:
    part = statistics.survey(DTYPES[parameter.dtype].read(drawing.draw(first, count)))

    def finish() -> bytes:
        statistics.merge(part)
        return b""

    return finish


def panel(parameter: PlannedParameter, statistics: Statistics) -> Panel:
    source, edges = parameter.source, statistics.edges
    expected = expected_counts(parameter.expectation, edges, parameter.elements)
    subtitle = f"{source.choice.scheme.name}: {source.formula(parameter.dtype)}"
    return Panel(parameter.key, subtitle, edges.tolist(), statistics.counts.tolist(), expected)


def histograms(plan: Plan) -> Iterator[Piece]:
    """Return the figure of a plan's parameters: of the first ones, where there are very many."""
    shown = [(parameter, Statistics(parameter.expectation)) for parameter in plan.parameters[:MOST_PANELS]]
    for parameter, statistics in shown:
        yield from surveyed(parameter, statistics)
    title = f"Initial weights, seed {plan.seed}: {len(plan.parameters):,} parameters, {plan.elements:,} elements"
    yield afterwards(lambda: histogram_figure(title, [panel(*one) for one in shown], len(plan.parameters)).encode())
