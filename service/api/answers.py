"""The shape of an answer, for OpenAPI and for tests; the answer itself is written by formats/base64_json.py."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from service.networks.layouts import Layout
from service.stream.dtypes import DtypeName


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Expected(Closed):
    mean: float
    std: float
    min: float | None = Field(description="null where the distribution has no bound.")
    max: float | None


class Histogram(Closed):
    edges: list[float] = Field(description="65 edges of 64 bins of equal width, over all that can come out.")
    counts: list[int] = Field(description="Elements in each bin; the outer ones take what lies beyond.")


class StatisticsAnswer(Closed):
    count: int
    mean: float | None = Field(description="null, as the next three are, of no elements: an empty slice's.")
    std: float | None = Field(description="Of a whole population.")
    min: float | None
    max: float | None
    expected: Expected
    histogram: Histogram


class FansAnswer(Closed):
    fan_in: int
    fan_out: int


class LinksAnswer(Closed):
    """Addresses on this service, relative to its root; each holds the whole spec. bfloat16 has no npz, and no json."""

    json_: str | None = Field(None, alias="json", description="This answer, with all weights.")
    npz: str | None = None
    safetensors: str
    statistics: str
    svg: str = Field(description="The statistics as a figure.")
    index: str = Field(description="Of a sharded checkpoint, beside its files.")


class ParameterLinksAnswer(Closed):
    """Addresses of the parameter alone."""

    npy: str | None = None
    raw: str = Field(description="Its little-endian data.")
    statistics: str


TIED = "From names of arrays that are another one, in a published model, to that one's; they are not answered twice."
LINKS = "Left out where the spec has no address, of which a warning tells: no-address."


LEFT_ALONE = "Tensors of a listing that the framework computes, by name, and why: the answer is without them."


class TakenAnswer(Closed):
    kind: str = Field(description="dense, convolution, embedding, norm, …: docs/listings.md has them all.")
    why: str = Field(description="What told it: its name, its shape, what stands beside it.")


class DescribedParameter(Closed):
    name: str
    shape: list[int]
    dtype: DtypeName
    fan_in: int = Field(description="As the scheme counts it.")
    fan_out: int
    true_fans: FansAnswer | None = Field(None, description="True connectivity, where a framework counts otherwise.")
    scheme: dict[str, Any] = Field(description="Name and every parameter, as a spec could give it.")
    formula: str = Field(description="What the scheme comes to here: the distribution in numbers, or its formula.")
    reason: str = Field(description="Why this scheme.")
    taken_for: TakenAnswer | None = Field(None, description="Of a listing's tensor: what it was told to be.")
    links: ParameterLinksAnswer | None = Field(None, description=LINKS)


class ParameterAnswer(DescribedParameter):
    npy: str | None = Field(
        None,
        description="A complete .npy file (version 1.0, C order, little-endian).",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "application/x-npy"},
    )
    sha256: str = Field(description="Of the tensor's raw little-endian data.", pattern="^[0-9a-f]{64}$")
    statistics: StatisticsAnswer | None = None


class LayerAnswer(Closed):
    name: str
    type: str
    activation: str
    parameters: list[ParameterAnswer]


class WarningAnswer(Closed):
    code: str
    pointer: str = Field(description="JSON Pointer of the member of the spec that it is about.")
    detail: str
    try_: dict[str, Any] = Field(alias="try", description="A change that would avoid it.")


class InitAnswer(Closed):
    """Initial weights."""

    algorithm: str
    exact: bool | None = Field(
        None, description="Of a framework's stream: whether every value is that framework's to the bit."
    )
    seed: str = Field(description="The seed used, as a string: JavaScript cannot hold it as a number.")
    layout: Layout
    dtype: DtypeName
    tied: dict[str, str] | None = Field(None, description=TIED)
    left_alone: dict[str, TakenAnswer] | None = Field(None, description=LEFT_ALONE)
    layers: list[LayerAnswer]
    links: LinksAnswer | None = Field(None, description=LINKS)
    warnings: list[WarningAnswer]


class PlannedParameterAnswer(DescribedParameter):
    bytes: int
    shard: str = Field(description="The file of a sharded checkpoint that it stands in, beside its index.")


class PlannedLayerAnswer(Closed):
    name: str
    type: str
    activation: str
    parameters: list[PlannedParameterAnswer]


class TotalsAnswer(Closed):
    parameters: int
    elements: int
    bytes: int
    shards: int = Field(description="Files of a sharded checkpoint.")


class NetworkAnswer(Closed):
    """How the layers of a spec are joined, a recipe's written out."""

    layers: list[dict[str, Any]] = Field(description="As a spec lists them.")
    input_shape: dict[str, list[int]] | None = Field(description="Of one example, by input; null where none is stated.")
    rules: list[dict[str, Any]] = Field(description="Those of the recipe, and the spec's own.")
    replaces: bool = Field(
        description="Whether layers, input_shape and rules in the recipe's place give the same weights: not under a "
        "framework's own stream, whose order a recipe tells."
    )
    config: dict[str, Any] | None = Field(description="A published model's config.json, its size's numbers included.")
    inputs: dict[str, list[str]] | None = Field(
        description="What each layer takes; null where that is not told, of a recipe known by its weights alone."
    )
    outputs: dict[str, list[list[int]]] | None = Field(
        description="The shape that each layer gives, without the batch; of a split, that of each part. Null where the "
        "shape of an input is not stated."
    )


class PlanAnswer(Closed):
    """What a spec comes to."""

    algorithm: str
    exact: bool | None = Field(None, description="As in the answer of /init.")
    seed: str
    layout: Layout
    dtype: DtypeName
    tied: dict[str, str] | None = Field(None, description=TIED)
    left_alone: dict[str, TakenAnswer] | None = Field(None, description=LEFT_ALONE)
    layers: list[PlannedLayerAnswer]
    links: LinksAnswer | None = Field(None, description=LINKS)
    warnings: list[WarningAnswer]
    totals: TotalsAnswer
    network: NetworkAnswer | None = Field(
        None, description="With include=network: how the layers are joined; null for a listing of tensors."
    )


class KeptSpecAnswer(Closed):
    """Where a kept spec, and what it comes to, is to be had."""

    digest: str = Field(description="Names the spec in addresses, as a revision and in the Hub.")
    seed: str = Field(description="The seed that is kept with it.")
    bytes: int = Field(description="Of the canonical text.")
    spec: str = Field(description="Address of the canonical text.")
    links: LinksAnswer


Number: TypeAlias = float | Literal["NaN", "Infinity", "-Infinity"]
Bits: TypeAlias = Annotated[str, Field(pattern="^0x([0-9a-f]{4}){1,4}$")]


class DifferenceAnswer(Closed):
    index: list[int]
    expected: Number
    found: Number
    expected_bits: Bits = Field(description="As it is stored, most significant digit first: they tell -0.0 from 0.0.")
    found_bits: Bits


class ComparedAnswer(Closed):
    """A parameter that the file has. Equal is what has the same dtype, shape and bits."""

    name: str
    equal: bool
    dtype: DtypeName
    shape: list[int]
    found_dtype: str | None = Field(None, description="Where dtype or shape are others in the file: nothing is drawn.")
    found_shape: list[int] | None = None
    differing: int | None = Field(description="How many elements differ; null where they were not compared.")
    first_difference: DifferenceAnswer | None = Field(description="The first in C order; null where none differs.")
    max_abs_difference: Number | None = Field(
        description="The largest |found − expected|; NaN where one of them is no number, null as `differing`."
    )


class CountsAnswer(Closed):
    parameters: int = Field(description="Of the spec.")
    equal: int
    different: int
    missing: int
    unexpected: int


class VerifyAnswer(Closed):
    """What a file comes to beside its spec."""

    equal: bool = Field(description="Every parameter is there and equal, and nothing else is in the file.")
    summary: str
    parameters: list[ComparedAnswer] = Field(
        description="In the spec's order; of more than 1,000 those first that differ."
    )
    missing: list[str] = Field(description="Parameters of the spec that the file has not; 1,000 at the most.")
    unexpected: list[str] = Field(description="What the file has beyond them; 1,000 at the most.")
    totals: CountsAnswer


class RunAnswer(Closed):
    scheme: str
    seed: str
    every: int = Field(description="Steps between two entries of the curves.")
    loss: list[float] = Field(description="Loss of each step's batch, before the step.")
    final_loss: float | None = Field(description="Loss of all examples after the last step; null after an overflow.")
    gradient_norm: list[float] = Field(description="Length of the gradient of all parameters together.")
    accuracy: float | None = Field(description="Share of right answers; null for regression and after an overflow.")
    learnt: bool
    reason: str


class TrainAnswer(Closed):
    """What came of each start."""

    task: str
    runs: list[RunAnswer]
