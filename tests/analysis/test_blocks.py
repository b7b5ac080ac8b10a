"""Blocks, streams, attention, norms and outputs of whole networks are what the literature says of their starts."""

import base64
import io
from typing import Any

import numpy as np
import pytest

from service.analysis.blocks import sites_of
from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.residuals.blocks import blocks_of
from service.api.diagnosed import DiagnoseAnswer
from service.specs.spec import Spec

PLENTY = 2**34
WIDTH = 128
# A quarter of a mean square: five deviations of what 128 examples times 128 units leave open, with a good margin for
# what the drawn weights of one network do for all of them.
NEAR = 0.25


def diagnose(layers: list[dict[str, Any]], **more: Any) -> Any:
    answer = Diagnosis(DiagnoseRequest.model_validate({"seed": 3, "layers": layers, **more}), PLENTY).answer()
    DiagnoseAnswer.model_validate(answer)
    return answer


def dense(name: str, scheme: Any = "he_normal", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "dense", "shape": [WIDTH, WIDTH], "bias": None, "scheme": scheme, **more}


def residual(depth: int, before: str | None = None, last: Any = "lecun_normal", after: str | None = None) -> Any:
    """Blocks of two dense layers with a relu between: norms `before` or `after`, `last` is the second layer's scheme.

    He's rule keeps the mean square over the first and its relu, LeCun's over the second.
    """
    layers: list[dict[str, Any]] = []
    stream = "input"
    for number in range(depth):
        at = f"block.{number}"
        if before:
            layers.append({"name": f"{at}.norm", "type": before, "shape": [WIDTH], "inputs": [stream]})
        layers.append(dense(f"{at}.fc1", activation="relu") | ({} if before else {"inputs": [stream]}))
        layers.append(dense(f"{at}.fc2", last))
        layers.append({"name": f"{at}.sum", "type": "add", "inputs": [stream, f"{at}.fc2"]})
        stream = f"{at}.sum"
        if after:
            layers.append({"name": f"{at}.norm", "type": after, "shape": [WIDTH]})
            stream = f"{at}.norm"
    return layers


def squares(answer: Any) -> list[float]:
    """Mean squares of the stream: before the first block, and after each."""
    blocks = answer["blocks"]
    return [blocks[0]["stream"]["in"] ** 2, *(block["stream"]["out"] ** 2 for block in blocks)]


def test_without_norms_every_block_doubles_the_variance() -> None:
    """Zhang et al. 2019, "Fixup": a branch that keeps the variance of its input doubles that of the sum."""
    answer = diagnose(residual(6))
    found = squares(answer)
    assert found == pytest.approx([2.0**depth for depth in range(7)], rel=NEAR)
    [stream] = answer["streams"]
    assert (stream["growth"], stream["blocks"]) == ("exponential", 6)
    assert stream["factor"] == pytest.approx(2.0, rel=0.1)
    assert all(block["branches"][0]["share"] == pytest.approx(0.5**0.5, rel=0.1) for block in answer["blocks"])


@pytest.mark.parametrize("norm", ["layer_norm", "rms_norm", "batch_norm"])
def test_behind_a_norm_every_block_adds_one(norm: str) -> None:
    """De & Smith 2020: the variance of block l is 1 + l, and the branch's part of it 1 / (l + 1)."""
    answer = diagnose(residual(8, before=norm))
    assert squares(answer) == pytest.approx([*range(1, 10)], rel=NEAR)
    [stream] = answer["streams"]
    assert stream["growth"] == "linear"
    assert stream["added"] == pytest.approx(1.0, rel=NEAR)
    shares = [block["branches"][0]["share"] ** 2 for block in answer["blocks"]]
    assert shares == pytest.approx([1.0 / (depth + 1.0) for depth in range(1, 9)], rel=NEAR)


def test_a_last_layer_of_zeros_leaves_the_stream_as_it_is() -> None:
    """Fixup, SkipInit and zero gamma start every block as its shortcut (Goyal et al. 2017, Zhang et al. 2019)."""
    answer = diagnose(residual(6, last="zeros"))
    assert squares(answer) == pytest.approx([squares(answer)[0]] * 7)
    assert [block["branches"][0]["share"] for block in answer["blocks"]] == [0.0] * 6
    assert answer["streams"][0]["growth"] == "steady"


def test_narrowed_last_layers_keep_the_stream_bounded() -> None:
    """GPT-2: what is added to the stream is narrowed by 1 / sqrt(N) for N branches, so that N of them add up to one."""
    depth = 8
    narrowed = {
        "name": "variance_scaling",
        "scale": 1.0 / depth,
        "mode": "fan_in",
        "distribution": "untruncated_normal",
    }
    answer = diagnose(residual(depth, before="layer_norm", last=narrowed))
    assert squares(answer)[-1] == pytest.approx(2.0, rel=NEAR)
    assert answer["streams"][0]["added"] == pytest.approx(1.0 / depth, rel=NEAR)


def test_a_norm_behind_the_sum_keeps_the_stream_as_it_is() -> None:
    answer = diagnose(residual(5, after="layer_norm"))
    assert squares(answer) == pytest.approx([1.0] * 6, rel=0.02)
    assert answer["streams"][0]["growth"] == "steady"
    norms = [layer for layer in answer["layers"] if layer["type"] == "layer_norm"]
    assert [layer["input"]["std"] ** 2 for layer in norms] == pytest.approx([2.0] * 5, rel=NEAR)


def test_the_gradient_grows_towards_the_start_as_the_stream_does_towards_the_end() -> None:
    """Without norms a gradient doubles with every block on its way back."""
    blocks = diagnose(residual(6))["blocks"]
    factors = [block["gradient"]["in"] / block["gradient"]["out"] for block in blocks[1:]]
    assert factors == pytest.approx([2.0**0.5] * 5, rel=NEAR)
    assert blocks[0]["gradient"]["in"] is None  # it enters by the network's input


@pytest.mark.parametrize(
    ("norm", "more", "axes"),
    [
        ("layer_norm", {}, (-1,)),
        ("batch_norm", {}, (0, 1)),
        ("group_norm", {"num_groups": 2}, None),
        ("instance_norm", {}, (1,)),
        ("rms_norm", {}, None),
    ],
)
def test_a_norms_input_scale_is_what_it_divides_by(norm: str, more: Any, axes: tuple[int, ...] | None) -> None:
    layer = {"name": "norm", "type": norm, "shape": [4], "inputs": ["input"], **more}
    given = 3.0 + np.random.default_rng(1).standard_normal((6, 5, 4)) * np.array([1.0, 1.0, 5.0, 5.0])
    [found] = diagnose([layer], inputs=encoded(given))["layers"]
    rms = float(np.sqrt((given * given).mean()))
    assert found["input"]["rms"] == pytest.approx(rms)
    if norm == "rms_norm":
        assert found["input"]["std"] == pytest.approx(rms)
        return
    variances = given.var(axis=axes) if axes else given.reshape(6, 5, 2, 2).var(axis=(1, 3))
    assert found["input"]["std"] == pytest.approx(float(variances.mean()) ** 0.5)


def encoded(values: Any) -> str:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return base64.b64encode(buffer.getvalue()).decode()


def attention(depth: int, skip: bool, stddev: float = 0.125) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = []
    stream = "input"
    for number in range(depth):
        name = f"h.{number}.attention"
        scheme = {"name": "random_normal", "mean": 0.0, "stddev": stddev}
        layers.append(
            {"name": name, "type": "multi_head_attention", "shape": [64, 4, 16], "scheme": scheme, "inputs": [stream]}
        )
        stream = name
        if skip:
            layers.append({"name": f"h.{number}.sum", "type": "add", "inputs": [layers[-1]["inputs"][0], name]})
            stream = f"h.{number}.sum"
    return layers


def test_attention_without_shortcuts_makes_all_places_alike() -> None:
    """Dong et al. 2021, "Attention is not all you need: pure attention loses rank doubly exponentially with depth"."""
    pure = diagnose(attention(4, skip=False), input_shape=[16, 64])
    whole = diagnose(attention(4, skip=True), input_shape=[16, 64])
    assert pure["output"]["places_distance"] < 1e-3
    assert whole["output"]["places_distance"] > 0.3
    assert pure["blocks"] == []
    assert [block["name"] for block in whole["blocks"]] == [f"h.{number}" for number in range(4)]


def test_small_weights_look_at_all_keys_alike() -> None:
    answer = diagnose(attention(2, skip=True, stddev=1e-3), input_shape=[16, 64])
    assert [one["entropy"] for one in answer["attention"]] == pytest.approx([1.0, 1.0])
    assert [one["heads"] for one in answer["attention"]] == [4, 4]


def test_logits_have_the_spread_that_their_weights_give_them() -> None:
    """q and k of variance 64 s^2 each, 16 products scaled by 16^-0.5: a variance of (64 s^2)^2, by keys and queries."""
    [found] = diagnose(attention(1, skip=False, stddev=0.125), input_shape=[64, 64], batch=16)["attention"]
    assert found["logits"]["std"] == pytest.approx(1.0, rel=NEAR)


def test_outputs_of_two_inputs_agree_where_the_first_layer_is_zero() -> None:
    answer = diagnose([dense("a", "zeros") | {"bias": {"name": "random_normal", "stddev": 1.0}}, dense("b")])
    assert answer["output"]["distance"] == pytest.approx(0.0, abs=1e-12)
    assert answer["output"]["correlation"] == pytest.approx(1.0)
    assert answer["output"]["inputs_correlation"] == pytest.approx(0.0, abs=5 / (127 * WIDTH) ** 0.5)


def test_theory_alone_observes_nothing() -> None:
    answer = diagnose([dense("a"), dense("b")], forecast_only=True)
    assert (answer["blocks"], answer["streams"], answer["attention"], answer["output"]) == ([], [], [], None)


def test_layers_say_what_they_take() -> None:
    layers: list[dict[str, Any]] = [
        {"name": "parts", "type": "split", "sizes": [WIDTH // 2, WIDTH // 2], "inputs": ["input"]},
        {"name": "both", "type": "multiply", "inputs": ["parts:0", "parts:1"]},
        {"name": "end", "type": "dense", "shape": [WIDTH // 2, 3]},
    ]
    found = diagnose(layers, input_shape=[WIDTH])["layers"]
    assert [layer["inputs"] for layer in found] == [["input"], ["parts:0", "parts:1"], ["both"]]


def test_a_concatenations_share_is_the_root_of_its_part_of_all_squares() -> None:
    """A skip of 128 numbers beside a branch of 128 of as much: a half of the squares; beside one of 32, a fifth."""
    for width, part in ((128, 0.5), (32, 0.2)):
        layers: list[dict[str, Any]] = [
            dense("up", "lecun_normal", inputs=["input"]) | {"shape": [WIDTH, width]},
            {"name": "both", "type": "concatenate", "inputs": ["input", "up"]},
        ]
        [block] = diagnose(layers, input_shape=[WIDTH])["blocks"]
        assert block["branches"][0]["share"] ** 2 == pytest.approx(part, rel=0.1)


# Of each published network: how many blocks its paper draws, how many branches each has, and the first one's name.
PUBLISHED = {
    "gpt2": (12, {2}, "h.0"),
    "bert": (12, {2}, "encoder.layer.0"),
    "t5": (12, {2, 3}, "encoder.block.0"),
    "bart": (24, {2, 3}, "encoder.layers.0"),
    "vit": (12, {2}, "layers.0"),
    "resnet50": (16, {1}, "layer1.0"),
    "convnext": (18, {1}, "encoder.stages.0.layers.0"),
    "mlp_mixer": (12, {2}, "blocks.0"),
    "fixup": (9, {1}, "stage_0.block_0"),
    "deepnorm": (6, {2}, "block_0"),
    "unet": (4, {1}, "concat_3"),
    "vgg16": (0, set(), None),
    "lenet5": (0, set(), None),
}


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_published_networks_have_the_blocks_that_their_papers_draw(recipe: str) -> None:
    blocks = blocks_of(sites_of(Spec.model_validate({"recipe": recipe, "seed": 1}).graph))
    first = blocks[0].name if blocks else None
    assert (len(blocks), {len(block.branches) for block in blocks}, first) == PUBLISHED[recipe]
