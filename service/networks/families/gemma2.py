"""Gemma 2: Llama's blocks between norms on both sides, whose scales are 1 more than their weights, which start at 0."""

from collections.abc import Iterator
from functools import partial

from service.networks.families import decoders
from service.networks.families.blocks import alike, attention, gated, head_width, initialisation, stack
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.settings import Settings
from service.networks.families.tree import ZEROS, Fill, Initialise, Module, module, rms_norm
from service.networks.families.wiring import Network, Wiring

DEFAULTS = {
    "vocab_size": 256000,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "attention_bias": False,
    "tie_word_embeddings": True,
    "initializer_range": 0.02,
    "pad_token_id": 0,
}
NORMS = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")


def with_zero_norms(c: Settings) -> Initialise:
    """Return the general initialisation, with norms' weights at 0."""
    general = initialisation(c)

    def initialise(each: Module) -> Iterator[Fill]:
        yield from general(each)
        if each.layer is not None and each.layer["type"] == "rms_norm":
            yield Fill("", "scale", ZEROS)

    return initialise


def blocks(c: Settings, read: Module) -> Module:
    """Return attention, then gated layers, a norm before and after each."""
    width = c.size("hidden_size")
    c.divided("hidden_size", "num_attention_heads")  # which the library asks for, though heads have their own width
    mixed = gated("mlp", width, c.size("intermediate_size"))
    each = module("", read, mixed, *(rms_norm(name, width) for name in NORMS))
    return stack(c, with_zero_norms(c), alike(c, each))


def body(c: Settings) -> Module:
    return blocks(c, attention(c, c.flag("attention_bias")))


def network(c: Settings, head: str | None, base: Base, normed: bool = False) -> Network:
    """Return words times √width, blocks with norms on both sides, a last norm, and what a head reads.

    Where heads of queries and keys are `normed`, layers that see all are others than those that see a window (Gemma 3).
    """
    w, at = Wiring(input=decoders.seen(c)), base.below(head)
    x = w.weighted(f"{at}embed_tokens", "input")
    x = w.plain("scale", f"{at}scaled", x, by=c.size("hidden_size") ** 0.5)
    for number in range(c.depth("num_hidden_layers")):
        here = f"{at}layers.{number}"
        read, turn = f"{here}.self_attn", turned(c, number) if normed else decoders.turned(c, head_width(c))
        y = norm(c, w, f"{here}.input_layernorm", x)
        parts = decoders.normed(c, w, read, y, offset=1.0) if normed else decoders.projected(c, w, read, y)
        y = norm(c, w, f"{here}.post_attention_layernorm", decoders.attended(c, w, read, parts, turn, **capped(c)))
        x = w.add(f"{here}.add_1", x, y)
        y = norm(c, w, f"{here}.pre_feedforward_layernorm", x)
        y = decoders.gated(c, w, f"{here}.mlp", y, "hidden_activation")
        x = w.add(f"{here}.add_2", x, norm(c, w, f"{here}.post_feedforward_layernorm", y))
    found = base.read_out(c, w, norm(c, w, f"{at}norm", x), head)
    return capped_words(c, w) if head == "causal_lm" else found


def norm(c: Settings, w: Wiring, at: str, x: str) -> str:
    return w.weighted(at, x, epsilon=c.number("rms_norm_eps"), offset=1.0)


def capped(c: Settings) -> dict[str, float]:
    """Return what attention's logits are multiplied by, and what they stay below, if anything."""
    found = {"scale": c.size("query_pre_attn_scalar") ** -0.5}
    return found | ({"softcap": c.number("attn_logit_softcapping")} if "attn_logit_softcapping" in c else {})


def capped_words(c: Settings, w: Wiring) -> Network:
    """Write down what words' scores stay below, if anything."""
    if "final_logit_softcapping" in c:
        most = c.number("final_logit_softcapping")
        x = w.activation("lm_head.tanh", w.plain("scale", "lm_head.narrowed", w.last, by=1.0 / most), "tanh")
        w.plain("scale", "lm_head.widened", x, by=most)
    return w.written()


def turned(c: Settings, number: int) -> dict[str, float]:
    """Return how a layer of Gemma 3 turns queries and keys: by longer waves where it sees all."""
    every, kinds = c.size("sliding_window_pattern"), c.stated("layer_types")
    if "rope_parameters" in c or "rope_scaling" in c:
        c.refuse("rope_parameters" if "rope_parameters" in c else "rope_scaling", "null for a network")
    sees_all = (number + 1) % every == 0
    if kinds is not None:
        if not isinstance(kinds, list) or len(kinds) != c.depth("num_hidden_layers"):
            c.refuse("layer_types", "a list with a kind for each layer")
        sees_all = kinds[number] == "full_attention"
    return {"base": c.number("rope_theta" if sees_all else "rope_local_base_freq")}


STRUCTURE = {
    **decoders.STRUCTURE,
    "hidden_activation": "gelu_pytorch_tanh",
    "max_position_embeddings": 8192,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
}
BASE = Base("model", body, with_zero_norms)

FAMILY = Family(
    model_type="gemma2",
    summary="Gemma 2: every matrix and table N(0, 0.02²), norms' weights 0.",
    references=("Gemma Team 2024",),
    defaults=DEFAULTS,
    sizes={
        "9b": {
            "hidden_size": 3584,
            "intermediate_size": 14336,
            "num_hidden_layers": 42,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
        },
        "2b": {},
        "27b": {
            "hidden_size": 4608,
            "intermediate_size": 36864,
            "num_hidden_layers": 46,
            "num_attention_heads": 32,
            "num_key_value_heads": 16,
            "head_dim": 128,
            "query_pre_attn_scalar": 144,
        },
    },
    heads=of_decoder("Gemma2", BASE),
    structure=STRUCTURE,
    network=partial(network, base=BASE),
)
