"""A Llama of 1.1 billion parameters on the CPU, in a process of its own: built by transformers, or filled by a client.

Reads a name a line and answers with what it took: `from_config`, `local`, `http URL` in seconds; `peak` is the memory
in MiB that filling took above the parameters, in a process that has filled nothing before.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = {
    "vocab_size": 32_000,
    "hidden_size": 2_048,
    "intermediate_size": 5_632,
    "num_hidden_layers": 22,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "max_position_embeddings": 2_048,
}
MIB = 2**20


def built(on: str) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device(on):
        return AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **SIZES))


def timed(make: Callable[[], object]) -> float:
    start = time.perf_counter()
    value = make()
    seconds = time.perf_counter() - start
    del value  # freed outside the time, as a program would keep it
    return seconds


def filled(url: str = "") -> Any:
    from initserve import Client, Local
    from initserve.torch import init_

    model = built("meta")
    init_(model, seed=time.time_ns(), client=Client(url) if url else Local())
    return model


def peak_above() -> float:
    """Return the MiB that a process had resident at the most, above what it had before and what it holds then."""
    from benchmarks.cases.memory import forget_peak, peak

    model = built("meta")
    before = forget_peak(os.getpid())
    from initserve.torch import init_

    init_(model, seed=1)
    held: int = sum(each.numel() * each.element_size() for each in (*model.parameters(), *model.buffers()))
    above: float = peak(os.getpid()) - before - held / MIB
    return above


def answer(asked: str) -> float:
    what, _, url = asked.partition(" ")
    match what:
        case "from_config":
            return timed(lambda: built("cpu"))
        case "peak":
            return peak_above() if Path("/proc/self/clear_refs").exists() else 0.0
    return timed(lambda: filled(url))


def main() -> None:
    # What a framework prints of itself must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        answers.write(json.dumps({"missing": str(error)}) + "\n")
        return
    answers.write(json.dumps({}) + "\n")
    for line in sys.stdin:
        answers.write(f"{answer(line.strip())}\n")


if __name__ == "__main__":
    main()
