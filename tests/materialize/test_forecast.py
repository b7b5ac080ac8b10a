"""What a dry run tells: times that follow from what is stated, and a rate that was measured here."""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from service.cli import main
from service.materialize.checkpoint import Checkpoint
from service.materialize.forecast import BESIDE, REQUESTS, Cluster, Shard, in_words, several, shared_out, time_of, told
from service.materialize.measuring import measured
from service.specs.spec import Spec
from tests.conftest import ROOT

GB = 10**9
FAST = 1e18  # of a network or a store that nobody waits for


def alike(count: int, size: int = 5 * GB, seconds: float = 10.0) -> list[Shard]:
    return [Shard(size, seconds)] * count


@pytest.mark.parametrize(
    ("workers", "cluster", "expected", "binds"),
    [
        (1, Cluster(FAST), 1000.0, "cores"),  # a hundred shards of ten seconds
        (10, Cluster(FAST), 100.0, "cores"),
        (99, Cluster(FAST), 20.0, "cores"),  # one worker has two of them
        (100, Cluster(FAST), 10.0, "cores of one shard"),
        (10**4, Cluster(FAST), 10.0, "cores of one shard"),
        (10, Cluster(link=0.1 * GB), 500.0, "network"),  # fifty seconds each
        (100, Cluster(link=0.1 * GB), 50.0, "network of one shard"),
        (100, Cluster(FAST, store=5 * GB), 100.0, "store"),
        (1, Cluster(FAST, store=5 * GB), 1000.0, "cores"),
        (100, Cluster(FAST, requests=100.0), (299 + BESIDE) * 100 / 100.0, "requests"),  # parts of 16 MiB
        (100, Cluster(FAST, start=3.0), 13.0, "cores of one shard"),
        (100, Cluster(None, requests=None), 10.0, "cores of one shard"),
    ],
)
def test_the_time_is_what_the_slowest_takes(workers: int, cluster: Cluster, expected: float, binds: str) -> None:
    found = time_of(alike(100), workers, cluster)
    assert found.seconds == pytest.approx(expected)
    assert found.binds == binds


def test_no_more_workers_take_longer_and_none_are_faster_than_their_share() -> None:
    shards = [Shard(GB * (1 + number % 7), 1.0 + number % 5) for number in range(50)]
    link = GB / 2
    cluster = Cluster(link)
    times = [time_of(shards, workers, cluster).seconds for workers in range(1, 60)]
    each = [max(shard.seconds, shard.bytes / link) for shard in shards]
    for workers, seconds in enumerate(times, 1):
        # Graham 1966: in whatever order, sharing out takes less than the mean and the largest together.
        assert max(sum(each) / workers, max(each)) <= seconds + 1e-9 <= sum(each) / workers + max(each) + 1e-6
    assert times[-1] == max(each)


@pytest.mark.parametrize(
    ("seconds", "workers", "expected"), [([3, 3, 2, 2, 2], 2, 7), ([], 3, 0), ([4], 9, 4), ([1, 1, 1, 5], 2, 6)]
)
def test_each_shard_goes_to_whoever_is_free_first(seconds: list[float], workers: int, expected: float) -> None:
    assert shared_out(seconds, workers) == expected


def test_numbers_of_workers_are_told_of_up_to_one_a_shard() -> None:
    assert several(2, 434) == [1, 2, 10, 100, 434]
    assert several(500, 434) == [1, 10, 100, 434, 500]
    assert several(4, 1) == [1, 4]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.5, "0.5 s"), (8.25, "8.2 s"), (119, "119 s"), (120, "2 min"), (5400, "90 min"),
                           (7200, "2 h"), (10**6, "11.6 days")]
)  # fmt: skip
def test_times_are_told_as_people_say_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_row_is_of_so_many_workers() -> None:
    lines = told(alike(100), 10, Cluster(GB, store=5 * GB))
    rows = [tuple(line.split()) for line in lines[1:-1]]
    assert rows == [("1", "16.7", "min", "cores"), ("10", "100", "s", "cores"), ("100", "100", "s", "store")]
    assert lines[-1] == (
        f"of one processor each; 8 Gbit/s of network each; 40 Gbit/s at the store; {REQUESTS:,.0f} requests a second "
        "at the store"
    )


def checkpoint(document: Any, shard_bytes: int) -> Checkpoint:
    return Checkpoint(Spec.model_validate(document).plan(), shard_bytes)


LAYERS = [{"name": f"l{n}", "type": "dense", "shape": [512, 512]} for n in range(4)]


def test_what_is_measured_is_of_every_shard_and_adds_up() -> None:
    found = checkpoint({"seed": 1, "layers": LAYERS}, 2**20)
    told = measured(found, 0.05)
    assert [shard.bytes for shard in told.shards] == [shard.bytes for shard in found.shards]
    assert all(shard.seconds > 0 for shard in told.shards)
    assert told.share == 1.0
    assert told.before == 0.0
    total = sum(shard.bytes for shard in told.shards)
    assert told.rate == pytest.approx(total / sum(shard.seconds for shard in told.shards))
    # Between a processor that draws a hundred times slower than ours did, and one that is ten times faster.
    assert 5e6 < told.rate < 2e10


def test_a_scheme_that_takes_longer_is_found_to_take_longer() -> None:
    rates = {}
    for scheme in ("zeros", "random_normal"):
        layers = [{**layer, "scheme": scheme} for layer in LAYERS]
        rates[scheme] = measured(checkpoint({"seed": 1, "layers": layers}, 2**20), 0.1).rate
    assert rates["zeros"] > rates["random_normal"]


def test_matrices_that_are_made_as_a_whole_are_told_of_and_not_made() -> None:
    layers = [{"name": "large", "type": "dense", "shape": [16384, 16384], "scheme": "orthogonal", "bias": None}]
    found = measured(checkpoint({"seed": 1, "layers": layers}, 2**30), 0.05)
    assert found.share == 0.0
    # A product of such matrices alone has 2 n³ operations, and a decomposition more; no core makes 10¹² a second.
    assert found.before > 2 * 16384**3 / 1e12
    assert found.shards[0].seconds > found.before


def test_a_stream_that_is_walked_makes_later_shards_dearer() -> None:
    layers = [{"name": f"l{n}", "type": "tensor", "shape": [4096, 1024], "scheme": "random_normal"} for n in range(6)]
    found = measured(checkpoint({"algorithm": "numpy-pcg64/1", "seed": 1, "layers": layers}, 2**24), 0.05)
    seconds = [shard.seconds for shard in found.shards]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 1.5 * seconds[0]
    assert 0 < found.before < sum(seconds)


def test_layers_of_a_stream_that_are_alike_are_one_kind() -> None:
    layers = [{"name": f"l{n}", "type": "dense", "shape": [64, 64], "bias": None} for n in range(30)]
    found = measured(checkpoint({"algorithm": "torch-cpu/1", "seed": 1, "layers": layers}, 10**9), 0.05)
    assert found.share == 1.0
    assert found.before < 0.1  # it is jumped along


def test_experts_of_a_mixture_are_one_kind() -> None:
    config = {"num_hidden_layers": 2, "hidden_size": 64, "num_local_experts": 64, "num_attention_heads": 4}
    document = {"recipe": "mixtral", "config": {"model_type": "mixtral", **config}, "dtype": "bfloat16", "seed": 1}
    assert measured(checkpoint(document, 10**9), 0.05).share > 0.99


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the command in this process."""

    def run(*arguments: str, spec: Any) -> Done:
        file = tmp_path / "spec.json"
        file.write_text(json.dumps(spec))
        code = 0
        try:
            main(["materialize", str(file), *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Done(code, *capsys.readouterr())

    return run


def test_the_command_tells_and_writes_nothing(command: Callable[..., Done], tmp_path: Path) -> None:
    place = tmp_path / "nothing"
    spec = {"recipe": "gpt2", "size": "xl", "layout": "pytorch", "seed": 1}
    done = command(str(place), "--dry-run", "--workers=8", "--gbits=10", "--store-gbits=40", spec=spec)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 shards, the largest of ")
    assert "1,557,611,200 elements in 580 arrays" in done.stdout
    assert done.stdout.endswith("of one processor each; 10 Gbit/s of network each; 40 Gbit/s at the store\n")
    assert [line.split()[0] for line in done.stdout.splitlines()[5:-1]] == ["1", "2", "8"]
    assert not place.exists()


def test_nobody_waits_for_the_network_to_a_directory_unless_it_is_said(command: Callable[..., Done]) -> None:
    spec = {"recipe": "gpt2", "size": "xl", "layout": "pytorch", "seed": 1}
    lines = command("/nowhere", "--dry-run", spec=spec).stdout.splitlines()
    assert lines[-1] == "of one processor each"
    assert "cores" in lines[5]
    assert re.search(r"of this machine: [\d.]+ core-seconds", lines[2])
    lines = command("s3://bucket/a", "--dry-run", "--gbits=0.01", spec=spec).stdout.splitlines()
    assert lines[-1] == "of one processor each; 0.01 Gbit/s of network each; 3,500 requests a second at the store"
    assert "network" in lines[5]


def test_the_command_prints_a_job_that_its_pods_understand(command: Callable[..., Done]) -> None:
    spec = {"layers": LAYERS}  # without a seed: one is drawn, and is the same for all pods
    done = command("s3://bucket/a", "--print-job", "--workers=3", "--shard-bytes=1000000", spec=spec)
    assert done.returncode == 0, done.stderr
    config, job = json.loads(done.stdout)["items"]
    (text,) = config["data"].values()
    assert "seed" in json.loads(text)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert {"--of=3", "--shard-bytes=1000000"} <= {*container["args"]}
    assert job["spec"]["completions"] == 3
    memory = int(container["resources"]["limits"]["memory"].removesuffix("Mi"))
    assert 512 <= memory <= 1024


def test_a_spec_may_be_compressed_as_it_is_in_a_large_config_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, packed = tmp_path / "spec.json", tmp_path / "spec.json.gz"
    plain.write_text(json.dumps({"seed": 1, "layers": LAYERS}))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    main(["materialize", str(packed), "s3://bucket/a", "--print-job"])
    told = capsys.readouterr().out
    main(["materialize", str(plain), "s3://bucket/a", "--print-job"])
    assert capsys.readouterr().out == told


def test_wrong_use_has_its_own_status(command: Callable[..., Done], tmp_path: Path) -> None:
    done = command(str(tmp_path), "--print-job", spec={"layers": LAYERS})
    assert (done.returncode, done.stdout) == (2, "")
    assert "--claim" in done.stderr
    assert command(str(tmp_path), "--print-job", "--dry-run", spec={}).returncode == 2
    assert command(str(tmp_path), "--gbits=-1", "--dry-run", spec={}).returncode == 2


@pytest.mark.long
@pytest.mark.parametrize("kind", ["dense", "mixture", "listing"])
def test_a_checkpoint_of_a_million_million_elements_is_planned_in_seconds_and_little_memory(kind: str) -> None:
    line = [sys.executable, "-m", "service", "materialize", "-", "s3://bucket/a", "--dry-run"]
    done = subprocess.run(line, input=json.dumps(LARGE[kind]), capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stderr
    first, planned, *_ = done.stdout.splitlines()
    words = first.replace(",", "").split()
    elements, arrays = int(words[words.index("elements") - 1]), int(words[words.index("arrays") - 1])
    assert 0.98e12 < elements < 2e12
    assert arrays > {"dense": 900, "mixture": 60_000, "listing": 99_999}[kind]
    seconds, mebibytes = re.findall(r"[\d.]+", planned.replace(",", ""))
    assert float(seconds) < 10  # of a processor, whatever else it has to do
    assert int(mebibytes) < 1024


PART = {"self_attn.q_proj": [4096, 4096], "mlp.up_proj": [7168, 4096], "mlp.down_proj": [4096, 7168], "norm": [4096]}
LARGE: dict[str, Any] = {
    "dense": {
        "recipe": "llama",
        "config": {
            "model_type": "llama", "hidden_size": 24576, "intermediate_size": 98304, "num_hidden_layers": 116,
            "num_attention_heads": 192, "num_key_value_heads": 8, "vocab_size": 128256,
        },
        "head": "causal_lm", "dtype": "bfloat16", "seed": 1,
    },
    "mixture": {
        "recipe": "deepseek_v3", "config": {"num_hidden_layers": 91}, "head": "causal_lm", "dtype": "bfloat16",
        "seed": 1,
    },
    "listing": {
        "tensors": {f"layers.{n}.{name}.weight": shape for n in range(25_000) for name, shape in PART.items()},
        "dtype": "bfloat16", "seed": 1,
    },
}  # fmt: skip
