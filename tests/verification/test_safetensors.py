"""safetensors files, with the library as the oracle: what it takes is compared, what it refuses is refused."""

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load, save

from service.errors import InvalidFile, InvalidSpec
from service.specs.spec import Spec
from service.verification import Result, Verification
from service.verification.arrays import TURN
from service.verification.means import Unbounded
from service.verification.safetensors import AT_ONCE, BITS, LARGEST_HEADER, LONGEST_ENTRY, MOST_METADATA, read_header
from tests.verification import file_of, planned, verify

LAYERS = [{"name": "a", "type": "dense", "shape": [3, 5]}, {"name": "b", "type": "tensor", "shape": [2, 2]}]
PLAN = planned(layers=LAYERS)
FILE = file_of(PLAN, "safetensors")
ARRAYS = load(FILE)


def put_together(entries: Any, data: bytes, **more: Any) -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries, **more).encode()
    return len(text).to_bytes(8, "little") + text + data


def taken_apart(file: bytes = FILE) -> tuple[dict[str, Any], bytes]:
    end = 8 + int.from_bytes(file[:8], "little")
    return json.loads(file[8:end]), file[end:]


@pytest.mark.parametrize("step", [1, 7, 8, 9, 1000, 10**6])
def test_a_file_that_comes_in_chunks_of_any_size_is_equal_to_the_spec_that_it_holds(step: int) -> None:
    answer = verify(FILE, step=step)
    assert answer["equal"]
    assert answer["summary"] == "all 3 parameters are equal"
    assert answer["totals"] == {"parameters": 3, "equal": 3, "different": 0, "missing": 0, "unexpected": 0}


@given(st.permutations(list(ARRAYS)), st.permutations(list(ARRAYS)))
def test_names_and_data_may_stand_in_any_order(names: list[str], order: list[str]) -> None:
    entries, place, data = {}, 0, b""
    for name in order:
        raw = ARRAYS[name].tobytes()
        entries[name] = {"dtype": "F32", "shape": list(ARRAYS[name].shape), "data_offsets": [place, place + len(raw)]}
        place, data = place + len(raw), data + raw
    file = put_together({name: entries[name] for name in names}, data, indent=1)
    assert load(file).keys() == ARRAYS.keys()
    assert verify(file, PLAN)["equal"]


def test_what_the_library_writes_is_read() -> None:
    # Ordered by the library's own rule, with other dtypes among ours.
    others = {"steps": np.arange(5), "mask": np.ones(3, bool), "half": np.ones((2, 2), np.float16), "none": np.ones(0)}
    answer = verify(save(ARRAYS | others, {"format": "np", "who": "me"}), PLAN)
    assert (answer["totals"]["equal"], sorted(answer["unexpected"])) == (3, sorted(others))


def changed(**of_a: Any) -> bytes:
    """Return the file with other members of the entry of one tensor."""
    entries, data = taken_apart()
    entries["a/kernel"] |= of_a
    return put_together({name: entry for name, entry in entries.items() if name != "__metadata__"}, data)


ENTRIES, DATA = taken_apart()
OFFSETS = ENTRIES["a/kernel"]["data_offsets"]
ENTRY = b'{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
REFUSED = {
    "overlap": changed(data_offsets=[OFFSETS[0], OFFSETS[1] + 4], shape=[16]),
    "hole": changed(data_offsets=[OFFSETS[0], OFFSETS[1] - 4], shape=[14]),
    "beyond the end": put_together({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, bytes(12)),
    "before the end": put_together({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, bytes(17)),
    "a hole before the first": put_together({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
    "other bytes than the shape takes": changed(shape=[3, 4]),
    "backwards": changed(data_offsets=OFFSETS[::-1]),
    "negative": changed(shape=[-3, -5]),
    "no number": changed(shape=["3", 5]),
    "a fraction": changed(shape=[3.0, 5]),
    "true": changed(shape=[15, True]),
    "beyond 64 bits": put_together({"w": {"dtype": "F32", "shape": [2**64, 0], "data_offsets": [0, 0]}}, b""),
    "an unknown dtype": changed(dtype="F33"),
    "no dtype": put_together({"w": {"shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "three offsets": changed(data_offsets=[*OFFSETS, 100]),
    "no object": put_together(b"[1, 2]", b""),
    "no JSON": put_together(b'{"w":', b""),
    "no UTF-8": put_together(b'{"\xff":' + ENTRY + b"}", bytes(4)),
    "something after the header": put_together(b'{"w":' + ENTRY + b"} x", bytes(4)),
    "metadata that is no text": put_together({"__metadata__": {"spec": 1}}, b""),
    "a header that is too long": (LARGEST_HEADER + 1).to_bytes(8, "little") + b"{" + bytes(2**20),
    "a header beyond all bounds": (2**64 - 1).to_bytes(8, "little") + b"{" + bytes(2**20),
}
STRICTER = {
    "a name that stands twice": put_together(b'{"w":' + ENTRY + b',"w":' + ENTRY + b"}", bytes(4)),
    "a spec that stands twice": put_together(b'{"__metadata__":{"spec":"{}","spec":"[]"}}', b""),
    "a member that stands twice": put_together(b'{"w":' + ENTRY[:-1] + b',"dtype":"F32"}}', bytes(4)),
    "half of a surrogate pair": put_together(b'{"\\ud800":' + ENTRY + b"}", bytes(4)),
    "an entry that goes on": put_together(
        {"w": {"dtype": "F32", "shape": [1] * 3000, "data_offsets": [0, 4]}}, bytes(4)
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_library_refuses_is_refused(what: str) -> None:
    with pytest.raises((SafetensorError, KeyError, OverflowError)):
        load(REFUSED[what])
    with pytest.raises(InvalidFile):
        verify(REFUSED[what], PLAN)


@pytest.mark.parametrize("what", STRICTER)
def test_what_could_be_read_in_two_ways_is_refused(what: str) -> None:
    with pytest.raises(InvalidFile):
        verify(STRICTER[what], PLAN)


def test_the_dtypes_are_those_of_the_library() -> None:
    with pytest.raises(SafetensorError) as refused:
        load(REFUSED["an unknown dtype"])
    assert set(re.findall("`(\\w+)`", str(refused.value))) == {*BITS, "F33"}


@pytest.mark.parametrize("dtype", sorted(BITS))
def test_every_dtype_of_the_library_is_known_with_its_size(dtype: str) -> None:
    length = BITS[dtype] * 24 // 8
    for size, fits in ((length, True), (length + 1, False)):
        file = put_together({"w": {"dtype": dtype, "shape": [24], "data_offsets": [0, size]}}, bytes(size))
        try:
            load(file)
            taken = True
        except SafetensorError:
            taken = False
        except (KeyError, TypeError):  # its own reader takes it, NumPy has no such dtype
            taken = True
        assert taken == fits
        if fits:
            assert verify(file, PLAN)["unexpected"] == ["w"]
        else:
            with pytest.raises(InvalidFile):
                verify(file, PLAN)


def test_a_header_is_charged_and_where_a_file_ends_is_told() -> None:
    held: list[int] = []

    class Held(Unbounded):
        def hold(self, count: int) -> None:
            held.append(count)

    list(Verification(Held()).pieces(FILE))
    assert held == [10 * int.from_bytes(FILE[:8], "little")]
    with pytest.raises(
        InvalidFile, match=f"it ends after {len(FILE) - 3:,} bytes, in the middle of the data of b/value"
    ):
        verify(FILE[:-3], PLAN)
    with pytest.raises(InvalidFile, match="it ends after 12 bytes, in the middle of the header"):
        verify(FILE[:12], PLAN)
    with pytest.raises(InvalidFile, match=f"it goes on after {len(FILE):,} bytes, where its header says that it ends"):
        verify(FILE + b"xyz", PLAN)
    with pytest.raises(InvalidFile, match="it is empty"):
        verify(b"", PLAN)


def test_a_header_that_does_not_come_holds_no_memory() -> None:
    held: list[int] = []

    class Held(Unbounded):
        def hold(self, count: int) -> None:
            held.append(count)

    verification = Verification(Held())
    list(verification.pieces(LARGEST_HEADER.to_bytes(8, "little") + b'{"w":'))
    assert sum(held) < 4 * 2**20
    list(verification.pieces(b" " * 2**20))
    assert 10 * 2**20 < sum(held) < 14 * 2**20


@pytest.mark.parametrize("member", ["tensors", "metadata"])
def test_others_have_a_turn_while_a_long_header_is_read(member: str) -> None:
    if member == "tensors":
        header: dict[str, Any] = {str(place): json.loads(ENTRY) for place in range(5 * AT_ONCE)}
        header = {name: {**entry, "shape": [0], "data_offsets": [0, 0]} for name, entry in header.items()}
    else:
        header = {"__metadata__": {str(place): "" for place in range(5 * AT_ONCE)} | {"spec": "{}"}}
    turns = list(read_header(json.dumps(header).encode()))
    assert turns == 5 * [TURN]


def test_the_longest_header_and_the_longest_entry_are_read() -> None:
    spaces = LARGEST_HEADER - len(b'{"w":' + ENTRY + b"}")
    longest = b'{"w":' + ENTRY + b" " * spaces + b"}"
    assert verify(put_together(longest, bytes(4)), PLAN)["unexpected"] == ["w"]
    entry = ENTRY[:-1] + b',"more":"' + b"x" * (LONGEST_ENTRY - len(ENTRY) - 10) + b'"}'
    assert len(entry) == LONGEST_ENTRY
    for member, read in ((entry, True), (entry.replace(b"xx", b"xxx", 1), False)):
        file = put_together(b'{"w":' + member + b"}", bytes(4))
        if read:
            assert verify(file, PLAN)["unexpected"] == ["w"]
        else:
            with pytest.raises(InvalidFile, match="at most 4,096 characters"):
                verify(file, PLAN)


def test_metadata_has_so_many_members_and_what_has_more_is_refused_when_they_are_read() -> None:
    members = {str(place): "" for place in range(MOST_METADATA)}
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    assert verify(put_together({"__metadata__": members, "w": entry}, bytes(4)), PLAN)["unexpected"] == ["w"]
    many = b",".join(b'"":""' for _ in range(LARGEST_HEADER // 8))
    turns: list[bytes] = []
    with pytest.raises(InvalidFile, match="its metadata has more than 65,536 members, the most that are read"):
        turns.extend(read_header(b'{"__metadata__":{' + many + b"}}"))
    assert len(turns) == MOST_METADATA // AT_ONCE  # no more is read than that


def test_what_a_tensor_takes_is_told_beside_what_it_has() -> None:
    with pytest.raises(InvalidFile, match=r"'a/kernel' has 60 bytes of data; F32 of shape \[3, 4\] takes 48"):
        verify(REFUSED["other bytes than the shape takes"], PLAN)
    vast = put_together({"w": {"dtype": "F32", "shape": [2**63] * 60, "data_offsets": [0, 4]}}, bytes(4))
    with pytest.raises(InvalidFile, match=r"takes more than 2\^64$"):
        verify(vast, PLAN)
    odd = put_together({"w": {"dtype": "F4", "shape": [3], "data_offsets": [0, 1]}}, bytes(1))
    with pytest.raises(InvalidFile, match=r"'w' has 1 bytes of data; F4 of shape \[3\] takes 2"):
        verify(odd, PLAN)


def test_only_what_a_file_lists_and_the_plan_has_alike_is_drawn() -> None:
    verification, result = Verification(Unbounded()), Result(PLAN)
    assert verification.drawn(result) == PLAN.parameters  # nothing is known of it yet
    list(verification.pieces(save({**ARRAYS, "a/kernel": ARRAYS["a/kernel"].T, "more": np.ones(3)})))
    assert [each.key for each in verification.drawn(result)] == ["a/bias", "b/value"]
    archive = Verification(Unbounded())
    list(archive.pieces(file_of(PLAN, "npz")))
    assert archive.drawn(result) == PLAN.parameters


def test_a_tensor_that_stands_in_two_files_is_refused() -> None:
    result = Result(PLAN)
    for again in (False, True):
        verification = Verification(Unbounded())
        list(verification.pieces(FILE))
        verification.begin(result)
        if again:
            with pytest.raises(InvalidFile, match="a/kernel stands there twice"):
                list(verification.pieces(last=True))
        else:
            list(verification.pieces(last=True))


def test_a_spec_without_a_seed_gives_no_one_file() -> None:
    spec = {"layers": LAYERS}
    with pytest.raises(InvalidSpec, match="without a seed"):
        Result.of_spec(Spec.model_validate(spec))
    assert Result.of_spec(Spec.model_validate({**spec, "seed": 42})).answer()["missing"] == [
        each.key for each in PLAN.parameters
    ]


def test_cut_short_anywhere_it_is_refused() -> None:
    for length in range(len(FILE)):
        with pytest.raises(InvalidFile):
            verify(FILE[:length], PLAN)


@given(st.integers(0, 8 * (len(FILE) - len(DATA)) - 1))
def test_a_bit_that_flips_in_the_header_is_refused_or_told_as_the_library_reads_it(bit: int) -> None:
    file = bytearray(FILE)
    file[bit // 8] ^= 1 << bit % 8
    try:
        answer = verify(bytes(file), PLAN)
    except InvalidFile:
        return
    found = load(bytes(file))
    same = {name for name, array in found.items() if name in ARRAYS and array.tobytes() == ARRAYS[name].tobytes()
            and array.shape == ARRAYS[name].shape and array.dtype == ARRAYS[name].dtype}  # fmt: skip
    assert answer["equal"] == (same == found.keys() == ARRAYS.keys())
    assert {each["name"] for each in answer["parameters"] if each["equal"]} == same


def test_nested_without_end_it_is_refused() -> None:
    for text in (b'{"w":' + b"[" * 10**6, b'{"w":{"shape":' + b"[" * 4000 + b"]" * 4000 + b"}}", b'{"' + b"x" * 10**6):
        with pytest.raises(InvalidFile):
            verify(put_together(text, b""), PLAN)
