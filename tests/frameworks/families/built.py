"""Builds models of torchvision, timm, diffusers, CleanRL and Stable-Baselines3, in a process of their own.

    python built.py FOLDER '{"timm": ["timm", {"layers": [1, 1]}], …}'

Saves what each has after torch.manual_seed(3) as FOLDER/timm.safetensors, …, with its names in order in the metadata.
A config that is a text is a size, of which names and shapes alone are saved, as JSON; a folder's, what is loaded.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

Config = dict[str, Any]


def without_operators() -> None:
    """Import torchvision, whose compiled operators are made for another build of torch; models need none of them."""
    register = torch.library.register_fake
    torch.library.register_fake = lambda *_, **__: lambda function: function  # type: ignore[assignment]
    __import__("torchvision")
    torch.library.register_fake = register  # type: ignore[assignment]


def torchvision(config: Config | str) -> nn.Module:
    without_operators()
    from torchvision import models

    if isinstance(config, str):
        return getattr(models, config)()  # type: ignore[no-any-return]
    if "widths" in config:
        return vgg(config)
    blocks = {"basic": models.resnet.BasicBlock, "bottleneck": models.resnet.Bottleneck}
    rest = {name: value for name, value in config.items() if name != "block"}
    return models.ResNet(blocks[config.get("block", "bottleneck")], **rest)  # type: ignore[no-any-return]


def vgg(config: Config) -> nn.Module:
    """Return torchvision's VGG of other widths, whose dense layers are as narrow before they are initialised."""
    from torchvision.models import vgg as module

    wide, last, classes = config["classifier_width"], config["widths"][-1], config["num_classes"]
    stages = zip(config["widths"], config["depths"], strict=True)
    sizes = [each for width, depth in stages for each in (*[width] * depth, "M")]
    plain, narrow = nn.Linear, {512 * 49: last * 49, 4096: wide}

    class Narrow(plain):  # type: ignore[misc, valid-type]
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__(narrow[inputs], narrow.get(outputs, outputs))

    module.nn.Linear = Narrow
    try:
        layers = module.make_layers(sizes, batch_norm=config.get("batch_norm", False))
        return module.VGG(layers, num_classes=classes)  # type: ignore[no-any-return]
    finally:
        module.nn.Linear = plain


def timm(config: Config | str) -> nn.Module:
    without_operators()
    import timm as library
    from timm.models import resnet

    if isinstance(config, str):
        return library.create_model(config)  # type: ignore[no-any-return]
    if "embed_dim" in config:
        return library.models.mlp_mixer.MlpMixer(**config)  # type: ignore[no-any-return]
    blocks = {"basic": resnet.BasicBlock, "bottleneck": resnet.Bottleneck}
    rest = {name: value for name, value in config.items() if name != "block"}
    return resnet.ResNet(blocks[config.get("block", "bottleneck")], **rest)  # type: ignore[no-any-return]


def diffusers(config: Config | str) -> nn.Module:
    sys.modules.setdefault("torchvision", None)  # type: ignore[arg-type]
    import diffusers as library

    if isinstance(config, str):
        told = json.loads((Path(config) / "config.json").read_text())
        return getattr(library, told["_class_name"]).from_pretrained(config)  # type: ignore[no-any-return]
    rest = {name: value for name, value in config.items() if name != "_class_name"}
    return getattr(library, config["_class_name"])(**rest)  # type: ignore[no-any-return]


def cleanrl(config: Config) -> nn.Module:
    """Return the agent as CleanRL's ppo.py and ppo_continuous_action.py write it, with layers of any sizes."""
    inputs, actions, hidden = config["observations"], config["actions"], config["hidden_sizes"]

    def network(outputs: int, last: float) -> nn.Sequential:
        layers: list[nn.Module] = []
        for before, after in zip([inputs, *hidden], hidden, strict=False):
            layers += [started(nn.Linear(before, after), np.sqrt(2)), nn.Tanh()]
        return nn.Sequential(*layers, started(nn.Linear([inputs, *hidden][-1], outputs), last))

    agent = nn.Module()
    agent.critic = network(1, 1.0)
    if config["continuous"]:
        agent.actor_mean = network(actions, 0.01)
        agent.actor_logstd = nn.Parameter(torch.zeros(1, actions))
    else:
        agent.actor = network(actions, 0.01)
    return agent


def started(layer: nn.Linear, deviation: float) -> nn.Linear:
    nn.init.orthogonal_(layer.weight, deviation)
    nn.init.constant_(layer.bias, 0.0)
    return layer


def stable_baselines3(config: Config) -> nn.Module:
    from gymnasium import spaces
    from stable_baselines3.common.policies import ActorCriticPolicy

    actions = config["actions"]
    space = spaces.Box(-1, 1, (actions,)) if config["continuous"] else spaces.Discrete(actions)
    seen = spaces.Box(-1, 1, (config["observations"],))
    return ActorCriticPolicy(seen, space, lambda _: 1e-3, net_arch=config["hidden_sizes"])  # type: ignore[no-any-return]


def main() -> None:
    folder = Path(sys.argv[1])
    for word, (library, config) in json.loads(sys.argv[2]).items():
        of_size = isinstance(config, str) and library != "diffusers"
        torch.manual_seed(3)
        with torch.device("meta" if of_size else "cpu"):
            state = globals()[library](config).state_dict()
        if of_size:
            shapes = {name: list(value.shape) for name, value in state.items()}
            (folder / f"{word}.json").write_text(json.dumps(shapes))
            continue
        arrays = {name: value.detach().clone().contiguous() for name, value in state.items()}
        save_file(arrays, folder / f"{word}.safetensors", {"order": json.dumps(list(arrays))})


if __name__ == "__main__":
    main()
