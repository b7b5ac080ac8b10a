"""The Hub as its clients see it: names lead to specs, commit ids back to them, files are those of the specs."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api import repositories
from service.api.app import create_app
from service.api.repositories import TRIED, Repository, revision_of
from service.networks.families import FAMILIES
from service.settings import Settings
from service.specs.recipes import RECIPES
from service.specs.starts import STARTS, Start

SMALL = "init/fixup-small"  # a megabyte


def canonical(**spec: Any) -> str:
    return json.dumps(spec, sort_keys=True, separators=(",", ":"))


def repository(name: str) -> Repository:
    return repositories.repositories()[name]


def test_every_recipe_is_a_repository_and_every_size_and_head_of_it(client: httpx.Client) -> None:
    names = set()
    for each in client.get("/recipes").json()["recipes"]:
        sized = [f"init/{each['name']}", *(f"init/{each['name']}-{size['name']}" for size in each["sizes"])]
        names |= {*sized, *(f"{name}-{head}" for name in sized for head in each.get("heads", ()))}
    assert names == set(repositories.repositories())
    assert max(map(len, names)) <= 96


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_a_repository(client: httpx.Client, recipe: str) -> None:
    found = client.get(f"/api/models/init/{recipe}")
    assert found.status_code == 200
    assert found.json()["id"] == f"init/{recipe}"


def test_a_repository_may_be_of_a_model_with_a_head(client: httpx.Client) -> None:
    name = "init/gpt2-medium-causal_lm"
    config = client.get(f"/{name}/resolve/seed-5/config.json").json()
    assert config["architectures"] == ["GPT2LMHeadModel"]
    commit = client.head(f"/{name}/resolve/seed-5/model.safetensors").headers["x-repo-commit"]
    assert client.head(f"/{name}/resolve/{commit}/model.safetensors").status_code == 200
    base = client.head("/init/gpt2-medium/resolve/seed-5/model.safetensors").headers["x-repo-commit"]
    assert base != commit


def test_a_size_may_have_dots_and_capital_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"0.5B": (2, 10), "1.7B-it": (3, 10)}
    monkeypatch.setitem(RECIPES, "fixup", Start(STARTS["fixup"].build, STARTS["fixup"].network, sizes, ()))
    found = repositories.repositories.__wrapped__()
    assert found["init/fixup-0.5B"] == Repository("init/fixup-0.5B", "fixup", "0.5B")
    assert found["init/fixup-1.7B-it"].size == "1.7B-it"
    assert "init/fixup-small" not in found


@pytest.mark.parametrize(
    ("revision", "spec"),
    [
        ("seed-42", {"algorithm": "initserve/1", "recipe": "gpt2", "seed": "42"}),
        ("main", {"algorithm": "initserve/1", "recipe": "gpt2", "seed": "0"}),
        ("HEAD", {"algorithm": "initserve/1", "recipe": "gpt2", "seed": "0"}),
        ("torch-seed-42", {"algorithm": "torch-cpu/1", "recipe": "gpt2", "seed": "42"}),
        ("torch-seed--7", {"algorithm": "torch-cpu/1", "recipe": "gpt2", "seed": "-7"}),
    ],
)
def test_a_commit_id_is_the_digest_of_the_canonical_spec(revision: str, spec: dict[str, str]) -> None:
    found = revision_of(repository("init/gpt2-small"), revision)
    assert found is not None
    assert found.text == canonical(**spec)
    digits = 24 if revision == "torch-seed--7" else 40
    assert found.commit[:digits] == hashlib.sha256(found.text.encode()).hexdigest()[:digits]


@given(
    st.sampled_from(["seed", "torch-seed"]),
    st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 2 * TRIED), st.sampled_from([0, TRIED - 1, TRIED, 2**64 - 1])),
)
def test_a_commit_id_leads_back_to_its_spec_on_any_replica(stream: str, seed: int) -> None:
    there = repository("init/bert-large")
    found = revision_of(there, f"{stream}-{seed}")
    assert found is not None
    assert revision_of(there, found.commit) == found
    if seed < TRIED:
        assert found.commit == hashlib.sha256(found.text.encode()).hexdigest()[:40]


@given(st.integers(-(2**63), -1))
def test_a_negative_seed_of_pytorch_has_a_commit_id_of_its_own(seed: int) -> None:
    there = repository("init/vit")
    found, other = revision_of(there, f"torch-seed-{seed}"), revision_of(there, f"torch-seed-{seed + 2**64}")
    assert found is not None
    assert other is not None
    assert found.commit != other.commit
    assert revision_of(there, found.commit) == found
    assert revision_of(there, other.commit) == other


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "seed-",
        "seed--1",
        "seed-01",
        "seed-1 ",
        "seed-1\n",
        "Seed-1",
        "seed-1.0",
        "seed-\u0661",
        f"seed-{2**64}",
        "seed-1e3",
        "torch-seed-",
        f"torch-seed-{2**64}",
        f"torch-seed-{-(2**63) - 1}",
        "jax-seed-1",
        "refs/pr/1",
        "v1.0",
        "MAIN",
        "0" * 40,
        "f" * 40,
        "f" * 39,
        "F" * 40,
        "0" * 41,
    ],
)
def test_what_is_no_seed_is_no_revision(revision: str) -> None:
    assert revision_of(repository("init/gpt2"), revision) is None


def test_a_recipe_that_pytorch_does_not_draw_has_no_revision_of_its_stream() -> None:
    assert revision_of(repository("init/megatron"), "torch-seed-1") is None
    assert revision_of(repository("init/megatron"), "seed-1") is not None


def test_a_commit_id_is_of_its_own_repository_alone() -> None:
    found = revision_of(repository("init/gpt2-medium"), "seed-1")
    assert found is not None
    assert revision_of(repository("init/gpt2-large"), found.commit) is None
    assert revision_of(repository("init/gpt2-medium"), found.commit) == found


@pytest.mark.parametrize(("name", "stream"), [("seed-5", "initserve/1"), (f"seed-{2**63}", "initserve/1")])
def test_a_file_of_weights_is_what_init_answers(client: httpx.Client, name: str, stream: str) -> None:
    spec = {
        "recipe": "fixup",
        "size": "small",
        "layout": "pytorch",
        "seed": name.partition("-")[2],
        "algorithm": stream,
    }
    posted = client.post("/init?format=safetensors", json=spec).content
    found = client.get(f"/{SMALL}/resolve/{name}/model.safetensors")
    assert found.content == posted
    commit = found.headers["x-repo-commit"]
    assert client.get(f"/{SMALL}/resolve/{commit}/model.safetensors").content == posted
    assert client.get(f"/{SMALL}/raw/{commit}/model.safetensors").content == posted


def test_head_says_all_that_a_client_asks_before_it_downloads(client: httpx.Client) -> None:
    address = "/init/gpt2-small/resolve/seed-42/model.safetensors"
    head = client.head(address, headers={"accept-encoding": "identity"})
    assert head.status_code == 200
    assert head.headers["content-length"] == "497772648"
    assert head.headers["etag"].startswith('"')
    assert head.headers["accept-ranges"] == "bytes"
    assert "location" not in head.headers
    assert not [name for name in head.headers if name.startswith("x-xet")]
    commit = head.headers["x-repo-commit"]
    assert (
        commit == hashlib.sha256(canonical(algorithm="initserve/1", recipe="gpt2", seed="42").encode()).hexdigest()[:40]
    )
    part = client.get(address, headers={"range": "bytes=0-100000"})
    assert part.status_code == 206
    assert part.headers["x-repo-commit"] == commit
    assert client.get(address, headers={"if-none-match": head.headers["etag"]}).status_code == 304


def test_files_of_different_revisions_have_different_tags(client: httpx.Client) -> None:
    tags = {
        client.head(f"/{name}/resolve/{revision}/model.safetensors").headers["etag"]
        for name in ("init/gpt2", "init/gpt2-medium", "init/bert")
        for revision in ("seed-1", "seed-2", "torch-seed-1")
    }
    assert len(tags) == 9


def test_what_tells_of_the_service_is_asked_for_again_and_weights_never(client: httpx.Client) -> None:
    for file, kept in (("README.md", "no-cache"), ("config.json", "no-cache"), ("model.safetensors", "immutable")):
        assert kept in client.head(f"/init/bert/resolve/seed-1/{file}").headers["cache-control"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_published_model_has_a_config_and_no_other_has_one(client: httpx.Client, recipe: str) -> None:
    found = client.get(f"/init/{recipe}/resolve/main/config.json")
    if recipe not in FAMILIES:
        assert found.status_code == 404
        return
    assert found.headers["content-type"] == "application/json"
    of_transformers = FAMILIES[recipe].library == "transformers"
    assert found.json().get("model_type") == (FAMILIES[recipe].model_type if of_transformers else None)
    assert found.json().get("dtype") == ("float32" if of_transformers else None)


def test_a_model_card_says_which_spec_it_is(client: httpx.Client) -> None:
    card = client.get(f"/{SMALL}/resolve/seed-7/README.md")
    assert card.headers["content-type"].startswith("text/markdown")
    assert canonical(algorithm="initserve/1", recipe="fixup", seed="7") in card.text
    assert "library_name" not in card.text
    assert "library_name: transformers" in client.get("/init/vit/resolve/seed-7/README.md").text


def test_a_listing_has_every_file_with_its_length_and_gits_name_where_the_content_is_known(
    client: httpx.Client,
) -> None:
    tree = client.get("/api/models/init/vit/tree/torch-seed-3?recursive=True&expand=False").json()
    assert [entry["path"] for entry in tree] == ["README.md", "config.json", "model.safetensors"]
    for entry in tree:
        head = client.head(f"/init/vit/resolve/torch-seed-3/{entry['path']}")
        assert entry["size"] == int(head.headers["content-length"])
        assert entry["type"] == "file"
        assert len(entry["oid"]) == 40
    expanded = client.get("/api/models/init/vit/tree/torch-seed-3?expand=True").json()
    assert {entry["lastCommit"]["id"] for entry in expanded} == {head.headers["x-repo-commit"]}
    assert "lastCommit" not in tree[0]
    for entry in tree[:2]:
        content = client.get(f"/init/vit/resolve/torch-seed-3/{entry['path']}").content
        assert entry["oid"] == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def test_a_model_is_told_with_its_commit_files_and_parameters(client: httpx.Client) -> None:
    told = client.get("/api/models/init/gpt2/revision/seed-42?blobs=true&expand=sha").json()
    assert told["sha"] == client.head("/init/gpt2/resolve/seed-42/config.json").headers["x-repo-commit"]
    assert told["safetensors"] == {"parameters": {"F32": 124439808}, "total": 124439808}
    assert told["library_name"] == "transformers"
    assert {each["rfilename"] for each in told["siblings"]} == {"README.md", "config.json", "model.safetensors"}
    assert client.get(f"/api/models/init/gpt2/revision/{told['sha']}").json() == told
    main = client.get("/api/models/init/gpt2").json()
    assert main["sha"] == client.get("/api/models/init/gpt2/revision/seed-0").json()["sha"] != told["sha"]
    refs = client.get("/api/models/init/gpt2/refs").json()
    assert refs["branches"] == [{"name": "main", "ref": "refs/heads/main", "targetCommit": main["sha"]}]
    (commit,) = client.get("/api/models/init/gpt2/commits/seed-42").json()
    assert commit["id"] == told["sha"]


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"paths": ["README.md", "nothing"], "expand": "False"}},
        {"json": {"paths": ["README.md", "nothing"], "expand": False}},
        {"data": {"paths": "README.md"}},
    ],
)
def test_paths_are_asked_for_as_a_form_or_as_json(client: httpx.Client, sent: Any) -> None:
    found = client.post(f"/api/models/{SMALL}/paths-info/seed-1", **sent).json()
    assert [entry["path"] for entry in found] == ["README.md"]
    assert "lastCommit" not in found[0]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"paths": 1}', b'{"paths": [{}]}', b"{", b"[" * 5000, b'{"paths": null}', b"\xff"]
)
@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded"])
def test_what_lists_no_paths_is_refused(client: httpx.Client, content: bytes, media_type: str) -> None:
    found = client.post(f"/api/models/{SMALL}/paths-info/main", content=content, headers={"content-type": media_type})
    assert found.status_code == 400
    assert found.json()["type"] == "/problems/malformed-json"


MISSING = [
    ("/init/gpt9/resolve/main/config.json", "RepoNotFound"),
    ("/gpt2/resolve/main/config.json", "RepoNotFound"),
    ("/openai-community/gpt2/resolve/main/config.json", "RepoNotFound"),
    ("/datasets/init/gpt2/resolve/main/config.json", "RepoNotFound"),
    ("/api/models/init/gpt9", "RepoNotFound"),
    ("/api/models/gpt2", "RepoNotFound"),
    ("/api/models/a/b/revision/main", "RepoNotFound"),
    ("/api/models/a/b/tree/main", "RepoNotFound"),
    ("/api/models/a/b/refs", "RepoNotFound"),
    ("/api/datasets/a/b", "RepoNotFound"),
    ("/spec/sha256-" + "0" * 64 + "/resolve/main/config.json", "RepoNotFound"),
    ("/spec/sha256-0/resolve/main/config.json", "RepoNotFound"),
    ("/init/gpt2/resolve/v1/config.json", "RevisionNotFound"),
    ("/init/gpt2/resolve/refs%2Fpr%2F1/config.json", "RevisionNotFound"),
    ("/init/gpt2/resolve/" + "a" * 40 + "/config.json", "RevisionNotFound"),
    ("/init/lora/resolve/torch-seed-1/config.json", "RevisionNotFound"),
    ("/api/models/init/gpt2/revision/v1", "RevisionNotFound"),
    ("/api/models/init/gpt2/revision/refs%2Fpr%2F1", "RevisionNotFound"),
    ("/api/models/init/gpt2/tree/v1", "RevisionNotFound"),
    ("/api/models/init/gpt2/commits/refs%2Fpr%2F1", "RevisionNotFound"),
    ("/init/gpt2/resolve/main/vocab.json", "EntryNotFound"),
    ("/init/gpt2/resolve/main/a/b/c.json", "EntryNotFound"),
    ("/init/gpt2/resolve/main/model-00001-of-00002.safetensors", "EntryNotFound"),
    ("/api/models/init/gpt2/tree/main/folder", "EntryNotFound"),
]


@pytest.mark.parametrize(("address", "kind"), MISSING)
def test_what_is_not_there_is_said_as_the_clients_read_it(client: httpx.Client, address: str, kind: str) -> None:
    found = client.get(address)
    assert found.status_code == 404
    assert found.headers["x-error-code"] == kind
    assert found.headers["content-type"] == "application/problem+json"
    assert found.headers["x-error-message"] == found.json()["detail"]
    assert ("x-repo-commit" in found.headers) == (kind == "EntryNotFound")
    if "/resolve/" in address:
        assert client.head(address).headers["x-error-code"] == kind


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api/whoami-v2", 404),
        ("GET", "/api/models/init/gpt2/discussions", 404),
        ("GET", "/nothing", 404),
        ("GET", "/init", 405),
        ("GET", "/docs/a/resolve/main/config.json", 404),
        ("POST", "/init/gpt2/resolve/main/config.json", 405),
        ("GET", "/api/models/init/gpt2/paths-info/main", 404),
    ],
)
def test_other_addresses_are_as_they_were(client: httpx.Client, method: str, address: str, status: int) -> None:
    found = client.request(method, address)
    assert found.status_code == status
    assert "x-error-code" not in found.headers


SEGMENT = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "init",
            "spec",
            "gpt2",
            "gpt2-small",
            "resolve",
            "raw",
            "main",
            "seed-1",
            "torch-seed-1",
            "a" * 40,
            "..",
            "",
            "%00",
            "api",
            "models",
            "revision",
            "tree",
            "refs",
            "commits",
            "paths-info",
            "config.json",
            "model.safetensors",
        ]
    ),
)


@given(st.lists(SEGMENT, min_size=1, max_size=7), st.sampled_from(["GET", "HEAD", "POST"]))
def test_no_name_whatever_fails(server: str, client: httpx.Client, segments: list[str], method: str) -> None:
    path = "/".join(quote(each, safe="") for each in segments)
    assert client.request(method, f"{server}/{path}", headers={"range": "bytes=0-9"}).status_code < 500


def test_a_checkpoint_has_the_names_that_every_version_of_the_library_reads(client: httpx.Client) -> None:
    address = "/init/vit-base/resolve/seed-1/model.safetensors"
    length = int.from_bytes(client.get(address, headers={"range": "bytes=0-7"}).content, "little")
    header = json.loads(client.get(address, headers={"range": f"bytes=8-{7 + length}"}).content)
    assert header["__metadata__"]["format"] == "pt"
    assert header["encoder.layer.11.attention.attention.query.weight"]["shape"] == [768, 768]
    assert not [name for name in header if name.startswith("layers.")]


def test_a_checkpoint_has_the_counts_that_torch_keeps_beside_running_means(client: httpx.Client) -> None:
    address = "/init/resnet-18/resolve/seed-1/model.safetensors"
    length = int.from_bytes(client.get(address, headers={"range": "bytes=0-7"}).content, "little")
    header = json.loads(client.get(address, headers={"range": f"bytes=8-{7 + length}"}).content)
    counts = [name for name in header if name.endswith("num_batches_tracked")]
    assert len(counts) == len([name for name in header if name.endswith("running_mean")]) == 20
    assert {(header[name]["dtype"], tuple(header[name]["shape"])) for name in counts} == {("I64", ())}
    first = 8 + length
    assert client.get(address, headers={"range": f"bytes={first}-{first + 159}"}).content == bytes(160)
    ends = sorted(tuple(entry["data_offsets"]) for name, entry in header.items() if name != "__metadata__")
    assert [start for start, _ in ends] == [0, *(end for _, end in ends[:-1])]
    assert int(client.head(address).headers["content-length"]) == first + ends[-1][1]


def test_a_model_of_diffusers_has_the_files_that_it_looks_for(client: httpx.Client) -> None:
    told = client.get("/api/models/init/unet_2d").json()
    assert told["library_name"] == "diffusers"
    assert told["config"] == {"_class_name": "UNet2DModel"}
    names = {each["rfilename"] for each in told["siblings"]}
    assert names == {"README.md", "config.json", "diffusion_pytorch_model.safetensors"}
    tree = client.get("/api/models/init/unet_2d_condition-sdxl/tree/main").json()
    index = client.get(
        "/init/unet_2d_condition-sdxl/resolve/main/diffusion_pytorch_model.safetensors.index.json"
    ).json()
    shards = set(index["weight_map"].values())
    assert {entry["path"] for entry in tree} >= shards
    assert sorted(shards)[0] == "diffusion_pytorch_model-00001-of-00003.safetensors"


def test_weights_that_are_too_large_for_one_file_come_in_shards_with_their_index(client: httpx.Client) -> None:
    tree = client.get("/api/models/init/gpt2-xl/tree/seed-3").json()
    names = [entry["path"] for entry in tree]
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert names == ["README.md", "config.json", *shards, "model.safetensors.index.json"]
    index = client.get("/init/gpt2-xl/resolve/seed-3/model.safetensors.index.json").json()
    assert index["metadata"]["total_size"] == 4 * 1557611200
    assert sorted(set(index["weight_map"].values())) == shards
    assert client.get("/init/gpt2-xl/resolve/seed-3/model.safetensors").headers["x-error-code"] == "EntryNotFound"
    told = client.post("/plan", json={"recipe": "gpt2", "size": "xl", "seed": 3, "layout": "pytorch"}).json()
    name = "h.47.mlp.c_proj.weight"
    address = f"/init/gpt2-xl/resolve/seed-3/{index['weight_map'][name]}"
    length = int.from_bytes(client.get(address, headers={"range": "bytes=0-7"}).content, "little")
    header = json.loads(client.get(address, headers={"range": f"bytes=8-{7 + length}"}).content)
    start, stop = (8 + length + offset for offset in header[name]["data_offsets"])
    assert stop - start == 4 * 6400 * 1600
    (parameter,) = (
        each for layer in told["layers"] for each in layer["parameters"] if f"{layer['name']}.{each['name']}" == name
    )
    part = {"range": "bytes=-1000"}
    assert (
        client.get(address, headers={"range": f"bytes={stop - 1000}-{stop - 1}"}).content
        == client.get(parameter["links"]["raw"], headers=part).content
    )


LAYERS = [{"name": "fc", "type": "dense", "shape": [30, 20]}]
NO_LAYERS = {
    "recipe": "bert",
    "dtype": "bfloat16",
    "seed": 4,
    "rules": [{"match": "pooler*/kernel", "scheme": "orthogonal"}],
}


def test_a_stored_spec_is_a_repository_of_its_own(tmp_path: Path) -> None:
    async def run() -> None:
        app = create_app(Settings(specs=str(tmp_path)))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client,
        ):
            for spec, files in (
                ({"layers": LAYERS, "seed": 3, "layout": "flax"}, ["README.md", "model.safetensors"]),
                (NO_LAYERS, ["README.md", "config.json", "model.safetensors"]),
            ):
                name = (await client.post("/specs", json=spec)).json()["digest"]
                told = (await client.get(f"/api/models/spec/{name}")).json()
                assert told["sha"] == name.removeprefix("sha256-")[:40]
                assert [each["rfilename"] for each in told["siblings"]] == files
                assert len(told["id"]) <= 96
                assert (await client.get(f"/api/models/spec/{name}/revision/{told['sha']}")).json() == told
                for revision in ("seed-3", "f" * 40):
                    refused = await client.head(f"/spec/{name}/resolve/{revision}/README.md")
                    assert refused.headers["x-error-code"] == "RevisionNotFound"
                answered = await client.get(f"/weights/{name}.safetensors", headers={"range": "bytes=0-999"})
                found = await client.get(
                    f"/spec/{name}/resolve/main/model.safetensors", headers={"range": "bytes=0-999"}
                )
                assert found.content == answered.content
                assert found.headers["x-repo-commit"] == told["sha"]
            config = (await client.get(f"/spec/{name}/resolve/main/config.json")).json()
            assert (config["model_type"], config["dtype"]) == ("bert", "bfloat16")
            unknown = await client.get(f"/api/models/spec/sha256-{'0' * 64}")
            assert unknown.headers["x-error-code"] == "RepoNotFound"

    asyncio.run(run())
