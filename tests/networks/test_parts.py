"""What is expected of a slice, where it is without chance, is what it is: other shares of a gate, a diagonal, a row."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.networks import parts
from service.networks.plan import PlannedParameter
from service.specs.spec import Spec

LAYERS: dict[str, dict[str, Any]] = {
    "gates": {"type": "lstm", "shape": [3, 5], "bias": "unit_forget_bias"},
    "diagonal": {"type": "dense", "shape": [6, 9], "scheme": "identity"},
    "diagonals of gates": {"type": "lstm", "shape": [4, 4], "recurrent_scheme": "identity"},
    "padding": {"type": "embedding", "shape": [7, 4], "padding_index": 2, "scheme": {"name": "constant", "value": 3.0}},
    "summed": {"type": "lstm", "shape": [3, 5], "bias": {"name": "constant", "value": 0.5}},
    "constant": {"type": "dense", "shape": [6, 9], "scheme": {"name": "constant", "value": -0.25}},
}


def planned(case: str, layout: str, **more: Any) -> tuple[PlannedParameter, ...]:
    return Spec.model_validate({"seed": 1, "layers": [LAYERS[case]], "layout": layout, **more}).plan().parameters


def values_of(parameter: PlannedParameter) -> Any:
    return np.concatenate([block.astype(np.float64) for block in parameter.blocks()])


@given(
    case=st.sampled_from(sorted(LAYERS)),
    layout=st.sampled_from(["keras", "pytorch", "flax"]),
    dtype=st.sampled_from(["float32", "float16"]),
    data=st.data(),
)
def test_what_is_expected_of_a_slice_without_chance_is_what_it_is(
    case: str, layout: str, dtype: str, data: st.DataObject
) -> None:
    found = [each for each in planned(case, layout, dtype=dtype) if each.source.distribution.deterministic]
    parameter = data.draw(st.sampled_from(found))
    ends = st.none() | st.integers(-9, 9)
    slices = [data.draw(st.builds(slice, ends, ends, st.sampled_from([1, 2, 3, -1, -2]))) for _ in parameter.shape]
    part = parameter.sliced([range(size)[one] for size, one in zip(parameter.shape, slices, strict=True)])
    if not part.elements:
        assert part.expectation == parameter.expectation
        return
    values, expected = values_of(part), part.expectation
    assert expected.mean == pytest.approx(values.mean(), abs=1e-12)
    assert expected.deviation == pytest.approx(values.std(), abs=1e-7)
    assert (expected.low, expected.high) == (values.min(), values.max())


def test_what_is_expected_of_chance_is_that_of_its_distribution() -> None:
    kernel, _ = Spec.model_validate({"seed": 1, "layers": [{"type": "dense", "shape": [6, 9]}]}).plan().parameters
    assert kernel.sliced([range(3), 4]).expectation == kernel.expectation


def test_a_part_of_an_embedding_without_its_padding_has_no_zeros_to_expect() -> None:
    layer = {"type": "embedding", "shape": [7, 4], "padding_index": 2, "scheme": "random_normal"}
    (table,) = Spec.model_validate({"seed": 1, "layers": [layer]}).plan().parameters
    assert table.expectation.deviation == pytest.approx(0.05 * (6 / 7) ** 0.5)
    assert table.sliced([range(3, 7), range(4)]).expectation.deviation == pytest.approx(0.05)
    assert table.sliced([2, range(4)]).expectation.deviation == 0.0
    assert table.sliced([range(1, 3), range(4)]).expectation.deviation == pytest.approx(0.05 * 0.5**0.5)


def test_of_another_frameworks_array_what_is_expected_of_the_whole_holds() -> None:
    layers = [{"type": "dense", "shape": [6, 9]}]
    spec = {"algorithm": "torch-cpu/1", "seed": 1, "layers": layers}
    kernel, _ = Spec.model_validate(spec).plan().parameters
    assert kernel.sliced([range(3), 4]).expectation == kernel.expectation


def test_of_a_large_slice_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """That would take as long as drawing them; the shares of the whole are told then."""
    monkeypatch.setattr(parts, "MOST_COUNTED", 10)
    kernel, _ = planned("diagonal", "keras")
    assert kernel.sliced([range(6), range(2, 9)]).expectation.mean == kernel.expectation.mean
