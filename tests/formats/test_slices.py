"""Any range of a file and any slice of an array is that of the whole, whatever the layer, scheme, layout and stream."""

import base64
import hashlib
import io
import json
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.errors import InitserveError
from service.formats import FORMATS, Include, Payload, base64_json, npy, safetensors, sharding
from service.formats.payload import raw
from service.networks.layers import LAYERS
from service.networks.plan import Plan, PlannedParameter
from service.replay import ALGORITHMS
from service.specs.slices import parse_slice
from service.specs.spec import Spec
from service.stream.dtypes import DTYPES
from tests.standard import specs

Written = dict[str, Any]
STREAMS = ["initserve/1", *ALGORITHMS]
SEVERAL_BLOCKS: Written = {"type": "dense", "shape": [731, 397], "bias": "random_normal"}
TRIES = 30  # many layers and schemes are none of a framework's


def planned(text: str) -> Plan:
    """Return a new plan: nothing of a stream was walked over yet."""
    return Spec.model_validate_json(text).plan()


def possible(spec: Written) -> bool:
    try:
        plan = planned(json.dumps(spec))
    except (InitserveError, ValueError):
        return False
    return bool(plan.parameters)


def spec_of(kind: str, stream: str, seed: int) -> str:
    """Return a spec of this type of layer under this stream, where there is one; large ones among them."""
    random = Random(seed)
    for _ in range(TRIES):
        spec = specs.spec(random, kind)
        if random.random() < 0.2:
            spec["layers"].append(SEVERAL_BLOCKS)
        if stream != "initserve/1":
            spec |= {"algorithm": stream, "exact": False}
            spec["dtype"] = random.choice(ALGORITHMS[stream].dtypes)
            random.random() < 0.5 and spec.pop("defaults")
            del spec["fans"]
        if possible(spec):
            return json.dumps(spec)
    return json.dumps({"algorithm": stream, "layers": [SEVERAL_BLOCKS], "seed": 5, "exact": False})


@lru_cache(maxsize=4)
def whole_of(text: str, index: int) -> NDArray[Any]:
    parameter = planned(text).parameters[index]
    blocks = [block.copy() for block in parameter.blocks()] or [np.empty(0, DTYPES[parameter.dtype].stored)]
    return np.concatenate(blocks).reshape(parameter.shape)


def index_into(size: int) -> st.SearchStrategy[str]:
    ends = st.none() | st.integers(-size - 2, size + 2)
    steps = st.sampled_from([None, 1, 2, 3, -1, -2, -5, 1000, -1000])
    places = st.integers(-size, size - 1).map(str)
    return places | st.builds(
        lambda start, stop, step: ":".join("" if each is None else str(each) for each in (start, stop, step)),
        ends, ends, steps,
    )  # fmt: skip


@st.composite
def slices_of(draw: st.DrawFn, shape: tuple[int, ...]) -> str:
    items = [draw(index_into(size)) for size in shape]
    if draw(st.booleans()):
        kept = draw(st.integers(0, len(items)))
        items = [*items[:kept], "...", *items[len(items) - draw(st.integers(0, len(items) - kept)) :]]
    if not items or draw(st.integers(0, 9)) == 0:
        items.insert(draw(st.integers(0, len(items))), "newaxis")
    return ",".join(items)


SPECS = st.builds(spec_of, st.sampled_from(sorted(LAYERS)), st.sampled_from(STREAMS), st.integers(0, 2**32))


def slice_is_that_of_the_whole(text: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(planned(text).parameters) - 1), "parameter")
    whole = whole_of(text, index)
    wanted_slice = data.draw(slices_of(whole.shape), "slice")
    wanted = eval(f"whole[{wanted_slice},]", {"whole": whole, "newaxis": None})  # NumPy is the oracle
    parameter = planned(text).parameters[index]
    part = parameter.sliced(parse_slice(wanted_slice, parameter.shape).indices)
    assert (part.shape, part.elements, part.bytes) == (wanted.shape, wanted.size, wanted.nbytes)
    payload = Payload([raw(part)])
    content = np.ascontiguousarray(wanted).tobytes()
    start = data.draw(st.integers(0, len(content)), "start")
    stop = data.draw(st.integers(start, len(content)), "stop")
    assert b"".join(payload.chunks(start, stop)) == content[start:stop]  # of a stream that was not walked before
    assert payload.whole() == content
    cost = payload.cost()
    assert (cost.elements, cost.bytes) == (wanted.size, wanted.nbytes)
    if DTYPES[parameter.dtype].npy:
        assert np.array_equal(np.load(io.BytesIO(npy.encode_parameter(part).whole())), wanted, equal_nan=True)
        is_told(part, wanted, "algorithm" not in json.loads(text))


def is_told(part: PlannedParameter, wanted: NDArray[Any], within_bounds: bool) -> None:
    """Check what JSON tells of a slice: its shape, bytes, digest and statistics."""
    payload = base64_json.encode_parameter(part, None, Include(True, True))
    content = payload.whole()
    assert len(content) == payload.length
    told = json.loads(content)
    assert told["shape"] == list(wanted.shape)
    assert np.array_equal(np.load(io.BytesIO(base64.b64decode(told["npy"]))), wanted, equal_nan=True)
    assert told["sha256"] == hashlib.sha256(np.ascontiguousarray(wanted).tobytes()).hexdigest()
    statistics = told["statistics"]
    assert statistics["count"] == wanted.size
    assert sum(statistics["histogram"]["counts"]) == wanted.size
    if wanted.size:
        values = wanted.astype(np.float64)
        assert (statistics["min"], statistics["max"]) == (values.min(), values.max())
        assert statistics["mean"] == pytest.approx(values.mean(), rel=1e-6, abs=1e-9)
    if wanted.size and within_bounds:  # of a framework's stream a half type's rounding may pass them
        expected = statistics["expected"]
        assert expected["min"] is None or expected["min"] <= statistics["min"]
        assert expected["max"] is None or expected["max"] >= statistics["max"]


def payloads(plan: Plan) -> dict[str, Payload]:
    """Return all that can be had of a plan."""
    found = {"safetensors": FORMATS["safetensors"].encode(plan, Include())}
    found["statistics"] = FORMATS["json"].encode(plan, Include(False, True))
    for shard in sharding.shards(plan, max(each.bytes for each in plan.parameters)):
        found[shard.name] = safetensors.encode_some(plan, shard.parameters)
    if DTYPES[plan.dtype].npy:
        found["json"] = FORMATS["json"].encode(plan, Include(True, True))
        found["npz"] = FORMATS["npz"].encode(plan, Include())
        found["npy"] = npy.encode_parameter(plan.parameters[-1])
    return found


def range_is_that_of_the_whole(text: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(payloads(planned(text)))), "form")
    whole, again = (payloads(planned(text))[name] for _ in range(2))
    content = whole.whole()
    assert len(content) == whole.length
    start = data.draw(st.integers(0, len(content)), "start")
    stop = data.draw(st.integers(start, len(content)) | st.integers(start, min(start + 99, len(content))), "stop")
    assert b"".join(again.chunks(start, stop)) == content[start:stop]  # of a stream that was not walked before
    assert b"".join(whole.chunks(start, stop)) == content[start:stop]


@settings(max_examples=90, deadline=None)
@given(text=SPECS, data=st.data())
def test_a_slice_of_anything_is_that_of_the_whole(text: str, data: st.DataObject) -> None:
    slice_is_that_of_the_whole(text, data)


@settings(max_examples=40, deadline=None)
@given(text=SPECS, data=st.data())
def test_a_range_of_anything_is_that_of_the_whole(text: str, data: st.DataObject) -> None:
    range_is_that_of_the_whole(text, data)


@pytest.mark.long
@settings(max_examples=6000, deadline=None)
@given(text=SPECS, data=st.data())
def test_thousands_of_slices(text: str, data: st.DataObject) -> None:
    slice_is_that_of_the_whole(text, data)


@pytest.mark.long
@settings(max_examples=4000, deadline=None)
@given(text=SPECS, data=st.data())
def test_thousands_of_ranges(text: str, data: st.DataObject) -> None:
    range_is_that_of_the_whole(text, data)
