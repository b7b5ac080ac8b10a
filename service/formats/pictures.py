"""Statistics as a picture: every parameter's histogram, with what its distribution promises over it.

Its length is known before a value is drawn: it is filled up with spaces, which XML allows after the last element.
"""

from collections.abc import Callable, Sequence

from service.analysis.figures.histograms import MOST_PANELS, Panel, histogram_figure
from service.analysis.statistics import BINS, Statistics, expected_counts
from service.formats.payload import Include, Owed, Payload, Unsaid, Values
from service.networks.plan import Plan, PlannedParameter
from service.stream.dtypes import DTYPES, Stored

# Characters by which one panel can grow as its counts change: coordinates of two decimals, and the ticks.
ROOM = 1024


class Seen:
    """The statistics of a parameter that is gone through."""

    def __init__(self, parameter: PlannedParameter) -> None:
        self._parameter = parameter
        self._statistics = Statistics(parameter.expectation)

    def add(self, values: Stored) -> Callable[[], None]:
        part = self._statistics.survey(DTYPES[self._parameter.dtype].read(values))
        return lambda: self._statistics.merge(part)

    def panel(self, counts: Sequence[int] | None = None) -> Panel:
        """Return the histogram; with other counts where these are given."""
        parameter, edges = self._parameter, self._statistics.edges
        expected = expected_counts(parameter.expectation, edges, parameter.elements)
        subtitle = f"{parameter.source.choice.scheme.name}: {parameter.source.formula(parameter.dtype)}"
        shown = self._statistics.counts.tolist() if counts is None else list(counts)
        return Panel(parameter.key, subtitle, edges.tolist(), shown, expected)


def encode(plan: Plan, include: Include) -> Payload:
    """Return the figure of a plan's parameters: of the first ones, where there are very many."""
    shown = plan.parameters[:MOST_PANELS]
    title = f"Initial weights, seed {plan.seed}: {len(plan.parameters):,} parameters, {plan.elements:,} elements"

    def figure(panels: Sequence[Panel]) -> bytes:
        return histogram_figure(title, panels, len(plan.parameters)).encode()

    length = len(figure([Seen(each).panel([1] * BINS) for each in shown])) + ROOM * len(shown)
    values = [Values(each, Unsaid(), lambda each=each: Seen(each)) for each in shown]  # type: ignore[misc]
    told = Owed(length, values, lambda seen: figure([each.panel() for each in seen]).ljust(length))
    return Payload([*values, told])
