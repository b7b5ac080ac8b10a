"""huggingface_hub and fsspec find, download and read models that exist only as specs; replicas come and go."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import huggingface_hub
import numpy as np
import pytest
from fsspec.implementations.http import HTTPFileSystem
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download
from huggingface_hub.errors import RemoteEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
from obstore.store import HTTPStore
from safetensors.numpy import load

from tests.conftest import Server, serving
from tests.replicas import balanced

SMALL = "init/fixup-small"  # a megabyte
LARGER = "init/fixup-base"  # seven


@pytest.fixture
def api(server: str) -> HfApi:
    return HfApi(endpoint=server, token=False)


@pytest.fixture
def files(server: str) -> HfFileSystem:
    HfFileSystem.clear_instance_cache()
    return HfFileSystem(endpoint=server, token=False)


@pytest.fixture
def a_connection_each() -> Iterator[None]:
    """Let the client open a connection for every request, so that each may come to another replica."""
    alone = httpx2.Limits(max_keepalive_connections=0)
    huggingface_hub.set_client_factory(lambda: httpx2.Client(follow_redirects=True, limits=alone))
    yield
    huggingface_hub.utils._http.set_client_factory(huggingface_hub.utils._http.default_client_factory)


def posted(client: httpx.Client, **spec: Any) -> bytes:
    answer = client.post("/init?format=safetensors", json={"layout": "pytorch", **spec})
    assert answer.status_code == 200
    return answer.content


def test_a_file_is_downloaded_once_and_is_what_init_answers(server: str, client: httpx.Client, tmp_path: Path) -> None:
    where = {"repo_id": SMALL, "filename": "model.safetensors", "revision": "seed-42", "cache_dir": tmp_path}
    first = hf_hub_download(**where, endpoint=server)
    assert Path(first).read_bytes() == posted(client, recipe="fixup", seed=42)
    assert hf_hub_download(**where, endpoint=server) == first
    assert hf_hub_download(**where, local_files_only=True) == first
    other = hf_hub_download(**where | {"revision": "seed-43"}, endpoint=server)
    assert Path(other).read_bytes() == posted(client, recipe="fixup", seed=43)


def test_a_snapshot_has_every_file_under_the_commit(server: str, client: httpx.Client, tmp_path: Path) -> None:
    folder = Path(snapshot_download(SMALL, revision="seed-7", cache_dir=tmp_path, endpoint=server))
    assert folder.name == client.head(f"/{SMALL}/resolve/seed-7/README.md").headers["x-repo-commit"]
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "model.safetensors"]
    assert (folder / "model.safetensors").read_bytes() == posted(client, recipe="fixup", seed=7)
    beside = Path(snapshot_download(SMALL, revision=folder.name, local_dir=tmp_path / "beside", endpoint=server))
    assert (beside / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


def test_metadata_of_a_model_are_read_without_its_weights(api: HfApi) -> None:
    found = api.get_safetensors_metadata("init/bert-base", revision="torch-seed-1")
    assert not found.sharded
    assert found.parameter_count == {"F32": 109482240}
    (file,) = found.files_metadata.values()
    assert file.tensors["pooler.dense.weight"].shape == [768, 768]
    assert file.metadata["format"] == "pt"
    large = api.get_safetensors_metadata("init/gpt2-xl", revision="seed-1")
    assert large.sharded
    assert large.parameter_count == {"F32": 1557611200}
    assert sorted(set(large.weight_map.values())) == sorted(large.files_metadata)


def test_a_model_is_told_as_any_other(api: HfApi) -> None:
    told = api.model_info("init/gpt2-small", revision="seed-42", files_metadata=True)
    assert told.safetensors is not None
    assert told.safetensors.total == 124439808
    assert [file.rfilename for file in told.siblings or []] == ["README.md", "config.json", "model.safetensors"]
    assert api.resolve_revision("init/gpt2-small", revision="seed-42").resolved == told.sha
    assert [branch.name for branch in api.list_repo_refs("init/gpt2-small").branches] == ["main"]
    (commit,) = api.list_repo_commits("init/gpt2-small", revision="seed-42")
    assert commit.commit_id == told.sha
    (file,) = api.get_paths_info("init/gpt2-small", ["config.json", "nothing"], revision="seed-42", expand=True)
    assert file.last_commit is not None
    assert file.last_commit.oid == told.sha


def test_what_is_not_there_is_raised_as_the_library_raises_it(api: HfApi, server: str, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"endpoint": server, "cache_dir": tmp_path}
    for repository in ("init/gpt9", "openai/gpt2", f"spec/sha256-{'0' * 64}"):
        with pytest.raises(RepositoryNotFoundError):
            hf_hub_download(repository, "config.json", **asked)
        with pytest.raises(RepositoryNotFoundError):
            snapshot_download(repository, **asked)
        assert not api.repo_exists(repository)
    for revision in ("v1", "seed-x", "refs/pr/1", "f" * 40):
        with pytest.raises(RevisionNotFoundError, match="seed-N"):
            hf_hub_download("init/gpt2", "config.json", revision=revision, **asked)
        assert not api.revision_exists("init/gpt2", revision)
    with pytest.raises(RemoteEntryNotFoundError, match="it has README"):
        hf_hub_download("init/gpt2", "tokenizer.json", **asked)
    assert not api.file_exists("init/gpt2", "tokenizer.json")
    assert api.file_exists("init/gpt2", "config.json", revision="seed-3")


def test_a_file_system_reads_any_part(files: HfFileSystem, client: httpx.Client, tmp_path: Path) -> None:
    weights = posted(client, recipe="fixup", seed=42)
    path = f"{SMALL}@seed-42/model.safetensors"
    assert files.ls(f"{SMALL}@seed-42", detail=False) == [f"{SMALL}@seed-42/README.md", path]
    assert files.glob(f"{SMALL}@seed-42/*.safetensors") == [path]
    assert files.info(path)["size"] == len(weights)
    commit = client.head(f"/{SMALL}/resolve/seed-42/README.md").headers["x-repo-commit"]
    assert files.info(path, expand_info=True)["last_commit"].oid == commit
    assert files.cat_file(path) == weights
    assert files.cat_file(path, start=-100) == weights[-100:]
    with files.open(path, block_size=2**16) as opened:
        opened.seek(500_000)
        assert opened.read(1000) == weights[500_000:501_000]
    files.get_file(path, str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == weights
    assert not files.exists(f"{SMALL}@seed-42/nothing")
    assert not files.exists(f"{SMALL}@v1/README.md")
    assert load(files.read_bytes(path))["classifier.bias"].dtype == np.float32


def test_fsspec_reads_any_part_over_plain_http(server: str, client: httpx.Client) -> None:
    weights = posted(client, recipe="fixup", seed=42)
    files, address = HTTPFileSystem(), f"{server}/{SMALL}/resolve/seed-42/model.safetensors"
    assert files.info(address)["size"] == len(weights)
    ranges = [(0, 8), (1000, 2000), (len(weights) - 10, len(weights))]
    found = files.cat_ranges([address] * 3, *map(list, zip(*ranges, strict=True)))
    assert found == [weights[start:stop] for start, stop in ranges]
    with files.open(address, block_size=2**16) as opened:
        opened.seek(700_000)
        assert opened.read(10) == weights[700_000:700_010]


def test_obstore_reads_several_parts_at_once(server: str, client: httpx.Client) -> None:
    weights = posted(client, recipe="fixup", seed=42)
    store = HTTPStore.from_url(f"{server}/{SMALL}/resolve/seed-42", client_options={"allow_http": True})
    assert store.head("model.safetensors")["size"] == len(weights)
    starts, ends = [0, 1000, len(weights) - 10], [8, 2000, len(weights)]
    parts = store.get_ranges("model.safetensors", starts=starts, ends=ends)
    assert [bytes(part) for part in parts] == [weights[start:end] for start, end in zip(starts, ends, strict=True)]


def test_any_spec_in_the_store_is_a_model(tmp_path: Path) -> None:
    layers = [{"name": "fc", "type": "dense", "shape": [64, 32]}, {"name": "out", "type": "lstm", "shape": [32, 8]}]
    with serving(INITSERVE_SPECS=str(tmp_path / "specs")) as server:
        spec = {"seed": 8, "layout": "flax", "dtype": "float16", "layers": layers}
        name = httpx.post(f"{server.url}/specs", json=spec).json()["digest"]
        posted = httpx.post(f"{server.url}/init?format=safetensors", json=spec).content
        folder = Path(snapshot_download(f"spec/{name}", cache_dir=tmp_path / "cache", endpoint=server.url))
        assert (folder / "model.safetensors").read_bytes() == posted
        assert folder.name == name.removeprefix("sha256-")[:40]
        again = hf_hub_download(
            f"spec/{name}", "model.safetensors", revision=folder.name, local_dir=tmp_path, endpoint=server.url
        )
        assert Path(again).read_bytes() == posted
        HfFileSystem.clear_instance_cache()
        files = HfFileSystem(endpoint=server.url, token=False)
        assert files.cat_file(f"spec/{name}/model.safetensors", start=0, end=8) == posted[:8]
        assert HfApi(endpoint=server.url).get_safetensors_metadata(f"spec/{name}").parameter_count["F16"] > 0


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client keep what it has of a file of some megabytes: it does so in parts of ten."""
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 2**18)


@pytest.mark.usefixtures("small_chunks")
def test_a_download_goes_on_at_another_replica_when_its_server_is_killed(
    client: httpx.Client, running: Server, tmp_path: Path
) -> None:
    weights, second = posted(client, recipe="fixup", size="base", seed=5), running
    with serving() as first:
        asked = 0

        def kill(port: int, brought: int) -> None:
            nonlocal asked
            if port == first.port and brought > len(weights) // 3:
                first.process.kill()
                first.process.wait()
            elif port == second.port:
                asked = max(asked, brought)

        with balanced(first.port, second.port, watch=kill) as replicas:
            where = {"endpoint": replicas.url, "cache_dir": tmp_path}
            file = hf_hub_download(LARGER, "model.safetensors", revision="seed-5", **where)
        assert first.process.poll() is not None
        assert hashlib.sha256(Path(file).read_bytes()).digest() == hashlib.sha256(weights).digest()
        assert 0 < asked < 0.9 * len(weights)  # the rest alone


@pytest.mark.usefixtures("small_chunks")
def test_a_download_goes_on_when_its_server_is_started_again(client: httpx.Client, tmp_path: Path) -> None:
    weights = posted(client, recipe="fixup", size="base", seed=6)
    servers = [Server()]
    try:
        servers[0].wait_until_ready()

        def restart(port: int, brought: int) -> None:
            if len(servers) == 1 and brought > len(weights) // 3:
                servers[0].process.kill()
                servers[0].process.wait()
                servers.append(Server())
                servers[1].wait_until_ready()
                replicas.ports[:] = [servers[1].port]

        with balanced(servers[0].port, watch=restart) as replicas:
            where = {"endpoint": replicas.url, "cache_dir": tmp_path}
            file = hf_hub_download(LARGER, "model.safetensors", revision="seed-6", **where)
        assert len(servers) == 2
        assert Path(file).read_bytes() == weights
    finally:
        for server in servers:
            server.stop()


@pytest.mark.usefixtures("a_connection_each")
def test_a_commit_is_known_to_replicas_that_were_never_asked_for_its_seed(running: Server, tmp_path: Path) -> None:
    with serving() as other, balanced(running.port, other.port) as replicas:
        where = {"endpoint": replicas.url, "cache_dir": tmp_path, "allow_patterns": "*.md"}
        api = HfApi(endpoint=replicas.url, token=False)
        for repository, revision in (
            (SMALL, "seed-42"),
            (SMALL, f"seed-{2**64 - 1}"),
            ("init/bert", "torch-seed-42"),
            ("init/bert", "torch-seed--42"),
        ):
            folder = Path(snapshot_download(repository, revision=revision, **where))
            for _ in replicas.ports:
                assert api.model_info(repository, revision=folder.name).sha == folder.name
        assert {running.port, other.port} == set(replicas.connections)
