"""npz and npy files, with NumPy and zipfile as the oracles: in every form in which they write them."""

import gzip
import io
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidFile, TooLarge, UnsupportedCombination
from service.networks.plan import Plan
from service.verification import Result, Verification
from service.verification.means import Unbounded
from tests.verification import file_of, planned, verify

LAYERS = [
    {"name": "a", "type": "dense", "shape": [30, 5]},
    {"name": "b", "type": "tensor", "shape": [], "scheme": "ones"},
]
PLAN = planned(layers=LAYERS)
OURS = file_of(PLAN, "npz")


def arrays_in(file: bytes) -> dict[str, Any]:
    """Return the arrays that NumPy finds; of a folder it gives bytes."""
    with np.load(io.BytesIO(file)) as opened:
        return {name: opened[name] for name in opened.files if not name.endswith("/")}


ARRAYS = arrays_in(OURS)


class Pipe(io.BytesIO):
    """What can only be written from first byte to last: then checksums and sizes follow a member's data."""

    def seekable(self) -> bool:
        return False

    def seek(self, *where: Any) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def zipped(arrays: Iterable[tuple[str, Any]], out: Any = None, method: int = zipfile.ZIP_STORED, **how: Any) -> bytes:
    out = io.BytesIO() if out is None else out
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, array in arrays:
            with archive.open(f"{name}.npy", "w", **how) as member:
                np.lib.format.write_array(member, np.asanyarray(array))
    return bytes(out.getvalue())


def saved(save: Callable[..., None]) -> bytes:
    out = io.BytesIO()
    save(out, **ARRAYS)
    return out.getvalue()


def with_folders() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("a")
        for name, array in ARRAYS.items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED, 9)
        archive.comment = b"made by hand"
    return out.getvalue()


FORMS = {
    "ours": OURS,
    "savez": saved(np.savez),
    "savez_compressed": saved(np.savez_compressed),
    "in reverse": zipped(reversed(ARRAYS.items())),
    "through a pipe": zipped(ARRAYS.items(), Pipe()),
    "through a pipe, of ZIP64": zipped(ARRAYS.items(), Pipe(), force_zip64=True),
    "through a pipe, deflated": zipped(ARRAYS.items(), Pipe(), zipfile.ZIP_DEFLATED),
    "through a pipe, deflated, of ZIP64": zipped(ARRAYS.items(), Pipe(), zipfile.ZIP_DEFLATED, force_zip64=True),
    "with folders and a comment": with_folders(),
    "in Fortran's order": zipped((name, np.asarray(array, order="F")) for name, array in ARRAYS.items()),
    "big-endian": zipped((name, array.astype(">f4")) for name, array in ARRAYS.items()),
    "big-endian, in Fortran's order": zipped(
        (name, np.asarray(array, ">f4", order="F")) for name, array in ARRAYS.items()
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("step", [1, 1000, 10**6])
def test_every_form_in_which_numpy_and_zipfile_write_it(form: str, step: int) -> None:
    assert arrays_in(FORMS[form]).keys() == ARRAYS.keys()
    answer = verify(FORMS[form], PLAN, step)
    assert answer["equal"], answer["summary"]


def test_a_descriptor_without_its_signature_is_read() -> None:
    # A descriptor's signature may be left out: then the checksum comes first.
    file = FORMS["through a pipe"].replace(b"PK\7\10", b"")
    moved = re.sub(b"PK\1\2.*", b"", file, flags=re.DOTALL)
    with pytest.raises(InvalidFile, match="the archive"):  # every member was read; the directory's places are others
        verify(file, PLAN)
    with pytest.raises(InvalidFile, match="ends after"):
        verify(moved, PLAN)


def test_what_is_beside_the_arrays_is_told() -> None:
    out = io.BytesIO(FORMS["savez"])
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("README.txt", b"hello")
        archive.writestr("long.bin", bytes(2**20), zipfile.ZIP_DEFLATED)
        with archive.open("objects.npy", "w") as member:
            np.lib.format.write_array(member, np.array([{}, None], object), allow_pickle=True)
        for name, array in (("text", np.array(["ab", "c"])), ("when", np.array(["2026-01-01"], "M8[D]"))):
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)
    answer = verify(out.getvalue(), PLAN)
    assert answer["unexpected"] == ["README.txt", "long.bin", "objects", "text", "when"]
    assert (answer["equal"], answer["totals"]["equal"]) == (False, 3)


def test_a_layer_that_has_another_shape_in_fortrans_order_is_told_so() -> None:
    turned = {**ARRAYS, "a/kernel": ARRAYS["a/kernel"].T}
    (found,) = (each for each in verify(zipped(turned.items()), PLAN)["parameters"] if not each["equal"])
    assert (found["name"], found["found_shape"]) == ("a/kernel", [5, 30])


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_compressed_otherwise_are_refused_by_their_method(method: int) -> None:
    with pytest.raises(InvalidFile, match=f"compressed by method {method}"):
        verify(zipped(ARRAYS.items(), method=method), PLAN)


def test_an_archive_without_members_has_everything_missing() -> None:
    answer = verify(zipped([]), PLAN)
    assert (answer["equal"], len(answer["missing"])) == (False, 3)


def damaged(pattern: bytes, by: bytes, file: bytes = FORMS["savez"], count: int = 1) -> bytes:
    assert pattern in file
    return file.replace(pattern, by, count)


def test_what_two_readers_could_read_in_two_ways_is_refused() -> None:
    """A reader that goes by the directory at the end must find what was found here, from first byte to last."""
    savez = FORMS["savez"]
    hidden = savez[: savez.index(b"PK\1\2")] + zipped([])  # members that no directory knows
    directory = savez.index(b"PK\1\2")
    renamed = savez[:directory] + damaged(b"a/bias.npy", b"a/bios.npy", savez[directory:])
    prefixed = b"PK\3\4" + savez
    after = savez + b"more"
    twice = savez[:directory] * 2 + savez[directory:]
    commented = savez[:-2] + struct.pack("<H", 22) + zipped([])
    method = savez[:directory] + savez[directory : directory + 10] + b"\x08\0" + savez[directory + 12 :]
    for file in (hidden, renamed, prefixed, after, twice, commented, method):
        with pytest.raises(InvalidFile):
            verify(file, PLAN)


def test_a_checksum_that_does_not_agree_is_told_with_its_member() -> None:
    for form in ("ours", "savez", "savez_compressed", "through a pipe, deflated"):
        file = bytearray(FORMS[form])
        end = file.index(b"PK\1\2")
        place = file.index(b"a/kernel.npy") + 400 if form in ("ours", "savez") else None
        if place is not None:
            file[place] ^= 1
            with pytest.raises(InvalidFile, match=r"a/kernel\.npy: data does not agree with its CRC-32"):
                verify(bytes(file), PLAN)
        checksum = zlib.crc32(b"").to_bytes(4, "little")
        file = bytearray(FORMS[form])
        file[end + 16 : end + 20] = checksum  # in the directory
        with pytest.raises(InvalidFile, match="directory says otherwise"):
            verify(bytes(file), PLAN)


def bomb(count: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb.npy", "w") as member:
        np.lib.format.write_array_header_1_0(
            member, {"descr": "<f4", "fortran_order": False, "shape": (count * 2**18,)}
        )
        for _ in range(count):
            member.write(bytes(2**20))
    return out.getvalue()


def test_a_bomb_is_inflated_as_far_as_it_may_be() -> None:
    file = bomb(40)
    assert len(file) < 2**16
    with pytest.raises(TooLarge, match="inflates to more than 16,777,216 bytes"):
        verify(file, PLAN, most=2**24)
    assert verify(file, PLAN, most=2**26)["unexpected"] == ["bomb"]


@pytest.mark.parametrize("form", ["ours", "savez_compressed", "through a pipe, deflated, of ZIP64"])
def test_cut_short_anywhere_it_is_refused(form: str) -> None:
    file = FORMS[form]
    for length in range(len(file)):
        with pytest.raises(InvalidFile):
            verify(file[:length], PLAN)


def test_no_byte_of_the_directory_may_be_another_unless_every_reader_passes_over_it() -> None:
    """Each byte of all that follows the members; those that mean nothing are dates, attributes and who made it."""
    for form in ("ours", "with folders and a comment"):
        file = FORMS[form]
        start, free = file.index(b"PK\1\2"), 0
        for place in range(start, len(file)):
            for bits in (1, 0x80):
                changed = bytearray(file)
                changed[place] ^= bits
                try:
                    equal = verify(bytes(changed), PLAN)["equal"]
                except InvalidFile:
                    continue
                assert equal
                assert equal_to_numpy(bytes(changed)), (form, place - start)
                free += 1
        # Of a member's entry: 2 bytes of who made it, 2 of what reads it, 2 of flags, 4 of date, 12 of disk, attributes
        # and what kind of data it is; of the end a comment of 12 and of ZIP64 who made it.
        assert free <= 2 * (22 * file.count(b"PK\1\2") + 16), form


def test_what_a_member_holds_beyond_its_array_is_refused() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        for name, content, words in (
            ("w.npy", one(WEIGHTS) + b"\0", r"w\.npy goes on where its array ends"),
            ("w.npy", one(WEIGHTS)[:-1], "in the middle of its array"),
            ("w/", b"something", "folder that holds something"),
        ):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                archive.writestr(zipfile.ZipInfo(name), content, method)
            with pytest.raises(InvalidFile, match=words):
                verify(out.getvalue(), SINGLE)


def test_a_name_that_stands_twice_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("w.npy", one(WEIGHTS))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("w.npy", one(WEIGHTS))
    with pytest.raises(InvalidFile, match=r"w\.npy stands twice in the archive"):
        verify(out.getvalue(), SINGLE)


@pytest.mark.parametrize("flag", [0x1, 0x20, 0x40, 0x2000])
def test_what_is_encrypted_or_packed_otherwise_is_refused(flag: int) -> None:
    file = bytearray(zipped([("w", WEIGHTS)]))
    for place in (6, file.index(b"PK\1\2") + 8):  # of the member and of its entry in the directory
        file[place : place + 2] = (int.from_bytes(file[place : place + 2], "little") | flag).to_bytes(2, "little")
    with pytest.raises(InvalidFile, match=r"w\.npy is encrypted, or packed as no \.npz is: its flags are 0x"):
        verify(bytes(file), SINGLE)


def test_names_are_utf_8_or_of_the_old_code_page() -> None:
    with pytest.raises(InvalidFile, match="name is not UTF-8"):
        verify(zipped([("ä", np.ones(3))]).replace("ä".encode(), b"\xff\xfe"), PLAN)
    assert verify(zipped([("xy", np.ones(3))]).replace(b"xy.npy", b"x\x84.npy"), PLAN)["unexpected"] == ["xä"]


def test_extra_fields_of_others_are_passed_over() -> None:
    for content in (struct.pack("<HHI", 0x5455, 4, 0), struct.pack("<HH", 0xCAFE, 0)):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            member = zipfile.ZipInfo("w.npy")
            member.extra = content
            with archive.open(member, "w", force_zip64=True) as file:
                file.write(one(WEIGHTS))
        assert verify(out.getvalue(), SINGLE)["unexpected"] == ["w"]


def test_members_are_charged_as_they_come() -> None:
    held: list[int] = []

    class Held(Unbounded):
        def hold(self, count: int) -> None:
            held.append(count)

    verification = Verification(Held())
    list(verification.pieces(zipped((f"w{index}", np.ones(1)) for index in range(201))))
    verification.begin(Result(PLAN))
    list(verification.pieces(last=True))
    assert held == [512 * 100] * 3


def equal_to_numpy(file: bytes) -> bool:
    """Whether NumPy finds the plan's arrays in a file, and nothing else."""
    found = arrays_in(file)
    return found.keys() == ARRAYS.keys() and all(
        found[name].shape == array.shape and found[name].astype("<f4").tobytes() == array.tobytes()
        for name, array in ARRAYS.items()
    )


@given(st.sampled_from(sorted(FORMS)), st.data())
def test_a_byte_that_is_another_is_refused_or_what_is_called_equal_is_equal_to_numpy(form: str, data: Any) -> None:
    file = bytearray(FORMS[form])
    file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        answer = verify(bytes(file), PLAN)
    except (InvalidFile, TooLarge):
        return
    if answer["equal"]:
        assert equal_to_numpy(bytes(file))


def one(array: Any, **how: Any) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asanyarray(array), **how)
    return out.getvalue()


SINGLE = planned(layers=[{"name": "w", "type": "tensor", "shape": [4, 6], "scheme": "he_normal"}])
WEIGHTS = np.load(io.BytesIO(file_of(SINGLE, "npy")))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_npy_file_of_every_version_and_order(version: tuple[int, int], order: Literal["C", "F"]) -> None:
    for dtype in ("<f4", ">f4"):
        assert verify(one(WEIGHTS.astype(dtype, order=order), version=version), SINGLE, 5)["equal"]
    other = WEIGHTS.copy()
    other[1, 2] = 0.0
    (found,) = verify(one(np.array(other, order=order), version=version), SINGLE)["parameters"]
    assert found["first_difference"]["index"] == [1, 2]


def test_what_nothing_tells_the_length_of_is_refused() -> None:
    def piped(name: str, content: bytes, method: int) -> bytes:
        out = Pipe()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.writestr(name, content)
        return out.getvalue()

    objects = one(np.array([None]), allow_pickle=True)
    for name, content in (("README.txt", b"hello"), ("w.npy", objects)):
        with pytest.raises(InvalidFile, match="nothing tells where it ends"):
            verify(piped(name, content, zipfile.ZIP_STORED), SINGLE)
        found = verify(piped(name, content, zipfile.ZIP_DEFLATED), planned(layers=LAYERS))["unexpected"]
        assert found == [name.removesuffix(".npy")]
    with pytest.raises(InvalidFile, match=r"nothing is known of arrays of dtype \|O"):
        verify(objects, SINGLE)


def test_an_npy_file_holds_one_array() -> None:
    with pytest.raises(UnsupportedCombination, match="makes 3"):
        verify(one(WEIGHTS), PLAN)


@pytest.mark.parametrize(
    "file",
    [
        one(WEIGHTS)[:-1],
        one(WEIGHTS) + b"\0",
        one(WEIGHTS).replace(b"(4, 6)", b"(4, 7)"),
        one(WEIGHTS).replace(b"\x93NUMPY\1\0", b"\x93NUMPY\4\0"),
        one(WEIGHTS).replace(b"'shape'", b"'shapf'"),
        one(np.array([None]), allow_pickle=True),
        b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b" " * 2**17,
        b"",
        b"{}",
        pickle.dumps([1.0, 2.0]),
        gzip.compress(one(WEIGHTS), mtime=0),
        b"\x89HDF\r\n\x1a\n",
        b"PK\3\4",
        b"PK\1\2",
        b"\0" * 100,
    ],
    ids=lambda file: repr(file[:12]) + str(len(file)),
)
def test_what_is_no_whole_file_of_a_known_kind_is_refused(file: bytes) -> None:
    with pytest.raises(InvalidFile):
        verify(file, SINGLE)


def test_bfloat16_as_ml_dtypes_saves_it_is_two_bytes_of_anything() -> None:
    plan: Plan = planned(
        dtype="bfloat16", layers=[{"name": "w", "type": "tensor", "shape": [3], "scheme": "he_normal"}]
    )
    raw = file_of(plan, "safetensors")[-6:]
    assert verify(one(np.frombuffer(raw, "V2")), plan)["equal"]
    assert not verify(one(np.frombuffer(raw[2:] + raw[:2], "V2")), plan)["equal"]
