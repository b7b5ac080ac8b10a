"""Families of other libraries than transformers: names, shapes, and under torch's stream the very weights."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open

from service.networks.families import FAMILIES
from tests.frameworks.families.oracle import COUNT, drawn, planned
from tests.frameworks.families.test_files import written

MODELS = Path(sys.prefix) / "models"  # make frameworks fills it
pytestmark = pytest.mark.skipif(not MODELS.exists(), reason="make frameworks installs the other libraries")

Arrays = dict[str, NDArray[Any]]
RESIDUAL: dict[str, Any] = {"layers": [1, 2, 1, 1], "num_classes": 3}
TIMM: dict[str, Any] = {"layers": [1, 2], "channels": [10, 18], "num_classes": 3}
UNET: dict[str, Any] = {
    "_class_name": "UNet2DModel",
    "in_channels": 1,
    "out_channels": 2,
    "block_out_channels": [8, 12, 20],
    "norm_num_groups": 4,
    "layers_per_block": 2,
    "down_block_types": ["AttnDownBlock2D", "AttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D"],
    "attention_head_dim": 3,
}
GUIDED: dict[str, Any] = {
    "_class_name": "UNet2DConditionModel",
    "in_channels": 2,
    "out_channels": 3,
    "block_out_channels": [8, 12],
    "norm_num_groups": 4,
    "layers_per_block": 1,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "cross_attention_dim": 6,
    "attention_head_dim": 2,
}
VGG: dict[str, Any] = {"widths": [6, 10], "depths": [1, 2], "classifier_width": 11, "num_classes": 3}
MIXER: dict[str, Any] = {
    "num_classes": 3,
    "img_size": [20, 15],
    "patch_size": [5, 4],
    "in_chans": 2,
    "num_blocks": 2,
    "embed_dim": 18,
    "mlp_ratio": [0.7, 2.5],
}
ACTING: dict[str, Any] = {"observations": 17, "actions": 6, "hidden_sizes": [33, 18], "continuous": False}
BLOCKS = {"down_block_types": ["CrossAttnDownBlock2D", "AttnDownBlock2D"]}
BLOCKS_BACK = {"up_block_types": ["AttnUpBlock2D", "CrossAttnUpBlock2D"]}

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "torchvision": ("torchvision_resnet", "torchvision", RESIDUAL),
    "torchvision, basic": ("torchvision_resnet", "torchvision", {**RESIDUAL, "block": "basic"}),
    "torchvision, last scales 0": ("torchvision_resnet", "torchvision", {**RESIDUAL, "zero_init_residual": True}),
    "torchvision, groups": ("torchvision_resnet", "torchvision", {**RESIDUAL, "groups": 4, "width_per_group": 8}),
    "timm": ("timm_resnet", "timm", TIMM),
    "timm, basic": ("timm_resnet", "timm", {**TIMM, "block": "basic", "in_chans": 5}),
    "timm, last scales 1": ("timm_resnet", "timm", {**TIMM, "zero_init_last": False}),
    "timm, deep": ("timm_resnet", "timm", {**TIMM, "stem_type": "deep", "stem_width": 6, "avg_down": True}),
    "timm, tiered": ("timm_resnet", "timm", {**TIMM, "stem_type": "deep_tiered", "stem_width": 10}),
    "timm, groups, no classes": (
        "timm_resnet",
        "timm",
        {**TIMM, "cardinality": 2, "base_width": 24, "channels": [8, 20], "num_classes": 0},
    ),
    "torchvision, ResNet-50": ("resnet50", "torchvision", {**RESIDUAL, "zero_init_residual": True}),
    "torchvision, VGG": ("vgg16", "torchvision", VGG),
    "torchvision, VGG with norms": ("vgg16", "torchvision", {**VGG, "batch_norm": True}),
    "timm, MLP-Mixer": ("mlp_mixer", "timm", MIXER),
    "timm, MLP-Mixer without classes": ("mlp_mixer", "timm", {**MIXER, "num_classes": 0}),
    "diffusers": ("unet_2d", "diffusers", UNET),
    "diffusers, waves": (
        "unet_2d",
        "diffusers",
        {**UNET, "time_embedding_type": "fourier", "class_embed_type": "timestep", "attention_head_dim": None},
    ),
    "diffusers, learned times": (
        "unet_2d",
        "diffusers",
        {**UNET, "time_embedding_type": "learned", "num_train_timesteps": 9, "time_embedding_dim": 10},
    ),
    "diffusers, resampled by layers": (
        "unet_2d",
        "diffusers",
        {
            **UNET,
            "downsample_type": "resnet",
            "upsample_type": "resnet",
            "resnet_time_scale_shift": "scale_shift",
            "num_class_embeds": 7,
        },
    ),
    "diffusers, nothing between": ("unet_2d", "diffusers", {**UNET, "mid_block_type": None}),
    "diffusers, no attention between": ("unet_2d", "diffusers", {**UNET, "add_attention": False}),
    "guided": ("unet_2d_condition", "diffusers", GUIDED),
    "guided, linear, by the text alone": (
        "unet_2d_condition",
        "diffusers",
        {
            **GUIDED,
            "use_linear_projection": True,
            "only_cross_attention": True,
            "class_embed_type": "projection",
            "projection_class_embeddings_input_dim": 5,
            "attention_head_dim": 3,
        },
    ),
    "guided, each stage its own": (
        "unet_2d_condition",
        "diffusers",
        {
            **GUIDED,
            "attention_head_dim": [2, 3],
            "transformer_layers_per_block": [1, 2],
            "layers_per_block": [1, 2],
            "cross_attention_dim": [6, 5],
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 3,
            "projection_class_embeddings_input_dim": 15,
            "time_cond_proj_dim": 4,
        },
    ),
    "guided, waves": (
        "unet_2d_condition",
        "diffusers",
        {
            **GUIDED,
            **BLOCKS,
            **BLOCKS_BACK,
            "mid_block_type": "UNetMidBlock2D",
            "time_embedding_type": "fourier",
            "encoder_hid_dim": 9,
            "conv_in_kernel": 1,
            "conv_out_kernel": 5,
            "num_class_embeds": 4,
        },
    ),
    "guided, classes beside times": (
        "unet_2d_condition",
        "diffusers",
        {
            **GUIDED,
            "mid_block_type": None,
            "class_embeddings_concat": True,
            "class_embed_type": "simple_projection",
            "projection_class_embeddings_input_dim": 5,
            "only_cross_attention": [True, False],
        },
    ),
    "guided, each transformer its own": (
        "unet_2d_condition",
        "diffusers",
        {
            **GUIDED,
            "layers_per_block": 2,
            "transformer_layers_per_block": [[1, 2], [2, 1]],
            "reverse_transformer_layers_per_block": [[1, 2, 1], [2, 1, 1]],
            "mid_block_type": None,
        },
    ),
    "CleanRL": ("actor_critic", "cleanrl", ACTING),
    "CleanRL, continuous": ("actor_critic", "cleanrl", {**ACTING, "continuous": True}),
    "CleanRL, no layers between": ("actor_critic", "cleanrl", {**ACTING, "hidden_sizes": []}),
    "Stable-Baselines3": ("actor_critic", "stable_baselines3", ACTING),
    "Stable-Baselines3, continuous": ("actor_critic", "stable_baselines3", {**ACTING, "continuous": True}),
}
SIZES = [
    *((family, size, size) for family in ("torchvision_resnet", "timm_resnet") for size in FAMILIES[family].sizes),
    *(("mlp_mixer", size, f"mixer_{size}") for size in FAMILIES["mlp_mixer"].sizes),
    ("resnet50", "imagenet", "resnet50"),
    ("vgg16", "imagenet", "vgg16"),
    ("vgg16", "batch_norm", "vgg16_bn"),
]  # with the name that the library has for it
SERVED = {"diffusers": "unet_2d", "guided": "unet_2d_condition"}  # of cases, what the Hub serves
ROUNDED = 2e-6  # what two QR decompositions of float32 matrices of these sizes may be apart, by √2


def build(folder: Path, asked: dict[str, tuple[str, Any]]) -> None:
    """Build models, each in a folder's file of its name: those of diffusers apart, in whose way torchvision stands."""
    environment = {**os.environ, "PYTHONPATH": str(MODELS)}
    script = Path(__file__).parent / "built.py"
    for apart in (True, False):
        cases = {name: each for name, each in asked.items() if (each[0] == "diffusers") == apart}
        done = subprocess.run(
            [sys.executable, str(script), str(folder), json.dumps(cases)],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the libraries build of all cases and sizes, and load from what the Hub serves."""
    folder = tmp_path_factory.mktemp("built")
    asked: dict[str, tuple[str, Any]] = {word: (library, config) for word, (_, library, config) in CASES.items()}
    asked |= {f"{family} {size}": (FAMILIES[family].library, name) for family, size, name in SIZES}
    for word, family in SERVED.items():
        served = tmp_path_factory.mktemp("served")
        written(planned(family, CASES[word][2], None), served)
        asked[f"{family} served"] = ("diffusers", str(served))
    build(folder, asked)
    return folder


def opened(file: Path) -> Arrays:
    with safe_open(file, framework="np") as arrays:
        names = json.loads(arrays.metadata()["order"])
        return {name: arrays.get_tensor(name) for name in names if not name.endswith(COUNT)}


@pytest.mark.parametrize("word", CASES)
def test_a_config_gives_what_its_library_builds(built: Path, word: str) -> None:
    family, library, config = CASES[word]
    orthogonal = family == "actor_critic"
    asked = {**config, "library": library} if orthogonal else config
    plan = planned(family, asked, None, algorithm="torch-cpu/1", exact=not orthogonal)
    ours, theirs = {name: value.numpy() for name, value in drawn(plan).items()}, opened(built / f"{word}.safetensors")
    assert [(name, value.shape) for name, value in ours.items()] == [(n, value.shape) for n, value in theirs.items()]
    if orthogonal:
        assert all(np.abs(value - theirs[name]).max() <= ROUNDED for name, value in ours.items())
    else:
        assert [name for name, value in ours.items() if not np.array_equal(value, theirs[name])] == []
    assert [each.key for each in planned(family, asked, None).parameters] == list(ours)


@pytest.mark.parametrize(("family", "size"), [(family, size) for family, size, _ in SIZES])
def test_a_size_is_the_librarys(built: Path, family: str, size: str) -> None:
    theirs = json.loads((built / f"{family} {size}.json").read_text())
    ours = {each.key: list(each.shape) for each in planned(family, None, None, size=size).parameters}
    assert ours == {name: shape for name, shape in theirs.items() if not name.endswith(COUNT)}


@pytest.mark.parametrize("word", SERVED)
def test_diffusers_loads_what_the_hub_serves(built: Path, word: str) -> None:
    family = SERVED[word]
    loaded, ours = opened(built / f"{family} served.safetensors"), drawn(planned(family, CASES[word][2], None))
    assert loaded.keys() == ours.keys()
    assert all(np.array_equal(value.numpy(), loaded[name]) for name, value in ours.items())
