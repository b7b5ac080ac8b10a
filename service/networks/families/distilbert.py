"""DistilBERT: BERT's blocks, half as many, without types of tokens and without a pooler."""

from collections.abc import Iterator

from service.networks.families.blocks import initialisation as general_of
from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Fill,
    Initialise,
    Module,
    embedding,
    layer_norm,
    linear,
    model,
    module,
    numbered,
)
from service.networks.families.wiring import Network, Wiring, function, steps
from service.networks.schemes import PRESETS

DEFAULTS = {
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "dim": 768,
    "hidden_dim": 3072,
    "n_layers": 6,
    "n_heads": 12,
    "sinusoidal_pos_embds": False,
    "tie_word_embeddings": True,
    "initializer_range": 0.02,
    "pad_token_id": 0,
}

EPSILON = 1e-12  # of every norm


def initialisation(c: Settings) -> Initialise:
    """Return the general one; positions are sines and cosines where the config says so."""
    general, waves = general_of(c), c.flag("sinusoidal_pos_embds")

    def initialise(each: Module) -> Iterator[Fill]:
        yield from general(each)
        if each.kind == "embeddings" and waves:
            yield Fill("position_embeddings", "embeddings", PRESETS["sinusoidal"])

    return initialise


def block(c: Settings) -> Module:
    width, wide = c.size("dim"), c.size("hidden_dim")
    c.divided("dim", "n_heads")
    return module(
        "",
        module("attention", *(linear(part, width, width) for part in ("q_lin", "k_lin", "v_lin", "out_lin"))),
        layer_norm("sa_layer_norm", width),
        module("ffn", linear("lin1", width, wide), linear("lin2", wide, width)),
        layer_norm("output_layer_norm", width),
    )


def body(c: Settings, name: str = "") -> Module:
    width, rows = c.size("dim"), c.size("vocab_size")
    return model(
        name,
        initialisation(c),
        module(
            "embeddings",
            embedding("word_embeddings", rows, width, c.index("pad_token_id", rows)),
            embedding("position_embeddings", c.size("max_position_embeddings"), width),
            layer_norm("LayerNorm", width),
            kind="embeddings",
        ),
        module("transformer", numbered("layer", [block(c)] * c.depth("n_layers"))),
    )


def with_lm(c: Settings) -> Module:
    """Return DistilBERT with a transform and a projection back to words, tied to their table."""
    width, rows = c.size("dim"), c.size("vocab_size")
    tied = {"vocab_projector.weight": "distilbert.embeddings.word_embeddings.weight"}
    return model(
        "",
        initialisation(c),
        body(c, "distilbert"),
        linear("vocab_transform", width, width),
        layer_norm("vocab_layer_norm", width),
        linear("vocab_projector", width, rows),
        ties=tied if c.flag("tie_word_embeddings") else {},
    )


def headed(c: Settings, *heads: Module) -> Module:
    return model("", initialisation(c), body(c, "distilbert"), *heads)


def scored(c: Settings, outputs: int) -> Module:
    """Return DistilBERT with a hidden layer and scores of a whole sequence."""
    width = c.size("dim")
    return headed(c, linear("pre_classifier", width, width), linear("classifier", width, outputs))


def with_classes(c: Settings) -> Module:
    return scored(c, labels(c))


def with_choices(c: Settings) -> Module:
    return scored(c, 1)


def with_token_classes(c: Settings) -> Module:
    return headed(c, linear("classifier", c.size("dim"), labels(c)))


def with_questions(c: Settings) -> Module:
    return headed(c, linear("qa_outputs", c.size("dim"), 2))


def network(c: Settings, head: str | None) -> Network:
    """Return words and positions, blocks with norms after, and what a head reads; of several choices one."""
    if head == "masked_lm" and c.flag("tie_word_embeddings"):
        c.refuse("tie_word_embeddings", "false for a network with a head of words, whose bias is no layer by itself")
    shape, at = steps(c, "max_position_embeddings"), "" if head is None else "distilbert."
    w, here = Wiring(input=shape, positions=shape), f"{at}embeddings"
    words, positions = f"{here}.word_embeddings", f"{here}.position_embeddings"
    x = w.add(f"{here}.add", w.weighted(words, "input"), w.weighted(positions, "positions"))
    x = w.weighted(f"{here}.LayerNorm", x, epsilon=EPSILON)
    for number in range(c.depth("n_layers")):
        x = computed(c, w, f"{at}transformer.layer.{number}", x)
    match head:
        case "masked_lm":
            opened = w.activation("vocab_act", w.weighted("vocab_transform", x), function(c, "activation"))
            w.weighted("vocab_projector", w.weighted("vocab_layer_norm", opened, epsilon=EPSILON))
        case "sequence_classification" | "multiple_choice":
            first = w.weighted("pre_classifier", w.place("first", x, c.size("dim")))
            w.weighted("classifier", w.activation("relu", first, "relu"))
        case "token_classification" | "question_answering":
            w.weighted("classifier" if head == "token_classification" else "qa_outputs", x)
    return w.written()


def computed(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down a block, and return its output."""
    read = f"{at}.attention"
    y = w.attention(
        f"{read}.attention", *(w.weighted(f"{read}.{part}_lin", x) for part in "qkv"), heads=c.size("n_heads")
    )
    x = w.weighted(f"{at}.sa_layer_norm", w.add(f"{at}.add_1", w.weighted(f"{read}.out_lin", y), x), epsilon=EPSILON)
    opened = w.activation(f"{at}.ffn.activation", w.weighted(f"{at}.ffn.lin1", x), function(c, "activation"))
    added = w.add(f"{at}.add_2", w.weighted(f"{at}.ffn.lin2", opened), x)
    return w.weighted(f"{at}.output_layer_norm", added, epsilon=EPSILON)


FAMILY = Family(
    model_type="distilbert",
    summary="DistilBERT: every matrix and table N(0, 0.02²), the padding token's row 0.",
    references=("Sanh et al. 2019",),
    defaults=DEFAULTS,
    sizes={"base": {}, "base-cased": {"vocab_size": 28996}, "base-multilingual": {"vocab_size": 119547}},
    heads={
        None: Head("DistilBertModel", body),
        "masked_lm": Head("DistilBertForMaskedLM", with_lm),
        "sequence_classification": Head("DistilBertForSequenceClassification", with_classes),
        "token_classification": Head("DistilBertForTokenClassification", with_token_classes),
        "question_answering": Head("DistilBertForQuestionAnswering", with_questions),
        "multiple_choice": Head("DistilBertForMultipleChoice", with_choices),
    },
    structure={"activation": "gelu"},
    network=network,
    aliases={"hidden_size": "dim", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers"},
)
