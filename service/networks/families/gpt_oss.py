"""gpt-oss: attention with a sink for each head, then experts with biases, whose arrays have inputs before outputs."""

from collections.abc import Iterator

from service.networks.families.blocks import alike, attention, block, stack, with_experts
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.settings import Settings
from service.networks.families.tree import Fill, Initialise, Module, module, normal, parameter

DEFAULTS = {
    "vocab_size": 201088,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "num_hidden_layers": 36,
    "num_local_experts": 128,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "attention_bias": True,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "pad_token_id": None,
}


def initialisation(c: Settings) -> Initialise:
    """Return that of experts, with sinks and the routers' biases drawn as their matrices are."""
    general, drawn = with_experts(c), normal(c.deviation("initializer_range"))

    def initialise(each: Module) -> Iterator[Fill]:
        yield from general(each)
        if each.kind == "router":
            yield Fill("bias", "value", drawn)
        elif each.kind == "attention":
            yield Fill("sinks", "value", drawn)

    return initialise


def reading(c: Settings) -> Module:
    sinks, plain = parameter("sinks", (c.size("num_attention_heads"),)), attention(c, c.flag("attention_bias"))
    return module(plain.name, sinks, *plain.children, kind="attention")


def mixture(c: Settings) -> Module:
    width, wide, count = c.size("hidden_size"), c.size("intermediate_size"), c.size("num_local_experts")
    router = module("router", parameter("weight", (count, width)), parameter("bias", (count,)), kind="router")
    experts = module(
        "experts",
        parameter("gate_up_proj", (count, width, 2 * wide)),
        parameter("gate_up_proj_bias", (count, 2 * wide)),
        parameter("down_proj", (count, wide, width)),
        parameter("down_proj_bias", (count, width)),
        kind="experts",
    )
    return module("mlp", router, experts)


def body(c: Settings) -> Module:
    return stack(c, initialisation(c), alike(c, block(c, reading(c), mixture(c))))


FAMILY = Family(
    model_type="gpt_oss",
    summary="gpt-oss: every matrix, table, expert, router and sink N(0, 0.02²), the routers' biases too.",
    references=("OpenAI 2025",),
    defaults=DEFAULTS,
    sizes={"20b": {"num_hidden_layers": 24, "num_local_experts": 32}, "120b": {}},
    heads=of_decoder("GptOss", Base("model", body, initialisation)),
    aliases={"num_experts": "num_local_experts"},
)
