"""What a tensor is that no layer has: a table of names, and what stays unknown."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import log, prod
from typing import Any

from service.networks.layers.listed import Taken
from service.networks.telling.module import UNKNOWN_KIND, UNKNOWN_START, Module, bare
from service.networks.telling.told import Doubt, Group
from service.networks.telling.words import is_norm
from service.stream.views import Shape

NARROW = {"name": "random_normal", "mean": 0.0, "stddev": 0.02}
CLIP = {"name": "constant", "value": log(1 / 0.07)}
SMALL = {"name": "constant", "value": 1e-5}


@dataclass(frozen=True, slots=True)
class Row:
    """`name` is looked for in a tensor's own, in small letters; `axes` are how many it may have.

    `doubt` says what of its start is the model's own, None where nothing is.
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


ANY, SINGLE, ONE, MATRIX, MORE = range(33), range(2), range(1, 2), range(2, 3), range(3, 33)


def few(module: Module, shape: Shape) -> bool:
    return prod(shape) == 1


def of_experts(module: Module, shape: Shape) -> bool:
    return "expert" in module.path.lower() or any("expert" in name.lower() for name in module.shapes)


# The first that fits is taken.
ROWS: tuple[Row, ...] = (
    row(
        r"^(a_log|a_logs|ssm_a|log_a|a_real|log_a_real)$",
        ANY,
        "state space",
        "the decay of a state space",
        "zeros",
        "logarithms of decays, which the model computes",
    ),
    row(
        r"^(dt_bias|dt_projs?_bias|time_decay\w*|time_first|time_mix\w*|time_maa\w*|x_maa)$",
        ANY,
        "state space",
        "steps or decays of a state space",
        "zeros",
        "steps or decays, which the model computes",
    ),
    row(r"^(d|ds)$", range(1, 3), "state space", "what passes a state space by", "ones"),
    row(
        r"^(\w+_)?sinks?(_\w+)?$",
        SINGLE,
        "sink",
        "a logit of attention's sink",
        "zeros",
        "logits of attention's sink, random in some models",
    ),
    row(
        r"(layer_?scale|lambda_?\d*$|^(\w+_)?gamma(_?\d+)?$|^ls_?\d|(^|_)scale_parameter|residual_scale)",
        range(1, 5),
        "layer scale",
        "a factor for each feature of a branch",
        SMALL,
        "a factor on a residual branch: 1e-5 here, from 1e-6 to 1 in other models (Touvron et al. 2021)",
    ),
    row(
        r"(logit_scale|temperature|logit_bias|log_scale)",
        ANY,
        "temperature",
        "a factor or offset of logits",
        CLIP,
        "a temperature: log(1 / 0.07), as CLIP has it; a model may have its own",
        few,
    ),
    row(
        r"(^|_)((rel\w*_)?pos(ition(al)?|_?emb\w*|_bias)?|relative_position\w*|rel_pos\w*)(_\w+)?$",
        range(2, 33),
        "position",
        "a table of positions",
        NARROW,
    ),
    row(
        r"(tokens?|embed(ding)?s?(_vector)?|emb|embd|queries|query_tokens|object_queries|latents?|probe|prompts?|registers?"
        r"|codebooks?|null_\w+)(_?\d+)?$",
        ANY,
        "token",
        "a learned token or table",
        NARROW,
    ),
    row(r"(^|_)(bias|biases)(_?\w{1,2})?$|bias$", range(1, 3), "bias", "what is added to outputs", "zeros"),
    row(
        r"(^|_)(bias|biases)$", MORE, "bias", "what is added to outputs", "zeros", None, lambda m, s: max(s) == prod(s)
    ),
    row(
        r"^(weight_g|original0)$",
        ANY,
        "magnitude",
        "lengths of a weight normalisation",
        "ones",
        "the lengths of a weight normalisation: 1 makes rows of the weight that long, while a framework takes "
        "those of the weight that it drew",
    ),
    row(r"^(running|moving)_mean$", ONE, "running statistic", "a mean that a batch normalisation keeps", "zeros"),
    row(
        r"^(running|moving)_var(iance)?$",
        ONE,
        "running statistic",
        "a variance that a batch normalisation keeps",
        "ones",
    ),
    row(
        r"^mean$",
        ONE,
        "running statistic",
        "a mean, with a variance beside it",
        "zeros",
        None,
        lambda module, _: "var" in module.shapes,
    ),
    row(
        r"^var$",
        ONE,
        "running statistic",
        "a variance, with a mean beside it",
        "ones",
        None,
        lambda module, _: not module.shapes.keys() - {"mean", "var"},
    ),
    row(r"^(beta|shift)$", ONE, "norm", "the shift of a normalisation", "zeros", None, lambda m, _: is_norm(m)),
    row(r"^(inv_freq|freqs\w*|cos\w*|sin\w*)$", ANY, "rotary table", "frequencies or angles"),
)
EXPERT = re.compile(r"(proj|weight|w\d|_in|_out|linear|mlp|wi|wo|fc\d)(_?\d|_weight)?$|^weight$")
INPUTS_LAST = "experts of (out, in), as their widths say"
OUTPUTS_LAST = "experts of (in, out), as their widths say"


def stays_bare(module: Module, name: str) -> Group:
    """Return a tensor that no layer has: what its name tells of it, else unknown."""
    shape, plain = module.shapes[name], name.rpartition(".")[2].rpartition("/")[2].lower()
    if len(shape) >= 3 and of_experts(module, shape) and "bias" not in plain and EXPERT.search(plain):
        return experts(module, name, shape)
    for each in ROWS:
        if each.name.search(plain) and len(shape) in each.axes and each.fits(module, shape):
            taken = Taken(each.kind, f"called {plain}: {each.why}")
            doubt = None if each.doubt is None else Doubt(UNKNOWN_START, each.doubt)
            return bare(module, name, taken, each.scheme, doubt=doubt)
    if is_norm(module) and plain in ("weight", "bias", "scale", "shift"):
        zero = plain in ("bias", "shift")
        return bare(module, name, Taken("norm", f"in a module called {module.own}"), "zeros" if zero else "ones")
    what = "neither its name nor its shape tells what it is"
    return bare(module, name, Taken("unknown", what), doubt=Doubt(UNKNOWN_KIND, what))


def experts(module: Module, name: str, shape: Shape) -> Group:
    """Return the matrices of all experts in one array; their orientation is told by the widths of other arrays."""
    *_, first, second = shape
    taken, fans = Taken("expert", INPUTS_LAST), (second, first)
    if first == second:
        return bare(module, name, Taken("expert", "experts of square matrices"), fans=fans)
    turned = outputs_last(module, name, first, second)
    if turned is None:
        what = "matrices of experts whose inputs may be either of the last two axes"
        return bare(module, name, Taken("expert", what), fans=fans, doubt=Doubt(UNKNOWN_START, what))
    return (
        bare(module, name, Taken("expert", OUTPUTS_LAST), fans=(first, second))
        if turned
        else bare(module, name, taken, fans=fans)
    )


def outputs_last(module: Module, name: str, first: int, second: int) -> bool | None:
    """Return whether experts are (in, out): by their bias, by the model's width, by each other; None if untold."""
    for beside, shape in module.shapes.items():
        if beside != name and beside.startswith(name) and "bias" in beside and shape[-1] in (first, second):
            return shape[-1] == second
    widths = module.evidence.widths
    known = [size for size in (first, second) if size in widths]
    if len(known) != 1:
        return None
    down = re.search(r"down|out|w2|wo|fc2|linear_2|proj_2|output", name.lower()) is not None
    return (known[0] == second) == down
