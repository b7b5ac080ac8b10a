"""Given arrays: that begin a parameter, that are inflated, that get other channels; against loops in plain Python."""

import base64
import io
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from service.errors import InvalidSpec, UnsupportedCombination
from service.formats import FORMATS, Include
from service.formats.description import encode_plan
from service.networks.plan import Plan
from service.networks.schemes import PRESETS
from service.specs.faults import faults_of
from service.specs.spec import Spec
from tests import reference

Layer = dict[str, Any]
Doubles = NDArray[np.float64]
SEED = 11
RANDOM = np.random.default_rng(5)


def in_base64(array: NDArray[Any]) -> str:
    file = io.BytesIO()
    np.save(file, array)
    return base64.b64encode(file.getvalue()).decode()


def scheme(array: NDArray[Any], **members: Any) -> dict[str, Any]:
    return {"name": "array", "npy": in_base64(array), **members}


def plan(layer: Layer, **more: Any) -> Plan:
    return Spec.model_validate({"seed": SEED, "layers": [{"name": "a", **layer}], **more}).plan()


def arrays(layer: Layer, **more: Any) -> dict[str, NDArray[Any]]:
    planned = plan(layer, **more)
    return {each.name: np.concatenate([*each.blocks()]).reshape(each.shape) for each in planned.parameters}


def like(rows: list[list[float]], scale: float, normals: list[float]) -> list[float]:
    """A row like others, as docs/stream.md has it, in Python's own floats."""
    n, d = len(rows), len(rows[0])
    mean = [sum_on(row[j] for row in rows) / n for j in range(d)]
    c = [[row[j] - mean[j] for j in range(d)] for row in rows]
    v = scale / n
    if n <= d:
        factor = [[math.sqrt(v) * c[k][j] for j in range(d)] for k in range(n)]
    else:
        left = [[sum_on(c[r][i] * c[r][j] for r in range(n)) * v for j in range(d)] for i in range(d)]
        first = [left[k][k] for k in range(d)]
        factor = [[0.0] * d for _ in range(d)]
        for k in range(d):
            if left[k][k] <= 2.0**-40 * first[k]:
                continue
            factor[k][k] = math.sqrt(left[k][k])
            for i in range(k + 1, d):
                factor[k][i] = left[i][k] / factor[k][k]
            for i in range(k + 1, d):
                for j in range(k + 1, d):
                    left[i][j] -= factor[k][i] * factor[k][j]
    found = list(mean)
    for k, row in enumerate(factor):
        for j in range(d):
            found[j] = found[j] + normals[k] * row[j]
    return found


def sum_on(values: Any) -> float:
    """Add one by one: since Python 3.12 `sum` makes up for what is rounded."""
    total, *rest = values
    for value in rest:
        total = total + value
    return float(total)


def normals(path: str, count: int) -> Doubles:
    return reference.normal64(reference.words(SEED, path, 0, count), 0.0, 1.0)


GRIDS = {
    "few rows": RANDOM.normal(size=(3, 5)),
    "as many as wide": RANDOM.normal(size=(5, 5)),
    "many rows": RANDOM.normal(size=(40, 5)) @ RANDOM.normal(size=(5, 5)),
    "one row": RANDOM.normal(size=(1, 5)),
    "a constant column": np.concatenate([RANDOM.normal(size=(30, 4)), np.full((30, 1), 0.25)], axis=1),
    "columns that depend on others": RANDOM.normal(size=(30, 2)) @ RANDOM.normal(size=(2, 5)),
    "a column that nearly depends on another": np.repeat(RANDOM.normal(size=(30, 1)), 5, 1)
    + 1e-4 * RANDOM.normal(size=(30, 5)),
    "all alike": np.full((9, 5), 0.1),
    "far from 0": 1e6 + RANDOM.normal(size=(30, 5)),
}


@pytest.mark.parametrize("rows", GRIDS.values(), ids=list(GRIDS))
@pytest.mark.parametrize("scale", [1.0, 1e-9])
def test_rows_like_those_that_are_given_are_those_of_the_page_to_the_bit(rows: Doubles, scale: float) -> None:
    rest = {"name": "like_rows", "scale": scale}
    layer = {"type": "embedding", "shape": [rows.shape[0] + 4, 5], "scheme": scheme(rows, rest=rest)}
    found = arrays(layer, dtype="float64")["embeddings"]
    z = normals("a/embeddings", found.size).reshape(found.shape)
    assert np.array_equal(found[: rows.shape[0]], rows)
    for row in range(rows.shape[0], found.shape[0]):
        assert found[row].tolist() == like(rows.tolist(), scale, z[row].tolist()), row
    assert np.array_equal(arrays(layer)["embeddings"], found.astype(np.float32))


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("count", [4, 200])
def test_rows_have_the_mean_and_the_covariance_of_those_that_are_given(count: int, dependent: bool) -> None:
    rows = RANDOM.normal(size=(count, 6)) @ RANDOM.normal(size=(6, 6)) + RANDOM.normal(size=6)
    if dependent:
        rows[:, 3] = rows[:, 0] - 2.0 * rows[:, 1]
    layer = {"type": "embedding", "shape": [count + 40_000, 6], "scheme": scheme(rows, rest="like_rows")}
    drawn = arrays(layer, dtype="float64")["embeddings"][count:]
    covariance = np.cov(rows.T, bias=True)
    # Of 40,000 normals: 6 standard errors, 2e-9 a comparison.
    spread = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(drawn.mean(0) - rows.mean(0)) < 6.0 * spread / 200.0)
    error = np.sqrt((spread[:, None] * spread) ** 2 + covariance**2) / 200.0
    assert np.all(np.abs(np.cov(drawn.T, bias=True) - covariance) < 6.0 * error)
    if dependent:
        assert np.allclose(drawn[:, 3], drawn[:, 0] - 2.0 * drawn[:, 1], atol=1e-5 * spread.max())


def test_a_bias_that_grew_is_normal_by_its_own_words() -> None:
    known = np.array([0.5, -1.0, 2.0, 0.25])
    found = arrays({"type": "tensor", "shape": [9], "scheme": scheme(known, rest="like_rows")}, dtype="float64")
    z = normals("a/value", 9)[4:]
    assert np.allclose(found["value"][4:], known.mean() + known.std() * z, rtol=1e-15, atol=1e-15)
    assert np.array_equal(found["value"][:4], known)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_array_may_grow_along_any_axis(axis: int) -> None:
    shape = [4, 3, 5]
    known = RANDOM.normal(size=[size - 1 if place == axis else size for place, size in enumerate(shape)])
    layer = {"type": "tensor", "shape": shape, "scheme": scheme(known, rest="like_rows")}
    found = np.moveaxis(arrays(layer, dtype="float64")["value"], axis, 0)
    rows = np.moveaxis(known, axis, 0)
    z = np.moveaxis(normals("a/value", 60).reshape(shape), axis, 0)
    assert np.array_equal(found[:-1], rows)
    flat = rows.reshape(len(rows), -1)
    assert found[-1].ravel().tolist() == like(flat.tolist(), 1.0, z[-1].ravel().tolist())


SHAPES = {"stft": [16, 1, 9], "bilinear": [4, 3, 3], "icnr": [3, 4, 16], "dirac": [3, 4, 8]}
OF_OTHER_ARRAYS = ("unit_forget_bias", "chrono", "delta_orthogonal", "jax:delta_orthogonal", "torch:dirac")
OF_FRAMEWORKS = [name for name, preset in PRESETS.items() if preset.framework and preset.positional]
FITTING = [name for name in PRESETS if name not in (*OF_OTHER_ARRAYS, *OF_FRAMEWORKS)]


@pytest.mark.parametrize("name", FITTING)
@pytest.mark.parametrize("axis", [0, -1])
def test_a_rest_by_a_scheme_has_the_values_that_it_has_in_the_whole(name: str, axis: int) -> None:
    shape = SHAPES.get(name, [8, 8])
    begun = list(shape)
    begun[axis] //= 2
    layer: Layer = {"type": "tensor", "shape": shape}
    known = RANDOM.normal(size=begun).astype(np.float32)
    wanted = arrays({**layer, "scheme": name})["value"]
    wanted[tuple(slice(size) for size in begun)] = known
    assert np.array_equal(arrays({**layer, "scheme": scheme(known, rest=name)})["value"], wanted)


@pytest.mark.parametrize("name", OF_FRAMEWORKS)
def test_what_makes_a_frameworks_own_array_draws_no_rest(name: str) -> None:
    with pytest.raises(InvalidSpec, match="prefix"):
        plan({"type": "tensor", "shape": [8, 8], "scheme": scheme(np.ones((4, 8)), rest=name)})


@pytest.mark.parametrize("rest", ["like_rows", "orthogonal", "random_normal"])
@pytest.mark.parametrize("layout", ["keras", "pytorch", "flax"])
def test_a_head_that_grew_is_the_same_network_in_every_layout(layout: Any, rest: str) -> None:
    known = RANDOM.normal(size=(6, 4)).astype(np.float32)
    layer = {
        "type": "dense",
        "shape": [6, 7],
        "scheme": scheme(known, rest=rest),
        "bias": scheme(known[0], rest="ones"),
    }
    wanted = arrays(layer)
    found = arrays(layer, layout=layout)
    kernel = found["weight"].T if layout == "pytorch" else found["kernel"]
    assert np.array_equal(kernel, wanted["kernel"])
    assert np.array_equal(kernel[:, :4], known)
    assert found["bias"].tolist() == [*known[0].tolist(), 1.0, 1.0, 1.0]


@settings(max_examples=60, deadline=None)
@given(
    starts=st.tuples(st.integers(0, 11), st.integers(0, 6)),
    steps=st.tuples(st.integers(1, 3), st.integers(-2, 2).filter(bool)),
    rest=st.sampled_from(["like_rows", "he_normal", "orthogonal"]),
    layout=st.sampled_from(["keras", "pytorch"]),
)
def test_slices_are_parts_of_the_whole(starts: tuple[int, int], steps: tuple[int, int], rest: str, layout: Any) -> None:
    known = np.arange(35.0).reshape(5, 7)
    (parameter, _) = plan(
        {"type": "dense", "shape": [12, 7], "scheme": scheme(known, rest=rest)}, layout=layout
    ).parameters
    whole = np.concatenate([*parameter.blocks()]).reshape(parameter.shape)
    places = [range(size)[start % size :: step] for size, start, step in zip(whole.shape, starts, steps, strict=True)]
    part = parameter.sliced(places)
    wanted = whole[np.ix_(*places)]
    found = np.concatenate([*part.blocks()]).reshape(part.shape)
    assert np.array_equal(found, wanted)
    if part.expectation.low is not None and part.expectation.high is not None:
        assert part.expectation.low <= wanted.min()
        assert wanted.max() <= part.expectation.high


@pytest.mark.parametrize("rest", ["like_rows", "he_uniform", "glorot_normal", "zeros"])
def test_what_is_expected_of_the_values_is_what_they_are(rest: str) -> None:
    known = RANDOM.normal(2.0, 0.5, size=(300, 20)).astype(np.float32)
    (parameter,) = plan({"type": "embedding", "shape": [900, 20], "scheme": scheme(known, rest=rest)}).parameters
    values = np.concatenate([*parameter.blocks()]).astype(np.float64)
    expected = parameter.expectation
    error = 6.0 * values.std() / math.sqrt(values.size) + 6.0 * 0.5 / math.sqrt(12_000 / 20)  # rows are alike
    assert abs(values.mean() - expected.mean) < error
    assert values.std() == pytest.approx(expected.deviation, rel=0.05)
    assert expected.low is None or expected.low <= values.min()


def test_a_rest_of_a_frameworks_scheme_counts_fans_as_it_does_and_stands_in_the_parameters_own_array() -> None:
    known = np.zeros((3, 3, 2, 8), np.float32)
    layer: Layer = {"type": "conv2d", "shape": [3, 3, 8, 8], "groups": 2, "bias": None}
    whole = arrays({**layer, "scheme": "torch:xavier_uniform"})["kernel"]
    found = arrays({**layer, "scheme": scheme(known, rest="xavier_uniform_")})["kernel"]
    assert np.array_equal(found[:, :, 2:], whole[:, :, 2:])
    source = plan({**layer, "scheme": scheme(known, rest="torch:xavier_uniform")}).parameters[0].source
    assert (source.fans.fan_in, source.fans.fan_out) == (36, 72)
    with pytest.raises(InvalidSpec, match="prefix"):
        plan({**layer, "scheme": scheme(known, rest="torch:orthogonal")})


def told(rest: str) -> dict[str, Any]:
    layer = {"type": "embedding", "shape": [6, 4], "scheme": scheme(np.zeros((2, 4), np.float32), rest=rest)}
    (told,) = json.loads(encode_plan(plan(layer)))["layers"][0]["parameters"]
    return dict(told)


def test_the_answer_says_what_is_given_and_what_is_drawn() -> None:
    assert told("he_uniform")["formula"] == "the array, then U[-1, 1]"
    assert told("he_uniform")["scheme"]["rest"]["name"] == "he_uniform"
    assert "covariance" in told("like_rows")["formula"]


def test_one_text_stands_for_all_spellings_and_arrays_keep_theirs() -> None:
    known = np.zeros((2, 4), np.float32)

    def text(**members: Any) -> str:
        return plan({"type": "embedding", "shape": [6, 4], "scheme": scheme(known, **members)}).canonical_json()

    assert text(rest={"name": "like_rows", "scale": 1.0}) == text(rest="like_rows", inflate=None)
    assert '"rest":"like_rows"' in text(rest="like_rows")
    assert text(rest={"name": "random_normal", "stddev": 0.05}) == text(rest="random_normal")
    assert '"rest":{"name":"random_normal","stddev":2.0}'.replace(".0", "") in text(
        rest={"name": "normal", "stddev": 2.0}
    ).replace(".0", "")
    for members in ({"rest": "like_rows"}, {"rest": {"name": "torch:normal", "std": 3.0}}):
        again = Spec.model_validate(json.loads(text(**members))).plan()
        assert again.canonical_json() == text(**members)
    whole = scheme(np.zeros((6, 4), np.float32))
    document = json.loads(plan({"type": "embedding", "shape": [6, 4], "scheme": whole}).canonical_json())
    assert document["layers"][0]["scheme"] == whole  # as it has always been


@pytest.mark.parametrize("way", ["average", "central"])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 7])
def test_kernels_are_inflated_over_the_first_axis_of_their_window(way: str, length: int) -> None:
    flat = RANDOM.normal(size=(3, 2, 4, 6))
    layer = {"type": "conv3d", "shape": [length, 3, 2, 4, 6], "scheme": scheme(flat, inflate=way), "bias": None}
    found = arrays(layer, dtype="float64")["kernel"]
    if way == "average":
        assert all(np.array_equal(frame, flat / length) for frame in found)
    else:
        assert np.array_equal(found[length // 2], flat)
        assert not np.delete(found, length // 2, 0).any()
    # A film whose frames are alike gets the response of the frame (Carreira and Zisserman 2017).
    assert np.allclose(found.sum(0), flat, rtol=1e-14)
    torch = arrays(layer, dtype="float64", layout="pytorch")["weight"]
    assert np.array_equal(torch, found.transpose(4, 3, 0, 1, 2))


def by_timm(kernel: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """The rule of timm's adapt_input_conv for a kernel (out, 3, height, width), as its documentation has it."""
    if channels == 1:
        return np.add.reduce(kernel, axis=1, keepdims=True, dtype=np.float32)
    repeated = np.tile(kernel, (1, math.ceil(channels / 3), 1, 1))[:, :channels]
    scaled: NDArray[np.float32] = repeated * np.float32(3 / channels)
    return scaled


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 12])
def test_kernels_get_other_channels_as_timm_has_it(channels: int) -> None:
    colours = RANDOM.normal(size=(5, 3, 7, 7)).astype(np.float32)
    way = "average" if channels == 1 else "repeat"
    given = scheme(colours.transpose(2, 3, 1, 0), channels=way)
    layer = {"type": "conv2d", "shape": [7, 7, channels, 5], "scheme": given, "bias": None}
    assert np.allclose(arrays(layer, layout="pytorch")["weight"], by_timm(colours, channels), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 9])
def test_a_grey_picture_gets_the_response_that_it_had(channels: int) -> None:
    colours = RANDOM.normal(size=(3, 3, 3, 5))
    given = scheme(colours, channels="average")
    found = arrays({"type": "conv2d", "shape": [3, 3, channels, 5], "scheme": given, "bias": None}, dtype="float64")
    assert np.allclose(found["kernel"].sum(2), colours.sum(2), rtol=1e-12)
    assert channels == 3 or np.array_equal(found["kernel"].min(2), found["kernel"].max(2))
    assert channels != 3 or np.array_equal(found["kernel"], colours)  # as many channels as it has: as it is


@pytest.mark.parametrize(
    ("kind", "given", "shape", "more"),
    [
        ("conv2d", (3, 3, 2, 8), [3, 3, 8, 8], {"groups": 2}),
        ("conv2d_transpose", (3, 3, 6, 2), [3, 3, 4, 6], {}),
        ("conv1d", (3, 2, 8), [3, 5, 8], {}),
        ("dense", (3, 5), [7, 5], {}),
        ("tensor", (2, 2, 3, 5), [2, 2, 4, 5], {}),
        ("lstm", (3, 8), [4, 2], {}),
    ],
)
def test_channels_are_the_inputs_of_every_kernel(
    kind: str, given: tuple[int, ...], shape: list[int], more: dict[str, Any]
) -> None:
    kernel = RANDOM.normal(size=given)
    layer = {"type": kind, "shape": shape, "scheme": scheme(kernel, channels="average"), **more}
    found = next(iter(arrays(layer, dtype="float64").values()))
    (axis,) = (place for place, (have, want) in enumerate(zip(given, found.shape, strict=True)) if have != want)
    assert np.allclose(found.sum(axis), kernel.sum(axis), rtol=1e-12)


def test_what_is_adapted_may_be_inflated_and_begun_too() -> None:
    colours = RANDOM.normal(size=(3, 3, 3, 5))
    members = {"inflate": "average", "channels": "average", "rest": "zeros"}
    layer = {"type": "conv3d", "shape": [2, 3, 3, 1, 8], "scheme": scheme(colours, **members), "bias": None}
    found = arrays(layer, dtype="float64")["kernel"]
    assert np.allclose(found[..., :5], np.broadcast_to(colours.sum(2, keepdims=True) / 2.0, (2, 3, 3, 1, 5)))
    assert not found[..., 5:].any()


REFUSED: list[tuple[Layer, str]] = [
    ({"shape": [5, 4]}, "the array's shape"),
    ({"shape": [5, 4], "rest": "zeros", "given": (6, 4)}, "longer along one axis"),
    ({"shape": [5, 4], "rest": "zeros", "given": (2, 3)}, "longer along one axis"),
    ({"shape": [5, 4], "rest": "zeros", "given": (2,)}, "longer along one axis"),
    ({"shape": [5, 4], "given": (2, 4)}, "or a rest that draws what it leaves out"),
    ({"shape": [5, 4], "given": (4,), "inflate": "average"}, "to inflate"),
    ({"shape": [2, 3, 3, 4, 5], "given": (2, 3, 3, 4, 5), "inflate": "average"}, "to inflate"),
    ({"shape": [4], "given": (2,), "channels": "repeat"}, "input channels"),
    ({"shape": [2**40, 3, 3, 5], "given": (3, 3, 5), "inflate": "average"}, "at most 4,194,304 elements"),
    ({"shape": [3, 3, 2**50, 5], "given": (3, 3, 3, 5), "channels": "repeat"}, "at most 4,194,304 elements"),
]


@pytest.mark.parametrize(("members", "words"), REFUSED, ids=[str(index) for index in range(len(REFUSED))])
def test_what_does_not_fit_is_refused_where_it_is_said(members: Layer, words: str) -> None:
    members = dict(members)
    shape, known = members.pop("shape"), np.ones(members.pop("given", (3, 4)))
    with pytest.raises(InvalidSpec, match=words) as caught:
        plan({"type": "tensor", "shape": shape, "scheme": scheme(known, **members)})
    assert caught.value.pointer == "/layers/0/scheme"


@pytest.mark.parametrize(("kind", "shape"), [("depthwise_conv2d", [3, 3, 4, 2]), ("conv2d_transpose", [3, 3, 4, 6])])
def test_a_kernel_without_one_axis_of_inputs_keeps_its_channels(kind: str, shape: list[int]) -> None:
    layer = {"type": kind, "shape": shape, "scheme": scheme(np.ones((3, 3, 4, 1)), channels="repeat"), "bias": None}
    with pytest.raises(InvalidSpec, match="one axis of input channels"):
        plan(layer | ({} if kind.startswith("depthwise") else {"groups": 2}))


@pytest.mark.parametrize(
    ("rest", "pointer", "words"),
    [
        ("auto", "/layers/0/scheme/rest", "like_rows or by a scheme"),
        (scheme(np.ones(2)), "/layers/0/scheme/rest", "like_rows or by a scheme"),
        (5, "/layers/0/scheme/rest", "like_rows or by a scheme"),
        ("he_norml", "/layers/0/scheme/rest", "did you mean 'he_normal'"),
        ({"name": "random_normal", "stddev": -1.0}, "/layers/0/scheme/rest/stddev", "0 or more"),
        ({"name": "like_rows", "scale": -1.0}, "/layers/0/scheme/rest/scale", "0 or more"),
        ({"name": "like_rows", "scal": 1.0}, "/layers/0/scheme/rest/scal", "did you mean scale"),
        ({"name": "torch:normal", "std": "x"}, "/layers/0/scheme/rest/std", "a number is needed"),
    ],
)
def test_what_is_wrong_in_a_rest_is_told_at_its_place(rest: Any, pointer: str, words: str) -> None:
    layer = {"type": "embedding", "shape": [5, 4], "scheme": scheme(np.ones((2, 4)), rest=rest)}
    document = {"layers": [layer]}
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate(document)
    (fault,) = faults_of(caught.value, document, Spec)
    assert (fault.pointer, words in fault.detail) == (pointer, True), fault


def test_given_values_that_the_dtype_cannot_hold_are_refused() -> None:
    layer = {"type": "embedding", "shape": [5, 4], "scheme": scheme(np.full((2, 4), 1e6), rest="random_normal")}
    with pytest.raises(UnsupportedCombination, match="do not fit float16"):
        plan(layer, dtype="float16")


@pytest.mark.parametrize("algorithm", ["keras-numpy/1", "keras-jax/1", "flax-linen/1", "jax-threefry/1"])
def test_frameworks_have_constants_of_adapted_arrays_and_draw_no_rest(algorithm: str) -> None:
    flat = RANDOM.normal(size=(3, 2, 4, 6)).astype(np.float32)
    layer: Layer = {"type": "conv3d", "shape": [2, 3, 2, 4, 6], "scheme": scheme(flat, inflate="average"), "bias": None}
    found = arrays(layer, algorithm=algorithm)["kernel"]
    assert np.array_equal(found, np.stack([flat / 2, flat / 2]))
    begun = {**layer, "scheme": scheme(np.ones((2, 3, 2, 4, 5)), rest="like_rows")}
    with pytest.raises(UnsupportedCombination, match="draws the rest; use initserve/1"):
        plan(begun, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["torch-cpu/1", "numpy-pcg64/1"])
def test_streams_without_such_an_initialiser_refuse_it(algorithm: str) -> None:
    layer = {"type": "embedding", "shape": [5, 4], "scheme": scheme(np.ones((2, 4)), rest="random_normal")}
    with pytest.raises(UnsupportedCombination) as caught:
        plan(layer, algorithm=algorithm)
    assert caught.value.pointer == "/layers/0/scheme"


def test_a_paddings_row_is_zero_whether_it_is_given_or_drawn() -> None:
    known = RANDOM.normal(size=(3, 4)).astype(np.float32)
    layer = {"type": "embedding", "shape": [6, 4], "scheme": scheme(known, rest="like_rows")}
    whole = arrays(layer)["embeddings"]
    for row in (1, 4):
        found = arrays({**layer, "padding_index": row})["embeddings"]
        assert not found[row].any()
        assert np.array_equal(np.delete(found, row, 0), np.delete(whole, row, 0))


def test_a_file_and_any_part_of_it_are_what_one_walk_gives() -> None:
    known = RANDOM.normal(size=(600, 300)).astype(np.float32)
    layer = {"type": "embedding", "shape": [1500, 300], "scheme": scheme(known, rest="glorot_normal")}
    planned = plan(layer)
    file = np.load(io.BytesIO(FORMATS["npz"].encode(planned, Include()).whole()))["a/embeddings"]
    assert np.array_equal(file, arrays(layer)["embeddings"])
    part = planned.parameters[0].within(250_000, 250_010).open().draw(250_000, 10)
    assert np.array_equal(part, file.ravel()[250_000:250_010])
