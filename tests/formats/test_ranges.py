"""Any range of a file is the same bytes as in the whole of it, and costs what stands in it."""

import gc
import hashlib
import weakref
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.formats import FORMATS, PICTURE, Include
from service.formats.payload import Payload
from service.networks.plan import Plan
from service.specs.spec import Spec
from service.stream.drawing import BLOCK

LAYERS: list[dict[str, Any]] = [
    {"name": "a", "type": "dense", "shape": [7, 5], "bias": "random_normal"},
    {"name": "b", "type": "dense", "shape": [700, 600], "scheme": "random_normal"},  # three blocks
    {"name": "c", "type": "conv2d", "shape": [3, 3, 4, 6], "activation": "relu"},
    {"name": "d", "type": "tensor", "shape": [], "scheme": "random_normal"},
    {"name": "e", "type": "tensor", "shape": [12, 12], "scheme": "orthogonal"},
]


def plan(layers: list[dict[str, Any]] = LAYERS, **more: Any) -> Plan:
    return Spec.model_validate({"seed": 42, **more, "layers": layers}).plan()


def files() -> dict[str, Payload]:
    found = {}
    for dtype in ("float32", "float64", "float16"):
        for layout in ("keras", "pytorch"):
            planned = plan(dtype=dtype, layout=layout)
            for format in ("safetensors", "npz", "json"):
                found[f"{dtype} {layout} {format}"] = FORMATS[format].encode(planned, Include(True, True))
            found[f"{dtype} {layout} statistics"] = FORMATS["json"].encode(planned, Include(False, True))
            found[f"{dtype} {layout} npy"] = FORMATS["npy"].encode(plan([LAYERS[2] | {"bias": None}]), Include())
    return found


FILES = files()
WHOLE = {name: payload.whole() for name, payload in FILES.items()}


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_range_has_the_bytes_of_the_whole(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(FILES)))
    whole = WHOLE[name]
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.one_of(st.integers(start, len(whole)), st.integers(start, min(start + 100, len(whole)))))
    assert b"".join(FILES[name].chunks(start, stop)) == whole[start:stop]


@pytest.mark.parametrize("name", FILES)
def test_every_place_where_a_range_may_begin(name: str) -> None:
    """Single bytes and what goes on from them, about the ends of parts and of blocks."""
    payload, whole = FILES[name], WHOLE[name]
    ends = [0]
    for part in payload.parts:
        ends.append(ends[-1] + part.length)
    places = {place + shift for place in ends[::3] for shift in (-4, -1, 0, 1, 3) if 0 <= place + shift < len(whole)}
    for start in sorted(places)[:80]:
        stop = min(start + 6, len(whole))
        assert b"".join(payload.chunks(start, stop)) == whole[start:stop]


def test_ranges_put_together_are_the_file() -> None:
    payload = FILES["float32 keras npz"]
    digest = hashlib.sha256()
    for start in range(0, payload.length, 100_003):
        digest.update(b"".join(payload.chunks(start, min(start + 100_003, payload.length))))
    assert digest.hexdigest() == hashlib.sha256(WHOLE["float32 keras npz"]).hexdigest()


def test_a_range_costs_its_elements_wherever_it_stands() -> None:
    large = plan([{"name": "t", "type": "tensor", "shape": [2**20, 2**20], "scheme": "random_normal"}])
    payload = FORMATS["safetensors"].encode(large, Include())
    assert payload.length > 2**42
    for start in (payload.length - 2**20, payload.length // 2, payload.length // 3):
        cost = payload.cost(start, start + 2**20)
        assert 2**18 <= cost.elements <= 2**18 + 1
        assert cost.bytes == 2**20
        pieces = list(payload.pieces(start, start + 2**20))
        assert len(pieces) == -(-cost.elements // BLOCK)


def test_a_range_is_charged_for_the_matrices_that_it_touches() -> None:
    payload = FORMATS["safetensors"].encode(plan(), Include())
    assert payload.cost(0, 8)[2:4] == (0, 0)
    matrix = payload.cost(payload.length - 4, payload.length)
    assert matrix.operations > 0
    assert matrix.standing == plan().cost.standing


def test_a_checksum_is_owed_once_and_then_known() -> None:
    """The end of an archive tells of all of it: the first to ask for it pays, later ones do not."""
    planned = plan()
    payload = FORMATS["npz"].encode(planned, Include())
    end = payload.length - 500
    assert payload.cost(end).elements == planned.elements
    assert payload.cost(0, end // 2).elements < planned.elements
    whole = FORMATS["npz"].encode(planned, Include()).whole()
    assert b"".join(payload.chunks(end)) == whole[end:]
    assert payload.cost(end).elements == 0
    assert b"".join(payload.chunks(end)) == whole[end:]


def test_what_is_summed_up_is_counted_once() -> None:
    planned = plan()
    for include in (Include(True, True), Include(False, True)):
        assert FORMATS["json"].encode(planned, include).cost().elements == planned.elements
    assert FORMATS["npz"].encode(planned, Include()).cost()[:2] == (planned.elements, len(WHOLE["float32 keras npz"]))


def test_a_stream_that_is_walked_is_charged_for_the_way() -> None:
    """NumPy's normals have no address: what stands before must be drawn. MT19937's words are jumped to."""
    layers = [{"name": name, "type": "tensor", "shape": [2**16], "scheme": "random_normal"} for name in "ab"]

    def way(algorithm: str, start: int) -> int:
        payload = FORMATS["safetensors"].encode(plan(layers, algorithm=algorithm), Include())
        return payload.cost(payload.length - start, payload.length - start + 4).operations

    walked = [way("numpy-pcg64/1", 2**19 - step) for step in (2**16, 2**18, 2**18 + 2**17)]
    assert walked[0] > 0
    assert walked[1] - walked[0] == pytest.approx(walked[0] * 3, rel=0.01)
    assert walked == sorted(walked)
    assert max(way("torch-cpu/1", step) for step in (8, 2**18, 2**18 + 2**17)) < 2**27


@pytest.mark.parametrize("algorithm", ["torch-cpu/1", "numpy-pcg64/1"])
def test_a_range_far_into_a_walked_stream_is_that_of_the_whole(algorithm: str) -> None:
    layers = [{"name": name, "type": "tensor", "shape": [2**20], "scheme": "random_normal"} for name in "ab"]
    whole = FORMATS["safetensors"].encode(plan(layers, algorithm=algorithm), Include()).whole()
    payload = FORMATS["safetensors"].encode(plan(layers, algorithm=algorithm), Include())
    assert b"".join(payload.chunks(len(whole) - 2**20 - 3)) == whole[-(2**20) - 3 :]
    heavy = [piece.heavy for piece in payload.pieces(len(whole) - 4)]
    assert heavy == ([True, False] if algorithm == "numpy-pcg64/1" else [False])
    assert b"".join(payload.chunks(4097, 2**21 + 9)) == whole[4097 : 2**21 + 9]


def test_coming_to_a_place_is_charged_for_each_generator_once() -> None:
    """A layer with a seed of its own begins anew; the one after it goes on where the one before it ended."""
    layers: list[dict[str, Any]] = [
        {"type": "tensor", "name": "far", "shape": [10**9], "scheme": "random_normal"},
        {"type": "tensor", "name": "own", "shape": [10], "scheme": "random_normal", "seed": 3},
        {"type": "tensor", "name": "next", "shape": [10], "scheme": "random_normal"},
        {"type": "tensor", "name": "last", "shape": [10], "scheme": "random_normal"},
    ]
    planned = plan(layers, algorithm="numpy-pcg64/1", dtype="float32")
    file = FORMATS["safetensors"].encode(planned, Include())
    walked = 144 * 10**9
    costs = [file.cost(file.length - length) for length in (40, 80, 120)]  # the last one, two, three
    assert all(0.999 * walked < cost.walking <= cost.operations < 1.001 * walked for cost in costs)
    assert file.cost(file.length - 120, file.length - 80).walking == 0  # its own generator alone
    assert file.cost().walking < 0.001 * walked  # all are drawn on the way


@pytest.mark.parametrize("name", ["safetensors", "npz", "json", "svg"])
def test_what_was_laid_out_goes_when_it_is_let_go(name: str) -> None:
    """Nothing in it leads back to itself: kept plans are counted by their bytes, and a collection comes rarely."""
    format = PICTURE if name == "svg" else FORMATS[name]
    gc.collect()
    gc.disable()
    try:
        planned = plan()
        payload = format.encode(planned, Include(name != "svg", name in ("json", "svg")))
        payload.whole()
        gone: list[weakref.ref[Any]] = [weakref.ref(planned)]
        gone += [weakref.ref(part) for part in payload.parts if hasattr(part, "__weakref__")]
        del planned, payload
        assert len(gone) > 1 or name == "svg"
        assert not any(each() for each in gone)
    finally:
        gc.enable()
