"""Operations that frameworks' arithmetic needs beyond + - x /: a product and a sum rounded once."""

from typing import Any

from numba import types
from numba.extending import intrinsic


@intrinsic
def fma32(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c in float32, rounded once; by libm's fmaf where the processor has no such instruction."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float32(types.float32, types.float32, types.float32), generate


@intrinsic
def fma64(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c in float64, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), generate
