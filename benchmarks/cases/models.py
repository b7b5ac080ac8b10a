"""Models as large as they come: what a tensor of a plan costs, and the listing of all 45,395 of DeepSeek-V3."""

import gzip
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from benchmarks.cases.memory import forget_peak, peak
from benchmarks.curl import CURL, WrongAnswer
from benchmarks.measuring import Reading, Section, Target, reading
from benchmarks.servers import initserve
from service.specs.spec import Spec

WIDTH, INNER, EXPERT, LAYERS, EXPERTS, DENSE = 7168, 18432, 2048, 61, 256, 3
EACH_TENSOR = Target(25.0)  # µs
WHOLE = Target(3.0)  # seconds
MEMORY = Target(1024.0)  # MiB
GIVEN_UP = 120.0  # seconds


def attention() -> dict[str, list[int]]:
    return {
        "q_a_proj": [1536, WIDTH],
        "q_a_layernorm": [1536],
        "q_b_proj": [24576, 1536],
        "kv_a_proj_with_mqa": [576, WIDTH],
        "kv_a_layernorm": [512],
        "kv_b_proj": [32768, 512],
        "o_proj": [WIDTH, 16384],
    }


def gated(width: int) -> dict[str, list[int]]:
    return {"gate_proj": [width, WIDTH], "up_proj": [width, WIDTH], "down_proj": [WIDTH, width]}


def block(index: int) -> Iterator[tuple[str, list[int]]]:
    """Yield the tensors of a block as a checkpoint has them."""
    for name, shape in attention().items():
        yield f"self_attn.{name}.weight", shape
    if index < DENSE:
        parts = {"mlp": INNER}
    else:
        parts = {f"mlp.experts.{expert}": EXPERT for expert in range(EXPERTS)} | {"mlp.shared_experts": EXPERT}
        yield "mlp.gate.weight", [EXPERTS, WIDTH]
        yield "mlp.gate.e_score_correction_bias", [EXPERTS]
    for at, width in parts.items():
        for name, shape in gated(width).items():
            yield f"{at}.{name}.weight", shape
    for name in ("input_layernorm", "post_attention_layernorm"):
        yield f"{name}.weight", [WIDTH]


def deepseek_v3() -> dict[str, list[int]]:
    """Return the listing of DeepSeek-V3's checkpoint: names and shapes."""
    found = {"model.embed_tokens.weight": [129280, WIDTH]}
    for index in range(LAYERS):
        found |= {f"model.layers.{index}.{name}": shape for name, shape in block(index)}
    return found | {"model.norm.weight": [WIDTH], "lm_head.weight": [129280, WIDTH]}


def as_layers() -> dict[str, Any]:
    """Return the same model as a spec that states each layer."""
    layers = []
    for name, shape in deepseek_v3().items():
        named = {"name": name.removesuffix(".weight")}
        if len(shape) == 2:
            layers.append({**named, "type": "dense", "shape": shape[::-1], "bias": None})
        else:
            layers.append({**named, "type": "tensor", "shape": shape, "scheme": "ones"})
    return {"seed": 1, "layout": "pytorch", "layers": layers}


def measure(rounds: int) -> Section:
    section = Section("Models as large as they come, before a number is drawn")
    section.readings += [planned(rounds), *whole(rounds)]
    return section


def planned(rounds: int) -> Reading:
    """Return the time of this process's processor that planning takes, each layer of DeepSeek-V3 being stated."""
    spec = Spec.model_validate(as_layers())
    found = []
    for _ in range(rounds):
        began = time.process_time()
        count = len(spec.plan().parameters)
        found.append((time.process_time() - began) / count * 1e6)
    middle = sorted(found)[len(found) // 2]
    return Reading("planning, each tensor", "µs", middle, min(found), max(found), EACH_TENSOR)


def whole(rounds: int) -> Iterator[Reading]:
    """Yield what POST /plan takes of the listing, and what it takes of others meanwhile."""
    listing = deepseek_v3()
    with initserve() as server, TemporaryDirectory() as folder:
        body = Path(folder, "body")
        body.write_bytes(gzip.compress(json.dumps({"seed": 1, "tensors": listing}).encode()))
        idle = forget_peak(server.pid)
        with meanwhile(f"{server.url}/livez") as others:
            seconds = [plan(f"{server.url}/plan", body, len(listing)) for _ in range(rounds)]
        above = peak(server.pid) - idle
    yield reading(f"POST /plan of DeepSeek-V3's {len(listing):,} tensors", seconds, WHOLE)
    yield Reading("memory, above the idle server's", "MiB", above, above, above, MEMORY)
    yield reading("GET /livez meanwhile", others)


def plan(url: str, body: Path, count: int) -> float:
    """Have curl post a spec, beside this process; return the seconds that it took."""
    answer = body.with_name("answer")
    command = [*CURL, "--fail", "--output", str(answer), "--write-out", "%{time_total}"]
    sent = ["--header", "content-encoding: gzip", "--data-binary", f"@{body}"]
    found = subprocess.run([*command, *sent, url], capture_output=True, check=True)
    if f'"totals":{{"parameters":{count},'.encode() not in answer.read_bytes():
        raise WrongAnswer("not every tensor of the listing is in the plan")
    return float(found.stdout)


@contextmanager
def meanwhile(url: str) -> Iterator[list[float]]:
    """Ask for an address again and again during the block; yield the seconds of each answer."""
    found: list[float] = []
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=GIVEN_UP, trust_env=False) as client:
            while not over.wait(0.01):
                began = time.monotonic()
                client.get(url).raise_for_status()
                found.append(time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield found
    finally:
        over.set()
        asking.join()
