"""BART: an encoder and a decoder of one table of words, each with learnt positions, norms after; N(0, init_std²)."""

from service.networks.families.blocks import initialisation
from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Module,
    embedding,
    layer_norm,
    linear,
    model,
    module,
    numbered,
    parameter,
)

DEFAULTS = {
    "vocab_size": 50265,
    "max_position_embeddings": 1024,
    "d_model": 1024,
    "encoder_layers": 12,
    "encoder_ffn_dim": 4096,
    "encoder_attention_heads": 16,
    "decoder_layers": 12,
    "decoder_ffn_dim": 4096,
    "decoder_attention_heads": 16,
    "tie_word_embeddings": True,
    "init_std": 0.02,
    "pad_token_id": 1,
    "num_labels": 3,
}
FURTHER = 2  # rows before the first position's
SHARED = "shared.weight"
STACKS = ("encoder", "decoder")


def attention(name: str, width: int) -> Module:
    return module(name, *(linear(part, width, width) for part in ("k_proj", "v_proj", "q_proj", "out_proj")))


def block(c: Settings, side: str) -> Module:
    width, wide = c.size("d_model"), c.size(f"{side}_ffn_dim")
    c.divided("d_model", f"{side}_attention_heads")
    crossed = (attention("encoder_attn", width), layer_norm("encoder_attn_layer_norm", width))
    return module(
        "",
        attention("self_attn", width),
        layer_norm("self_attn_layer_norm", width),
        *(crossed if side == "decoder" else ()),
        linear("fc1", width, wide),
        linear("fc2", wide, width),
        layer_norm("final_layer_norm", width),
    )


def words(c: Settings, name: str) -> Module:
    rows = c.size("vocab_size")
    return embedding(name, rows, c.size("d_model"), c.index("pad_token_id", rows))


def stack(c: Settings, side: str) -> Module:
    width = c.size("d_model")
    return model(
        side,
        initialisation(c),
        words(c, "embed_tokens"),
        embedding("embed_positions", c.size("max_position_embeddings") + FURTHER, width),
        numbered("layers", [block(c, side)] * c.depth(f"{side}_layers")),
        layer_norm("layernorm_embedding", width),
    )


def body(c: Settings, name: str = "") -> Module:
    ties = {f"{side}.embed_tokens.weight": SHARED for side in STACKS} if c.flag("tie_word_embeddings") else {}
    return model(name, initialisation(c), words(c, "shared"), *(stack(c, side) for side in STACKS), ties=ties)


def with_lm(c: Settings) -> Module:
    """Return BART with a projection back to words, tied to their table, and a bias of its own that is not learnt."""
    rows = c.size("vocab_size")
    return model(
        "",
        initialisation(c),
        parameter("final_logits_bias", (1, rows)),
        body(c, "model"),
        linear("lm_head", c.size("d_model"), rows, bias=False),
        ties={"lm_head.weight": f"model.{SHARED}"} if c.flag("tie_word_embeddings") else {},
    )


def decoder_with_lm(c: Settings) -> Module:
    """Return the decoder alone, with a projection back to words."""
    return model(
        "",
        initialisation(c),
        model("model", initialisation(c), stack(c, "decoder")),
        linear("lm_head", c.size("d_model"), c.size("vocab_size"), bias=False),
        ties={"lm_head.weight": "model.decoder.embed_tokens.weight"} if c.flag("tie_word_embeddings") else {},
    )


def with_classes(c: Settings) -> Module:
    width = c.size("d_model")
    head = module("classification_head", linear("dense", width, width), linear("out_proj", width, labels(c)))
    return model("", initialisation(c), body(c, "model"), head)


def with_questions(c: Settings) -> Module:
    return model("", initialisation(c), body(c, "model"), linear("qa_outputs", c.size("d_model"), 2))


FAMILY = Family(
    model_type="bart",
    summary="BART: every matrix and table N(0, 0.02²), the padding token's row 0.",
    references=("Lewis et al. 2019",),
    defaults=DEFAULTS,
    sizes={
        "large": {},
        "base": {
            "d_model": 768,
            "encoder_layers": 6,
            "encoder_ffn_dim": 3072,
            "encoder_attention_heads": 12,
            "decoder_layers": 6,
            "decoder_ffn_dim": 3072,
            "decoder_attention_heads": 12,
        },
    },
    heads={
        None: Head("BartModel", body),
        "seq2seq_lm": Head("BartForConditionalGeneration", with_lm),
        "masked_lm": Head("BartForConditionalGeneration", with_lm),
        "causal_lm": Head("BartForCausalLM", decoder_with_lm),
        "sequence_classification": Head("BartForSequenceClassification", with_classes),
        "question_answering": Head("BartForQuestionAnswering", with_questions),
    },
    aliases={
        "hidden_size": "d_model",
        "num_hidden_layers": "encoder_layers",
        "num_attention_heads": "encoder_attention_heads",
    },
)
