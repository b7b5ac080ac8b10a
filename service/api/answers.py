"""The shape of an answer, for OpenAPI and for tests; the answer itself is written by formats/base64_json.py."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.weights.dtypes import DtypeName
from service.weights.layouts import Layout


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
    mean: float
    std: float = Field(description="Of a whole population.")
    min: float
    max: float
    expected: Expected
    histogram: Histogram


class FansAnswer(Closed):
    fan_in: int
    fan_out: int


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
    seed: str = Field(description="The seed used, as a string: JavaScript cannot hold it as a number.")
    layout: Layout
    dtype: DtypeName
    layers: list[LayerAnswer]
    warnings: list[WarningAnswer]


class PlannedParameterAnswer(DescribedParameter):
    bytes: int


class PlannedLayerAnswer(Closed):
    name: str
    type: str
    activation: str
    parameters: list[PlannedParameterAnswer]


class TotalsAnswer(Closed):
    parameters: int
    elements: int
    bytes: int


class PlanAnswer(Closed):
    """What a spec comes to."""

    algorithm: str
    seed: str
    layout: Layout
    dtype: DtypeName
    layers: list[PlannedLayerAnswer]
    warnings: list[WarningAnswer]
    totals: TotalsAnswer
