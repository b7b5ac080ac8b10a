"""Headers: a file's tensors are listed without a byte of their data, whatever its size."""

import gzip
import json
import os
import struct
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from service.cli import main
from service.errors import InvalidFile
from service.headers import hdf5, listing_of

HERE = Path(__file__).parent
GIGABYTES = 6 * 2**30
HEADS = ("key", "query", "value")
# What Keras 3.15 and h5py 3.14 wrote, with their words for the dtypes.
KERAS = {
    "layers/batch_normalization/vars/0": ([4], "float32"),
    "layers/batch_normalization/vars/1": ([4], "float32"),
    "layers/batch_normalization/vars/2": ([4], "float32"),
    "layers/batch_normalization/vars/3": ([4], "float32"),
    "layers/dense/vars/0": ([3, 2], "bfloat16"),
    "layers/dense/vars/1": ([2], "bfloat16"),
    "layers/embedding/vars/0": ([5, 4], "float32"),
    "layers/lstm/cell/vars/0": ([4, 12], "float32"),
    "layers/lstm/cell/vars/1": ([3, 12], "float32"),
    "layers/lstm/cell/vars/2": ([12], "float32"),
    **{
        f"layers/multi_head_attention/{part}_dense/vars/0": ([4, 2, 2], "float32") for part in ("key", "query", "value")
    },
    **{f"layers/multi_head_attention/{part}_dense/vars/1": ([2, 2], "float32") for part in ("key", "query", "value")},
    "layers/multi_head_attention/output_dense/vars/0": ([2, 2, 4], "float32"),
    "layers/multi_head_attention/output_dense/vars/1": ([4], "float32"),
}
LATEST = {"net/dense/kernel": ([3, 4], "float16"), "net/dense/bias": ([4], "float64"), "flag": ([1], "bool")}


def unpacked(name: str, folder: Path) -> Path:
    path = folder / name
    path.write_bytes(gzip.decompress((HERE / f"{name}.gz").read_bytes()))
    return path


def listed(path: Path) -> dict[str, tuple[list[int], str]]:
    tensors, _ = listing_of(path)
    return {name: (entry["shape"], entry["dtype"]) for name, entry in tensors.items()}


@pytest.mark.parametrize(
    ("name", "expected"), [("keras.weights.h5", KERAS), ("small.keras", KERAS), ("latest.h5", LATEST)]
)
def test_files_of_keras_and_h5py_are_listed(name: str, expected: dict[str, Any], tmp_path: Path) -> None:
    path = unpacked(name, tmp_path)
    assert listed(path) == expected
    assert listing_of(path)[1] == "keras"


def sparse_safetensors(path: Path) -> None:
    elements = GIGABYTES // 4
    entry = {"dtype": "F32", "shape": [elements // 1024, 1024], "data_offsets": [0, GIGABYTES]}
    header = json.dumps({"fc.weight": entry}).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + GIGABYTES)


def sparse_npz(path: Path) -> None:
    with path.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name in ("fc.weight", "fc.bias"):
            member = zipfile.ZipInfo(f"{name}.npy")
            member.header_offset = file.tell()
            member.file_size = member.compress_size = GIGABYTES + 128
            member.CRC = 0  # of data that nobody reads
            file.write(member.FileHeader(zip64=True))
            start = file.tell()
            shape = (GIGABYTES // 4,) if name == "fc.bias" else (GIGABYTES // 4096, 1024)
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            file.seek(start + member.file_size)
            archive.filelist.append(member)
            archive.NameToInfo[member.filename] = member
            archive.start_dir = file.tell()
        setattr(archive, "_didModify", True)  # noqa: B010 - so that the directory is written


@pytest.mark.parametrize(("write", "suffix"), [(sparse_safetensors, "safetensors"), (sparse_npz, "npz")])
def test_gigabytes_of_data_are_not_read(
    write: Any, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"large.{suffix}"
    write(path)
    assert path.stat().st_size > GIGABYTES
    before = read_bytes()
    assert listed(path)["fc.weight"] == ([GIGABYTES // 4096, 1024], "float32")
    assert read_bytes() - before < 2**20


def read_bytes() -> int:
    """Return how many bytes this process has read from files so far."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["rchar"])


def test_an_index_is_listed_by_the_headers_of_the_files_beside_it(tmp_path: Path) -> None:
    save_file({"a.weight": np.zeros((2, 3), "f4")}, tmp_path / "model-1.safetensors")
    save_file({"b.weight": np.zeros((4,), "f2")}, tmp_path / "model-2.safetensors")
    weights = {"b.weight": "model-2.safetensors", "a.weight": "model-1.safetensors"}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 32}, "weight_map": weights}))
    expected = {"b.weight": ([4], "float16"), "a.weight": ([2, 3], "float32")}
    assert listed(index) == listed(tmp_path) == expected
    index.write_text(json.dumps({"weight_map": {**weights, "c.weight": "model-1.safetensors"}}))
    with pytest.raises(InvalidFile, match=r"'c.weight' in model-1.safetensors, whose header does not list it"):
        listing_of(index)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.safetensors", b"\xff" * 64, "is none of"),
        ("a.safetensors", struct.pack("<Q", 900) + b"{}", "ends in the middle of its header"),
        ("a.safetensors", struct.pack("<Q", 2) + b"{}", "holds no tensor"),
        ("a.safetensors", b"", "is none of"),
        ("a.npz", b"PK\x03\x04" + b"\0" * 60, "cannot be read"),
        ("a.h5", hdf5.SIGNATURE, "ends in the middle of a header"),
        ("a.h5", hdf5.SIGNATURE + b"\x09" * 100, "superblock is of version 9"),
        ("m.index.json", b"[]", "no weight_map"),
        ("m.index.json", b"{", "is not JSON"),
        ("m.index.json", b'{"weight_map": {"a": "../../etc/passwd"}}', "files beside it"),
    ],
)
def test_what_is_no_such_file_is_refused(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidFile, match=says):
        listing_of(tmp_path / name)


@pytest.mark.parametrize("name", ["keras.weights.h5", "latest.h5"])
def test_a_damaged_hdf5_file_is_read_or_refused_and_never_for_ever(name: str) -> None:
    """A byte is changed at 400 places, one at a time: no other error, and no circle, comes of it."""
    whole = gzip.decompress((HERE / f"{name}.gz").read_bytes())
    random = Random(1)
    for place in random.choices([place for place, byte in enumerate(whole) if byte], k=400):
        changed = bytes([random.randrange(256)])
        with suppress(InvalidFile):
            hdf5.read(BytesIO(whole[:place] + changed + whole[place + 1 :]))


def test_plan_and_init_are_like_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.safetensors"
    save_file({"fc.weight": np.ones((3, 4), "f2"), "fc.bias": np.ones(3, "f4"), "ids": np.arange(3)}, model)
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"seed": 7, "rules": [{"match": "fc.bias", "scheme": "ones"}]}))
    main(["plan", str(spec), "--like", str(model)])
    answer = json.loads(capsys.readouterr().out)
    assert (answer["seed"], answer["layout"]) == ("7", "pytorch")
    assert [(each["name"], each["dtype"]) for each in answer["layers"][0]["parameters"]] == [
        ("weight", "float16"),
        ("bias", "float32"),
    ]
    assert list(answer["left_alone"]) == ["ids"]
    main(["init", str(spec), "--like", str(model), "-o", str(tmp_path / "start.npz")])
    with np.load(tmp_path / "start.npz") as start:
        assert start["fc.weight"].dtype == np.float16
        assert start["fc.bias"].tolist() == [1.0] * 3
        assert not np.any(start["fc.weight"] == 1)


def test_what_cannot_be_like_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="name a SPEC, or a file"):
        main(["plan"])
    spec = tmp_path / "spec.json"
    spec.write_text('{"tensors": {"a.weight": [2, 2]}}')
    with pytest.raises(SystemExit, match="without tensors"):
        main(["plan", str(spec), "--like", str(tmp_path / "a.safetensors")])
    with pytest.raises(SystemExit, match="No such file"):
        main(["plan", "--like", os.devnull + "x"])
