"""What a tensor is that no layer has: a table of names, and what stays unknown."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log, prod
from typing import Any

from service.networks.layers.listed import Taken
from service.networks.telling.experts import experts
from service.networks.telling.module import UNKNOWN_KIND, UNKNOWN_START, Module, Rule, bare
from service.networks.telling.told import Doubt, Group
from service.networks.telling.words import AFFINE, is_norm
from service.stream.views import Shape

NARROW = {"name": "random_normal", "mean": 0.0, "stddev": 0.02}
CLIP = {"name": "constant", "value": log(1 / 0.07)}
SMALL = {"name": "constant", "value": 1e-5}
BRANCH = "a factor on a residual branch: 1e-5 here, from 1e-6 to 1 in other models (Touvron et al. 2021)"
LENGTHS = "lengths of a weight normalisation: 1 here, while a framework takes those of the weight that it drew"


@dataclass(frozen=True, slots=True)
class Row:
    """`name` is looked for in a tensor's own, in small letters; `axes` are how many it may have.

    `scheme` None is the recommended one. `doubt` says what of its start is the model's own, None where nothing is.
    """

    name: re.Pattern[str]
    axes: range
    kind: str
    why: str
    scheme: Any = None
    doubt: str | None = None
    fits: Callable[[Module, Shape], bool] = lambda module, shape: True


def row(name: str, axes: range, kind: str, why: str, *rest: Any) -> Row:
    return Row(re.compile(name), axes, kind, why, *rest)


def few(module: Module, shape: Shape) -> bool:
    return prod(shape) == 1


def in_a_row(module: Module, shape: Shape) -> bool:
    return max(shape) == prod(shape)


def scaled(module: Module, shape: Shape) -> bool:
    return "layer_scale" in module.path.lower() or bool(module.words & AFFINE)


def with_variance(module: Module, shape: Shape) -> bool:
    return bool({"var", "variance"} & module.shapes.keys())


def with_mean(module: Module, shape: Shape) -> bool:
    return "mean" in module.shapes


def of_norm(module: Module, shape: Shape) -> bool:
    return is_norm(module)


ANY, SINGLE, ONE, FEW, SOME, TABLE, MORE = (
    range(33), range(2), range(1, 2), range(1, 3), range(1, 5), range(2, 33), range(3, 33)
)  # fmt: skip
STATE, KEPT = "state space", "running statistic"
# The first that fits is taken.
# fmt: off
ROWS: tuple[Row, ...] = (
    row(r"^a_logs?$", range(2, 4), STATE, "the decays of a state space (Gu and Dao 2023)", "s4d_real"),
    row(r"^(a_logs?|ssm_a|log_a|log_a_real)$", ANY, STATE, "the decays of a state space", "zeros",
        "logarithms of decays, which the model computes"),
    row(r"^(dt_bias|dt_projs?_bias|time_decay\w*|time_first|time_mix\w*|time_maa\w*|x_maa)$", ANY, STATE,
        "steps or decays of a state space", "zeros", "steps or decays, which the model computes"),
    row(r"^ds?$", FEW, STATE, "what passes a state space by", "ones"),
    row(r"^(\w+_)?sinks?(_\w+)?$", SINGLE, "sink", "a logit of attention's sink", "zeros",
        "logits of attention's sink, random in some models"),
    row(r"layer_?scale|lambda_?\d*$|^(\w+_)?gamma(_?\d+)?$|^ls_?\d|(^|_)scale_parameter|residual_scale", SOME,
        "layer scale", "a factor for each feature of a branch", SMALL, BRANCH),
    row(r"^(variable(_\d+)?|scale|gamma|weight)$", ONE, "layer scale", "in a module called a scale", SMALL, BRANCH,
        scaled),
    row(r"^lora_(kernel_|embedding_)?a$", SOME, "low rank", "the first factor of an update (Hu et al. 2021)",
        "he_uniform"),
    row(r"^lora_(kernel_|embedding_)?b$", SOME, "low rank", "the second factor of an update (Hu et al. 2021)", "zeros"),
    row(r"logit_scale|temperature|logit_bias|log_scale", ANY, "temperature", "a factor or offset of logits", CLIP,
        "a temperature: log(1 / 0.07), as CLIP has it; a model may have its own", few),
    row(r"(^|_)((rel\w*_)?pos(ition(al)?|_?emb\w*|_bias)?|relative_position\w*|rel_pos\w*)(_\w+)?$", TABLE, "position",
        "a table of positions", NARROW),
    row(r"(tokens?|embed(ding)?s?(_vector)?|emb|embd|queries|latents?|probe|prompts?|registers?|codebooks?|null_\w+)"
        r"(_?\d+)?$", ANY, "token", "a learned token or table", NARROW),
    row(r"(^|_)(bias|biases)(_?\w{1,2})?$|bias$", FEW, "bias", "what is added to outputs", "zeros"),
    row(r"(^|_)(bias|biases)$", MORE, "bias", "what is added to outputs", "zeros", None, in_a_row),
    row(r"^(weight_g|original0)$", ANY, "magnitude", "lengths of a weight normalisation", "ones", LENGTHS),
    row(r"^\w*magnitude\w*$", FEW, "magnitude", "lengths of a weight", "ones", LENGTHS),
    row(r"^(running|moving)_mean$", ONE, KEPT, "a mean that a normalisation keeps", "zeros"),
    row(r"^(running|moving)_var(iance)?$", ONE, KEPT, "a variance that a normalisation keeps", "ones"),
    row(r"^mean$", ONE, KEPT, "a mean, with a variance beside it", "zeros", None, with_variance),
    row(r"^var(iance)?$", ONE, KEPT, "a variance, with a mean beside it", "ones", None, with_mean),
    row(r"^(beta|shift|bias)$", ANY, "norm", "the shift of a normalisation", "zeros", None, of_norm),
    row(r"^(gamma|scale|weight)$", ANY, "norm", "the scale of a normalisation", "ones", None, of_norm),
)
# fmt: on


def stays_bare(module: Module, name: str) -> Group:
    """Return a tensor that no layer has: what its name tells of it, else unknown."""
    if (of_mixture := experts(module, name)) is not None:
        return of_mixture
    shape, own = module.shapes[name], name.rpartition(".")[2].rpartition("/")[2].lower()
    for each in ROWS:
        if each.name.search(own) and len(shape) in each.axes and each.fits(module, shape):
            doubt = None if each.doubt is None else Doubt(UNKNOWN_START, each.doubt)
            return bare(module, name, Taken(each.kind, f"called {own}: {each.why}"), each.scheme, doubt=doubt)
    what = "neither its name nor its shape tells what it is"
    return bare(module, name, Taken("unknown", what), doubt=Doubt(UNKNOWN_KIND, what))


def taken_by(rules: Sequence[Rule], module: Module) -> list[Group]:
    """Return the layers that a module's tensors come to, by the first rule that takes each; the rest stay bare."""
    found: list[Group] = []
    for rule in rules:
        if not module.shapes:
            break
        if (made := rule(module)) is not None:
            found.append(made)
            module = module.without(made.arrays)
    return [*found, *(stays_bare(module, name) for name in module.shapes)]
