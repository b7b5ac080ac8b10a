"""OPT: a table of positions, two rows longer than it says, and blocks with norms before or after; N(0, init_std²)."""

from collections.abc import Callable

from service.networks.families.blocks import alike, initialisation
from service.networks.families.family import Family, Head
from service.networks.families.heads import Base
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, embedding, layer_norm, linear, model, module, numbered
from service.networks.families.wiring import Network, Wiring, function, steps

DEFAULTS = {
    "vocab_size": 50272,
    "hidden_size": 768,
    "ffn_dim": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 2048,
    "word_embed_proj_dim": None,
    "do_layer_norm_before": True,
    "_remove_final_layer_norm": False,
    "enable_bias": True,
    "layer_norm_elementwise_affine": True,
    "tie_word_embeddings": True,
    "init_std": 0.02,
    "pad_token_id": 1,
}
FURTHER = 2  # rows before the first position's


def words_width(c: Settings) -> int:
    return c.optional_size("word_embed_proj_dim") or c.size("hidden_size")


def norms(c: Settings) -> Callable[[str], Module | None]:
    """Return what makes a norm by its name, None where norms have no weights."""
    width, scaled = c.size("hidden_size"), c.flag("layer_norm_elementwise_affine")
    return lambda name: layer_norm(name, width) if scaled else None


def block(c: Settings) -> Module:
    width, wide, bias, norm = c.size("hidden_size"), c.size("ffn_dim"), c.flag("enable_bias"), norms(c)
    read = (linear(name, width, width, bias) for name in ("k_proj", "v_proj", "q_proj", "out_proj"))
    return module(
        "",
        module("self_attn", *read),
        norm("self_attn_layer_norm"),
        linear("fc1", width, wide, bias),
        linear("fc2", wide, width, bias),
        norm("final_layer_norm"),
    )


def decoder(c: Settings) -> Module:
    width, narrow, rows = c.size("hidden_size"), words_width(c), c.size("vocab_size")
    c.divided("hidden_size", "num_attention_heads")
    last = c.flag("do_layer_norm_before") and not c.flag("_remove_final_layer_norm")
    return model(
        "decoder",
        initialisation(c),
        embedding("embed_tokens", rows, narrow, c.index("pad_token_id", rows)),
        embedding("embed_positions", c.size("max_position_embeddings") + FURTHER, width),
        linear("project_out", width, narrow, bias=False) if narrow != width else None,
        linear("project_in", narrow, width, bias=False) if narrow != width else None,
        norms(c)("final_layer_norm") if last else None,
        numbered("layers", alike(c, block(c))),
    )


def body(c: Settings) -> Module:
    return model("", initialisation(c), decoder(c))


def network(c: Settings, head: str | None) -> Network:
    """Return words and positions, blocks with norms before or after, and what a head reads."""
    if not c.flag("layer_norm_elementwise_affine"):
        c.refuse("layer_norm_elementwise_affine", "true for a network, whose norms have weights")
    shape, at = steps(c, "max_position_embeddings"), f"{BASE.below(head)}decoder."
    w, before = Wiring(input=shape, positions=shape), c.flag("do_layer_norm_before")
    narrow = words_width(c) != c.size("hidden_size")
    x = w.weighted(f"{at}embed_tokens", "input")
    x = w.weighted(f"{at}project_in", x) if narrow else x
    x = w.add(f"{at}add", x, w.weighted(f"{at}embed_positions", "positions", offset=FURTHER))
    for number in range(c.depth("num_hidden_layers")):
        x = computed(c, w, f"{at}layers.{number}", x)
    last = before and not c.flag("_remove_final_layer_norm")
    x = w.weighted(f"{at}final_layer_norm", x) if last else x
    x = w.weighted(f"{at}project_out", x) if narrow else x
    return BASE.read_out(c, w, x, head)


def computed(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down a block, whose norms stand before its branches, or after their sums."""
    before, heads = c.flag("do_layer_norm_before"), c.size("num_attention_heads")
    y = w.weighted(f"{at}.self_attn_layer_norm", x) if before else x
    parts = [w.weighted(f"{at}.self_attn.{part}_proj", y) for part in "qkv"]
    y = w.weighted(
        f"{at}.self_attn.out_proj", w.attention(f"{at}.self_attn.attention", *parts, heads=heads, causal=True)
    )
    x = w.add(f"{at}.add_1", x, y)
    x = x if before else w.weighted(f"{at}.self_attn_layer_norm", x)
    y = w.weighted(f"{at}.final_layer_norm", x) if before else x
    y = w.weighted(
        f"{at}.fc2", w.activation(f"{at}.act", w.weighted(f"{at}.fc1", y), function(c, "activation_function"))
    )
    x = w.add(f"{at}.add_2", x, y)
    return x if before else w.weighted(f"{at}.final_layer_norm", x)


BASE = Base("model", body, initialisation, table="decoder.embed_tokens", width=words_width)

FAMILY = Family(
    model_type="opt",
    summary="OPT: every matrix and table N(0, 0.02²).",
    references=("Zhang et al. 2022",),
    defaults=DEFAULTS,
    sizes={
        "125m": {},
        "350m": {
            "hidden_size": 1024,
            "ffn_dim": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "word_embed_proj_dim": 512,
            "do_layer_norm_before": False,
        },
        "1.3b": {"hidden_size": 2048, "ffn_dim": 8192, "num_hidden_layers": 24, "num_attention_heads": 32},
        "2.7b": {"hidden_size": 2560, "ffn_dim": 10240, "num_hidden_layers": 32, "num_attention_heads": 32},
        "6.7b": {"hidden_size": 4096, "ffn_dim": 16384, "num_hidden_layers": 32, "num_attention_heads": 32},
        "13b": {"hidden_size": 5120, "ffn_dim": 20480, "num_hidden_layers": 40, "num_attention_heads": 40},
        "30b": {"hidden_size": 7168, "ffn_dim": 28672, "num_hidden_layers": 48, "num_attention_heads": 56},
        "66b": {"hidden_size": 9216, "ffn_dim": 36864, "num_hidden_layers": 64, "num_attention_heads": 72},
    },
    heads={
        None: Head("OPTModel", body),
        "causal_lm": Head("OPTForCausalLM", BASE.causal_lm),
        "sequence_classification": Head("OPTForSequenceClassification", BASE.sequence_classification),
        "question_answering": Head("OPTForQuestionAnswering", BASE.question_answering),
    },
    structure={"activation_function": "relu"},
    network=network,
)
