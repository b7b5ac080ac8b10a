"""Mamba: selective state spaces in place of attention; steps, states and convolutions have starts of their own."""

from collections.abc import Iterator

from service.networks.families.blocks import alike
from service.networks.families.blocks import initialisation as general_of
from service.networks.families.family import Family, Head
from service.networks.families.heads import Base
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    ONES,
    Fill,
    Initialise,
    Module,
    constant,
    convolution,
    embedding,
    linear,
    model,
    module,
    numbered,
    parameter,
    rms_norm,
    uniform,
)
from service.networks.parameters import TORCH
from service.networks.schemes import PRESETS, Scheme, scaled
from service.networks.schemes.biases import StepBias

DEFAULTS = {
    "vocab_size": 50280,
    "hidden_size": 768,
    "state_size": 16,
    "num_hidden_layers": 32,
    "expand": 2,
    "intermediate_size": None,
    "conv_kernel": 4,
    "use_bias": False,
    "use_conv_bias": True,
    "time_step_rank": "auto",
    "time_step_scale": 1.0,
    "time_step_min": 0.001,
    "time_step_max": 0.1,
    "time_step_init_scheme": "random",
    "time_step_floor": 0.0001,
    "rescale_prenorm_residual": False,
    "tie_word_embeddings": True,
    "initializer_range": 0.1,
}

DIVIDED = "the library divides what it drew by the root of the number of layers, which rounds it twice"


def step_rank(c: Settings) -> int:
    """Return how many features the length of a step is made of."""
    if c.stated("time_step_rank") == "auto":
        return -(-c.size("hidden_size") // 16)
    return c.size("time_step_rank")


def steps(c: Settings) -> Scheme:
    """Return what the matrix to the lengths of steps starts as."""
    size = step_rank(c) ** -0.5 * c.deviation("time_step_scale")
    match c.text("time_step_init_scheme"):
        case "constant":
            return constant(size)
        case "random":
            return uniform(-size, size)
        case _:
            return TORCH  # the library leaves it as the general initialisation has it


def step_lengths(c: Settings) -> Scheme:
    """Return biases that make steps between the shortest and the longest, even on a scale of logarithms."""
    shortest, longest, floor = (c.number(f"time_step_{name}") for name in ("min", "max", "floor"))
    if not 0.0 <= floor <= 100.0:
        c.refuse("time_step_floor", "a number from 0 to 100")
    if not 1e-9 <= shortest < longest <= 100.0:
        c.refuse("time_step_min", f"a number from 1e-9 below time_step_max, {longest:g}, which is at most 100,")
    return StepBias(name="step_bias", shortest=shortest, longest=longest, floor=floor if floor > shortest else 0.0)


def initialisation(c: Settings) -> Initialise:
    """Return the general one, then a mixer's own, as the library orders it."""
    general, bias, depth = general_of(c), step_lengths(c), c.depth("num_hidden_layers")
    narrowed = c.flag("rescale_prenorm_residual") and depth > 1
    out = scaled("variance_scaling", 1.0 / 3.0 / depth, "fan_in", "uniform") if narrowed else TORCH
    divided = DIVIDED if narrowed else ""

    def initialise(each: Module) -> Iterator[Fill]:
        yield from general(each)
        if each.kind == "mixer":
            yield Fill("A_log", "value", PRESETS["s4d_real"])
            yield Fill("D", "value", ONES)
            yield Fill("dt_proj", "kernel", steps(c))
            yield Fill("dt_proj", "bias", bias)
            yield Fill("conv1d", "kernel", TORCH)
            yield Fill("out_proj", "kernel", out, inexact=divided)

    return initialise


def block(c: Settings) -> Module:
    width, states, rank = c.size("hidden_size"), c.size("state_size"), step_rank(c)
    inner, bias = c.optional_size("intermediate_size") or c.size("expand") * width, c.flag("use_bias")
    mixer = module(
        "mixer",
        parameter("A_log", (inner, states)),
        parameter("D", (inner,)),
        convolution("conv1d", (c.size("conv_kernel"),), inner, inner, c.flag("use_conv_bias"), groups=inner),
        linear("in_proj", width, 2 * inner, bias),
        linear("x_proj", inner, rank + 2 * states, bias=False),
        linear("dt_proj", rank, inner),
        linear("out_proj", inner, width, bias),
        kind="mixer",
    )
    return module("", rms_norm("norm", width), mixer)


def body(c: Settings) -> Module:
    width = c.size("hidden_size")
    return model(
        "",
        initialisation(c),
        embedding("embeddings", c.size("vocab_size"), width),
        numbered("layers", alike(c, block(c))),
        rms_norm("norm_f", width),
    )


BASE = Base("backbone", body, initialisation, table="embeddings")

FAMILY = Family(
    model_type="mamba",
    summary="Mamba: N(0, 0.1²); steps uniform in their logarithm, states 1 to their number, outputs as torch's own.",
    references=("Gu and Dao 2023 (Mamba)",),
    defaults=DEFAULTS,
    sizes={
        "130m": {"num_hidden_layers": 24},
        "370m": {"hidden_size": 1024, "num_hidden_layers": 48},
        "790m": {"hidden_size": 1536, "num_hidden_layers": 48},
        "1.4b": {"hidden_size": 2048, "num_hidden_layers": 48},
        "2.8b": {"hidden_size": 2560, "num_hidden_layers": 64},
    },
    heads={None: Head("MambaModel", body), "causal_lm": Head("MambaForCausalLM", BASE.causal_lm)},
)
