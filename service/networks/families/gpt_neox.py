"""GPT-NeoX and Pythia: blocks of layer norms, queries, keys and values in one matrix, and two dense layers."""

from service.networks.families.blocks import alike, initialisation
from service.networks.families.decoders import STRUCTURE as ROTARY
from service.networks.families.decoders import turned
from service.networks.families.family import Family, Head
from service.networks.families.heads import Base, labels
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, embedding, layer_norm, linear, model, module, numbered
from service.networks.families.wiring import Network, Wiring, function, steps

DEFAULTS = {
    "vocab_size": 50432,
    "hidden_size": 6144,
    "intermediate_size": 24576,
    "num_hidden_layers": 44,
    "num_attention_heads": 64,
    "attention_bias": True,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
}


def body(c: Settings) -> Module:
    width, wide, bias = c.size("hidden_size"), c.size("intermediate_size"), c.flag("attention_bias")
    c.divided("hidden_size", "num_attention_heads")
    block = module(
        "",
        layer_norm("input_layernorm", width),
        layer_norm("post_attention_layernorm", width),
        module("attention", linear("query_key_value", width, 3 * width, bias), linear("dense", width, width, bias)),
        module("mlp", linear("dense_h_to_4h", width, wide), linear("dense_4h_to_h", wide, width)),
    )
    return model(
        "",
        initialisation(c),
        embedding("embed_in", c.size("vocab_size"), width),
        numbered("layers", alike(c, block)),
        layer_norm("final_layer_norm", width),
    )


def network(c: Settings, head: str | None) -> Network:
    """Return words, blocks and a last norm, and what a head reads of it."""
    w, at, epsilon = Wiring(input=steps(c, "max_position_embeddings")), BASE.below(head), c.number("layer_norm_eps")
    x = w.weighted(f"{at}embed_in", "input")
    for number in range(c.depth("num_hidden_layers")):
        x = computed(c, w, f"{at}layers.{number}", x)
    x = w.weighted(f"{at}final_layer_norm", x, epsilon=epsilon)
    return BASE.read_out(c, w, x, head, token_classes="classifier")


def computed(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down a block, whose dense layers read what attention reads, where branches are parallel."""
    epsilon, read = c.number("layer_norm_eps"), f"{at}.attention"
    y = attended(c, w, read, w.weighted(f"{at}.input_layernorm", x, epsilon=epsilon))
    if c.flag("use_parallel_residual"):
        z = mixed(c, w, f"{at}.mlp", w.weighted(f"{at}.post_attention_layernorm", x, epsilon=epsilon))
        return w.add(f"{at}.add", z, y, x)
    x = w.add(f"{at}.add_1", y, x)
    z = mixed(c, w, f"{at}.mlp", w.weighted(f"{at}.post_attention_layernorm", x, epsilon=epsilon))
    return w.add(f"{at}.add_2", z, x)


def attended(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down attention, of whose one matrix each head has its queries, keys and values side by side."""
    heads, width = c.size("num_attention_heads"), c.divided("hidden_size", "num_attention_heads")
    apart = w.reshape(f"{at}.heads", w.weighted(f"{at}.query_key_value", x), -1, heads, 3 * width)
    parts = w.split(f"{at}.split", apart, width, width, width)
    names = ("query", "key", "value")
    parts = [w.reshape(f"{at}.{name}", part, -1, heads * width) for name, part in zip(names, parts, strict=True)]
    turn = turned(c, width)
    turns = [w.plain("rotary", f"{at}.turned_{name}", f"{at}.{name}", heads=heads, **turn) for name in names[:2]]
    return w.weighted(f"{at}.dense", w.attention(f"{at}.attention", *turns, parts[2], heads=heads, causal=True))


def mixed(c: Settings, w: Wiring, at: str, x: str) -> str:
    opened = w.activation(f"{at}.act", w.weighted(f"{at}.dense_h_to_4h", x), function(c, "hidden_act"))
    return w.weighted(f"{at}.dense_4h_to_h", opened)


STRUCTURE = {
    **ROTARY,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "use_parallel_residual": True,
    "partial_rotary_factor": 0.25,
}
BASE = Base("gpt_neox", body, initialisation, table="embed_in")


def with_token_classes(c: Settings) -> Module:
    return BASE.headed(c, "classifier", labels(c))


FAMILY = Family(
    model_type="gpt_neox",
    summary="GPT-NeoX and Pythia: every matrix and table N(0, 0.02²).",
    references=("Black et al. 2022", "Biderman et al. 2023"),
    defaults=DEFAULTS,
    sizes={
        "20b": {},
        "pythia-70m": {
            "vocab_size": 50304,
            "hidden_size": 512,
            "intermediate_size": 2048,
            "num_hidden_layers": 6,
            "num_attention_heads": 8,
        },
        "pythia-160m": {
            "vocab_size": 50304,
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
        },
        "pythia-410m": {
            "vocab_size": 50304,
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
        },
        "pythia-1b": {
            "vocab_size": 50304,
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 16,
            "num_attention_heads": 8,
        },
        "pythia-1.4b": {
            "vocab_size": 50304,
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
        },
        "pythia-2.8b": {
            "vocab_size": 50304,
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
        },
        "pythia-6.9b": {
            "hidden_size": 4096,
            "intermediate_size": 16384,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
        },
        "pythia-12b": {
            "vocab_size": 50688,
            "hidden_size": 5120,
            "intermediate_size": 20480,
            "num_hidden_layers": 36,
            "num_attention_heads": 40,
        },
    },
    heads={
        None: Head("GPTNeoXModel", body),
        "causal_lm": Head("GPTNeoXForCausalLM", BASE.causal_lm),
        "sequence_classification": Head("GPTNeoXForSequenceClassification", BASE.sequence_classification),
        "token_classification": Head("GPTNeoXForTokenClassification", with_token_classes),
        "question_answering": Head("GPTNeoXForQuestionAnswering", BASE.question_answering),
    },
    structure=STRUCTURE,
    network=network,
    files={r"^lm_head$": "embed_out"},
)
