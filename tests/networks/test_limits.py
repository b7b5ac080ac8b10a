"""What a scheme still fits and what it no longer fits: each limit from both sides."""

from typing import Any

import pytest

from service.errors import InvalidSpec
from service.specs.spec import Spec


def plan(shape: list[int], scheme: Any) -> None:
    Spec.model_validate({"seed": 1, "layers": [{"type": "tensor", "shape": shape, "scheme": scheme}]}).plan()


TWO = [(name, 2) for name in ("identity", "zer_o", "sparse", "rope", "sinusoidal")]
KERNELS = ["dirac", "delta_orthogonal", "bilinear", "torch:dirac", "jax:delta_orthogonal"]
FITS: list[tuple[Any, list[int], list[int]]] = [
    *((name, [4] * axes, [4] * (axes + 1)) for name, axes in TWO),
    *((name, [4] * axes, [4]) for name, axes in TWO),
    *((name, [4] * 3, [4] * 2) for name in KERNELS),
    *((name, [4] * 5, [4] * 6) for name in KERNELS),
    ("orthogonal", [4, 4], [4]),
    ("reservoir", [4, 4], [4, 5]),
    ("delta_orthogonal", [3, 4, 4], [3, 4, 3]),
    ({"name": "dirac", "groups": 3}, [3, 4, 6], [3, 4, 7]),
    ("bilinear", [4096, 1, 1], [4097, 1, 1]),
    ("bilinear", [1, 4096, 1, 1], [1, 4097, 1, 1]),
    ("icnr", [2, 4], [2, 6]),
    ("icnr", [2, 4], [4]),
    ({"name": "icnr", "upscale": 3}, [2, 18], [2, 16]),
    ("rope", [3, 8], [3, 7]),
    ("rope", [2**20, 2], [2**20 + 1, 2]),
    ("sinusoidal", [1, 2**14], [1, 2**14 + 2]),
    ("hippo", [4096, 4096], [4097, 4097]),
    ("hippo", [4096], [4097]),
    ("hippo", [3, 3], [3, 4]),
    ("hippo", [3, 3], [3, 3, 3]),
    ("s4d_real", [2, 4096], [2, 4097]),
    ("s4d_real", [1], []),
    ("stft", [8, 1, 2], [8, 1, 1]),
    ("stft", [8, 1, 5], [8, 2, 5]),
    ("stft", [8, 1, 5], [8, 1]),
]


@pytest.mark.parametrize(("scheme", "fits", "does_not"), FITS, ids=str)
def test_a_shape_fits_up_to_the_limit(scheme: Any, fits: list[int], does_not: list[int]) -> None:
    plan(fits, scheme)
    with pytest.raises(InvalidSpec, match="needs"):
        plan(does_not, scheme)


@pytest.mark.parametrize(
    ("bias", "layer", "fits"),
    [
        ("unit_forget_bias", "lstm", True),
        ("chrono", "lstm", True),
        ("unit_forget_bias", "gru", False),
        ("chrono", "simple_rnn", False),
    ],
)
def test_gates_of_memory_are_those_of_an_lstm(bias: str, layer: str, fits: bool) -> None:
    spec = Spec.model_validate({"seed": 1, "layers": [{"type": layer, "shape": [3, 4], "bias": bias}]})
    if fits:
        spec.plan()
        return
    with pytest.raises(InvalidSpec, match="needs the bias of an lstm layer"):
        spec.plan()
