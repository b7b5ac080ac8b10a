"""The clients in other languages: each reads, checks, resumes and refuses the same, and what draws draws the same."""

import hashlib
import json
import os
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from service.api.door.keys import new_key
from tests.clients.languages.faulty import Faults, faulty
from tests.clients.languages.toolchains import LANGUAGES, ROOT, missing
from tests.conftest import Server, serving

GOLDEN = json.loads((ROOT / "tests" / "golden" / "initserve-1.json").read_text())
DENSE = {"name": "fc1", "type": "dense", "shape": [40, 30], "activation": "relu"}
SPEC: dict[str, Any] = {"seed": "42", "layers": [DENSE, {"name": "u", "type": "tensor", "shape": [2, 3, 4]}]}
STORED = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
NAMES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass
class Program:
    language: str
    command: list[str]

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [*self.command, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, encoding="utf-8")

    def answer(self, *arguments: str | Path) -> list[str]:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def refusal(self, *arguments: str | Path) -> str:
        done = self.run(*arguments)
        assert done.returncode == 1, (done.stdout, done.stderr)
        return done.stderr


def built(language: str, folder: Path) -> Program:
    lacking = missing(language)
    if lacking:
        assert not os.environ.get("REQUIRE"), f"{language} needs {lacking}"
        pytest.skip(f"{language} needs {', '.join(lacking)}; make languages installs it")
    return Program(language, LANGUAGES[language].build(folder))


def cases(names: list[str]) -> list[Any]:
    """JavaScript needs no build, and runs with all other tests."""
    return [pytest.param(name, marks=[] if name == "javascript" else [pytest.mark.languages]) for name in names]


@pytest.fixture(scope="session", params=cases(list(LANGUAGES)))
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return built(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session", params=cases([name for name, language in LANGUAGES.items() if language.draws]))
def drawing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return built(request.param, tmp_path_factory.mktemp(request.param))


def line(key: str, dtype: str, values: NDArray[Any]) -> str:
    """Return an array as the programs show it: its key, dtype, shape, and the digest of its values, halves widened."""
    widened = values.astype("<f8" if dtype == "float64" else "<f4")
    shape = "x".join(map(str, values.shape)) or "scalar"
    return f"{key} {dtype} {shape} {hashlib.sha256(widened.tobytes()).hexdigest()}"


def lines_of(file: bytes) -> list[str]:
    """Return the arrays of a safetensors file, read by its published description."""
    (length,) = struct.unpack_from("<Q", file)
    found = []
    for key, entry in json.loads(file[8 : 8 + length]).items():
        if key == "__metadata__":
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        found.append(line(key, NAMES[entry["dtype"]], values_of(entry, file[start:end])))
    return sorted(found)


def values_of(entry: dict[str, Any], data: bytes) -> NDArray[Any]:
    if entry["dtype"] == "BF16":
        values: NDArray[Any] = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    else:
        values = np.frombuffer(data, STORED[entry["dtype"]])
    return values.reshape(entry["shape"])


def served(server: str, spec: dict[str, Any]) -> bytes:
    return httpx.post(f"{server}/init?format=safetensors", json=spec, timeout=60).raise_for_status().content


def written(folder: Path, spec: dict[str, Any]) -> Path:
    path = folder / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


HARD = [0.0, -0.0, 1.5, -65504.0, 2.0**-24, 2.0**-14 - 2.0**-24, 0.1, 3e-5]


def test_reads_npy(program: Program, tmp_path: Path) -> None:
    wanted: list[str] = []
    for number, dtype in enumerate(("float32", "float64", "float16")):
        for values in (
            np.array(2.5, dtype),
            np.array(HARD, dtype),
            np.array(HARD, dtype).reshape(2, 2, 2),
            np.zeros((0, 3), dtype),
        ):
            np.save(tmp_path / f"{len(wanted)}.npy", values)
            wanted.append(line("-", dtype, values))
        assert len(wanted) == 4 * (number + 1)
    assert program.answer("read", *(tmp_path / f"{i}.npy" for i in range(len(wanted)))) == wanted


def test_reads_a_second_version_of_npy(program: Program, tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, np.array(HARD, "<f4"), version=(2, 0))
    assert program.answer("read", tmp_path / "a.npy") == [line("-", "float32", np.array(HARD, "<f4"))]


@pytest.mark.parametrize(
    "values", [np.array([[1.0, 2.0], [3.0, 4.0]], order="F"), np.array([1, 2]), np.array([1.0], ">f4")]
)
def test_an_npy_that_it_cannot_read_is_refused(program: Program, tmp_path: Path, values: NDArray[Any]) -> None:
    np.save(tmp_path / "a.npy", values)
    assert "descr" in program.refusal("read", tmp_path / "a.npy")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_reads_safetensors(program: Program, server: str, tmp_path: Path, dtype: str) -> None:
    scalar = {"name": "scalar", "type": "tensor", "shape": [], "scheme": {"name": "constant", "value": 0.1}}
    file = served(server, {**SPEC, "dtype": dtype, "layers": [*SPEC["layers"], scalar]})
    (tmp_path / "a.safetensors").write_bytes(file)
    assert sorted(program.answer("read", tmp_path / "a.safetensors")) == lines_of(file)


def test_halves_are_widened_exactly(program: Program, tmp_path: Path) -> None:
    """Every finite half and every finite bfloat16."""
    halves = np.arange(65536, dtype="<u2")
    plain = halves[np.isfinite(halves.view("<f2"))]
    brains = halves[(halves & 0x7F80) != 0x7F80]
    middle, end = 2 * plain.size, 2 * (plain.size + brains.size)
    entries = {
        'a"quoted"é': {"dtype": "F16", "shape": [plain.size], "data_offsets": [0, middle]},
        "b": {"dtype": "BF16", "shape": [brains.size], "data_offsets": [middle, end]},
    }
    header = json.dumps(entries).encode()
    file = struct.pack("<Q", len(header)) + header + plain.tobytes() + brains.tobytes()
    (tmp_path / "a.safetensors").write_bytes(file)
    assert sorted(program.answer("read", tmp_path / "a.safetensors")) == lines_of(file)


@pytest.mark.parametrize("length", [0, 5, 30, -1])
def test_a_file_that_is_cut_off_is_refused(program: Program, server: str, tmp_path: Path, length: int) -> None:
    (tmp_path / "a.safetensors").write_bytes(served(server, SPEC)[:length])
    assert program.refusal("read", tmp_path / "a.safetensors")


@pytest.mark.parametrize("layout", ["keras", "pytorch"])
def test_weights_are_asked_for(program: Program, server: str, tmp_path: Path, layout: str) -> None:
    spec = {**SPEC, "layout": layout}
    assert sorted(program.answer("init", server, written(tmp_path, spec))) == lines_of(served(server, spec))


def test_a_problem_says_what_would_work(program: Program, server: str, tmp_path: Path) -> None:
    said = program.refusal("init", server, written(tmp_path, {"layers": [{"type": "dens", "shape": [3, 2]}]}))
    assert "/layers/0/type" in said
    assert "did you mean dense?" in said
    assert 'try{"type":"dense"}' in said.replace(" ", "")


def test_a_wrong_digest_is_noticed(program: Program, server: str, tmp_path: Path) -> None:
    def changed(body: bytes) -> bytes:
        start = body.index(b'"sha256":"') + 10
        return body[:start] + (b"0" if body[start : start + 1] != b"0" else b"1") + body[start + 1 :]

    with faulty(server, Faults(change=changed)) as way:
        assert "digest" in program.refusal("init", way, written(tmp_path, SPEC))


def test_a_file_is_saved(program: Program, server: str, tmp_path: Path) -> None:
    program.answer("save", server, written(tmp_path, SPEC), tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == served(server, SPEC)
    assert [path.name for path in tmp_path.iterdir() if "safetensors" in path.name] == ["a.safetensors"]


def test_a_download_that_breaks_off_goes_on(program: Program, server: str, tmp_path: Path) -> None:
    faults = Faults(cut=1500, cuts=2)
    with faulty(server, faults) as way:
        program.answer("save", way, written(tmp_path, SPEC), tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == served(server, SPEC)
    (first, *later) = [headers for _, headers in faults.asked]
    assert "range" not in first
    assert [headers["range"] for headers in later] == ["bytes=1500-", "bytes=3000-"]
    assert all(headers["if-range"].startswith('"') for headers in later)


def test_another_file_is_not_put_behind_the_first(program: Program, server: str, tmp_path: Path) -> None:
    with faulty(server, Faults(cut=1500, forgets=True)) as way:
        assert "changed" in program.refusal("save", way, written(tmp_path, SPEC), tmp_path / "a.safetensors")
    assert not list(tmp_path.glob("a.*"))


def test_a_byte_that_changed_on_its_way_is_noticed(program: Program, server: str, tmp_path: Path) -> None:
    def changed(body: bytes) -> bytes:
        return body if body.startswith(b"{") else body[:-1] + bytes([body[-1] ^ 1])

    with faulty(server, Faults(change=changed)) as way:
        assert "digest" in program.refusal("save", way, written(tmp_path, SPEC), tmp_path / "a.safetensors")
    assert not list(tmp_path.glob("a.*"))


def test_a_busy_server_is_asked_again(program: Program, server: str, tmp_path: Path) -> None:
    with faulty(server, Faults(busy=1)) as way:
        found = program.answer("init", way, written(tmp_path, SPEC))
    assert sorted(found) == lines_of(served(server, SPEC))


# ---- Drawing


def drawn(program: Program, folder: Path, specs: list[dict[str, Any]]) -> list[list[str]]:
    path = folder / "specs.jsonl"
    path.write_text("".join(json.dumps(spec) + "\n" for spec in specs), encoding="utf-8")
    answers = "\n".join(program.answer("draw", path)).split("\n\n")
    found = [[each for each in answer.split("\n") if each] for answer in answers]
    return [*found, []][: len(specs)]


SCHEMES: list[Any] = [
    None, "zeros", "ones", {"name": "constant", "value": 0.3}, "random_normal", "small_normal", "random_uniform",
    {"name": "random_uniform", "minval": 0.5, "maxval": 3.0},
    {"name": "random_uniform", "minval": -3.0, "maxval": -2.0},
    {"name": "random_normal", "mean": 0.5, "stddev": 2.0}, {"name": "random_normal", "mean": 0.5, "stddev": 0.0},
    "truncated_normal", {"name": "truncated_normal", "mean": 0.1, "stddev": 0.3, "lower": -1.0, "upper": 3.0},
    {"name": "truncated_normal", "stddev": 1.0, "lower": 7.0, "upper": 8.5},
    {"name": "truncated_normal", "stddev": 1.0, "lower": 0.0, "upper": 40.0},
    {"name": "truncated_normal", "lower": -1.5, "upper": 2.0, "preserve_std": True},
    "bounded_normal", {"name": "bounded_normal", "mean": 0.2, "stddev": 0.7, "minval": -0.5, "maxval": 1.0},
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform",
    {"name": "variance_scaling", "scale": 0.3, "mode": "fan_geo_avg", "distribution": "untruncated_normal"},
    {"name": "variance_scaling", "mode": "fan_out", "distribution": "uncorrected_normal"},
]  # fmt: skip
LAYERS: list[dict[str, Any]] = [
    {"type": "dense", "shape": [7, 5], "activation": "relu", "bias": "random_normal"},
    {"type": "dense", "shape": [7, 5], "bias": None, "activation": "selu", "gain": 1.3},
    {"type": "conv1d", "shape": [3, 4, 6], "groups": 2},
    {"type": "conv2d", "shape": [3, 2, 4, 6], "activation": "tanh", "seed": "7"},
    {"type": "conv3d", "shape": [2, 3, 2, 4, 5], "bias": None},
    {"type": "embedding", "shape": [11, 5]},
    {"type": "batch_norm", "shape": [9], "name": "bn.1"},
    {"type": "layer_norm", "shape": [4, 3], "bias": "random_uniform"},
    {"type": "group_norm", "shape": [6]},
    {"type": "instance_norm", "shape": [6]},
    {"type": "rms_norm", "shape": [6]},
    {"type": "tensor", "shape": []},
    {"type": "tensor", "shape": [5, 4, 3], "fan_in": 9},
]


@pytest.mark.parametrize("layout", ["keras", "pytorch"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_what_is_drawn_is_what_is_served(
    drawing: Program, server: str, tmp_path: Path, layout: str, dtype: str
) -> None:
    layers = [
        {**layer, "name": f"{i}.{k}", "scheme": scheme}
        for i, layer in enumerate(LAYERS)
        for k, scheme in enumerate(SCHEMES)
    ]
    plain = [{member: value for member, value in layer.items() if member != "scheme"} for layer in LAYERS]
    spec = {"seed": str(2**64 - 1), "layout": layout, "dtype": dtype, "layers": [*layers, *plain]}
    (lines,) = drawn(drawing, tmp_path, [spec])
    assert sorted(lines) == lines_of(served(server, spec))


NETWORK: list[dict[str, Any]] = [
    {"type": "conv2d", "shape": [3, 3, 2, 4], "strides": 2, "padding": "same", "dilation": [1, 1], "inputs": ["input"]},
    {"type": "batch_norm", "shape": [4], "epsilon": 1e-3},
    {"type": "group_norm", "shape": [4], "num_groups": 2},
    {"name": "sum", "type": "add", "inputs": ["conv2d_0", "group_norm_2"]},
    {"type": "max_pool", "window": 2},
    {"type": "flatten"},
    {"type": "dense", "shape": [16, 3], "activation": "relu"},
]


def test_structure_changes_nothing_that_is_drawn(drawing: Program, server: str, tmp_path: Path) -> None:
    spec = {"seed": 3, "input_shape": [8, 8, 2], "layers": NETWORK}
    (lines,) = drawn(drawing, tmp_path, [spec])
    assert sorted(lines) == lines_of(served(server, spec))
    assert any("dense_3/kernel" in line for line in lines)  # places are counted among layers with weights


def test_golden_values_are_drawn_or_left_to_a_server(drawing: Program, tmp_path: Path) -> None:
    """Of what it draws, all is right; of float32 and float64 the digests stand in the file."""
    golden = [case for case in GOLDEN["cases"].values() if case["spec"].get("dtype") in (None, "float32", "float64")]
    found = drawn(drawing, tmp_path, [case["spec"] for case in golden])
    arrays = 0
    for case, lines in zip(golden, found, strict=True):
        if lines and lines[0].startswith("undrawable: "):
            continue
        digests = {key: digest for key, _, _, digest in (each.split(" ") for each in lines)}
        assert digests == {parameter["key"]: parameter["sha256"] for parameter in case["parameters"]}, case["spec"]
        arrays += len(digests)
    assert arrays >= 80


LARGE = {"name": "constant", "value": 1e5}


@pytest.mark.parametrize(
    "spec",
    [
        {"layers": [{"type": "dense", "shape": [3, 2]}]},
        {"seed": 1, "rules": [], "layers": [{"type": "dense", "shape": [3, 2]}]},
        {"seed": 1, "algorithm": "torch-cpu/1", "layers": [{"type": "dense", "shape": [3, 2]}]},
        {"seed": 1, "layers": [{"type": "dense", "shape": [3, 2], "scheme": "xavier"}]},
        {"seed": 1, "layers": [{"type": "dense", "shape": [3, 2], "scheme": {"name": "random_normal", "gain": 2}}]},
        {"seed": 1, "layers": [{"type": "dense", "shape": [3, 2], "activation": "swish"}]},
        {"seed": 1, "layers": [{"type": "dense", "shape": [3, 2], "unknown": 2}]},
        {"seed": 1, "layers": [{"type": "toString", "shape": [3, 2]}]},
        {"seed": 1, "layers": [{"type": "dense", "shape": [3]}]},
        {"seed": 1, "layers": [{"type": "dense"}]},
        {"seed": 1, "layers": [{"type": "conv1d", "shape": [3, 4, 6], "groups": 4}]},
        {"seed": 2**63, "layers": [{"type": "dense", "shape": [3, 2]}]},
        {"seed": "18446744073709551616", "layers": [{"type": "dense", "shape": [3, 2]}]},
        {"seed": 1, "dtype": "int8", "layers": [{"type": "dense", "shape": [3, 2]}]},
        {"seed": 1, "dtype": "float16", "layers": [{"type": "rms_norm", "shape": [2], "scheme": LARGE}]},
    ],
)  # fmt: skip
def test_what_it_does_not_know_it_does_not_draw(drawing: Program, tmp_path: Path, spec: dict[str, Any]) -> None:
    ((said,),) = drawn(drawing, tmp_path, [spec])
    assert said.startswith("undrawable: ")


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server that gives weights for a key alone, and that key."""
    key, line = new_key("tests", ["weights"])
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(line)
    with serving(INITSERVE_API_KEYS_FILE=str(file), INITSERVE_OPEN_SCOPES="read") as server:
        yield server, key


def test_a_key_of_the_environment_is_sent_and_without_it_the_refusal_is_told(
    program: Program, server: str, keyed: tuple[Server, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, key = keyed
    spec = written(tmp_path, SPEC)
    assert "for clients with a key" in program.refusal("init", asked.url, spec)
    monkeypatch.setenv("INITSERVE_KEY", key)
    assert sorted(program.answer("init", asked.url, spec)) == lines_of(served(server, SPEC))
    program.answer("save", asked.url, spec, tmp_path / "w.safetensors")
    assert (tmp_path / "w.safetensors").read_bytes() == served(server, SPEC)
