"""What planning takes has a price on every route, wherever a spec was kept: it is refused beyond what it may take."""

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest

from service.api.store import path_of
from service.prices import planning, reading
from service.specs.addresses import short
from service.specs.canonical import canonical_document
from service.specs.jcs import canonical
from service.specs.spec import Spec
from tests.api.test_protocol import PATIENCE
from tests.conftest import Server, serving

MOST = 0.25  # seconds of a processor that a request may take
# More by its price, in a few hundred bytes: each array has a place of its own in torch's stream.
STACKED: dict[str, Any] = {
    "seed": 1,
    "algorithm": "torch-cpu/1",
    "layout": "pytorch",
    "fans": "pytorch",
    "exact": False,
    "layers": [{"type": "lstm", "shape": [1 + n, 1], "num_layers": 64, "bidirectional": True} for n in range(8)],
}
SMALL = {"seed": 1, "layers": [{"type": "dense", "shape": [2, 2]}]}
NPY = {"content-type": "application/x-npy"}


class Kept(NamedTuple):
    """A server that plans little, and a spec that it keeps since it planned more, by its address and digest."""

    server: Server
    address: str
    digest: str


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("specs")
    text = canonical(canonical_document(Spec.model_validate(STACKED), 1))
    address, digest = short(text), hashlib.sha256(text.encode()).hexdigest()
    assert address is not None
    place = folder / path_of(digest)
    place.parent.mkdir(parents=True)
    place.write_text(text)
    with serving(INITSERVE_MAX_PROCESSOR_SECONDS=str(MOST), INITSERVE_SPECS=str(folder)) as server:
        yield Kept(server, address, digest)


def requests(kept: Kept) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return a request of each way on which a spec comes to be planned."""
    file = io.BytesIO()
    np.save(file, np.zeros(2))
    body, sent = {"json": STACKED}, {"content": file.getvalue(), "headers": NPY}
    at, kept_at = kept.address, f"sha256-{kept.digest}"
    return {
        "init": ("POST", "/init?format=npz", body),
        "plan": ("POST", "/plan", body),
        "specs": ("POST", "/specs", body),
        "diagnose": ("POST", "/diagnose", body),
        "weights": ("GET", f"/weights/{at}.npz", {}),
        "a head": ("HEAD", f"/weights/{at}.safetensors", {}),
        "a slice": ("GET", f"/weights/{at}/lstm/kernel.npy", {}),
        "a kept spec": ("GET", f"/weights/{kept_at}.npz", {}),
        "the hub": ("GET", f"/spec/{kept_at}/resolve/main/model.safetensors", {}),
        "the hub's listing": ("GET", f"/api/models/spec/{kept_at}", {}),
        "verify": ("POST", f"/verify?spec={at}", sent),
        "verify by digest": ("POST", f"/verify?spec={kept_at}", sent),
    }


def test_what_takes_too_long_to_plan_is_refused_on_every_route(kept: Kept) -> None:
    text = json.dumps(STACKED).encode()
    assert reading(text) < MOST < planning(Spec.model_validate(STACKED))
    with httpx.Client(base_url=kept.server.url, timeout=PATIENCE) as client:
        for name, (method, path, more) in requests(kept).items():
            answer = client.request(method, path, **more)
            assert answer.status_code == 422, (name, answer.text)
            if method != "HEAD":
                assert answer.json()["type"] == "/problems/too-large", name
                assert "seconds of a processor to be planned; at most 0.25 are allowed" in answer.json()["detail"], name
        assert client.post("/plan", json=SMALL).status_code == 200
