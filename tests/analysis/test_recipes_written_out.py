"""A recipe that a diagnosis writes out as layers is the same network, with the same weights."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.network import Network
from service.specs.spec import Spec

PLENTY = 2**50
TEXT = {"vocab_size": 31, "hidden_size": 12, "intermediate_size": 17, "num_hidden_layers": 2, "num_attention_heads": 2}
T5 = {"vocab_size": 31, "d_model": 12, "d_kv": 5, "d_ff": 17, "num_layers": 2, "num_heads": 2}
IMAGE = {"image_size": 12, "patch_size": 4, "hidden_size": 12, "intermediate_size": 17, "num_hidden_layers": 1}
RECIPES: dict[str, dict[str, Any]] = {
    "GPT-2, tied": {
        "recipe": "gpt2",
        "config": {"vocab_size": 31, "n_embd": 12, "n_layer": 2, "n_head": 3},
        "head": "causal_lm",
    },
    "GPT-2, untied": {
        "recipe": "gpt2",
        "config": {"vocab_size": 31, "n_embd": 12, "n_layer": 1, "n_head": 3, "tie_word_embeddings": False},
        "head": "causal_lm",
    },
    "BERT": {"recipe": "bert", "config": {**TEXT, "max_position_embeddings": 40}, "head": "masked_lm"},
    "T5": {"recipe": "t5", "config": T5, "head": "seq2seq_lm"},
    "Llama": {"recipe": "llama", "config": TEXT, "head": "causal_lm"},
    "ViT": {"recipe": "vit", "config": {**IMAGE, "num_attention_heads": 3}, "head": "image_classification"},
    "ResNet": {
        "recipe": "timm_resnet",
        "config": {"layers": [1, 1], "channels": [3, 4], "num_classes": 3},
        "input_shape": [33, 33, 3],
    },
    "VGG": {
        "recipe": "vgg16",
        "config": {"widths": [4], "depths": [1], "classifier_width": 5, "num_classes": 3, "image_size": 14},
    },
    "MLP-Mixer": {
        "recipe": "mlp_mixer",
        "config": {"num_classes": 3, "img_size": 12, "patch_size": 4, "num_blocks": 1, "embed_dim": 8},
    },
    "LeNet-5": {"recipe": "lenet5"},
    "rules of one's own": {"recipe": "lenet5", "rules": [{"match": "F6/kernel", "scheme": "orthogonal"}]},
}


def arrays(spec: Spec) -> dict[str, NDArray[Any]]:
    plan = spec.shown_in("keras").plan()
    return {each.key: np.concatenate(list(each.blocks())) for each in plan.parameters if each.key not in plan.tied}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_written_out_is_the_same_network_with_the_same_weights(name: str) -> None:
    request = DiagnoseRequest.model_validate({"seed": 7, "batch": 2, **RECIPES[name]})
    diagnosis = Diagnosis(request, PLENTY)
    assert "recipe" not in diagnosis.document
    named, written = Spec.model_validate({"seed": 7, **RECIPES[name]}), Spec.model_validate(diagnosis.document)
    ours, theirs = arrays(named), arrays(written)
    assert theirs
    assert all(np.array_equal(each, ours[key]) for key, each in theirs.items())
    outputs = [Network(each, PLENTY).run(diagnosis.inputs)[-1].out.value for each in (named, written)]
    assert np.array_equal(outputs[0], outputs[1])
    assert np.isfinite(outputs[0]).all()


def test_a_recipe_under_a_frameworks_stream_is_run_with_that_frameworks_weights() -> None:
    stated = {"seed": 7, "algorithm": "torch-cpu/1", **RECIPES["GPT-2, tied"]}
    spec = Spec.model_validate(stated)
    (drawn,) = (each for each in spec.plan().parameters if each.key == "transformer.wte.weight")
    diagnosis = Diagnosis(DiagnoseRequest.model_validate({"batch": 2, **stated}), PLENTY)
    stages = Network(diagnosis.spec, PLENTY).run(diagnosis.inputs)
    (words,) = (stage for stage in stages if stage.place.name == "transformer.wte")
    wanted = np.concatenate(list(drawn.blocks())).reshape(drawn.shape)
    assert np.array_equal(words.weights["embeddings"].value, wanted)
