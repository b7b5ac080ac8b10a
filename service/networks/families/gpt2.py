"""GPT-2: learnt positions, norms before; what a block writes to the residual stream is narrowed by √(2 depth)."""

from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.heads import Base, labels
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    ZEROS,
    Fill,
    Initialise,
    Module,
    embedding,
    generic,
    layer_norm,
    model,
    module,
    normal,
    numbered,
)
from service.networks.families.wiring import Network, Wiring, function, steps
from service.networks.schemes.scaling import ResidualNormal

DEFAULTS = {
    "vocab_size": 50257,
    "n_positions": 1024,
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "n_inner": None,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "initializer_range": 0.02,
    "bos_token_id": 50256,
    "eos_token_id": 50256,
}

STRUCTURE = {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False}


def conv1d(name: str, inputs: int, outputs: int) -> Module:
    """Return the library's own dense layer, whose weight is (in, out)."""
    return Module(name, layer={"type": "transformers_conv1d", "shape": [inputs, outputs]})


def initialisation(c: Settings) -> Initialise:
    stated, depth = c.deviation("initializer_range"), c.depth("n_layer")
    usual = generic(stated or 0.02)
    narrowed = ResidualNormal(name="residual_normal", stddev=stated, layers=max(depth, 1))

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        if module.layer is not None and module.layer["type"] == "transformers_conv1d":
            yield Fill("", "kernel", normal(stated))
            yield Fill("", "bias", ZEROS)
        if module.kind == "writes to the stream":
            yield Fill("c_proj", "kernel", narrowed)

    return initialise


def block(c: Settings) -> Module:
    width = c.size("n_embd")
    wide = c.optional_size("n_inner") or 4 * width
    c.divided("n_embd", "n_head")
    writes = "writes to the stream"
    crossed: tuple[Module, ...] = ()
    if c.flag("add_cross_attention"):
        query, both = conv1d("q_attn", width, width), conv1d("c_attn", width, 2 * width)
        across = module("crossattention", both, query, conv1d("c_proj", width, width), kind=writes)
        crossed = (across, layer_norm("ln_cross_attn", width))
    return module(
        "",
        layer_norm("ln_1", width),
        module("attn", conv1d("c_attn", width, 3 * width), conv1d("c_proj", width, width), kind=writes),
        layer_norm("ln_2", width),
        *crossed,
        module("mlp", conv1d("c_fc", width, wide), conv1d("c_proj", wide, width), kind=writes),
    )


def body(c: Settings) -> Module:
    width, each = c.size("n_embd"), block(c)
    return model(
        "",
        initialisation(c),
        embedding("wte", c.size("vocab_size"), width),
        embedding("wpe", c.size("n_positions"), width),
        numbered("h", [each] * c.depth("n_layer")),
        layer_norm("ln_f", width),
    )


BASE = Base("transformer", body, initialisation, table="wte", width="n_embd")


def with_token_classes(c: Settings) -> Module:
    return BASE.headed(c, "classifier", labels(c))


def network(c: Settings, head: str | None) -> Network:
    """Return words and positions, blocks with norms before, a last norm, and what a head reads of it."""
    if c.flag("add_cross_attention"):
        c.refuse("add_cross_attention", "false for a network of one sequence")
    w, at = Wiring(input=steps(c, "n_positions"), positions=steps(c, "n_positions")), BASE.below(head)
    x = w.add(f"{at}add", w.weighted(f"{at}wte", "input"), w.weighted(f"{at}wpe", "positions"))
    for number in range(c.depth("n_layer")):
        x = computed(c, w, f"{at}h.{number}", x, number)
    x = w.weighted(f"{at}ln_f", x, epsilon=c.number("layer_norm_epsilon"))
    return BASE.read_out(c, w, x, head, token_classes="classifier")


def computed(c: Settings, w: Wiring, at: str, x: str, number: int) -> str:
    """Write down a block, and return its output."""
    width, epsilon = c.size("n_embd"), c.number("layer_norm_epsilon")
    scale = c.divided("n_embd", "n_head") ** -0.5 if c.flag("scale_attn_weights") else 1.0
    if c.flag("scale_attn_by_inverse_layer_idx"):
        scale /= number + 1
    read = w.weighted(f"{at}.attn.c_attn", w.weighted(f"{at}.ln_1", x, epsilon=epsilon))
    parts = w.split(f"{at}.attn.split", read, width, width, width)
    attended = w.attention(f"{at}.attn.attention", *parts, heads=c.size("n_head"), causal=True, scale=scale)
    attended = w.weighted(f"{at}.attn.c_proj", attended)
    x = w.add(f"{at}.add_1", x, attended)
    wide = w.weighted(f"{at}.mlp.c_fc", w.weighted(f"{at}.ln_2", x, epsilon=epsilon))
    opened = w.activation(f"{at}.mlp.act", wide, function(c, "activation_function"))
    return w.add(f"{at}.add_2", x, w.weighted(f"{at}.mlp.c_proj", opened))


FAMILY = Family(
    model_type="gpt2",
    summary="GPT-2: N(0, 0.02²), narrowed by √(2 depth) where a block writes to the residual stream.",
    references=("Radford et al. 2019",),
    defaults=DEFAULTS,
    sizes={
        "small": {},
        "medium": {"n_embd": 1024, "n_layer": 24, "n_head": 16},
        "large": {"n_embd": 1280, "n_layer": 36, "n_head": 20},
        "xl": {"n_embd": 1600, "n_layer": 48, "n_head": 25},
    },
    heads={
        None: Head("GPT2Model", body),
        "causal_lm": Head("GPT2LMHeadModel", BASE.causal_lm),
        "sequence_classification": Head("GPT2ForSequenceClassification", BASE.sequence_classification),
        "token_classification": Head("GPT2ForTokenClassification", with_token_classes),
        "question_answering": Head("GPT2ForQuestionAnswering", BASE.question_answering),
    },
    structure=STRUCTURE,
    network=network,
    aliases={
        "hidden_size": "n_embd",
        "max_position_embeddings": "n_positions",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    },
)
