"""The programs of examples/, as they stand: each rank asks for its part alone, and holds what the checkpoint has."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.api.door.keys import new_key
from service.specs.spec import Spec
from tests.conftest import ROOT, Server, free_port, serving
from tests.frameworks.checkpoints.writing import materialize, write
from tests.told import logged

EXAMPLES = ROOT / "examples"
LLAMA = EXAMPLES / "llama.json"
SHARD_BYTES = 3_000_000
PATIENCE = 240.0  # seconds
HEADER = 2**14  # bytes of a file that the client asks for at first
# A rank's key is its name to the service, whose log so tells what each rank was sent.
WITH_KEY = ["bash", "-c", 'export INITSERVE_KEY="$(cat "$KEYS/$RANK")"; exec "$0" "$@"']


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key for each rank, called by its number, and the service's file of all of them."""
    folder = tmp_path_factory.mktemp("keys")
    lines = []
    for rank in range(4):
        key, line = new_key(f"rank-{rank}", ["weights"])
        (folder / str(rank)).write_text(key)
        lines.append(line)
    (folder / "all").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def service(keys: Path) -> Iterator[Server]:
    with serving(INITSERVE_API_KEYS_FILE=str(keys / "all"), INITSERVE_LOG_FORMAT="json") as server:
        yield server


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = materialize(json.loads(LLAMA.read_text()), tmp_path_factory.mktemp("written") / "llama", SHARD_BYTES)
    assert len(list(folder.glob("*.safetensors"))) == 4
    return folder


def run(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty folder, which is empty afterwards."""
    folder.mkdir()
    quiet = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    environment = {**os.environ, **quiet, "PYTHONPATH": f"{ROOT}:{ROOT}/clients/python", **more}
    found = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert list(folder.iterdir()) == []
    return found


def on_ranks(
    ranks: int, program: str, url: str, keys: Path, checkpoint: Path, folder: Path, *options: str, spec: Path = LLAMA
) -> str:
    """Run a program by torchrun, each rank with its key; return what it prints."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    asked = [str(EXAMPLES / program), str(spec), "--url", url, "--checkpoint", str(checkpoint), *options]
    found = run([*torchrun, "--no-python", *WITH_KEY, sys.executable, *asked], folder, KEYS=str(keys))
    assert found.returncode == 0, found.stderr
    return found.stdout


def held_by(printed: str) -> tuple[list[int], int]:
    """Return the bytes that each rank or device says that it holds, and those of the whole."""
    lines = re.findall(r"^(?:rank|device) (\d+) holds ([\d,]+) bytes$", printed, re.MULTILINE)
    assert [int(number) for number, _ in lines] == list(range(len(lines)))
    (whole,) = re.findall(r"^of ([\d,]+)$", printed, re.MULTILINE)
    return [int(each.replace(",", "")) for _, each in lines], int(whole.replace(",", ""))


def sent_since(server: Server, start: int) -> tuple[Counter[str], Counter[str]]:
    """Return the bytes of values that the service says it sent to each client, and all that it sent them."""
    values: Counter[str] = Counter()
    everything: Counter[str] = Counter()
    for line in logged(server)[start:].splitlines():
        told = json.loads(line)
        if told["logger"] == "initserve.access" and told["client"].startswith("key:"):
            assert (told["status"], told["outcome"]) in ((200, "complete"), (206, "complete")), told
            everything[told["client"]] += told["bytes"]
            values[told["client"]] += told["bytes"] if told["route"].endswith(".raw") else 0
    return values, everything


# The program, on how many ranks, how; how often the matrices are there, over all ranks.
RUNS = [
    ("fsdp.py", 2, [], 1),
    ("fsdp.py", 4, [], 1),
    ("fsdp.py", 4, ["--replicas", "2"], 2),
    ("tensor_parallel.py", 2, [], 1),
    ("tensor_parallel.py", 4, [], 1),
    ("tensor_parallel.py", 4, ["--data", "2"], 1),
]
NORMS = 5 * 256 * 4  # bytes, which tensor parallelism leaves whole


@pytest.mark.parametrize(("program", "ranks", "options", "copies"), RUNS)
def test_a_rank_is_sent_its_part_and_holds_what_the_checkpoint_has(
    program: str, ranks: int, options: list[str], copies: int, service: Server, keys: Path, llama: Path, tmp_path: Path
) -> None:
    start = len(logged(service))
    printed = on_ranks(ranks, program, service.url, keys, llama, tmp_path / "empty", *options)
    assert f"equal to {llama}, bit for bit: 21 arrays" in printed
    before, after = map(float, re.findall(r"^loss (.+), after a step (.+)$", printed, re.MULTILINE)[0])
    assert after < before
    held, whole = held_by(printed)
    values, everything = sent_since(service, start)
    assert [values[f"key:rank-{rank}"] for rank in range(ranks)] == held
    assert len(held) == ranks
    assert copies * whole <= sum(held) <= copies * whole + (ranks - 1) * NORMS
    assert max(held) <= copies * whole / ranks + NORMS
    # What else a rank asks for is what there is, not what stands in it.
    assert max((everything - values).values()) < 5 * HEADER


def test_a_tied_model_in_bfloat16_is_filled_once_under_its_two_names(
    service: Server, keys: Path, tmp_path: Path
) -> None:
    config = {"vocab_size": 512, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 64}
    asked = {"recipe": "gpt2", "config": config, "head": "causal_lm", "seed": 5, "dtype": "bfloat16"}
    spec = tmp_path / "gpt2.json"
    spec.write_text(json.dumps(asked))
    checkpoint = write(Spec.model_validate(asked).plan(), tmp_path / "written", 50_000)
    start = len(logged(service))
    printed = on_ranks(2, "fsdp.py", service.url, keys, checkpoint, tmp_path / "empty", spec=spec)
    assert f"equal to {checkpoint}, bit for bit: 28 arrays" in printed
    held, whole = held_by(printed)
    values, _ = sent_since(service, start)
    assert [values[f"key:rank-{rank}"] for rank in (0, 1)] == held == [whole // 2] * 2


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of the JAX program's own network, by the spec that it prints."""
    folder = tmp_path_factory.mktemp("network")
    spec = run([sys.executable, str(EXAMPLES / "jax_mesh.py"), "--spec"], folder / "empty").stdout
    return materialize(json.loads(spec), folder / "written", SHARD_BYTES)


WHOLE = 12_595_200  # bytes of the JAX program's network
VECTORS = 2 * (1024 + 256 + 256) * 4  # bytes, of which every device has all


def test_four_devices_hold_what_the_checkpoint_has_each_part_made_once(
    service: Server, keys: Path, network: Path, tmp_path: Path
) -> None:
    start = len(logged(service))
    asked = [sys.executable, str(EXAMPLES / "jax_mesh.py"), "--url", service.url, "--checkpoint", str(network)]
    found = run(asked, tmp_path / "empty", INITSERVE_KEY=(keys / "0").read_text())
    assert found.returncode == 0, found.stderr[-3000:]
    assert f"equal to {network}, bit for bit: 12 arrays" in found.stdout
    held, whole = held_by(found.stdout)
    assert held == [(whole - VECTORS) // 4 + VECTORS] * 4
    values, _ = sent_since(service, start)
    assert values == {"key:rank-0": whole}


def test_each_of_two_processes_is_sent_the_parts_of_its_own_devices(
    service: Server, keys: Path, network: Path, tmp_path: Path
) -> None:
    start = len(logged(service))
    asked = [sys.executable, str(EXAMPLES / "jax_mesh.py"), "--url", service.url, "--checkpoint", str(network)]
    asked += ["--processes", "2", "--coordinator", f"127.0.0.1:{free_port()}"]

    def process(number: int) -> subprocess.CompletedProcess[str]:
        key = (keys / str(number)).read_text()
        return run([*asked, "--process", str(number)], tmp_path / str(number), INITSERVE_KEY=key)

    with ThreadPoolExecutor(2) as both:
        found = list(both.map(process, range(2)))
    for each in found:
        assert each.returncode == 0, each.stderr[-3000:]
        assert f"equal to {network}, bit for bit: 12 arrays" in each.stdout
    losses = {re.findall(r"^loss .*$", each.stdout, re.MULTILINE)[0] for each in found}
    assert len(losses) == 1
    values, _ = sent_since(service, start)
    assert values == {f"key:rank-{number}": (WHOLE - VECTORS) // 2 + VECTORS for number in range(2)}


def test_one_bit_of_the_checkpoint_that_is_otherwise_is_noticed(
    service: Server, keys: Path, llama: Path, tmp_path: Path
) -> None:
    """It is the last of the last norm, which the second of two ranks has."""
    changed = tmp_path / "changed"
    shutil.copytree(llama, changed)
    shard = changed / "model-00004-of-00004.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(AssertionError, match=r"rank 1 holds another model\.norm\.weight than"):
        on_ranks(2, "fsdp.py", service.url, keys, changed, tmp_path / "empty")
