"""Scopes: every route needs one, which a key or the service's openness gives; who has none is told what to do."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from service.api.app import create_app
from service.api.door.access import WrongSetting
from service.api.door.keys import new_key
from service.api.door.scopes import SCOPES, scope_of, scopes_in
from service.settings import Settings
from tests.conftest import Server, serving

ROUTES = [route for route in create_app(Settings()).routes if isinstance(route, Route)]
GUARDED = [route for route in ROUTES if scope_of(route)]
SPEC = {"seed": 1, "layers": [{"type": "dense", "shape": [2, 2]}]}
KEYS = {name: new_key(name, scopes) for name, scopes in {"all": list(SCOPES), **{one: [one] for one in SCOPES}}.items()}
REPLACED, _ = new_key("all", SCOPES)


def bearing(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {KEYS[name][0]}"}


@pytest.fixture(scope="module")
def file_of_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text("\n".join(line for _, line in KEYS.values()))
    return file


@pytest.fixture(scope="module")
def closed(file_of_keys: Path) -> Iterator[Server]:
    """A server on which nothing is open to those without a key."""
    with serving(INITSERVE_API_KEYS_FILE=str(file_of_keys), INITSERVE_OPEN_SCOPES="") as server:
        yield server


@pytest.fixture
def asking(closed: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=closed.url, timeout=60) as client:
        yield client


def addressed(route: Route) -> str:
    return re.sub(r"\{[^}]*\}", "x", route.path)


def methods_of(route: Route) -> list[str]:
    return sorted(route.methods or ())


def test_every_route_needs_a_scope_but_what_probes_ask_and_what_explains_a_refusal() -> None:
    free = {route.path for route in ROUTES if not scope_of(route)}
    assert free == {"/livez", "/readyz", "/problems", "/problems/{code}"}
    by_scope = {scope: {route.path for route in GUARDED if scope_of(route) == scope} for scope in SCOPES}
    assert by_scope["heavy"] == {"/diagnose", "/train", "/verify"}
    assert by_scope["specs"] == {"/specs"}
    assert by_scope["metrics"] == {"/metrics"}
    assert {"/init", "/plan", "/weights/{spec}.npz", "/specs/{digest}", "/api/models/{namespace}/{name}"} <= by_scope[
        "weights"
    ]
    assert {"/", "/schemes", "/docs/", "/openapi.json"} <= by_scope["read"]


def test_a_route_of_which_nobody_has_said_what_it_needs_stops_the_service() -> None:
    with pytest.raises(KeyError):
        scope_of(APIRoute("/new", lambda: None, tags=["new"]))


def test_no_route_answers_without_a_key_where_nothing_is_open(asking: httpx.Client) -> None:
    for route in GUARDED:
        for method in methods_of(route):
            found = asking.request(method, addressed(route))
            assert found.status_code == 401, (method, route.path)
            told = found.headers["www-authenticate"]
            assert told == f'Bearer realm="initserve", scope="{scope_of(route)}"'
            assert found.headers["cache-control"] == "no-store"
            if method != "HEAD":
                assert found.json()["type"] == "/problems/key-needed"


def test_no_way_of_writing_an_address_gets_past(asking: httpx.Client) -> None:
    for address in (
        "/init/",
        "//init",
        "/./init",
        "/%69nit",
        "/init%2f",
        "/INIT",
        "/metrics/",
        "/x/../metrics",
        "/init?x",
    ):
        found = asking.request("POST", address, json=SPEC)
        assert found.status_code in (401, 404, 405), address
    assert asking.get("/livez").status_code == asking.get("/readyz").status_code == 200
    assert asking.get("/problems/key-needed").status_code == 200


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_opens_the_scopes_that_it_has_and_no_other(asking: httpx.Client, scope: str) -> None:
    for route in GUARDED:
        if route.path.count("/") > 1 and scope_of(route) == "read" and not route.path.startswith("/docs"):
            continue  # files of the page, all alike
        for method in methods_of(route):
            found = asking.request(method, addressed(route), headers=bearing(scope))
            if scope_of(route) == scope:
                assert found.status_code not in (401, 403), (method, route.path)
            else:
                assert found.status_code == 403, (method, route.path)
                expected = f'Bearer realm="initserve", error="insufficient_scope", scope="{scope_of(route)}"'
                assert found.headers["www-authenticate"] == expected


@pytest.mark.parametrize(
    "sent",
    [
        f"Bearer {REPLACED}", "Bearer nonsense", "Bearer", "Bearer a b", "bearer \xe9", "Bearer initserve_",
        f"Bearer {KEYS['all'][0]}x", f"Bearer {KEYS['all'][1].partition(':')[2]}", f"Bearer{KEYS['all'][0]}",
    ],
    ids=["replaced", "no key", "nothing", "two", "not ASCII", "a beginning", "one more letter", "a digest", "no space"],
)  # fmt: skip
def test_a_key_that_is_none_is_told_so(asking: httpx.Client, sent: str) -> None:
    found = asking.get("/schemes", headers={b"authorization": sent.encode("latin-1")})
    assert found.status_code == 401
    assert found.json()["type"] == "/problems/unknown-key"
    assert found.headers["www-authenticate"] == 'Bearer realm="initserve", error="invalid_token"'


def test_two_keys_at_once_are_none(asking: httpx.Client) -> None:
    both = [("authorization", bearing(name)["authorization"]) for name in ("all", "read")]
    assert asking.get("/schemes", headers=both).json()["type"] == "/problems/unknown-key"


@pytest.mark.parametrize("sent", ["Basic YWxpY2U6c2VjcmV0", "Bearer hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "Digest x"])
def test_what_is_meant_for_a_proxy_or_for_the_hub_is_no_key(asking: httpx.Client, sent: str) -> None:
    found = asking.get("/schemes", headers={"authorization": sent})
    assert found.json()["type"] == "/problems/key-needed"


def test_a_scheme_is_written_in_any_letters(asking: httpx.Client) -> None:
    for word in ("Bearer", "bearer", "BEARER"):
        assert asking.get("/schemes", headers={"authorization": f"{word} {KEYS['read'][0]}"}).status_code == 200


def test_a_key_in_the_address_or_in_the_body_opens_nothing(asking: httpx.Client) -> None:
    key = KEYS["all"][0]
    for name in ("key", "api_key", "access_token", "authorization", "token"):
        assert asking.get("/schemes", params={name: key}).status_code == 401
        assert asking.get("/schemes", headers={"x-api-key": key, "cookie": f"{name}={key}"}).status_code == 401
        assert asking.post("/init", data={name: key}).status_code == 401


def test_what_took_a_key_is_in_no_shared_cache(asking: httpx.Client, client: httpx.Client) -> None:
    address = client.post("/plan", json=SPEC).json()["links"]["npz"]
    assert client.get(address).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asking.get(address, headers=bearing("weights")).headers["cache-control"] == (
        "private, max-age=31536000, immutable"
    )


def test_an_open_playground_with_paid_heavy_work(file_of_keys: Path) -> None:
    with serving(
        INITSERVE_API_KEYS_FILE=str(file_of_keys), INITSERVE_OPEN_SCOPES="read, weights"
    ) as server, httpx.Client(base_url=server.url, timeout=60) as anybody:  # fmt: skip
        assert anybody.get("/").status_code == 200
        assert anybody.post("/init", json=SPEC).status_code == 200
        assert anybody.post("/diagnose", json=SPEC).status_code == 401
        assert anybody.post("/diagnose", json=SPEC, headers=bearing("heavy")).status_code == 200
        assert anybody.post("/init", json=SPEC, headers=bearing("heavy")).status_code == 200  # open to all
        assert anybody.post("/init", json=SPEC, headers={"authorization": f"Bearer {REPLACED}"}).status_code == 401


def test_what_no_address_can_hold_is_kept_only_for_clients_that_may_have_specs_kept(
    file_of_keys: Path, tmp_path: Path
) -> None:
    names = [random.Random(i).randbytes(32).hex() for i in range(600)]
    layers = [{"type": "dense", "shape": [2, 2], "name": name} for name in names]
    with serving(
        INITSERVE_API_KEYS_FILE=str(file_of_keys), INITSERVE_OPEN_SCOPES="read,weights", INITSERVE_SPECS=str(tmp_path)
    ) as server, httpx.Client(base_url=server.url, timeout=60) as anybody:  # fmt: skip
        for path in ("/plan", "/init?include=statistics"):
            answer = anybody.post(path, json={"seed": 1, "layers": layers})
            assert answer.status_code == 200
            assert [warning["code"] for warning in answer.json()["warnings"]] == ["no-address"]
            assert "links" not in answer.json()
        assert not list(tmp_path.rglob("*.json"))
        planned = anybody.post("/plan", json={"seed": 1, "layers": layers}, headers=bearing("specs")).json()
        assert anybody.get(planned["links"]["npz"], headers={"range": "bytes=0-9"}).status_code == 206
        assert len(list(tmp_path.rglob("*.json"))) == 1


def test_a_scope_that_is_closed_where_there_are_no_keys_is_closed_to_all() -> None:
    with serving(INITSERVE_OPEN_SCOPES="read,weights") as server:
        found = httpx.post(f"{server.url}/train", json={}, headers=bearing("all"))
        assert found.status_code == 403
        assert "for nobody" in found.json()["detail"]
        assert httpx.get(f"{server.url}/schemes", headers={"authorization": "Bearer x"}).status_code == 200


def test_no_key_is_ever_in_the_log(closed: Server, asking: httpx.Client) -> None:
    asking.post("/init", json=SPEC, headers=bearing("all")).raise_for_status()
    asking.get("/schemes", headers={"authorization": f"Bearer {REPLACED}"})
    asking.post("/init", content=b"{", headers=bearing("all"))
    logged = closed.logged()
    for key in (REPLACED, *(key for key, _ in KEYS.values())):
        assert key.removeprefix("initserve_") not in logged


def test_what_is_no_scope_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="scopes are read, weights, heavy, specs, metrics"):
        scopes_in("read,write")
    with pytest.raises(WrongSetting, match="INITSERVE_OPEN_SCOPES: scopes are"):
        create_app(Settings(open_scopes="everything"))
    assert scopes_in("") == set()
