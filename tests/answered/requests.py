"""What is asked so that every operation shows every status and type that it declares.

An operation's requests are tried in order, and what comes of each is an example of the status that it has: so to show
another answer, or another problem, add a request.
"""

import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import numpy as np

from service.api.weights import EXAMPLE
from tests.answered.asking import JSON, Asked
from tests.answered.conditions import (
    BEYOND,
    COMPILING,
    CROWDED,
    DISAGREEING,
    FAILING,
    FILLED,
    FULL,
    KEY_OF_METRICS,
    LOCKED,
    SLOWLY,
    STORELESS,
    TORCH,
)
from tests.verification import file_of, planned

# A layer of two units: what it comes to can be read at a glance.
SMALL: dict[str, Any] = {
    "seed": 42,
    "layers": [{"name": "out", "type": "dense", "shape": [2, 2], "activation": "relu"}],
}
ONE: dict[str, Any] = {"seed": 42, "layers": [{"name": "t", "type": "tensor", "shape": [2, 2], "scheme": "he_normal"}]}
# Three steps: what a training looks like, not what it comes to.
SHORT: dict[str, Any] = {
    "seed": 1,
    "task": "moons",
    "steps": 3,
    "learning_rate": 0.1,
    "schemes": ["he_normal"],
    "layers": [
        {"name": "fc1", "type": "dense", "shape": [2, 8], "activation": "relu"},
        {"name": "out", "type": "dense", "shape": [8, 2]},
    ],
}
DENSE = {"type": "dense", "shape": [4, 4]}
PARTIAL = {"seed": 42, "layers": [{"type": "dense", "shape": [4, 4.5]}]}
HALF = {"dtype": "float16", "layers": [{**DENSE, "scheme": {"name": "constant", "value": 100_000}}]}
ORTHOGONAL = {"algorithm": "jax-threefry/1", "layers": [{**DENSE, "scheme": "orthogonal"}]}
WIDE = {"layers": [{"type": "dense", "shape": [100_000, 100_000]}]}
NARROW = {"layers": [{"type": "dense", "shape": [100_000, 500_000]}]}
UNHEARD = "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
WEIGHTS = f"/weights/{EXAMPLE}"
MODEL, MISSING = "init/gpt2-small", "init/gpt3"


def address_of(document: dict[str, Any]) -> str:
    return f"/weights/{planned(**document).address}"


def body_of(document: Any) -> bytes:
    return json.dumps(document).encode()


def of_body(operation: str, path: str, question: dict[str, Any], *faults: dict[str, Any]) -> Iterator[Asked]:
    """Yield what goes wrong with a spec in the body, whatever the operation; `faults` are the specs that cannot be."""
    method = "QUERY" if operation.startswith("query") else "POST"

    def posted(body: bytes, headers: dict[str, str] = JSON, condition: str = "", target: str = path) -> Asked:
        return Asked(operation, "", "", method, target, headers, body, condition)

    yield posted(b"{x}")
    yield posted(b"", condition=SLOWLY)
    yield posted(b"{", {**JSON, "content-length": "20000000"})
    yield posted(body_of(question), {"content-type": "text/plain"})
    for fault in faults:
        yield posted(body_of(fault))
    yield posted(body_of(question), target=f"{path}?formt=npz")
    yield posted(body_of(question), condition=FULL)
    yield posted(body_of({**question, "algorithm": TORCH}), condition=COMPILING)


def with_formats(operation: str, path: str, method: str = "POST") -> Iterator[Asked]:
    """Yield the answers of /init in every format."""

    def drawn(name: str, summary: str, format: str, question: dict[str, Any]) -> Asked:
        return Asked(operation, name, summary, method, path + format, JSON, body_of(question))

    yield drawn("layer", "A dense layer's weights and biases", "", SMALL)
    yield drawn("statistics", "Statistics in their place", "?include=statistics", ONE)
    yield drawn("safetensors", "Both arrays as one file", "?format=safetensors", SMALL)
    yield drawn("npz", "Both arrays as one file", "?format=npz", SMALL)
    yield drawn("npy", "The only array of a spec", "?format=npy", ONE)
    yield drawn("svg", "Statistics, drawn", "?include=statistics&format=svg", ONE)
    yield Asked(operation, "", "", method, path, {**JSON, "accept": "image/png"}, body_of(SMALL))


def of_weights() -> Iterator[Asked]:
    yield from with_formats("init", "/init")
    yield from of_body("init", "/init", SMALL, PARTIAL, HALF, ORTHOGONAL, WIDE)
    yield from with_formats("query_init", "/init", "QUERY")
    yield from of_body("query_init", "/init", SMALL, PARTIAL, HALF, ORTHOGONAL, WIDE)
    yield Asked("plan", "layer", "A dense layer's arrays", "POST", "/plan", JSON, body_of(SMALL))
    block = {**SMALL, "input_shape": [2], "layers": [*SMALL["layers"], {"type": "add", "inputs": ["input", "out"]}]}
    network = "/plan?include=network"
    yield Asked("plan", "network", "How its layers are joined, too", "POST", network, JSON, body_of(block))
    yield from of_body("plan", "/plan", SMALL, PARTIAL, HALF, ORTHOGONAL)


def of_studies() -> Iterator[Asked]:
    for name, summary, query in (("layer", "One layer", ""), ("svg", "One layer, drawn", "?format=svg")):
        yield Asked("diagnose", name, summary, "POST", f"/diagnose{query}", JSON, body_of(SMALL))
    deep = {
        "seed": 42,
        "layers": [{"name": f"fc{n}", **DENSE, "activation": "tanh", "scheme": "zeros"} for n in (1, 2)],
    }
    yield Asked(
        "diagnose", "repaired", "Two layers of zeros, and what to try", "POST", "/diagnose", JSON, body_of(deep)
    )
    for name, format, summary in (
        ("runs", "json", "One run of three steps"),
        ("events", "events", "The same, told as it goes"),
        ("lines", "jsonl", "The same, a line for each event"),
    ):
        yield Asked("train", name, summary, "POST", f"/train?format={format}", JSON, body_of(SHORT))
    wrong_task = {**SHORT, "layers": [{"type": "dense", "shape": [3, 2]}]}
    for operation, question, faults in (
        ("diagnose", SMALL, (PARTIAL, HALF, ORTHOGONAL, NARROW)),
        (
            "train",
            SHORT,
            ({**SHORT, **PARTIAL}, wrong_task, {**SHORT, "algorithm": "jax-threefry/1", "schemes": ["orthogonal"]}),
        ),
    ):
        target = f"/{operation}"
        yield Asked(operation, "", "", "POST", target, {**JSON, "accept": "image/png"}, body_of(question))
        yield from of_body(operation, target, question, *faults)


def of_files() -> Iterator[Asked]:
    """Yield what /verify is sent: a file that is right, and one with another element and without a parameter."""
    plan = planned(**SMALL)
    right, wrong = file_of(plan, "safetensors"), with_a_fault(file_of(plan, "npz"))
    octets = {"content-type": "application/octet-stream"}
    address = f"/verify?spec={plan.address}"

    def sent(body: bytes, target: str = address, headers: dict[str, str] = octets, condition: str = "") -> Asked:
        return Asked("verify", "", "", "POST", target, headers, body, condition)

    yield Asked("verify", "equal", "What /init answers", "POST", "/verify", octets, right)
    yield Asked("verify", "different", "Another element, and no biases", "POST", address, octets, wrong)
    yield sent(right, "/verify?spec=eNpl")
    yield sent(b"--x\r\n", "/verify", {"content-type": "multipart/form-data; boundary=x"})
    yield sent(right, f"/verify?spec={UNHEARD}")
    yield sent(b"", condition=SLOWLY)
    yield sent(b"", headers={**octets, "content-length": "70000000000"})
    yield sent(b"{}", headers={"content-type": "text/plain"})
    yield sent(right[: len(right) // 2])
    yield sent(wrong, "/verify")
    yield sent(right, condition=FULL)
    yield sent(right, f"/verify?spec={UNHEARD}", condition=FAILING)


def with_a_fault(file: bytes) -> bytes:
    with np.load(io.BytesIO(file)) as opened:
        kernel = opened["out/kernel"]
    kernel[1, 0] = 1.0
    out = io.BytesIO()
    np.savez(out, **{"out/kernel": kernel})
    return out.getvalue()


def of_kept_specs() -> Iterator[Asked]:
    long = {"seed": 42, "layers": [{"name": "fc1", "type": "dense", "shape": [784, 10]}]}
    kept = f"/specs/sha256-{planned(**long).digest}"
    for name, summary in (("new", "A layer"), ("known", "The same again")):
        yield Asked("keep_spec", name, summary, "POST", "/specs", JSON, body_of(long))
    yield from of_body("keep_spec", "/specs", SMALL, PARTIAL, HALF, ORTHOGONAL)
    for condition in (FAILING, FILLED, STORELESS):
        yield Asked("keep_spec", "", "", "POST", "/specs", JSON, body_of(SMALL), condition)
    yield from of_address("show_spec", kept, "0-20", "30-40")
    for operation, method in (("show_spec", "GET"), ("head_show_spec", "HEAD")):
        yield Asked(operation, "", "", method, f"/specs/{UNHEARD}")
        yield Asked(operation, "", "", method, f"/specs/{UNHEARD}", condition=FAILING)


def of_address(operation: str, target: str, first: str, second: str, parameters: bool = True) -> Iterator[Asked]:
    """Yield what GET and HEAD of an address come to; `first` and `second` are ranges of text.

    The Hub's addresses may have any `parameters`: its clients send some that mean nothing here.
    """
    yield Asked(operation, "whole", "All of it", "GET", target)
    yield Asked(operation, "range", "A range", "GET", target, {"range": f"bytes={first}"})
    yield Asked(operation, "ranges", "Two ranges", "GET", target, {"range": f"bytes={first},{second}"})
    yield Asked(operation, "", "", "GET", target, {"range": "bytes=9000000-"})
    yield Asked(f"head_{operation}", "", "", "HEAD", target)
    for name, method in ((operation, "GET"), (f"head_{operation}", "HEAD")):
        yield Asked(name, "", "", method, target, {"if-none-match": "*"})
        yield Asked(name, "", "", method, target, {"if-match": '"another"'})
        if parameters:
            yield Asked(name, "", "", method, f"{target}?formt=npz")


def of_addresses() -> Iterator[Asked]:
    torch = address_of({**SMALL, "algorithm": TORCH})
    large, larger = address_of({"layers": [{"type": "dense", "shape": [1024, 1024]}]}), address_of(NARROW)
    for operation, end, first, second in (
        ("weights_json", ".json", "0-26", "28-38"),
        ("weights_npz", ".npz", "30-43", "45-52"),
        ("weights_safetensors", ".safetensors", "8-40", "50-60"),
        ("weights_svg", ".svg", "0-40", "50-60"),
        ("weights_index", "/model.safetensors.index.json", "0-20", "30-40"),
        ("weights_shard", "/model-00001-of-00001.safetensors", "8-40", "50-60"),
        ("parameter_json", "/hidden/kernel.json", "0-25", "27-40"),
        ("parameter_npy", "/hidden/kernel.npy", "10-26", "28-50"),
        ("parameter_raw", "/hidden/bias.raw", "0-3", "8-11"),
    ):
        yield from of_address(operation, WEIGHTS + end, first, second)
        one = end.replace("hidden/", "dense/")
        for name, method in ((operation, "GET"), (f"head_{operation}", "HEAD")):
            yield Asked(name, "", "", method, f"/weights/{EXAMPLE[:40]}{end}")
            yield Asked(name, "", "", method, f"/weights/{UNHEARD}{end}")
            yield Asked(name, "", "", method, (WEIGHTS + end).replace("hidden", "hiden").replace("1-of", "2-of"))
            if operation.startswith("parameter"):
                yield Asked(name, "", "", method, f"{WEIGHTS}{end}?slice=900")
            yield Asked(name, "", "", method, larger + one)
            yield Asked(name, "", "", method, torch + end.replace("hidden", "out"), condition=COMPILING)
            yield Asked(name, "", "", method, f"/weights/{UNHEARD}{end}", condition=FAILING)
            yield Asked(name, "", "", method, large + one, condition=FULL)


def of_hub() -> Iterator[Asked]:
    api = f"/api/models/{MODEL}"
    listings = (
        ("hub_model", "A model", "", ""),
        ("hub_refs", "Its branches", "/refs", ""),
        ("hub_revision", "A revision", "/revision/seed-42", "/revision/seed-one"),
        ("hub_commits", "Its commit", "/commits/seed-42", "/commits/seed-one"),
        ("hub_tree", "Its files", "/tree/seed-42", "/tree/seed-one"),
    )
    for operation, summary, end, wrong in listings:
        yield Asked(operation, "model", summary, "GET", api + end)
        yield Asked(operation, "", "", "GET", f"/api/models/{MISSING}{end}")
        if wrong:
            yield Asked(operation, "", "", "GET", api + wrong)
        yield Asked(operation, "", "", "GET", api + end, condition=CROWDED)
        yield Asked(
            operation, "", "", "GET", f"/api/models/spec/{UNHEARD}" + end.replace("seed-42", "main"), condition=FAILING
        )
    paths, wanted = f"{api}/paths-info/seed-42", body_of({"paths": ["config.json"]})
    yield Asked("hub_paths", "config", "One of its files", "POST", paths, JSON, wanted)
    yield Asked("hub_paths", "", "", "POST", paths, JSON, b"{}")
    yield Asked("hub_paths", "", "", "POST", paths.replace("seed-42", "seed-one"), JSON, wanted)
    yield Asked("hub_paths", "", "", "POST", paths.replace(MODEL, MISSING), JSON, wanted)
    yield Asked("hub_paths", "", "", "POST", paths, JSON, b"", SLOWLY)
    yield Asked("hub_paths", "", "", "POST", paths, {**JSON, "content-length": "20000000"}, b"{")
    yield Asked("hub_paths", "", "", "POST", paths, JSON, wanted, CROWDED)
    yield Asked("hub_paths", "", "", "POST", paths, JSON, wanted, FULL)
    for verb in ("resolve", "raw"):
        at = f"/{MODEL}/{verb}"
        yield from of_address(f"hub_{verb}", f"{at}/seed-42/config.json", "0-20", "30-50", parameters=False)
        for name, summary, target in (
            ("card", "A model card", f"{at}/seed-42/README.md"),
            ("weights", "Weights", f"/init/fixup-small/{verb}/seed-42/model.safetensors"),
        ):
            yield Asked(f"hub_{verb}", name, summary, "GET", target)
            yield Asked(f"hub_{verb}", name, "A range", "GET", target, {"range": "bytes=8-40"})
        for name, method in ((f"hub_{verb}", "GET"), (f"head_hub_{verb}", "HEAD")):
            for target in (
                f"/{MISSING}/{verb}/main/config.json",
                f"{at}/seed-one/config.json",
                f"{at}/seed-42/vocab.json",
            ):
                yield Asked(name, "", "", method, target)
            yield Asked(name, "", "", method, f"{at}/torch-seed-42/model.safetensors", condition=COMPILING)
            yield Asked(name, "", "", method, f"{at}/seed-42/model.safetensors", condition=FULL)
            yield Asked(name, "", "", method, f"/spec/{UNHEARD}/{verb}/main/model.safetensors", condition=FAILING)


def of_catalogue() -> Iterator[Asked]:
    for plural, one in (
        ("schemes", "he_normal"),
        ("layers", "dense"),
        ("activations", "relu"),
        ("recipes", "fixup"),
        ("algorithms", TORCH),
        ("problems", "invalid-spec"),
    ):
        singular = plural.removesuffix("s")
        yield Asked(f"list_{plural}", "all", "All of them", "GET", f"/{plural}")
        yield Asked(f"show_{singular}", one.partition("/")[0], f"`{one}`", "GET", f"/{plural}/{quote(one)}")
        unheard = f"/{plural}/unheard-of" + ("/1" if "/" in one else "")
        yield Asked(f"show_{singular}", "", "", "GET", unheard)
    yield Asked("livez", "alive", "It answers", "GET", "/livez")
    yield Asked("readyz", "ready", "Everything agrees", "GET", "/readyz")
    yield Asked("readyz", "disagrees", "A scheme comes out otherwise", "GET", "/readyz", condition=DISAGREEING)
    yield Asked("metrics", "counters", "Some of those of a process that just started", "GET", "/metrics")


def of_refusals() -> Iterator[Asked]:
    """Yield what any operation answers a client without a key, or with one that does not do."""
    for key in (None, "initserve_replaced", KEY_OF_METRICS):
        headers = JSON if key is None else {**JSON, "authorization": f"Bearer {key}"}
        yield Asked("refusals", "", "", "POST", "/init", headers, body_of(SMALL), LOCKED)
    yield Asked("refusals", "", "", "POST", "/init", JSON, body_of(SMALL), BEYOND)


def requests() -> list[Asked]:
    """Return all that is asked, in the order in which it is."""
    parts = (of_catalogue, of_kept_specs, of_weights, of_studies, of_files, of_addresses, of_hub, of_refusals)
    return [asked for part in parts for asked in part()]
