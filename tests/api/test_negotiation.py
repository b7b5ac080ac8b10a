"""Which format an answer takes."""

import httpx
import pytest

from service.api.negotiation import MOST_RANGES, choose_among, choose_format
from service.api.problems import RequestProblem

JSON, NPY, NPZ = "application/json", "application/x-npy", "application/x-npz"
SAFETENSORS, OCTETS = "application/vnd.safetensors", "application/octet-stream"


@pytest.mark.parametrize(
    ("wanted", "accept", "name", "media_type"),
    [
        (None, "", "json", JSON),
        (None, "*/*", "json", JSON),
        (None, "application/*", "json", JSON),
        (None, NPZ, "npz", NPZ),
        (None, f"{JSON};q=0.5, {SAFETENSORS}", "safetensors", SAFETENSORS),
        (None, f"{NPZ}; q=0.9, {NPY}; q=0.8", "npz", NPZ),
        (None, f"*/*;q=0.1, {NPY}", "npy", NPY),
        (None, f"{JSON};q=0, */*", "safetensors", SAFETENSORS),
        (None, "text/html, application/xhtml+xml, */*;q=0.8", "json", JSON),
        (None, f"{NPZ};q=nonsense, {JSON};q=0.1", "json", JSON),
        (None, f"{NPZ};q=nan, {JSON};q=0.1", "json", JSON),
        (None, f"{NPZ};q=1_0, {JSON};q=0.1", "json", JSON),
        (None, ", ,", "json", JSON),
        ("npz", JSON, "npz", NPZ),
        ("npz", OCTETS, "npz", OCTETS),
        ("npz", f"{OCTETS}, */*", "npz", NPZ),
        ("npz", f"{OCTETS};q=0", "npz", NPZ),
        ("npz", f"{OCTETS};q=0.0, text/html", "npz", NPZ),
        ("json", "", "json", JSON),
    ],
)
def test_format_wins_then_accept_then_json(wanted: str | None, accept: str, name: str, media_type: str) -> None:
    chosen = choose_format(wanted, accept)
    assert (chosen.name, chosen.media_type) == (name, media_type)


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("application/*;q=0.1, */*", "svg"),  # the more specific range holds, though the other weighs more
        ("*/*, application/*;q=0.1", "svg"),
        ("*/*;q=0.1, image/*;q=0.2", "svg"),
        ("image/svg+xml;q=0.1, image/*;q=0.9, application/json;q=0.5", "json"),
        ("application/*;q=0, */*", "svg"),
        ("application/json, image/*", "json"),
    ],
)
def test_the_most_specific_range_decides(accept: str, name: str) -> None:
    assert choose_among({"json": JSON, "svg": "image/svg+xml"}, None, accept) == name


def test_an_accept_of_very_many_ranges_is_refused() -> None:
    assert choose_format(None, f"{NPZ};q=0.5," * (MOST_RANGES - 1) + NPY).name == "npy"
    with pytest.raises(RequestProblem) as caught:
        choose_format(None, f"{NPZ}," * MOST_RANGES + NPY)
    assert caught.value.code == "malformed-request"


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", OCTETS, "nonsense"])
def test_what_is_not_offered_is_refused_with_the_list(accept: str) -> None:
    with pytest.raises(RequestProblem) as caught:
        choose_format(None, accept)
    assert caught.value.code == "not-acceptable"
    for media_type in (JSON, NPY, NPZ, SAFETENSORS):
        assert media_type in caught.value.detail


def test_over_http(client: httpx.Client) -> None:
    spec = {"seed": 1, "layers": [{"type": "tensor", "shape": [3]}]}
    for accept in (JSON, NPY, NPZ, SAFETENSORS):
        answer = client.post("/init", json=spec, headers={"accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, accept)
        assert answer.headers["vary"] == "accept"
    refused = client.post("/init", json=spec, headers={"accept": "text/html"})
    assert (refused.status_code, refused.json()["type"]) == (406, "/problems/not-acceptable")
    two = {"layers": [*spec["layers"], {"type": "tensor", "shape": [3]}]}  # type: ignore[misc]
    assert client.post("/init?format=npy", json=two).json()["type"] == "/problems/unsupported-combination"


def test_every_line_of_accept_counts(client: httpx.Client) -> None:
    spec = {"seed": 1, "layers": [{"type": "tensor", "shape": [3]}]}
    lines = [("accept", "text/html"), ("accept", NPY)]
    answer = client.post("/init", json=spec, headers=lines)
    assert answer.headers["content-type"] == NPY


def test_files_hold_no_statistics(client: httpx.Client) -> None:
    spec = {"seed": 1, "layers": [{"type": "tensor", "shape": [3]}]}
    refused = client.post("/init?format=npz&include=weights,statistics", json=spec)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-query")
