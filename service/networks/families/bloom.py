"""BLOOM: no table of positions, a norm of words, and blocks with queries, keys and values in one matrix."""

from service.networks.families.blocks import initialisation
from service.networks.families.family import Family, Head
from service.networks.families.heads import Base, labels
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, embedding, layer_norm, linear, model, module, numbered

DEFAULTS = {
    "vocab_size": 250880,
    "hidden_size": 64,
    "n_layer": 2,
    "n_head": 8,
    "tie_word_embeddings": True,
    "initializer_range": 0.02,
}


def body(c: Settings) -> Module:
    width = c.size("hidden_size")
    c.divided("hidden_size", "n_head")
    block = module(
        "",
        layer_norm("input_layernorm", width),
        module("self_attention", linear("query_key_value", width, 3 * width), linear("dense", width, width)),
        layer_norm("post_attention_layernorm", width),
        module("mlp", linear("dense_h_to_4h", width, 4 * width), linear("dense_4h_to_h", 4 * width, width)),
    )
    return model(
        "",
        initialisation(c),
        embedding("word_embeddings", c.size("vocab_size"), width),
        layer_norm("word_embeddings_layernorm", width),
        numbered("h", [block] * c.depth("n_layer")),
        layer_norm("ln_f", width),
    )


BASE = Base("transformer", body, initialisation, table="word_embeddings")


def with_token_classes(c: Settings) -> Module:
    return BASE.headed(c, "classifier", labels(c))


FAMILY = Family(
    model_type="bloom",
    summary="BLOOM: every matrix and table N(0, 0.02²).",
    references=("BigScience 2022",),
    defaults=DEFAULTS,
    sizes={
        "560m": {"hidden_size": 1024, "n_layer": 24, "n_head": 16},
        "1b1": {"hidden_size": 1536, "n_layer": 24, "n_head": 16},
        "1b7": {"hidden_size": 2048, "n_layer": 24, "n_head": 16},
        "3b": {"hidden_size": 2560, "n_layer": 30, "n_head": 32},
        "7b1": {"hidden_size": 4096, "n_layer": 30, "n_head": 32},
        "176b": {"hidden_size": 14336, "n_layer": 70, "n_head": 112},
    },
    heads={
        None: Head("BloomModel", body),
        "causal_lm": Head("BloomForCausalLM", BASE.causal_lm),
        "sequence_classification": Head("BloomForSequenceClassification", BASE.sequence_classification),
        "token_classification": Head("BloomForTokenClassification", with_token_classes),
        "question_answering": Head("BloomForQuestionAnswering", BASE.question_answering),
    },
    aliases={"n_embed": "hidden_size", "num_hidden_layers": "n_layer", "num_attention_heads": "n_head"},
)
