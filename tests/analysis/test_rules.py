"""Every rule: its gradients against finite differences, its values by hand where they can be seen, its type kept."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis import rules, tape
from service.analysis.functions import FUNCTIONS
from service.analysis.tape import Node, Windows
from service.networks.layers import LAYERS
from service.networks.layers.structure import STRUCTURE

RULES: Any = rules.RULES
KINDS: dict[str, Any] = {**LAYERS, **STRUCTURE}
STEP = 1e-6


def layer(kind: str, **members: Any) -> Any:
    return KINDS[kind].model_validate({"type": kind, **members})


def values(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def one(made: Node | tuple[Node, ...]) -> Node:
    return made if isinstance(made, Node) else tape.join(made[::-1], -1)


# A rule's layer, its weights, its inputs.
Case = tuple[str, Any, dict[str, tuple[int, ...]], list[tuple[int, ...]]]
ATTENTION = {
    **{f"{name}/kernel": (6, 2, 3) for name in ("query", "key", "value")},
    **{f"{name}/bias": (2, 3) for name in ("query", "key", "value")},
    "attention_output/kernel": (2, 3, 6),
}
CASES: dict[str, Case] = {
    "conv with strides": (
        "conv2d",
        {"shape": [3, 2, 2, 3], "strides": 2, "padding": "same"},
        {"kernel": (3, 2, 2, 3)},
        [(2, 5, 6, 2)],
    ),
    "conv, dilated": (
        "conv1d",
        {"shape": [3, 2, 4], "dilation": [2], "padding": [[3, 1]]},
        {"kernel": (3, 2, 4)},
        [(2, 6, 2)],
    ),
    "conv on a small ring": ("conv1d", {"shape": [7, 2, 2]}, {"kernel": (7, 2, 2), "bias": (2,)}, [(2, 3, 2)]),
    "conv in groups": (
        "conv2d",
        {"shape": [2, 2, 4, 6], "groups": 2, "padding": 1},
        {"kernel": (2, 2, 2, 6)},
        [(2, 4, 3, 4)],
    ),
    "transposed conv": (
        "conv2d_transpose",
        {"shape": [3, 2, 2, 4], "strides": 2, "padding": [1, 0], "output_padding": 1},
        {"kernel": (3, 2, 4, 2)},
        [(2, 3, 3, 2)],
    ),
    "transposed conv, valid": (
        "conv1d_transpose",
        {"shape": [2, 2, 3], "strides": 3, "padding": "valid"},
        {"kernel": (2, 3, 2)},
        [(2, 4, 2)],
    ),
    "transposed conv on a ring": (
        "conv1d_transpose",
        {"shape": [5, 2, 3], "strides": 2},
        {"kernel": (5, 3, 2)},
        [(2, 3, 2)],
    ),
    "depthwise conv": (
        "depthwise_conv2d",
        {"shape": [3, 3, 3, 2], "strides": 2, "padding": "valid"},
        {"kernel": (3, 3, 3, 2)},
        [(2, 5, 5, 3)],
    ),
    "max_pool": ("max_pool", {"window": 3, "strides": 2, "padding": "same"}, {}, [(2, 6, 5, 2)]),
    "average_pool, same": ("average_pool", {"window": 3, "strides": 2, "padding": "same"}, {}, [(2, 6, 5, 2)]),
    "average_pool, numbers": ("average_pool", {"window": [3, 2], "padding": 1}, {}, [(2, 6, 5, 2)]),
    "global_average_pool": ("global_average_pool", {}, {}, [(2, 3, 4, 5)]),
    "nearest": ("upsample", {"factor": 2, "method": "nearest"}, {}, [(2, 3, 2, 2)]),
    "linear": ("upsample", {"factor": [3, 2], "method": "linear"}, {}, [(2, 3, 1, 2)]),
    "pad": ("pad", {"padding": [[1, 2], [0, 1]]}, {}, [(2, 3, 2)]),
    "concatenate": ("concatenate", {"axis": 1}, {}, [(2, 3, 4), (1, 1, 4), (2, 2, 4)]),
    "split": ("split", {"sizes": [1, 3, 2], "axis": -1}, {}, [(2, 3, 6)]),
    "transpose": ("transpose", {"axes": [3, 1, 2]}, {}, [(2, 3, 4, 5)]),
    "flatten": ("flatten", {"channels_first": True}, {}, [(2, 3, 4, 5)]),
    "reshape": ("reshape", {"shape": [4, -1]}, {}, [(2, 3, 4)]),
    "add": ("add", {}, {}, [(2, 3, 4), (1, 3, 4), (2, 1, 1)]),
    "multiply": ("multiply", {}, {}, [(2, 3, 4), (1, 3, 4), (2, 1, 1)]),
    "scale": ("scale", {"by": -2.5}, {}, [(2, 3)]),
    "batch_norm": ("batch_norm", {"shape": [3], "epsilon": 0.1}, {"gamma": (3,), "beta": (3,)}, [(4, 2, 3)]),
    "group_norm": ("group_norm", {"shape": [6], "num_groups": 3}, {"gamma": (6,), "beta": (6,)}, [(2, 4, 6)]),
    "rms_norm": ("rms_norm", {"shape": [6], "epsilon": 1e-3}, {"scale": (6,)}, [(2, 4, 6)]),
    "causal attention": (
        "multi_head_attention",
        {"shape": [6, 2, 3], "causal": True},
        ATTENTION,
        [(2, 4, 6)],
    ),
    "attention to another": (
        "multi_head_attention",
        {"shape": [6, 2, 3]},
        ATTENTION,
        [(2, 4, 6), (2, 3, 6)],
    ),
    "bare attention": (
        "dot_product_attention",
        {"heads": 4, "key_heads": 2, "causal": True},
        {},
        [(2, 3, 8), (2, 3, 4), (2, 3, 4), (1, 3, 3, 4)],
    ),
    "capped attention": (
        "dot_product_attention",
        {"heads": 2, "softcap": 0.7},
        {},
        [(2, 3, 8), (2, 3, 8), (2, 3, 8)],
    ),
    "rms_norm from 1": ("rms_norm", {"shape": [6], "offset": 1.0}, {"scale": (6,)}, [(2, 4, 6)]),
    "rotary": ("rotary", {"heads": 2, "base": 100.0, "width": None}, {}, [(2, 5, 8)]),
    "rotary of some features": ("rotary", {"heads": 2, "base": 100.0, "width": 4}, {}, [(2, 5, 12)]),
}


def made_by(case: Case, arrays: list[NDArray[Any]], constant: bool = False) -> tuple[Node, list[Node]]:
    name, stated, weights, _ = case
    nodes = [Node(array) for array in arrays]
    if constant:
        nodes = nodes[: len(weights)] + [tape.constant(node.value) for node in nodes[len(weights) :]]
    named = dict(zip(weights, nodes, strict=False))
    return one(RULES[name](layer(name, **stated), named, *nodes[len(weights) :])), nodes


def arrays_of(case: Case) -> list[NDArray[Any]]:
    return [values(*shape, seed=index) for index, shape in enumerate([*case[2].values(), *case[3]])]


@pytest.mark.parametrize("name", CASES)
def test_a_rules_gradients_are_its_slopes(name: str) -> None:
    arrays = arrays_of(CASES[name])
    made, nodes = made_by(CASES[name], arrays)
    gradient = values(*made.value.shape, seed=7)
    tape.backward(made, gradient)
    for index, node in enumerate(nodes):
        away = values(*node.value.shape, seed=8)
        ends = []
        for step in (STEP, -STEP):
            moved = [*arrays]
            moved[index] = moved[index] + step * away
            ends.append(float((made_by(CASES[name], moved)[0].value * gradient).sum()))
        assert node.gradient is not None
        assert float((node.gradient * away).sum()) == pytest.approx(
            (ends[0] - ends[1]) / (2 * STEP), rel=1e-5, abs=1e-7
        )


@pytest.mark.parametrize("name", [name for name in CASES if "conv" in name])
def test_a_convolution_in_parts_is_the_convolution(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = arrays_of(CASES[name])
    whole, nodes = made_by(CASES[name], arrays)
    monkeypatch.setattr("service.analysis.tape.windows.PATCHES", 40)
    made, others = made_by(CASES[name], arrays)
    assert made.value == pytest.approx(whole.value)
    gradient = values(*made.value.shape)
    tape.backward(made, gradient)
    monkeypatch.undo()
    tape.backward(whole, gradient)
    for node, other in zip(nodes, others, strict=True):
        assert other.gradient == pytest.approx(node.gradient)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_keeps_float32_forward_and_back(name: str) -> None:
    arrays = arrays_of(CASES[name])
    exact, exact_nodes = made_by(CASES[name], arrays)
    made, nodes = made_by(CASES[name], [array.astype(np.float32) for array in arrays])
    assert made.value.dtype == np.float32
    assert made.value == pytest.approx(exact.value, rel=1e-3, abs=1e-4)
    for last in (exact, made):
        tape.backward(last, np.ones(last.value.shape))
    for node, wanted in zip(nodes, exact_nodes, strict=True):
        assert node.gradient is not None
        assert node.gradient.dtype == np.float32
        assert node.gradient == pytest.approx(wanted.gradient, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[2]])
def test_no_gradient_is_worked_out_for_what_cannot_change(name: str) -> None:
    arrays = arrays_of(CASES[name])
    made, nodes = made_by(CASES[name], arrays)
    same, fixed = made_by(CASES[name], arrays, constant=True)
    for last in (made, same):
        tape.backward(last, np.ones(last.value.shape))
    for node, other, array in zip(nodes, fixed, arrays, strict=True):
        assert (other.gradient is None) == other.constant
        if not other.constant:
            assert np.array_equal(np.asarray(node.gradient), np.asarray(other.gradient)), array.shape


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_keeps_float32(name: str) -> None:
    x = np.linspace(-6.1, 6.3, 401)
    for of in (FUNCTIONS[name].value, FUNCTIONS[name].slope):
        found = of(x.astype(np.float32))
        assert found.dtype == np.float32
        assert found == pytest.approx(of(x), rel=2e-4, abs=2e-5)


# By hand


def test_a_window_sees_what_strides_dilation_and_padding_say() -> None:
    x, kernel = Node(np.arange(1.0, 8.0).reshape(1, 7, 1)), Node(np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1))
    by: dict[str, tuple[dict[str, Any], list[int]]] = {
        "valid": ({"padding": "valid"}, [321, 432, 543, 654, 765]),
        "strides": ({"padding": "valid", "strides": 2}, [321, 543, 765]),
        "same, strides": ({"padding": "same", "strides": 2}, [210, 432, 654, 76]),
        "dilation": ({"padding": "valid", "dilation": 3}, [741]),
        "no padding": ({"padding": 0}, [321, 432, 543, 654, 765]),
        "numbers": ({"padding": [[2, 0]]}, [100, 210, 321, 432, 543, 654, 765]),
        "ring": ({}, [217, 321, 432, 543, 654, 765, 176]),
    }
    for name, (members, wanted) in by.items():
        stated = layer("conv1d", shape=[3, 1, 1], **members)
        assert RULES["conv1d"](stated, {"kernel": kernel}, x).value.ravel().tolist() == wanted, name


def test_means_leave_out_padding_that_only_evens_and_count_what_is_stated() -> None:
    x = Node(np.array([4.0, 8.0, 6.0]).reshape(1, 3, 1))
    same = RULES["average_pool"](layer("average_pool", window=2, strides=2, padding="same"), {}, x)
    stated = RULES["average_pool"](layer("average_pool", window=2, strides=2, padding=1), {}, x)
    assert same.value.ravel().tolist() == [6.0, 6.0]
    assert stated.value.ravel().tolist() == [2.0, 7.0]


def test_of_equal_values_the_first_gets_the_gradient_and_padding_is_never_the_largest() -> None:
    x = Node(np.array([-3.0, -3.0, -5.0]).reshape(1, 3, 1))
    made = tape.max_pool(x, Windows((2,), (1,), (1,), ((1, 1),)))
    assert made.value.ravel().tolist() == [-3.0, -3.0, -3.0, -5.0]
    tape.backward(made, np.array([1.0, 2.0, 4.0, 8.0]).reshape(1, 4, 1))
    assert np.asarray(x.gradient).ravel().tolist() == [3.0, 4.0, 8.0]


def test_a_masked_query_reads_nothing_that_comes_after_it() -> None:
    stated = layer("multi_head_attention", shape=[6, 2, 3], causal=True)
    weights = {name: Node(values(*shape)) for name, shape in ATTENTION.items()}
    x = values(2, 5, 6)
    before = RULES["multi_head_attention"](stated, weights, Node(x)).value
    x[:, 3:] = 100.0
    after = RULES["multi_head_attention"](stated, weights, Node(x)).value
    assert np.array_equal(before[:, :3], after[:, :3])
    assert not np.allclose(before[:, 3:], after[:, 3:])


def test_a_padding_tokens_row_is_read_and_has_no_gradient() -> None:
    table, tokens = Node(values(5, 2)), Node(np.array([[1, 0, 1], [3, 1, 2]]))
    made = one(
        RULES["embedding"](layer("embedding", shape=[5, 2], padding_index=2, offset=1), {"embeddings": table}, tokens)
    )
    assert np.array_equal(made.value, table.value[tokens.value + 1])
    tape.backward(made, np.ones(made.value.shape))
    assert table.gradient is not None
    assert table.gradient[:, 0].tolist() == [0.0, 1.0, 0.0, 1.0, 1.0]


def test_a_rotation_keeps_lengths_and_makes_products_depend_on_distance_alone() -> None:
    x = np.tile(values(1, 1, 8), (1, 6, 1))
    turned = RULES["rotary"](layer("rotary", heads=1, base=50.0, width=None), {}, Node(x)).value[0]
    products = turned @ turned.T
    assert np.diagonal(products) == pytest.approx((x[0, 0] ** 2).sum())
    assert products[0, 2] == pytest.approx(products[3, 5])
    assert products[0, 2] != pytest.approx(products[0, 3])


# The way back


def test_what_has_been_passed_is_let_go_of() -> None:
    start = Node(np.ones((4, 4)))
    middle = tape.scaled(start, 2.0)
    gone = weakref.ref(middle)
    last = tape.multiply(middle, middle)
    del middle
    assert gone() is not None
    tape.backward(last, np.ones((4, 4)))
    gc.collect()
    assert gone() is None
    assert np.array_equal(np.asarray(start.gradient), np.full((4, 4), 8.0))
    with pytest.raises(RuntimeError, match="run the network again"):
        tape.backward(last, np.ones((4, 4)))


def test_a_gradient_that_others_hold_is_not_added_to_in_place() -> None:
    a = Node(values(6))
    parts = [tape.select(a, (slice(start, start + 2),)) for start in (0, 2, 4)]
    last = tape.add(tape.add(tape.join(parts, 0), a), tape.scaled(a, 3.0))
    gradient = np.arange(6.0)
    tape.backward(last, gradient)
    assert np.array_equal(np.asarray(a.gradient), 5.0 * np.arange(6.0))
    assert np.array_equal(gradient, np.arange(6.0))


@pytest.mark.parametrize(
    "equation",
    ["ab,bc->ac", "ab,cb->ca", "btd,dhs->bths", "btkgs,buks->bkgtu", "bkgtu,buks->btkgs", "pfgs,fsgo->pgo",
     "ba,ca->bc", "abc,abc->ab", "ab,cd->acbd"],
)  # fmt: skip
def test_a_product_of_any_indices_is_einsums(equation: str) -> None:
    left, _ = equation.split("->")
    sizes = {label: 2 + index for index, label in enumerate(sorted({*left} - {","}))}
    first, second = (values(*(sizes[label] for label in each)) for each in left.split(","))
    assert tape.product(equation, first, second) == pytest.approx(np.einsum(equation, first, second))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("rows", [1, 5, 64])
def test_a_product_by_several_threads_is_the_product(monkeypatch: pytest.MonkeyPatch, threads: int, rows: int) -> None:
    monkeypatch.setattr("service.analysis.tape.products.LEAST", 1)
    monkeypatch.setattr("service.analysis.tape.products.threads_of_a_pass", lambda: threads)
    a, b = values(rows, 7), values(7, 9)
    assert tape.product("ab,bc->ac", a, b) == pytest.approx(a @ b)
    stacked = values(rows, 2, 3), values(rows, 3, 4)
    assert tape.product("nab,nbc->nac", *stacked) == pytest.approx(np.matmul(*stacked))


def test_parts_are_what_was_whole() -> None:
    x = values(2, 7)
    parts = tape.split(Node(x), [3, 0, 4], -1)
    assert [part.value.shape[1] for part in parts] == [3, 0, 4]
    assert np.array_equal(np.concatenate([part.value for part in parts], 1), x)
