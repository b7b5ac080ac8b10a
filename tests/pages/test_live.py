"""The browser's own engine: the service's bytes, its passes and its trainings, computed in the page."""

import json
from itertools import pairwise, product
from random import Random
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from service.analysis.functions import FUNCTIONS
from service.analysis.tasks import TASKS
from tests.pages.reader import IN_CHROMIUM, Reader
from tests.pages.test_words import WRONG

pytestmark = IN_CHROMIUM
DIGESTS = """async (specs) => {
  const { arrays, drawable } = await import('/live/live.js');
  const { sha256 } = await import('/initserve.js');
  const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const digests = (spec) => [...arrays(spec, spec)].map(([key, { bytes }]) => [key, hexadecimal(sha256(bytes))]);
  return specs.map((spec) => (drawable(spec) ? Object.fromEntries(digests(spec)) : null));
}"""
STATISTICS = """async (specs) => {
  const { statistics } = await import('/live/statistics.js');
  return specs.map(statistics);
}"""
PASSES = """async (specs) => {
  const { passable, passed } = await import('/live/live.js');
  return Promise.all(specs.map((spec) => (passable(spec) ? passed(spec) : null)));
}"""
TRAININGS = """async (questions) => {
  const { events, trainable } = await import('/live/live.js');
  const all = async (question) => {
    const found = [];
    if (trainable(question)) for await (const { event, data } of events(question)) found.push({ event, ...data });
    return found;
  };
  return Promise.all(questions.map(all));
}"""

Written = dict[str, Any]
NAMES = sorted(FUNCTIONS.keys() - {"gelu_tanh"})  # a variant that no layer names
LAYERS: list[Written] = [
    {"type": "dense", "shape": [7, 5]},
    {"type": "conv1d", "shape": [3, 4, 6], "groups": 2},
    {"type": "conv2d", "shape": [3, 2, 4, 6]},
    {"type": "embedding", "shape": [11, 4]},
    {"type": "batch_norm", "shape": [6]},
    {"type": "layer_norm", "shape": [2, 3]},
    {"type": "tensor", "shape": [2, 3, 4], "fan_in": 5},
]
SCHEMES: list[Any] = [
    "auto",
    "zeros",
    "ones",
    {"name": "constant", "value": 5.0},
    {"name": "random_normal", "stddev": 0.001},
    {"name": "random_uniform", "minval": -1.0, "maxval": 2.5},
    {"name": "truncated_normal", "lower": -1.0, "upper": 3.0, "preserve_std": True},
    {"name": "bounded_normal", "stddev": 2.0, "maxval": 0.5},
    {"name": "variance_scaling", "scale": 0.7, "mode": "fan_geo_avg", "distribution": "untruncated_normal"},
    "glorot_uniform",
    "he_normal",
    "lecun_uniform",
]


def blank(reader: Reader) -> Page:
    """Return a window of the service's origin in which nothing runs."""
    page = reader.window()
    page.route("**/favicon.ico", lambda asked: asked.fulfill(status=204))
    page.goto(f"{reader.server}/live/worker.js")
    return page


def named(layer: Written, number: int, **more: Any) -> Written:
    return {**layer, "name": f"layer{number}", **more}


def every_scheme() -> list[Written]:
    """Return specs in which each layer type meets each scheme, in layouts and dtypes in turn."""
    draw, forms = Random(8), list(product(("keras", "pytorch"), ("float32", "float64", "float16")))
    return [
        {
            "seed": str(draw.getrandbits(64)),
            "layout": layout,
            "dtype": dtype,
            "layers": [
                named(layer, number, scheme=scheme, activation=draw.choice(NAMES))
                for number, (layer, scheme) in enumerate(product(LAYERS, SCHEMES))
            ],
        }
        for layout, dtype in forms
    ]


def at_random(draw: Random) -> Written:
    """Return a spec of some layers that the browser draws: sizes, schemes, biases, gains and seeds at random."""
    layers = []
    for number in range(draw.randint(1, 5)):
        layer = named(draw.choice(LAYERS), number)
        layer["shape"] = [draw.randint(1, 9) * layer.get("groups", 1) for _ in layer["shape"]]
        layer["scheme"] = draw.choice(SCHEMES)
        if draw.random() < 0.3 and layer["type"] == "dense":
            layer |= {"scheme": "auto", "gain": draw.uniform(0.1, 3.0), "activation": draw.choice(["relu", "tanh"])}
        if draw.random() < 0.3 and layer["type"] == "dense":
            layer["bias"] = draw.choice([None, "ones", {"name": "random_normal", "mean": 0.1}])
        if draw.random() < 0.3:
            layer["seed"] = str(draw.getrandbits(64))
        layers.append(layer)
    return {"seed": draw.randrange(2**53), "layers": layers}


def served(client: httpx.Client, spec: Written) -> dict[str, str]:
    """Return the digests of POST /init by the arrays' keys."""
    answer = client.post("/init", json=spec).raise_for_status().json()
    joint = "." if answer["layout"] == "pytorch" else "/"
    return {
        f"{layer['name']}{joint}{parameter['name']}": parameter["sha256"]
        for layer in answer["layers"]
        for parameter in layer["parameters"]
    }


def test_the_browser_draws_the_bytes_that_the_service_returns(reader: Reader, client: httpx.Client) -> None:
    draw = Random(2)
    specs = [*every_scheme(), *(at_random(draw) for _ in range(40))]
    assert blank(reader).evaluate(DIGESTS, specs) == [served(client, spec) for spec in specs]


def test_layers_that_the_service_refuses_are_not_drawn(reader: Reader, client: httpx.Client) -> None:
    specs = [spec for route, spec in WRONG if route == "init" and "input_shape" not in spec]
    refused = [spec for spec in specs if client.post("/init", json=spec).status_code == 422]
    assert len(refused) > 30
    drawn = blank(reader).evaluate(DIGESTS, refused)
    assert [spec for spec, digests in zip(refused, drawn, strict=True) if digests is not None] == []


def test_statistics_in_the_browser_are_those_of_the_service(reader: Reader, client: httpx.Client) -> None:
    draw = Random(6)
    specs = [every_scheme()[0], *(at_random(draw) for _ in range(20))]
    for spec, near in zip(specs, blank(reader).evaluate(STATISTICS, specs), strict=True):
        far = client.post("/init?include=statistics", json=spec).raise_for_status().json()
        for layer, other in zip(near["layers"], far["layers"], strict=True):
            assert layer["name"] == other["name"]
            told = ("name", "shape", "dtype", "scheme", "formula", "statistics")
            agree(
                layer["parameters"],
                [{name: one[name] for name in told} for one in other["parameters"]],
                1e-9,
                str(spec),
            )


def chains() -> list[Written]:
    """Return chains of dense layers in which every activation stands, with weights of all sizes."""
    draw = Random(5)
    names = [*NAMES, "softmax", "softmax"]
    draw.shuffle(names)
    specs = []
    for start in range(0, len(names), 3):
        widths = [draw.randint(1, 40) for _ in range(4)]
        layers = [
            {
                "type": "dense",
                "shape": list(shape),
                "activation": activation,
                "scheme": draw.choice(["auto", "he_normal", {"name": "random_normal", "stddev": 0.5}, "zeros"]),
                "bias": draw.choice([None, "zeros", "random_normal"]),
            }
            for shape, activation in zip(pairwise(widths), names[start : start + 3], strict=False)
        ]
        stated = draw.choice([{}, {}, {"input_shape": widths[:1]}, {"input_shape": [3, widths[0]]}])
        specs.append({"seed": str(draw.getrandbits(64)), "layers": layers, **stated})
        specs[-1]["dtype"] = draw.choice(["float32", "float64", "float16"])
    return specs


NARROW = 1e-9


def agree(near: Any, far: Any, within: float, where: str) -> None:
    """Compare what came of the same question by structure, numbers within a share of the greater one (or of 0.001)."""
    if isinstance(far, dict):
        assert near.keys() == far.keys(), where
        if "edges" in far and (far["edges"][-1] - far["edges"][0] < NARROW or max(far["counts"]) == sum(far["counts"])):
            return  # of equal weights: rounding takes them apart, or to one side of an edge
        for name in far:
            agree(near[name], far[name], within, f"{where}/{name}")
    elif isinstance(far, list):
        assert len(near) == len(far), where
        for place, (one, other) in enumerate(zip(near, far, strict=True)):
            agree(one, other, within, f"{where}/{place}")
    elif isinstance(far, float) and near is not None:
        assert abs(near - far) <= within * max(abs(near), abs(far), 1e-3), (where, near, far)
    else:
        assert near == far, where


def test_a_pass_in_the_browser_measures_what_a_diagnosis_does(reader: Reader, client: httpx.Client) -> None:
    specs = chains()
    for spec, near in zip(specs, blank(reader).evaluate(PASSES, specs), strict=True):
        far = client.post("/diagnose", json={**spec, "distributions": True}).raise_for_status().json()
        assert near["inputs"] == far["inputs"]
        for layer, other in zip(near["layers"], far["layers"], strict=True):
            told = {name: other[name] for name in ("name", "type", "activation", "inputs", "backward")}
            told["judged_by"] = {"slope": other["judged_by"]["slope"]}
            told["forward"] = {name: value for name, value in other["forward"].items() if name != "distinct"}
            agree(layer, told, 1e-6, json.dumps(spec))


def question(task: str, widths: list[int], activation: str, **more: Any) -> Written:
    sizes = [TASKS[task].features, *widths, TASKS[task].outputs]  # type: ignore[index]
    layers = [{"type": "dense", "shape": list(shape), "activation": activation} for shape in pairwise(sizes)]
    layers[-1]["activation"] = "linear"
    return {"seed": "11", "task": task, "layers": layers, "steps": 60, **more}


QUESTIONS = [
    question("quadratic", [], "linear", schemes=["zeros", "he_normal"], restarts=2),
    question(
        "quadratic", [16], "tanh", schemes=[{"name": "random_normal", "stddev": 1}], seed=str(2**64 - 1), restarts=2
    ),
    question("moons", [16, 16], "relu", schemes=["he_normal", "zeros", {"name": "constant", "value": 0.25}], batch=16),
    question("moons", [32] * 8, "sigmoid", learning_rate=1.0),
    question("spirals", [32, 32], "gelu", schemes=["glorot_uniform", "small_normal"], steps=230),
    question("spirals", [8], "relu", schemes=[{"name": "random_uniform", "minval": -50, "maxval": -49}]),
    question(
        "digits", [32], "selu", schemes=["he_normal", {"name": "random_normal", "stddev": 500}], learning_rate=50.0
    ),
    question("digits", [24, 24], "leaky_relu", batch=0, steps=20),
]
EARLY = 50  # steps: later what rounding makes of a steep training is another one


@pytest.mark.parametrize("watch", [False, True])
def test_a_training_in_the_browser_tells_what_the_service_tells(
    reader: Reader, client: httpx.Client, watch: bool
) -> None:
    questions = [{**one, **({"watch": True} if watch else {})} for one in QUESTIONS]
    outcomes = set()
    for asked, near in zip(questions, blank(reader).evaluate(TRAININGS, questions), strict=True):
        answer = client.post("/train", json=asked, headers={"accept": "application/jsonl"}).raise_for_status()
        far = [json.loads(line) for line in answer.text.splitlines()]
        assert [one["event"] for one in near] == [one["event"] for one in far]
        for one, other in zip(near, far, strict=True):
            if other.get("step", 0) <= EARLY:
                agree(one, other, 1e-4, json.dumps(asked))
            outcomes.add(other.get("reason", "")[:20])
    assert len(outcomes) > 6  # of each kind one: learnt, dead, the same, overflowed, on its way


STOPPED = """async (question) => {
  const { events } = await import('/live/live.js');
  const slowly = [];
  for await (const event of events(question)) {
    if (slowly.length % 20 === 0) await new Promise((go) => setTimeout(go, 30));
    slowly.push(event);
  }
  const atOnce = [];
  for await (const event of events(question)) atOnce.push(event);
  const leaving = new AbortController();
  const before = [];
  try {
    for await (const event of events(question, leaving.signal)) if (before.push(event) === 7) leaving.abort();
  } catch (error) {
    return { same: JSON.stringify(slowly) === JSON.stringify(atOnce), before: before.length, error: error.name };
  }
}"""


def test_a_training_waits_for_whoever_takes_its_events_and_ends_when_it_is_left(reader: Reader) -> None:
    asked = question("moons", [16], "tanh", restarts=2)
    found = blank(reader).evaluate(STOPPED, asked)
    assert found == {"same": True, "before": 7, "error": "AbortError"}
