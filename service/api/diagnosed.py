"""The shape of a diagnosis, for OpenAPI and for tests: layers, blocks, and what sizes and steps do."""

from typing import Any, Literal

from pydantic import Field

from service.analysis.verdicts import Verdict
from service.api.answers import Closed


class MagnitudesAnswer(Closed):
    """Of values that are not 0; both lists are empty where all of them are."""

    exponents: list[float] = Field(
        description="Edges of bins, log10, a quarter of a decade apart; at most 128 bins: the first takes what is "
        "smaller still."
    )
    counts: list[int]


class DistributionAnswer(Closed):
    """Of all values, of every example, place and unit, that are finite."""

    edges: list[float] = Field(description="65 edges of 64 bins of equal width, from the least to the greatest.")
    counts: list[int]
    zeros: int = Field(description="How many are exactly 0; they are in `counts` too.")
    magnitudes: MagnitudesAnswer


class ForwardAnswer(Closed):
    mean: float | None = Field(description="Of the outputs, after the activation; null where numbers overflow.")
    std: float | None
    rms: float | None
    saturated: float | None = Field(description="Share of outputs where the activation is flat.")
    dead: float = Field(description="Share of units that are 0 for every example.")
    correlation: float | None = Field(description="Mean cosine between two examples' outputs.")
    units: int
    distinct: int = Field(description="How many of the units differ from each other, before the activation.")
    distribution: DistributionAnswer | None = Field(
        None, description="Where the request asks for `distributions`; null where every value overflowed."
    )


class BackwardAnswer(Closed):
    mean: float | None = Field(description="Of the gradient at the outputs, for a standard normal one at the end.")
    std: float | None
    rms: float | None
    weights: float | None = Field(description="The rms of the gradient of the layer's kernel, for one example.")
    distribution: DistributionAnswer | None = Field(
        None, description="Where the request asks for `distributions`; null where every value overflowed."
    )


class MatrixAnswer(Closed):
    largest: float = Field(description="Singular value of the kernel as a matrix (fan_in, outputs).")
    smallest: float | None = Field(description="null for matrices of more than 128 rows and columns.")
    condition: float | None
    stable_rank: float


class ForecastAnswer(Closed):
    mean: float | None
    rms: float | None
    correlation: float | None
    chi: float | None = Field(description="Factor by which a small difference of two inputs grows, squared.")
    backward: float | None = Field(description="The rms of the gradient at the outputs.")
    slope: float | None = Field(description="As in `judged_by`.")


class FactorsAnswer(Closed):
    size: float | None = Field(description="Outputs over the stack's inputs, or over 1 after a norm.")
    slope: float | None = Field(
        description="How steep the loss is along the layer's weights: by how much its inputs differ between examples, "
        "times the gradient before its activation. 1 where everything keeps its size."
    )


class InputScaleAnswer(Closed):
    rms: float | None
    std: float | None = Field(description="The rms of what the norm divides by.")


class DiagnosedLayerAnswer(Closed):
    name: str
    type: str
    activation: str
    inputs: list[str] = Field(description="What it takes: layers by name, NAME:k for a part, inputs of the network.")
    input: InputScaleAnswer | None = Field(None, description="Of a norm: what comes in.")
    verdict: Verdict
    also: list[Verdict] = Field(description="What holds beside the verdict.")
    code: str = Field(description="Names the reason, whatever its words.")
    reason: str
    judged_by: FactorsAnswer | None = Field(description="null of a layer without weights, which is not judged.")
    forward: ForwardAnswer | None
    backward: BackwardAnswer | None
    matrix: MatrixAnswer | None
    forecast: ForecastAnswer | None = Field(description="null where theory has nothing to say.")


class InputsAnswer(Closed):
    kind: Literal["standard normal", "given", "tokens", "none"]
    shape: list[int]


class ZoneAnswer(Closed):
    low: float
    high: float


class SidesAnswer(Closed):
    """An rms where a block begins and where it ends; null where numbers overflow."""

    in_: float | None = Field(alias="in")
    out: float | None


class BranchAnswer(Closed):
    """What leaves a stream and is added to it again."""

    at: str = Field(description="The layer that adds it.")
    layers: list[str] = Field(description="Between the stream and the sum.")
    share: float | None = Field(
        description="Its rms over that of the sum; of a concatenation, the root of its part of all squares."
    )
    shortcut: str | None = Field(description="What it is added to.")


class BlockAnswer(Closed):
    """Layers that a name has in common, or that stand between two sums."""

    name: str
    layers: list[str]
    stream: SidesAnswer = Field(description="The rms of what goes in and comes out.")
    gradient: SidesAnswer = Field(description="The rms of the gradient there.")
    branches: list[BranchAnswer]
    verdict: Verdict = Field(description="That of its worst layer.")


class StreamAnswer(Closed):
    """Blocks one behind the other, and how what passes by them grows with depth."""

    first: str = Field(description="The name of the first block.")
    last: str
    blocks: int
    growth: Literal["steady", "linear", "exponential", "shrinking", "overflows"]
    in_: float | None = Field(alias="in", description="The rms before the first block.")
    out: float | None = Field(description="The rms after the last one.")
    added: float | None = Field(
        description="What a block adds to the mean square, in parts of what came in: 1 for a branch that keeps sizes."
    )
    factor: float | None = Field(description="By how much a block multiplies the mean square.")
    summary: str


class LogitsAnswer(Closed):
    """Of what the softmax takes, about each query's mean: what is added to all of them makes no difference."""

    std: float | None
    max: float | None


class AttentionAnswer(Closed):
    """How a layer of attention looks about at first."""

    name: str
    heads: int
    entropy: float | None = Field(description="Mean over heads and queries, over the greatest possible: 1 is even.")
    logits: LogitsAnswer = Field(description="What the softmax takes.")


class OutputAnswer(Closed):
    """Whether outputs of two inputs still differ where the network ends."""

    rms: float | None
    correlation: float | None = Field(description="Mean cosine between the outputs of two examples.")
    distance: float | None = Field(description="The rms of their difference, over their rms.")
    inputs_correlation: float | None = Field(description="Mean cosine between the two inputs.")
    places_distance: float | None = Field(
        description="`distance` between neighbouring places of one example: 0 where attention has made all alike."
    )


class ExponentsAnswer(Closed):
    forward: float | None
    backward: float | None
    update: float | None


class GrowingLayerAnswer(Closed):
    name: str
    forward: list[float | None] = Field(description="The rms of its outputs, for each size.")
    backward: list[float | None] = Field(description="The rms of the gradient there.")
    update: list[float | None] = Field(description="The rms of what the first step changes in its outputs.")
    slope: ExponentsAnswer = Field(description="Exponents: 0.5 grows as the square root of the size, 0 keeps.")


class AcrossAnswer(Closed):
    """How sizes go with the width or the depth of a network."""

    by: Literal["width", "depth"]
    sizes: list[int]
    layers: list[GrowingLayerAnswer]
    verdict: Literal["flat", "growing", "shrinking"]
    summary: str


class StepLayerAnswer(Closed):
    name: str
    forward: float | None
    backward: float | None
    update: float | None = Field(description="The rms of the change of its weights, over theirs.")


class StepAnswer(Closed):
    step: int
    loss: float | None = Field(description="null where it overflows.")
    gradient_norm: float | None
    moved: float | None = Field(
        description="How far outputs are from those at the start, but for what all examples share, where a logit of 1 "
        "or a deviation of the targets is 1."
    )
    layers: list[StepLayerAnswer]


class StepsAnswer(Closed):
    """What the first steps of a training do."""

    optimizer: Literal["sgd", "adam"]
    learning_rate: float
    loss: Literal["cross_entropy", "squared_error"]
    steps: list[StepAnswer]
    verdict: Literal["steady", "explodes", "stands still"]
    at: int | None = Field(description="The step that the verdict speaks of.")
    layer: str | None = Field(description="The layer, where one is at fault.")
    summary: str


class DiagnoseAnswer(Closed):
    """How a network starts."""

    algorithm: str
    seed: str
    verdict: Verdict
    code: str = Field(
        description="Of the layer that earned the verdict; `keeps-size` or `drifts` where nothing stands out."
    )
    summary: str
    inputs: InputsAnswer
    zone: ZoneAnswer = Field(
        description="Limits of `judged_by.slope`; a stack is normal where a layer lies between them and none above."
    )
    layers: list[DiagnosedLayerAnswer]
    blocks: list[BlockAnswer] = Field([], description="Repeated parts of the network; none in a bare stack.")
    streams: list[StreamAnswer] = Field([], description="Of two blocks or more, one behind the other.")
    attention: list[AttentionAnswer] = Field([], description="Of each layer of attention.")
    output: OutputAnswer | None = Field(None, description="null where nothing is measured.")
    across: AcrossAnswer | None = Field(None, description="Where the request asks for it.")
    steps: StepsAnswer | None = Field(None, description="Where the request asks for it.")
    try_: dict[str, Any] | None = Field(alias="try", description="A spec near this one whose verdict is normal.")
    tuned: dict[str, Any] | None = Field(description="The spec with measured gains, where `tune` asks for it.")
