"""What a diagnosis says of a start of the literature, a short training shows: verdict and training side by side.

Normal learns; dead does not, and the layers named never change; symmetric units are as alike after training as before;
low-gradient and steep do not learn, the one because little changes, the other because every step jumps. The verdicts
are those of training in PyTorch as well, for several seeds (tests/frameworks/test_literature.py), so that no row is
near a limit.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis import tape
from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.network import Network, Stage
from service.analysis.tape import Node
from service.specs.spec import Spec
from tests.analysis.literature.alike import is_alike
from tests.analysis.literature.catalogue import ROWS
from tests.analysis.literature.drawing import Net, normal
from tests.analysis.literature.residual import plain
from tests.analysis.literature.rows import Row
from tests.analysis.literature.training import LAST, LEARNT, NOT_LEARNT, Batch, Task

PLENTY = 2**36
Array = NDArray[Any]


class Trained(NamedTuple):
    """Losses in parts of that of the best constant answer; every layer's weights before and after."""

    losses: list[float]
    before: dict[str, dict[str, Array]]
    after: dict[str, dict[str, Array]]

    @property
    def ended(self) -> float:
        return float(np.mean(self.losses[-LAST:]))


def document_of(row: Row) -> dict[str, Any]:
    return {"seed": 1, "layers": row.layers, "input_shape": list(row.shape)}


def train(row: Row) -> Trained:
    """Go down the gradient from the weights of /init, by the row's optimiser."""
    network = Network(Spec.model_validate(document_of(row)), PLENTY)
    outputs = network.shapes({"input": (2, *row.shape)})[-1][1][0][1:]
    first = row.layers[0]
    task = Task(row.shape, outputs, first["shape"][0] if first["type"] == "embedding" else None, 1)
    losses: list[float] = []
    weights: Sequence[dict[str, Node]] | None = None
    before: dict[str, dict[str, Array]] = {}
    descent = Adam(row.rate) if row.optimizer == "adam" else Sgd(row.rate)
    with np.errstate(all="ignore"):
        for batch in task.batches(row.steps):
            stages = network.run({"input": batch.inputs}, weights)
            before = before or held(stages)
            loss, gradient = loss_of(stages[-1].out.value, batch)
            losses.append(loss / task.constant)
            if not np.isfinite(loss):
                break
            tape.backward(stages[-1].out, gradient)
            weights = [
                {name: Node(descent.moved((place, name), node)) for name, node in stage.weights.items()}
                for place, stage in enumerate(stages)
            ]
        return Trained(losses, before, held(network.run({"input": batch.inputs}, weights)))


def held(stages: Sequence[Stage]) -> dict[str, dict[str, Array]]:
    return {stage.place.name: {name: node.value for name, node in stage.weights.items()} for stage in stages}


def loss_of(answers: Array, batch: Batch) -> tuple[float, Array]:
    """Return the mean loss over all places and its gradient."""
    rows = answers.reshape(-1, answers.shape[-1])
    if batch.targets.shape == answers.shape:
        error = answers - batch.targets
        return float(np.mean(error * error) / 2.0), error / error.size
    right = np.arange(len(rows)), batch.targets.ravel()
    logs = rows - rows.max(axis=1, keepdims=True)
    logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
    gradient = np.exp(logs)
    gradient[right] -= 1.0
    return float(-logs[right].mean()), gradient.reshape(answers.shape) / len(rows)


class Sgd:
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def moved(self, key: tuple[int, str], node: Node) -> Array:
        return node.value if node.gradient is None else node.value - self.rate * node.gradient


class Adam(Sgd):
    def __init__(self, rate: float) -> None:
        super().__init__(rate)
        self.known: dict[tuple[int, str], tuple[int, Array, Array]] = {}

    def moved(self, key: tuple[int, str], node: Node) -> Array:
        gradient = np.zeros_like(node.value) if node.gradient is None else node.gradient
        step, mean, square = self.known.get(key, (0, np.zeros_like(gradient), np.zeros_like(gradient)))
        step, mean, square = step + 1, 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        self.known[key] = step, mean, square
        length = np.sqrt(square / (1.0 - 0.999**step)) + 1e-8
        return node.value - self.rate * mean / (1.0 - 0.9**step) / length


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name, marks=[pytest.mark.long] * row.long) for row in ROWS])
def test_a_short_training_does_what_the_verdict_says(row: Row) -> None:
    found = Diagnosis(DiagnoseRequest.model_validate(document_of(row)), PLENTY)
    findings = found.study(found.spec)
    told = {name: one.verdict for name, one in zip(findings.names, findings.judgements, strict=True)}
    trained = train(row)
    assert findings.verdict == row.verdict, (told, trained.ended)
    if row.verdict == "symmetric":
        assert any(verdict == "symmetric" and is_alike(trained.after[name]) for name, verdict in told.items())
        return
    assert trained.ended < LEARNT if row.verdict == "normal" else not trained.ended < NOT_LEARNT
    if row.verdict == "low-gradient":
        assert max(trained.losses) < 1.5 * trained.losses[0]
    for name in (name for name, verdict in told.items() if verdict == "dead"):
        for array, values in trained.after[name].items():
            assert (values == trained.before[name][array]).all()


@pytest.mark.parametrize(
    ("scheme", "code"), [("he_normal", "drifts"), ({"name": "variance_scaling", "scale": 2.0 / 24.0}, "keeps-size")]
)
def test_sizes_are_told_along_the_stream_not_in_its_branches(scheme: Any, code: str) -> None:
    # He's branches double the stream's variance; narrowed by their number, they are small and it stays what it is.
    asked = {"seed": 1, "layers": plain(8, scheme), "input_shape": [16]}
    for more in ({}, {"forecast_only": True}):
        answer = Diagnosis(DiagnoseRequest.model_validate(asked | more), PLENTY).answer()
        assert (answer["verdict"], answer["code"]) == ("normal", code), answer["summary"]


FLAT = Net()
FLAT.dense("input", 16, 64, "tanh", scheme=normal(40.0))
STATED = [
    row
    for row in [*ROWS, Row("a last layer that is flat", "Glorot and Bengio 2010, fig. 2", "low-gradient", FLAT.layers)]
    if all(layer["type"] == "dense" and "scheme" in layer for layer in row.layers) and len(row.layers) <= 3
]


@pytest.mark.parametrize("row", STATED, ids=lambda row: row.name)
def test_an_activation_is_judged_alike_in_a_layer_and_after_it(row: Row) -> None:
    parted: list[dict[str, Any]] = []
    for layer in row.layers:
        inputs = [parted[-1]["name"] if parted else "input"]
        parted.append(layer | {"activation": "linear", "inputs": inputs})
        function = {"type": "activation", "activation": layer["activation"], "inputs": [layer["name"]]}
        parted.append(function | {"name": f"after_{layer['name']}"})
    answers = []
    for layers in (row.layers, parted):
        found = Diagnosis(DiagnoseRequest.model_validate(document_of(row._replace(layers=layers))), PLENTY)
        judged = found.study(found.spec)
        answers.append([(one.verdict, one.code) for one in judged.judgements if one.code != "no-weights"])
    assert answers[0] == answers[1]


# What is at 0 or shared in them: quick to judge, though their training takes a while.
SOON = ("residual, branches end in 0, head too", "ReZero, tanh", "LayerScale of 1e-4", "adaLN-Zero")


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in SOON], ids=lambda row: row.name)
def test_what_starts_at_0_is_judged_by_its_first_steps(row: Row) -> None:
    found = Diagnosis(DiagnoseRequest.model_validate(document_of(row)), PLENTY)
    assert found.study(found.spec).verdict == row.verdict


def test_what_is_only_added_tells_no_examples_apart() -> None:
    layers = [
        {"name": "x", "type": "dense", "shape": [16, 16], "scheme": "zeros", "activation": "relu"},
        {"name": "table", "type": "tensor", "shape": [16], "scheme": normal(1.0)},
        {"name": "sum", "type": "add", "inputs": ["x", "table"]},
        {"name": "out", "type": "dense", "shape": [16, 4], "inputs": ["sum"]},
    ]
    found = Diagnosis(DiagnoseRequest.model_validate({"seed": 1, "layers": layers, "input_shape": [16]}), PLENTY)
    told = found.study(found.spec)
    assert told.judged_by[1].slope == 0.0
    assert told.verdict == "dead"  # x never gives anything, and without it there is one answer for all


def test_there_are_rows_of_every_verdict_each_with_its_source() -> None:
    assert len(ROWS) >= 60
    assert {row.verdict for row in ROWS} == {"normal", "low-gradient", "steep", "symmetric", "dead"}
    assert all(row.source for row in ROWS)
    assert len({row.name for row in ROWS}) == len(ROWS)
