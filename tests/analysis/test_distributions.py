"""Distributions of values: NumPy counts the same, whatever is in them; and a diagnosis tells those of its passes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis.diagnosable import DiagnoseRequest, standard_normal
from service.analysis.diagnosis import PER_DISTRIBUTION, Diagnosis
from service.analysis.distributions import BINS, BYTES_OF_LAYER, MOST_MAGNITUDES, Distribution, distribution_of
from service.analysis.distributions import PART as PART_OF_VALUES
from service.analysis.magnitudes import gradient_of
from service.analysis.network import Network
from service.analysis.propagation import measure
from service.errors import InvalidSpec

RNG = np.random.default_rng(11)
NORMAL = RNG.normal(size=(300, 40))
SPREAD = np.exp(RNG.normal(scale=9.0, size=5000)) * RNG.choice([-1.0, 1.0], 5000)


@pytest.mark.parametrize(
    "values",
    [
        NORMAL,
        NORMAL.astype(np.float32),
        NORMAL[:, ::3].T,
        np.maximum(NORMAL, 0.0),
        SPREAD,
        RNG.integers(-7, 9, 1000),
        np.array([-1e308, 1e308, 3.0, 0.0, -0.0]),
        np.array([5e-324, 0.0, 1e-310]),
        1e-300 * NORMAL,
        1e-306 * NORMAL,
        1e-320 * NORMAL,
        np.array([1.0, np.nextafter(1.0, 2.0)]),
        np.array([0.1, 0.01, 1.0, 10.0, 1000.0, -0.001]),
        np.where(RNG.random(4000) < 0.1, [[np.nan], [np.inf], [-np.inf], [1.0]], RNG.normal(size=4000)),
        RNG.normal(size=2 * PART_OF_VALUES + 77),
    ],
    ids=str,
)
def test_values_are_counted_as_numpy_counts_them(values: NDArray[Any]) -> None:
    found = distribution_of(values)
    assert found is not None
    finite = values[np.isfinite(values)].astype(np.float64)
    assert (found.edges[0], found.edges[-1]) == (finite.min(), finite.max())
    widths = np.diff(np.array(found.edges) / 2.0)
    assert widths == pytest.approx(np.full(BINS, (finite.max() / 2.0 - finite.min() / 2.0) / BINS), rel=1e-6, abs=1e-15)
    assert found.counts == np.histogram(finite, found.edges)[0].tolist()
    assert found.zeros == np.count_nonzero(finite == 0.0)
    sizes = np.log10(np.abs(finite[finite != 0.0]))
    exponents = found.magnitudes.exponents
    assert found.magnitudes.counts == np.histogram(np.maximum(sizes, exponents[0]), exponents)[0].tolist()
    assert sum(found.magnitudes.counts) == sizes.size
    assert found.magnitudes.counts[0] > 0 < found.magnitudes.counts[-1]
    assert (np.diff(exponents) == 0.25).all()


def test_edges_are_numpys_own() -> None:
    counts, edges = np.histogram(NORMAL, BINS)
    found = distribution_of(NORMAL)
    assert found is not None
    assert (found.edges, found.counts) == (edges.tolist(), counts.tolist())


@pytest.mark.parametrize("value", [0.0, 3.0, -0.25, 1e300, -1.7976931348623157e308, 5e-324])
def test_what_is_the_same_everywhere_lies_within_its_bins(value: float) -> None:
    found = distribution_of(np.full((7, 3), value))
    assert found is not None
    edges = np.array(found.edges)
    assert np.isfinite(edges).all()
    assert edges[0] <= value <= edges[-1]
    assert (np.diff(edges) > 0.0).all()
    assert found.counts == np.histogram([value] * 21, edges)[0].tolist()
    assert found.zeros == (21 if value == 0.0 else 0)
    assert found.magnitudes.counts == ([] if value == 0.0 else [21])
    assert len(found.magnitudes.exponents) == (0 if value == 0.0 else 2)


def test_where_everything_overflowed_there_is_none() -> None:
    assert distribution_of(np.array([np.nan, np.inf, -np.inf])) is None


def test_next_to_nothing_does_not_make_an_answer_long() -> None:
    found = distribution_of(np.array([1.0, 1e-31, 1e-33, 1e-300]))
    assert found is not None
    assert len(found.magnitudes.counts) == MOST_MAGNITUDES
    assert found.magnitudes.exponents[0] == -31.75
    assert (found.magnitudes.counts[0], sum(found.magnitudes.counts)) == (2, 4)


# Of a diagnosis

CHAIN = [{"type": "dense", "shape": [16, 16], "activation": "relu"}] * 3
RESIDUAL = {
    "input_shape": [16],
    "layers": [
        {"name": "stem", "type": "dense", "shape": [16, 16], "activation": "tanh"},
        {"name": "norm", "type": "layer_norm", "shape": [16]},
        {"name": "branch", "type": "dense", "shape": [16, 16], "scheme": "zeros"},
        {"name": "sum", "type": "add", "inputs": ["stem", "branch"]},
    ],
}
IMAGES = {"layers": [{"type": "conv2d", "shape": [3, 3, 1, 4], "activation": "relu"}], "batch": 8}
OVERFLOWS = {"layers": [{"type": "dense", "shape": [8, 8], "scheme": {"name": "constant", "value": 1e38}}] * 12}
TOKENS = {"layers": [{"type": "embedding", "shape": [50, 8]}, {"type": "gru", "shape": [8, 8]}]}


def diagnosis_of(document: dict[str, Any]) -> Diagnosis:
    return Diagnosis(DiagnoseRequest.model_validate({"seed": 3, **document}), 2**33)


@pytest.mark.parametrize("document", [{"layers": CHAIN}, RESIDUAL, IMAGES, OVERFLOWS, TOKENS])
def test_a_diagnosis_tells_the_distributions_of_its_very_pass(document: dict[str, Any]) -> None:
    asked = diagnosis_of(document | {"distributions": True})
    told = asked.answer()["layers"]
    network = Network(asked.spec, 2**33)
    with np.errstate(all="ignore"):
        stages = network.run(asked.inputs)
        measure(stages, standard_normal(stages[-1].out.value.shape, 3, "gradient"))
    for layer, stage in zip(told, stages, strict=True):
        for way, values in (("forward", stage.out.value), ("backward", gradient_of(stage.out))):
            assert_counts(layer[way]["distribution"], values)


def assert_counts(told: dict[str, Any] | None, values: NDArray[Any]) -> None:
    finite = values[np.isfinite(values)]
    assert (told is None) == (finite.size == 0)
    if told is not None:
        assert set(told) == {"edges", "counts", "zeros", "magnitudes"}
        assert told["counts"] == np.histogram(finite, told["edges"])[0].tolist()
        assert sum(told["counts"]) == finite.size
        assert told["zeros"] == np.count_nonzero(finite == 0.0)
        sizes = np.log10(np.abs(finite[finite != 0.0]))
        exponents = told["magnitudes"]["exponents"]
        assert told["magnitudes"]["counts"] == (np.histogram(sizes, exponents)[0].tolist() if exponents else [])


@pytest.mark.parametrize("document", [{"layers": CHAIN}, RESIDUAL, OVERFLOWS])
def test_an_answer_is_otherwise_the_same_and_has_no_such_member_unless_asked(document: dict[str, Any]) -> None:
    plain, more = (diagnosis_of(document | extra).answer() for extra in ({}, {"distributions": True}))
    for layer, told in zip(plain["layers"], more["layers"], strict=True):
        for way in ("forward", "backward"):
            assert "distribution" not in layer[way]
            del told[way]["distribution"]
    assert plain == more


def test_a_forecast_has_no_numbers_to_count() -> None:
    with pytest.raises(InvalidSpec) as caught:
        diagnosis_of({"layers": CHAIN, "forecast_only": True, "distributions": True}).answer()
    assert (caught.value.pointer, caught.value.remedy) == ("/distributions", {"forecast_only": False})


def test_what_distributions_hold_and_cost_is_counted_before() -> None:
    plain, more = (diagnosis_of({"layers": CHAIN, **extra}) for extra in ({}, {"distributions": True}))
    assert more.memory == plain.memory + len(CHAIN) * BYTES_OF_LAYER
    assert more.price >= plain.price + len(CHAIN) * PER_DISTRIBUTION


def test_a_distribution_holds_no_more_than_is_counted_for_it() -> None:
    longest = distribution_of(10.0 ** np.linspace(-31.9, 0.0, 4096))
    assert isinstance(longest, Distribution)
    numbers = 2 * (len(longest.counts) + len(longest.magnitudes.counts) + 1)
    assert 2 * numbers * (32 + 8 + 25) < BYTES_OF_LAYER  # an object, its place in a list, its digits in JSON
