"""deploy/nginx/nginx-cache.conf, run by nginx in front of a real server: right bytes, each of them asked for once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.test_flow import MIB
from tests.api.test_weights import LARGE, SPEC, token
from tests.conftest import Server
from tests.nginx import deployed, needs_nginx
from tests.told import apart, logged

pytestmark = needs_nginx
LAYERS = [{"name": "w", "type": "tensor", "shape": [1000, 1500], "scheme": "he_normal"}]
FILE = f"/weights/{token({'algorithm': 'initserve/1', 'layers': LAYERS, 'seed': '11'})}.safetensors"


@pytest.fixture(scope="module")
def cache(running: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the cache."""
    folder = tmp_path_factory.mktemp("nginx")
    changes = {"/var/cache/nginx/weights": "weights"}
    with (
        deployed("nginx-cache.conf", folder, f"127.0.0.1:{running.port}", changes=changes) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30.0) as client,
    ):
        yield client


def asked(server: Server, address: str) -> int:
    """Return how often a server has been asked for something, as its log has it."""
    return logged(server).count(f"GET {address} ")


def test_what_many_ask_for_at_once_is_asked_for_once(
    running: Server, client: httpx.Client, cache: httpx.Client
) -> None:
    direct = client.get(FILE)
    size, etag = len(direct.content), direct.headers["etag"]
    before = asked(running, FILE)
    with ThreadPoolExecutor(8) as readers:
        found = list(readers.map(lambda _: cache.get(FILE), range(8)))
    assert all((each.content, each.headers["etag"]) == (direct.content, etag) for each in found)
    assert asked(running, FILE) - before == -(-size // MIB)  # once for each slice
    for start, stop in [(0, 10), (MIB - 5, MIB + 5), (3 * MIB, size), (size - 9, size)]:
        part = cache.get(FILE, headers={"range": f"bytes={start}-{stop - 1}", "if-range": etag})
        assert (part.status_code, part.content) == (206, direct.content[start:stop])
    for headers, status in [({"if-none-match": etag}, 304), ({"if-match": '"x"'}, 412)]:
        assert cache.get(FILE, headers=headers).status_code == status
    assert cache.get(FILE, headers={"range": "bytes=8-", "if-range": '"x"'}).content == direct.content
    assert cache.head(FILE).headers["content-length"] == str(size)
    assert asked(running, FILE) - before == -(-size // MIB)


def test_a_range_of_a_terabyte_takes_the_slices_that_it_touches(
    running: Server, client: httpx.Client, cache: httpx.Client
) -> None:
    large = f"/weights/{token(LARGE | {'seed': '12'})}.safetensors"
    some = {"range": f"bytes={2**39 - 500}-{2**39 + 499}"}
    direct = client.get(large, headers=some)
    before = asked(running, large)
    found = cache.get(large, headers=some)
    assert (found.content, found.headers["content-range"]) == (direct.content, direct.headers["content-range"])
    assert asked(running, large) - before == 2


@pytest.mark.parametrize("form", ["npz", "json?include=statistics", "svg", "json"])
def test_what_ends_with_sums_is_asked_for_once_as_a_whole(
    running: Server, client: httpx.Client, cache: httpx.Client, form: str
) -> None:
    at = f"/weights/{token(SPEC | {'seed': '13'})}.{form}"
    direct = client.get(at).content
    before = asked(running, at)
    assert cache.get(at).content == direct
    assert cache.get(at, headers={"range": "bytes=-20"}).content == direct[-20:]
    assert asked(running, at) - before == 1


def test_what_is_refused_is_refused_behind_the_cache_too(client: httpx.Client, cache: httpx.Client) -> None:
    for at in ("/weights/x.npz", "/weights/x.safetensors", FILE.replace(".safetensors", "/none/at/all.raw")):
        here, there = client.get(at), cache.get(at)
        assert (here.status_code, apart(here)) == (there.status_code, apart(there))
        assert here.status_code in (400, 404)


def test_what_comes_of_the_cache_is_called_as_this_request_is_and_not_as_the_one_that_filled_it(
    cache: httpx.Client,
) -> None:
    at = f"/weights/{token(SPEC | {'seed': '17'})}"
    for address in (f"{at}.json", f"{at}.safetensors"):
        called = [cache.get(address, headers={"x-request-id": name}).headers for name in ("one", "two")]
        assert [each.get_list("x-request-id") for each in called] == [["one"], ["two"]]
        assert not any("server-timing" in each for each in called)
    made = cache.get(f"{at}.json", headers={"x-request-id": "no good"}).headers["x-request-id"]
    assert len(made) == 32
    refused = cache.get("/weights/x.npz")
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
