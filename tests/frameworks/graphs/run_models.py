"""Runs models of torchvision, timm, CleanRL and Stable-Baselines3 there and back, in a process of their own.

    python -m tests.frameworks.graphs.run_models FOLDER '{"timm": ["timm", {"layers": [1, 1]}], …}'

FOLDER has NAME.safetensors for each: the weights, `input` and `sent`, the gradient at the output.
NAME.passed.safetensors gets `output` and the gradients by the names of weights.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tests.frameworks.families import built

COUNTED = "num_batches_tracked"


def forward(library: str, model: nn.Module, x: Tensor) -> Tensor:
    """Return a model's output, channels last; of an actor and a critic what both give, side by side."""
    if library == "cleanrl":
        actor = model.actor_mean if hasattr(model, "actor_mean") else model.actor
        return torch.cat([actor(x), model.critic(x)], -1)  # type: ignore[operator]
    if library == "stable_baselines3":
        acts, judges = model.mlp_extractor(x)  # type: ignore[operator]
        return torch.cat([model.action_net(acts), model.value_net(judges)], -1)  # type: ignore[operator]
    return model(x.movedim(-1, 1))  # type: ignore[no-any-return]


def main() -> None:
    folder = Path(sys.argv[1])
    for name, (library, config) in json.loads(sys.argv[2]).items():
        arrays = load_file(folder / f"{name}.safetensors")
        x, sent = arrays.pop("input"), arrays.pop("sent")
        model = getattr(built, library)(config)
        found = model.load_state_dict(arrays, strict=False)
        assert not found.unexpected_keys
        assert all(key.endswith(COUNTED) for key in found.missing_keys), found
        model = model.double().eval()
        for each in model.modules():
            each.train(isinstance(each, nn.BatchNorm2d))
        output = forward(library, model, x)
        output.backward(sent)
        grads = {key: each.grad for key, each in model.named_parameters() if each.grad is not None}
        save_file({"output": output.detach().contiguous(), **grads}, folder / f"{name}.passed.safetensors")


if __name__ == "__main__":
    main()
