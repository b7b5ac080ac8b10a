"""What reads safetensors reads every shard: the library's own readers for each framework, MLX, diffusers."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core
import numpy as np
import pytest
from initserve import Local, read_safetensors
from numpy.typing import NDArray

from service.specs.spec import Spec
from tests.frameworks.checkpoints.writing import write
from tests.frameworks.families.oracle import drawn, planned
from tests.frameworks.families.test_libraries import CASES, MODELS, SERVED, build, opened

Reader = Callable[[Path], dict[str, Any]]
SPEC: dict[str, Any] = {
    "recipe": "gpt2",
    "config": {"n_layer": 2, "n_embd": 64, "n_head": 4, "vocab_size": 512},
    "seed": 4,
}
INDEX = "model.safetensors.index.json"


def of_library(framework: str) -> Reader:
    module = importlib.import_module(f"safetensors.{framework}")
    return lambda file: dict(module.load_file(str(file)))


def own(file: Path) -> dict[str, Any]:
    return read_safetensors(file.read_bytes())


READERS: dict[str, Callable[[], Reader]] = {
    **{name: (lambda name=name: of_library(name)) for name in ("numpy", "torch", "flax", "tensorflow")},  # type: ignore[misc]
    "mlx": lambda: lambda file: dict(mlx.core.load(str(file))),
    "initserve": lambda: own,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(Spec.model_validate(SPEC).plan(), tmp_path_factory.mktemp("written") / "gpt2", 60_000)


@pytest.mark.parametrize("name", READERS)
def test_every_reader_finds_each_array_where_the_index_says(name: str, folder: Path) -> None:
    if name == "tensorflow":
        pytest.importorskip("tensorflow")
    read = READERS[name]()
    found: dict[str, NDArray[Any]] = {}
    where: dict[str, str] = {}
    for file in sorted(folder.glob("*.safetensors")):
        arrays = read(file)
        found |= {each: np.asarray(value) for each, value in arrays.items()}
        where |= dict.fromkeys(arrays, file.name)
    assert where == json.loads((folder / INDEX).read_text())["weight_map"]
    assert len(set(where.values())) > 2
    wanted = Local().init(SPEC)
    assert found.keys() == wanted.keys()
    assert [each for each, value in wanted.items() if not np.array_equal(value, found[each])] == []


@pytest.mark.skipif(not MODELS.exists(), reason="make frameworks installs the other libraries")
def test_diffusers_loads_its_models_from_shards(tmp_path: Path) -> None:
    asked, plans = {}, {word: planned(family, CASES[word][2], None) for word, family in SERVED.items()}
    for word, plan in plans.items():
        place = write(plan, tmp_path / f"{word} written", 20_000)
        assert len(list(place.glob("diffusion_pytorch_model-*.safetensors"))) > 1
        asked[word] = ("diffusers", str(place))
    build(tmp_path, asked)
    for word, plan in plans.items():
        loaded, ours = opened(tmp_path / f"{word}.safetensors"), drawn(plan)
        assert loaded.keys() == ours.keys()
        assert all(np.array_equal(value.numpy(), loaded[name]) for name, value in ours.items())
