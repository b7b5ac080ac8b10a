"""The base of everything that a request may say, and its vocabulary of numbers: strict, closed, frozen."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from service.once import once


class Description(BaseModel):
    """A part of a spec: no unknown field, no silent conversion, no change once it is made, no NaN, no infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, ignored_types=(once,))


# Values beyond float32 could not be made; half of it keeps every difference of two of them finite too.
LARGEST = 1.7e38
Number: TypeAlias = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0.0, le=LARGEST)]
Positive: TypeAlias = Annotated[float, Field(gt=0.0, le=LARGEST)]
# JSON numbers are exact up to 2^53 - 1 in every language.
Size: TypeAlias = Annotated[int, Field(ge=1, le=2**53 - 1)]
