"""Networks that are made wider and deeper in tests."""

from typing import Any


def dense(name: str, came: int, given: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "dense", "shape": [came, given], **more}


STACK: list[dict[str, Any]] = [
    dense("in", 32, 64, activation="relu"),
    dense("hidden_1", 64, 64, activation="relu"),
    dense("hidden_2", 64, 64, activation="relu"),
    dense("out", 64, 10),
]


def mup(base: int, stddev: float, output: bool = False) -> dict[str, Any]:
    return {"name": "mup_normal", "base": base, "stddev": stddev, "output": output}


# The same with kernels that start as µP has them, from width 64: of He's variance, and of a small one at the end.
MUP: list[dict[str, Any]] = [
    STACK[0],
    {**STACK[1], "scheme": mup(64, (2.0 / 64.0) ** 0.5)},
    {**STACK[2], "scheme": mup(64, (2.0 / 64.0) ** 0.5)},
    {**STACK[3], "scheme": mup(64, 0.02, output=True)},
]
