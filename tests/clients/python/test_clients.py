"""The client in Python: what it gives is what the service gives, what `Local` gives, and what others read."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from initserve import AsyncClient, Client, InitserveError, Local
from initserve.lazy import Part

from service.api.door.keys import new_key
from tests.conftest import ROOT, serving

LAYERS: list[dict[str, Any]] = [
    {"name": "c", "type": "conv2d", "shape": [3, 3, 2, 4], "activation": "relu"},
    {"name": "out", "type": "dense", "shape": [16, 3], "scheme": "orthogonal", "bias": "random_normal"},
    {"name": "scale", "type": "tensor", "shape": [], "scheme": "ones"},
]
SPEC = {"seed": 42, "layers": LAYERS}
Keys = tuple[Any, ...]


@pytest.fixture
def remote(server: str) -> Iterator[Client]:
    with Client(server) as client:
        yield client


@pytest.fixture(params=["client", "local"])
def either(request: pytest.FixtureRequest, remote: Client) -> Any:
    return remote if request.param == "client" else Local()


def same(one: Any, other: Any) -> bool:
    """Whether two mappings hold the same names, in their order, dtypes, shapes and bits."""
    return list(one) == list(other) and all(
        np.asarray(one[name]).dtype == np.asarray(other[name]).dtype
        and np.asarray(one[name]).shape == np.asarray(other[name]).shape
        and np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes()
        for name in one
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("layout", ["keras", "pytorch", "flax"])
def test_all_ways_give_the_arrays_that_the_library_reads(
    remote: Client, tmp_path: Path, layout: str, dtype: str
) -> None:
    spec = {**SPEC, "layout": layout, "dtype": dtype}
    with Local() as local:
        client = remote
        found = client.init(spec)
        assert same(found, local.init(spec))
        assert same(found, client.open(spec))
        assert same(found, local.open(spec))
        (one, other) = (
            each.save(spec, tmp_path / name) for each, name in ((client, "1.safetensors"), (local, "2.npz"))
        )
    read = safetensors.numpy.load_file(one)
    assert same({name: read[name] for name in found}, found)
    assert same(dict(np.load(other)), found)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["1.safetensors", "2.npz"]


BITS = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": "<u2"}
WIDE: list[dict[str, Any]] = [
    {"name": "dense", "type": "dense", "shape": [47, 2061], "bias": None},
    {"name": "conv", "type": "conv2d", "shape": [3, 3, 30, 41], "bias": None},
    {"name": "gates", "type": "gru", "shape": [9, 7]},
    {"name": "whole", "type": "dense", "shape": [16, 3], "scheme": "orthogonal"},
    {"name": "scale", "type": "tensor", "shape": []},
]


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("algorithm", ["initserve/1", "torch-cpu/1"])
def test_arrays_are_read_into_memory_that_is_there(either: Any, algorithm: str, dtype: str) -> None:
    """The same bits as the file has; a part, what stands around it in the memory being left alone."""
    layers = WIDE if algorithm == "initserve/1" else [WIDE[0], WIDE[1]]
    spec = {"algorithm": algorithm, "seed": 5, "dtype": dtype, "layout": "pytorch", "layers": layers}
    lazy, wanted = either.open(spec), either.init(spec)
    for name, array in lazy.items():
        out = np.zeros(array.shape, BITS[dtype])
        array.read_into(out)
        if dtype == "bfloat16":
            out = (out.astype(np.uint32) << 16).view(np.float32)
        assert out.tobytes() == wanted[name].tobytes(), name
    around = np.full((9, 17, 5), 7, BITS[dtype])
    lazy["conv.weight"].read_into(around[2:7].reshape(-1)[:360].reshape(5, 8, 3, 3), (slice(9, 19, 2), slice(20, 28)))
    part = around[2:7].reshape(-1)[:360].reshape(5, 8, 3, 3)
    if dtype == "bfloat16":
        part = (part.astype(np.uint32) << 16).view(np.float32)
    assert part.tobytes() == np.ascontiguousarray(wanted["conv.weight"][9:19:2, 20:28]).tobytes()
    assert (around[:2] == 7).all()
    assert (around[7:] == 7).all()


def test_memory_that_does_not_fit_is_refused(either: Any) -> None:
    array = either.open({"layers": [{"name": "a", "type": "dense", "shape": [4, 6]}]})["a/kernel"]
    still = np.zeros((4, 6), np.float32)
    still.flags.writeable = False
    for out in (np.zeros((6, 4), np.float32), np.zeros((4, 6)), np.zeros((6, 4), np.float32).T, still):
        with pytest.raises(ValueError, match="float32 of shape"):
            array.read_into(out)
    array.read_into(np.zeros((0, 6), np.float32), slice(2, 2))


def test_boxes_in_memory_cover_an_array_once_and_are_no_larger_than_a_block() -> None:
    from service.stream import tiles
    from service.stream.drawing import BLOCK
    from service.stream.views import View, joined

    for shape, axes in (((5, 7), (1, 0)), ((70_000, 3_001), (1, 0)), ((3, 3, 90, 1025), (3, 2, 0, 1)), ((), ())):
        form = View.whole("a", shape).moved(axes)
        found = list(tiles.tiles(form))
        sizes = [prod(each.stop - each.start for each in box) for box in found]
        assert max(sizes) <= BLOCK
        assert sum(sizes) == prod(shape)
        assert len(found) <= 3 + 3 * prod(shape) // BLOCK
        assert len({tuple(each.start for each in box) for box in found}) == len(found)
    both = joined([View.whole("a", (4, 3)), View.whole("b", (4, 2))], 1)
    assert list(tiles.tiles(both)) == [(slice(0, 4), slice(0, 3)), (slice(0, 4), slice(3, 5))]


def test_bfloat16_comes_as_float32_with_exactly_its_values(either: Any, tmp_path: Path) -> None:
    found = either.init({**SPEC, "dtype": "bfloat16"})
    assert {each.dtype for each in found.values()} == {np.dtype(np.float32)}
    assert not any((each.reshape(-1).view(np.uint32) & 0xFFFF).any() for each in found.values())
    exact = either.init(SPEC)["out/kernel"]
    assert np.abs(found["out/kernel"] - exact).max() <= np.abs(exact).max() * 2**-8
    lazy = either.open({**SPEC, "dtype": "bfloat16"})["out/kernel"]
    assert (lazy.dtype, lazy[3:5, 1].tobytes()) == (np.float32, found["out/kernel"][3:5, 1].tobytes())
    with pytest.raises(InitserveError, match=r"bfloat16 has no \.npy form"):
        either.save({**SPEC, "dtype": "bfloat16"}, tmp_path / "never.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", [0, 2**53 + 1, 2**64 - 1, np.uint64(2**64 - 1), "18446744073709551615"])
def test_every_seed_is_kept_exactly(remote: Client, seed: Any) -> None:
    spec = {"seed": seed, "layers": [{"type": "dense", "shape": [2, 2], "seed": seed}]}
    found = remote.init(spec)
    assert found.seed == int(seed)
    assert same(found, Local().init({**spec, "seed": str(seed)}))


@pytest.mark.parametrize("way", ["init", "open"])
def test_a_seed_that_was_left_out_is_told_and_gives_the_same_again(either: Any, way: str) -> None:
    found = getattr(either, way)({"layers": LAYERS[:1]})
    assert same(either.init({"layers": LAYERS[:1], "seed": found.seed}), found)


def test_arrays_may_be_written_into(either: Any) -> None:
    for each in either.init(SPEC).values():
        each += 1


items = st.one_of(
    st.none(), st.just(...), st.integers(-7, 7),
    st.builds(slice, *[st.one_of(st.none(), st.integers(-9, 9), st.just(10**30))] * 2,
              st.sampled_from([None, 1, 2, 3, -1, -2, -5])),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.integers(0, 5), max_size=3), st.lists(items, max_size=5).map(tuple))
def test_a_part_is_what_numpy_takes(shape: list[int], key: Keys) -> None:
    """The index as an address has it is read by the service's own reader; NumPy is what it is held against."""
    from service.errors import InvalidSlice
    from service.specs.slices import parse_slice

    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    try:
        wanted = array[key]
    except IndexError:
        with pytest.raises(IndexError):
            Part(key, tuple(shape))
        return
    part = Part(key, tuple(shape))
    assert part.shape == np.shape(wanted)
    try:
        indices = parse_slice(part.text, tuple(shape)).indices
    except InvalidSlice:
        pytest.fail(f"{part.text} of {shape}")
    taken = array[np.ix_(*[[each] if isinstance(each, int) else list(each) for each in indices if each is not None])]
    assert taken.ravel().tolist() == np.ravel(wanted).tolist()
    found = part.of(np.asarray(taken).reshape(part.shape))
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    "key", [np.s_[4:1:-1], np.s_[4:0:-2], np.s_[::-1], np.s_[5:2:-3], np.s_[-1:-5:-2], np.s_[1:6:2]]
)
def test_steps_in_both_directions_take_what_numpy_takes(key: slice) -> None:
    spec = {"seed": 1, "layers": [{"name": "w", "type": "tensor", "shape": [6, 2], "scheme": "he_normal"}]}
    local = Local()
    assert local.open(spec)["w/value"][key].tolist() == local.init(spec)["w/value"][key].tolist()


def test_an_index_fetches_just_its_part(either: Any) -> None:
    """Of 40 TB, which nobody could fetch."""
    large = {"seed": 1, "layers": [{"name": "w", "type": "tensor", "shape": [10**7, 10**6], "scheme": "he_normal"}]}
    lazy = either.open(large)["w/value"]
    assert (lazy.shape, lazy.dtype, lazy.ndim, lazy.size, len(lazy)) == ((10**7, 10**6), np.float32, 2, 10**13, 10**7)
    assert lazy[-1, -2:].tolist() == [np.float32("3.1918953e-05"), np.float32("0.0009305919")]
    assert isinstance(lazy[-1, -1], np.float32)
    assert lazy[5:5].shape == (0, 10**6)
    for wrong in ([0, 1], True, np.array([0, 1]), 0.5, "w"):
        with pytest.raises(IndexError, match="lazy array takes"):
            lazy[wrong]
    with pytest.raises(IndexError, match="out of bounds"):
        lazy[10**7]


WRONG: list[dict[str, Any]] = [
    {},
    {"layers": [{"type": "dense", "shape": [3, -1]}]},
    {"layers": [{"type": "dens", "shape": [3, 1]}]},
    {"layers": [{"type": "dense", "shape": [3, 2], "scheme": "he_norml"}]},
    {"seed": 2**64, "layers": [{"type": "dense", "shape": [3, 1]}]},
    {"algorithm": "torch-cpu/1", "layers": [{"type": "dense", "shape": [3, 1], "scheme": "glorot_normal_typo"}]},
]


@pytest.mark.parametrize("spec", WRONG)
def test_what_is_refused_is_an_exception_that_says_what_would_work(remote: Client, spec: dict[str, Any]) -> None:
    with pytest.raises(InitserveError) as one:
        remote.init(spec)
    with pytest.raises(InitserveError) as other:
        Local().init(spec)
    assert vars(one.value) == vars(other.value)
    error = one.value
    assert (error.status, error.code) == (422, "invalid-spec")
    assert error.errors
    assert all(each["detail"] in str(error) for each in error.errors)


def test_what_would_work_is_told_in_the_services_words(either: Any) -> None:
    with pytest.raises(InitserveError) as refused:
        either.plan({"layers": [{"type": "dens", "shape": [3, 1]}]})
    assert refused.value.try_ == {"type": "dense"}
    assert 'try {"type": "dense"}' in str(refused.value)


def test_plans_and_diagnoses_are_the_same_both_ways(remote: Client) -> None:
    client, local = remote, Local()
    assert client.plan(SPEC) == local.plan(SPEC)
    deep = {"seed": 1, "layers": [{"type": "dense", "shape": [32, 32], "activation": "relu"}] * 4}
    assert client.diagnose(deep) == local.diagnose(deep)


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_a_file_is_compared_with_its_spec(remote: Client, tmp_path: Path, suffix: str) -> None:
    client, local = remote, Local()
    path = client.save(SPEC, tmp_path / f"w.{suffix}")
    given = SPEC if suffix == "npz" else None
    assert client.verify(path, given) == local.verify(path, given)
    assert client.verify(path, SPEC)["equal"] is True
    other = {**SPEC, "seed": 43}
    assert client.verify(path, other) == local.verify(path, other)
    assert client.verify(path, other)["equal"] is False
    path.write_bytes(b"none of any kind")
    found = []
    for each in (client, local):
        with pytest.raises(InitserveError) as refused:
            each.verify(path, SPEC)
        found.append(refused.value.code)
    assert found == ["invalid-file"] * 2


def test_a_spec_that_no_address_holds_comes_all_the_same(remote: Client, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    names = [rng.bytes(24).hex() for _ in range(250)]
    spec = {"layers": [{"name": name, "type": "tensor", "shape": [2], "scheme": "he_normal"} for name in names]}
    client = remote
    found = client.init(spec)
    assert list(found) == [f"{name}/value" for name in names]
    fixed = {**spec, "seed": found.seed}
    assert same(Local().init(fixed), found)
    read = safetensors.numpy.load_file(client.save(fixed, tmp_path / "w.safetensors"))
    assert same({name: read[name] for name in found}, found)
    with pytest.raises(InitserveError, match="more than 6,000 characters") as refused:
        client.open(spec)
    assert refused.value.code == "no-address"


def test_numbers_and_arrays_of_numpy_may_stand_in_a_spec(either: Any) -> None:
    layers = [{"name": "w", "type": "tensor", "shape": list(np.array([3, 2])), "scheme": "he_normal"}]
    assert either.init({"seed": np.int64(3), "layers": tuple(layers)})["w/value"].shape == (3, 2)


def test_many_at_once_are_each_their_own(server: str, tmp_path: Path) -> None:
    async def all_at_once() -> list[Any]:
        async with AsyncClient(server) as client:
            several = [client.init({**SPEC, "seed": seed}) for seed in range(40)]
            first, lazy, path, planned, checked, diagnosed = await asyncio.gather(
                asyncio.gather(*several),
                client.open(SPEC),
                client.save(SPEC, tmp_path / "w.safetensors"),
                client.plan(SPEC),
                client.save(SPEC, tmp_path / "v.safetensors"),
                client.diagnose({"seed": 1, "layers": LAYERS[1:2]}),
            )
            parts = await asyncio.gather(*(lazy["out/kernel"][row] for row in range(16)), lazy["out/kernel"][3:3])
            return [first, lazy, path, planned, parts, await client.verify(checked), diagnosed]

    found, lazy, path, plan, parts, verified, _ = asyncio.run(all_at_once())
    local = Local()
    assert all(same(local.init({**SPEC, "seed": seed}), each) for seed, each in enumerate(found))
    whole = local.init(SPEC)
    assert np.array(parts[:16]).tobytes() == whole["out/kernel"].tobytes()
    assert parts[16].shape == (0, 3)
    assert plan == local.plan(SPEC)
    assert verified["equal"] is True
    assert same({name: safetensors.numpy.load_file(path)[name] for name in whole}, whole)
    assert lazy["c/kernel"].shape == (3, 3, 2, 4)


def test_an_async_client_refuses_in_the_same_words(server: str, remote: Client) -> None:
    async def refused() -> None:
        async with AsyncClient(server) as client:
            await client.init({})

    with pytest.raises(InitserveError) as found:
        asyncio.run(refused())
    with pytest.raises(InitserveError) as other:
        remote.init({})
    assert vars(found.value) == vars(other.value)
    assert json.dumps(found.value.errors)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_local_goes_on_in_a_process_that_was_forked() -> None:
    """Its threads are not there in the child."""
    program = """if True:
        import os
        from initserve import Local
        spec = {"seed": 1, "layers": [{"type": "tensor", "shape": [300, 300], "scheme": "he_normal"}]}
        local = Local()
        whole = local.init(spec)
        if child := os.fork():
            raise SystemExit(os.waitpid(child, 0)[1])
        os._exit(any((each != whole[name]).any() for name, each in local.init(spec).items()))
    """
    path = f"{ROOT}:{ROOT / 'clients' / 'python'}"
    run = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}, timeout=60, check=False
    )
    assert run.returncode == 0


def test_local_may_be_used_by_several_threads_and_after_it_was_closed() -> None:
    spec = {"seed": 1, "layers": [{"type": "tensor", "shape": [300, 300], "scheme": "he_normal"}]}
    with Local() as local, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: local.init(spec), range(16)))
        local.close()
        assert all(same(each, local.init(spec)) for each in found)


def test_a_key_goes_with_every_request_and_is_the_environment_s_unless_another_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, line = new_key("tests", ["weights", "heavy"])
    (tmp_path / "keys").write_text(line)
    closed = {"INITSERVE_API_KEYS_FILE": str(tmp_path / "keys"), "INITSERVE_OPEN_SCOPES": "read"}

    async def asynchronously(url: str, key: str | None) -> Any:
        async with AsyncClient(url, key=key) as client:
            return await client.init(SPEC)

    with serving(**closed) as server:
        with Client(server.url) as client, pytest.raises(InitserveError, match="for clients with a key"):
            client.init(SPEC)
        with Client(server.url, key="initserve_other") as client, pytest.raises(InitserveError, match="none of this"):
            client.init(SPEC)
        with Client(server.url, key=key) as client:
            found = client.init(SPEC)
            assert client.verify(client.save(SPEC, tmp_path / "w.npz", progress=False), SPEC)["equal"]
            lazy = client.open(SPEC)
            assert all(np.array_equal(np.asarray(lazy[name]), found[name]) for name in found)
        monkeypatch.setenv("INITSERVE_KEY", key)
        with Client(server.url) as client:
            assert client.init(SPEC).keys() == found.keys()
        assert asyncio.run(asynchronously(server.url, None)).keys() == found.keys()
        with pytest.raises(InitserveError, match="none of this"):
            asyncio.run(asynchronously(server.url, "initserve_other"))
