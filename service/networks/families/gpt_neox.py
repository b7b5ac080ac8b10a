"""GPT-NeoX and Pythia: blocks of layer norms, queries, keys and values in one matrix, and two dense layers."""

from service.networks.families.blocks import alike, initialisation
from service.networks.families.family import Family, Head
from service.networks.families.heads import Base, labels
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, embedding, layer_norm, linear, model, module, numbered

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
    files={r"^lm_head$": "embed_out"},
)
