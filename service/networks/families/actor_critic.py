"""Actor and critic of reinforcement learning: orthogonal by √2, the actor's last layer by 0.01, the critic's by 1.

Two networks that see the same, as CleanRL's PPO has them and as Stable-Baselines3's ActorCriticPolicy: of other names.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from service.networks.families.family import Family, Head
from service.networks.families.settings import Settings
from service.networks.families.tree import ZEROS, Fill, Initialise, Module, linear, model, module, parameter
from service.networks.families.wiring import Network, Wiring
from service.networks.schemes.linear import OrthogonalScheme

DEFAULTS = {"library": "cleanrl", "observations": 4, "actions": 2, "hidden_sizes": [64, 64], "continuous": False}
HIDDEN, ACTIONS, VALUE = math.sqrt(2.0), 0.01, 1.0  # gains


@cache
def by(gain: float) -> Initialise:
    """Return the initialisation of dense layers by a gain, their biases 0."""
    scheme = OrthogonalScheme(name="orthogonal", gain=gain)

    def initialise(module: Module) -> Iterator[Fill]:
        if module.layer and module.layer["type"] == "dense":
            yield Fill("", "kernel", scheme)
            yield Fill("", "bias", ZEROS)

    return initialise


def dense(inputs: int, sizes: tuple[int, ...]) -> list[Module]:
    """Return dense layers with an activation after each, which takes a place among the names."""
    pairs = zip((inputs, *sizes), sizes, strict=False)
    return [linear(str(2 * place), *pair) for place, pair in enumerate(pairs)]


def one_by_one(name: str, inputs: int, sizes: tuple[int, ...], last: float) -> Module:
    """Return a network whose layers are initialised as soon as they are there, one after the other."""
    layers = dense(inputs, sizes)
    gains = [HIDDEN] * (len(layers) - 1) + [last]
    return module(name, *(replace(each, initialise=by(gain)) for each, gain in zip(layers, gains, strict=True)))


def cleanrl(c: Settings, inputs: int, hidden: tuple[int, ...], actions: int) -> Module:
    continuous = c.flag("continuous")
    return module(
        "",
        parameter("actor_logstd", (1, actions)) if continuous else None,
        one_by_one("critic", inputs, (*hidden, 1), VALUE),
        one_by_one("actor_mean" if continuous else "actor", inputs, (*hidden, actions), ACTIONS),
    )


def stable_baselines3(c: Settings, inputs: int, hidden: tuple[int, ...], actions: int) -> Module:
    """Return two networks and what acts and judges by them, all constructed before any is initialised."""
    width = hidden[-1] if hidden else inputs
    networks = (module(name, *dense(inputs, hidden)) for name in ("policy_net", "value_net"))
    gains = {"mlp_extractor": HIDDEN, "action_net": ACTIONS, "value_net": VALUE}

    def initialise(whole: Module) -> Iterator[Fill]:
        for name, gain in gains.items() if whole.kind == "whole" else ():
            yield from filled(whole.at(name), name, by(gain))

    return model(
        "",
        initialise,
        parameter("log_std", (actions,)) if c.flag("continuous") else None,
        module("mlp_extractor", *networks),
        linear("action_net", width, actions),
        linear("value_net", width, 1),
        kind="whole",
    )


def filled(part: Module | None, path: str, initialise: Initialise) -> Iterator[Fill]:
    """Yield the fills of a module and all below it, by paths from above."""
    for child in part.children if part else ():
        yield from filled(child, f"{path}.{child.name}", initialise)
    if part is not None:
        yield from (each._replace(path=path) for each in initialise(part))


def body(c: Settings) -> Module:
    build = cleanrl if c.text("library", "cleanrl", "stable_baselines3") == "cleanrl" else stable_baselines3
    return build(c, c.size("observations"), c.sizes("hidden_sizes"), c.size("actions"))


def network(c: Settings, head: str | None) -> Network:
    """Return both networks on what is observed, side by side: what is done, then what it is worth."""
    w, hidden = Wiring(input=[c.size("observations")]), len(c.sizes("hidden_sizes"))
    if c.text("library", "cleanrl", "stable_baselines3") == "cleanrl":
        actor = "actor_mean" if c.flag("continuous") else "actor"
        ends = [w.weighted(f"{name}.{2 * hidden}", opened(w, name, hidden)) for name in (actor, "critic")]
    else:
        parts = {"action_net": "mlp_extractor.policy_net", "value_net": "mlp_extractor.value_net"}
        ends = [w.weighted(end, opened(w, name, hidden)) for end, name in parts.items()]
    w.plain("concatenate", "outputs", *ends)
    return w.written()


def opened(w: Wiring, name: str, count: int) -> str:
    """Write down dense layers with tanh after each."""
    x = "input"
    for place in range(0, 2 * count, 2):
        x = w.activation(f"{name}.{place + 1}", w.weighted(f"{name}.{place}", x), "tanh")
    return x


FAMILY = Family(
    model_type="actor_critic",
    library="pytorch",
    summary="Actor and critic of PPO: orthogonal by √2, the actor's last layer by 0.01, the critic's by 1.",
    references=("Schulman et al. 2017", "Andrychowicz et al. 2021", "Huang et al. 2022 (CleanRL)"),
    defaults=DEFAULTS,
    sizes={
        "cartpole": {},
        "lunar_lander": {"observations": 8, "actions": 4},
        "half_cheetah": {"observations": 17, "actions": 6, "continuous": True},
    },
    heads={None: Head("Agent", body)},
    network=network,
)
