"""A run: what is there stays where it is right, what is not is made anew, and nothing comes into another's place."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from service.api import snapshots
from service.errors import InvalidSpec
from service.formats.payload import Chunk
from service.materialize import records, run
from service.materialize.checkpoint import CLAIM, SUMS, Checkpoint, checkpoint_of
from service.materialize.claim import Refused, claim, claimed
from service.materialize.job import Job
from service.materialize.places import retrying
from service.materialize.places.directory import Directory
from service.materialize.places.place import Entry, PlaceError
from service.materialize.run import Report
from service.progress import Bar
from service.specs.spec import Spec
from tests.materialize.here import Here, unseen

SPEC = {"seed": 3, "layers": [{"type": "dense", "shape": [20, 10 + size]} for size in range(4)]}
SHARD_BYTES = 700  # every kernel has its own shard, and the biases the first


def planned(spec: dict[str, Any], shard_bytes: int = SHARD_BYTES) -> Checkpoint:
    return checkpoint_of(Spec.model_validate(spec).plan().canonical_json(), shard_bytes)


def begin(folder: Path, spec: dict[str, Any] | None = None, shard_bytes: int = SHARD_BYTES) -> Checkpoint:
    def of(seed: int | None) -> Checkpoint:
        return planned({"seed": 77 if seed is None else seed, **(SPEC if spec is None else spec)}, shard_bytes)

    return claim(Directory(str(folder)), of)


def job_of(folder: Path, checkpoint: Checkpoint, **more: Any) -> Job:
    return Job(checkpoint.plan.canonical_json(), checkpoint.shard_bytes, str(folder), **more)


def write(folder: Path, spec: dict[str, Any] | None = None, shard_bytes: int = SHARD_BYTES, **more: Any) -> Report:
    checkpoint = begin(folder, spec, shard_bytes)
    return run.write(job_of(folder, checkpoint, **more), checkpoint, Here(), unseen())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that one run wrote; to be copied."""
    folder = tmp_path_factory.mktemp("whole")
    assert write(folder).found == 0
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def test_a_checkpoint_is_its_names_and_no_more(whole: Path) -> None:
    checkpoint = planned(SPEC)
    assert {*files(whole)} == {*checkpoint.names}
    assert not (whole / ".initserve").exists()
    for shard in checkpoint.shards:
        assert (whole / shard.name).read_bytes() == shard.payload().whole()
        assert (whole / shard.name).stat().st_size == shard.bytes


def test_a_complete_checkpoint_is_left_as_it_is(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.safetensors")}
    assert write(folder).found == len(before) == 5
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*.safetensors")} == before


@pytest.mark.parametrize("damage", ["a bit", "its end", "more", "all of it"])
def test_a_shard_that_is_damaged_is_made_anew(whole: Path, folder: Path, damage: str) -> None:
    shard = folder / "model-00003-of-00005.safetensors"
    content = shard.read_bytes()
    turned = content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]
    new = {"a bit": turned, "its end": content[:-1], "more": content + b"\0", "all of it": b""}
    shard.write_bytes(new[damage])
    assert write(folder).found == 4
    assert files(folder) == files(whole)


def test_what_was_read_or_made_in_vain_is_taken_back_from_the_bar(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = planned(SPEC).shards
    damaged = folder / shards[2].name
    damaged.write_bytes(bytes(shards[2].bytes))
    real = Directory.write

    def fails_once(self: Directory, name: str, chunks: Iterable[Chunk], length: int) -> Entry:
        if name != shards[2].name:
            return real(self, name, chunks, length)
        monkeypatch.setattr(Directory, "write", real)
        for _ in chunks:
            pass
        raise PlaceError("the store is away", passing=True)

    monkeypatch.setattr(Directory, "write", fails_once)
    monkeypatch.setattr(retrying, "FIRST", 0.001)
    told: list[int] = []

    class Hearing(Bar):
        def __call__(self, more: int) -> None:
            told.append(more)

    checkpoint = begin(folder)
    assert not run.outcomes_of(job_of(folder, checkpoint), range(5), Here(), Hearing("", 0, None)).missing
    assert sum(told) == sum(shard.bytes for shard in checkpoint.shards)
    assert told.count(-checkpoint.shards[2].bytes) == 3  # read twice, and differed; made once, and not written


def test_what_is_there_with_a_record_is_not_made_again(whole: Path, folder: Path) -> None:
    checkpoint = planned(SPEC)
    for name in (checkpoint.index_name, SUMS, checkpoint.shards[0].name, checkpoint.shards[4].name):
        (folder / name).unlink()
    place = Directory(str(folder))
    for shard in checkpoint.shards[1:4]:
        content = (folder / shard.name).read_bytes()
        records.keep(place, shard.name, records.Record(hashlib.sha256(content).hexdigest(), len(content), None))
    (folder / checkpoint.shards[2].name).write_bytes(bytes(checkpoint.shards[2].bytes))  # damaged since
    assert write(folder).found == 2
    assert files(folder) == files(whole)


@pytest.mark.parametrize(
    "record", [b"", b"{", b"[1]", b'{"sha256": 3}', b'{"sha256":"","bytes":0,"tag":null,"more":1}']
)
def test_what_is_no_record_is_as_none(whole: Path, folder: Path, record: bytes) -> None:
    checkpoint = planned(SPEC)
    for name in (checkpoint.index_name, SUMS):
        (folder / name).unlink()
    (folder / ".initserve").mkdir()
    (folder / ".initserve" / f"{checkpoint.shards[0].name}.json").write_bytes(record)
    assert write(folder).found == 0
    assert files(folder) == files(whole)


def test_the_claim_is_first_and_the_index_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for action in ("create", "write"):
        real = getattr(Directory, action)

        def noting(self: Directory, name: str, *rest: Any, real: Any = real) -> Any:
            written.append(name)
            return real(self, name, *rest)

        monkeypatch.setattr(Directory, action, noting)
    write(tmp_path)
    names = [name for name in written if "/" not in name]
    assert names == [CLAIM, *(shard.name for shard in planned(SPEC).shards), SUMS, "model.safetensors.index.json"]


def test_another_spec_is_refused_with_the_digests_of_both(whole: Path) -> None:
    other = {**SPEC, "seed": 4}
    before = files(whole)
    with pytest.raises(Refused) as refused:
        write(whole, other)
    assert planned(SPEC).plan.digest in str(refused.value)
    assert planned(other).plan.digest in str(refused.value)
    assert files(whole) == before


def test_other_sizes_of_shards_are_refused(whole: Path) -> None:
    before = files(whole)
    with pytest.raises(Refused, match=r"700 bytes, not of 701.*--shard-bytes 700"):
        write(whole, shard_bytes=701)
    assert files(whole) == before


def test_a_spec_that_says_the_same_in_other_words_is_the_same(folder: Path) -> None:
    same = {"layers": [*SPEC["layers"]], "seed": "3", "dtype": "float32", "layout": "keras", "algorithm": "initserve/1"}  # type: ignore[misc]
    assert write(folder, same).found == 5


# The last is what the Hub's libraries load where there is one, and never look for an index.
NAMES = ["model.safetensors.index.json", "SHA256SUMS", "model-00002-of-00005.safetensors", "model.safetensors"]


@pytest.mark.parametrize("name", NAMES)
def test_files_of_its_names_that_nobody_claimed_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("somebody's")
    with pytest.raises(Refused, match=name):
        write(tmp_path)
    assert files(tmp_path) == {name: b"somebody's"}


def test_other_files_are_nobodys_business(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "model-00006-of-00006.safetensors").write_text("mine")
    assert not write(tmp_path).missing
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"digest":"a","shard_bytes":"700","spec":{}}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_claim_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CLAIM).write_bytes(content)
    with pytest.raises(Refused, match="no claim of this command"):
        write(tmp_path)


def test_a_spec_without_a_seed_goes_on_by_the_one_that_it_was_begun_with(tmp_path: Path) -> None:
    place = Directory(str(tmp_path))
    seeds = iter((5, 6))
    unseeded = {"layers": SPEC["layers"]}

    def of(seed: int | None) -> Checkpoint:
        return planned({"seed": next(seeds) if seed is None else seed, **unseeded})

    assert claimed(place, of) is None
    assert claim(place, of).plan.seed == claim(place, of).plan.seed == 5


def test_of_two_who_claim_at_once_the_second_takes_the_seed_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Directory.create

    def late(self: Directory, name: str, content: bytes) -> bool:
        monkeypatch.setattr(Directory, "create", real)
        begin(tmp_path, {"seed": 11, "layers": SPEC["layers"]})
        return real(self, name, content)

    monkeypatch.setattr(Directory, "create", late)
    assert begin(tmp_path, {"layers": SPEC["layers"]}).plan.seed == 11


def test_a_claim_says_what_it_was_made_of(whole: Path) -> None:
    told = json.loads((whole / CLAIM).read_bytes())
    assert planned(told["spec"]).plan.digest == told["digest"]
    assert told["shard_bytes"] == SHARD_BYTES
    assert told["algorithm"] == "initserve/1"
    assert {*told["versions"]} == {"initserve", "numba", "numpy", "python"}


def test_after_its_deadline_nothing_is_begun(tmp_path: Path) -> None:
    report = write(tmp_path, deadline=time.time() - 1.0)
    assert report.missing == dict.fromkeys(range(5), "the deadline has passed")
    assert {*files(tmp_path)} == {CLAIM}


def test_what_vanishes_meanwhile_is_not_taken_for_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "place"

    def vanish(more: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    checkpoint = begin(folder)
    bar = unseen()
    monkeypatch.setattr(bar, "part", vanish)
    report = run.write(job_of(folder, checkpoint), checkpoint, Here(), bar)
    assert {*report.missing} == {1, 2, 3, 4}
    assert "No such file or directory" in report.missing[1]
    assert not folder.exists()


@pytest.mark.parametrize("name", [CLAIM, "model-00001-of-00005.safetensors"])
def test_what_is_gone_in_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    checkpoint = begin(tmp_path)
    bar = unseen()
    monkeypatch.setattr(bar, "part", lambda more: (tmp_path / name).unlink(missing_ok=True))
    with pytest.raises(PlaceError, match=f"{name} was there, and is gone"):
        run.write(job_of(tmp_path, checkpoint), checkpoint, Here(), bar)
    assert not (tmp_path / checkpoint.index_name).exists()


OTHERS = json.dumps({"digest": "a", "shard_bytes": SHARD_BYTES, "spec": {}}).encode()


@pytest.mark.parametrize(("content", "why"), [(b"", "no claim"), (b"{", "no claim"), (OTHERS, "the place of another")])
def test_a_claim_that_is_another_in_the_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, why: str
) -> None:
    checkpoint = begin(tmp_path)
    bar = unseen()
    monkeypatch.setattr(bar, "part", lambda more: (tmp_path / CLAIM).write_bytes(content))
    with pytest.raises(PlaceError, match=why):
        run.write(job_of(tmp_path, checkpoint), checkpoint, Here(), bar)
    assert not (tmp_path / checkpoint.index_name).exists()


def test_where_there_is_no_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    total = sum(shard.bytes for shard in planned(SPEC).shards)
    monkeypatch.setattr(Directory, "free", lambda self: total - 1)
    with pytest.raises(PlaceError, match=f"{total:,} bytes are to be written, and {total - 1:,} are free"):
        write(tmp_path)
    assert {*files(tmp_path)} == {CLAIM}
    monkeypatch.setattr(Directory, "free", lambda self: total)
    assert not write(tmp_path).missing
    monkeypatch.setattr(Directory, "free", lambda self: 0)
    assert write(tmp_path).found == 5  # nothing is to be written


def test_a_spec_without_a_parameter_is_refused() -> None:
    plan = Spec.model_validate({"seed": 1, "layers": [{"type": "flatten"}]}).plan()
    with pytest.raises(InvalidSpec, match="nothing to write") as refused:
        Checkpoint(plan, SHARD_BYTES)
    assert refused.value.pointer == "/layers"


KINDS: dict[str, dict[str, Any]] = {
    "bfloat16": {"dtype": "bfloat16", "layers": SPEC["layers"]},
    "torch's stream": {
        "algorithm": "torch-cpu/1",
        "layout": "pytorch",
        "layers": [{"type": "dense", "shape": [9, 8]}],
    },
    "counts of batches": {
        "layout": "pytorch",
        "tensors": {"bn.weight": [8], "bn.bias": [8], "bn.running_mean": [8], "bn.running_var": [8]},
    },
    "a published model": {
        "recipe": "gpt2",
        "layout": "pytorch",
        "config": {"n_embd": 8, "n_head": 2, "n_layer": 1, "vocab_size": 11, "n_positions": 5},
    },
    "one tensor larger than a shard": {"layers": [{"type": "tensor", "shape": [1000], "scheme": "he_normal"}]},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shard_bytes", [1, 300, 10**9])
def test_every_kind_of_spec_is_written_whole(tmp_path: Path, kind: str, shard_bytes: int) -> None:
    spec = {"seed": 1, **KINDS[kind]}
    assert not write(tmp_path, spec, shard_bytes).missing
    checkpoint = planned(spec, shard_bytes)
    assert {*files(tmp_path)} == {*checkpoint.names}
    index = json.loads((tmp_path / checkpoint.index_name).read_bytes())
    assert {*index["weight_map"].values()} == {shard.name for shard in checkpoint.shards}
    assert index["metadata"]["total_size"] == sum(each.bytes for each in checkpoint.plan.parameters)
    assert (tmp_path / "config.json").exists() == (kind == "a published model")


EXPERTS = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 1, "vocab_size": 12, "num_local_experts": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    "spec",
    [
        {"recipe": "mixtral", "head": "causal_lm", "config": EXPERTS},
        {"recipe": "torchvision_resnet", "config": {"depths": [1, 1, 1, 1]}, "select": "layer1.*"},
        {"recipe": "unet_2d", "select": "conv_in.*"},
    ],
)
def test_a_published_model_has_the_names_and_bytes_of_the_hubs_addresses(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = planned({"seed": 5, "layout": "pytorch", **spec}, 2000)
    monkeypatch.setattr(snapshots, "SHARD_BYTES", 2000)
    there = snapshots.files_of(checkpoint.plan)
    assert {*there} == {*checkpoint.names} - {CLAIM, SUMS} | {"README.md"}
    for shard in checkpoint.shards:
        assert shard.payload().whole() == there[shard.name].lay_out().whole()
    assert checkpoint.index == there[checkpoint.index_name].content
    assert checkpoint.config == (there["config.json"].content if "config.json" in there else None)
