"""Networks of other libraries' models than transformers: outputs and gradients on the same weights."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from service.specs.recipes import networks
from tests.frameworks.families.test_libraries import CASES, MODELS, VGG
from tests.frameworks.graphs.ours import WEIGHTS, Passed, arrays_of, compare, inputs_of, passed, spec_of

pytestmark = pytest.mark.skipif(not MODELS.exists(), reason="make frameworks installs the other libraries")

ROOT = Path(__file__).parents[3]
ODD = {"input_shape": [37, 50, 3]}  # of images, whose halves are odd and even
SHAPES: dict[str, dict[str, Any]] = {  # of what goes in, where a config does not say it
    "torchvision_resnet": ODD,
    "resnet50": ODD,
    "timm_resnet": ODD,
}
FOUR = {"layers": [1, 2, 1, 1], "channels": [8, 20, 12, 16]}  # stages, without which timm's have no forward pass
# A family, the library's name, its config, and what else our spec or our config says.
Case = tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]
KNOWN: dict[str, Case] = {
    word: (family, library, {**config, **FOUR} if family == "timm_resnet" else config, SHAPES.get(family, {}), {})
    for word, (family, library, config) in CASES.items()
    if family in networks() and family != "vgg16"
}
SIDES = {"seven": 28, "pooled": [56, 84], "one": [4, 4]}  # of VGG, whose dense layers read 7 by 7
KNOWN |= {
    f"VGG, {word}, {norms}": ("vgg16", "torchvision", {**VGG, "batch_norm": norms}, {}, {"image_size": side})
    for word, side in SIDES.items()
    for norms in (False, True)
}
KNOWN["timm, basic"] = (*KNOWN["timm, basic"][:3], {"input_shape": [37, 50, 5]}, {})  # which has five channels
EVERY = {f"{word}, {weights}": (*case, weights) for word, case in KNOWN.items() for weights in WEIGHTS}


def ours_of(word: str) -> tuple[Any, dict[str, Any]]:
    family, library, config, shape, more, weights = EVERY[word]
    told = {**config, **more} | ({"library": library} if family == "actor_critic" else {})
    spec = spec_of(family, config=told, rules=WEIGHTS[weights], **shape)
    return spec, inputs_of(spec)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Passed, dict[str, Any]]]:
    """Return what comes of a pass here and there, by the name of the case."""
    folder, found = tmp_path_factory.mktemp("passed"), {}
    for word in EVERY:
        spec, inputs = ours_of(word)
        found[word] = passed(spec, inputs)
        given = {"input": inputs["input"], "sent": found[word].sent}
        save_file({**arrays_of(spec), **given}, folder / f"{word}.safetensors")
    environment = {**os.environ, "PYTHONPATH": f"{MODELS}{os.pathsep}{ROOT}"}
    asked = json.dumps({word: case[1:3] for word, case in EVERY.items()})
    command = [sys.executable, "-m", "tests.frameworks.graphs.run_models", str(folder), asked]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return {word: (each, load_file(folder / f"{word}.passed.safetensors")) for word, each in found.items()}


@pytest.mark.parametrize("word", EVERY)
def test_a_recipe_is_its_librarys_network(both: dict[str, tuple[Passed, dict[str, Any]]], word: str) -> None:
    ours, theirs = both[word]
    compare(ours, theirs.pop("output"), theirs)
