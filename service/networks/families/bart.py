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
from service.networks.families.wiring import Network, Wiring, function, steps

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


def network(c: Settings, head: str | None) -> Network:
    """Return an encoder and a decoder on words of two sequences; what reads a whole sequence reads its last place."""
    at, shape = "" if head is None else "model.", steps(c, "max_position_embeddings")
    if head == "causal_lm":
        w = Wiring(input=shape, positions=shape)
        words = w.weighted("model.decoder.embed_tokens", "input")
        x = stacked(c, w, "model.decoder", words, "positions")
        to_words(c, w, x, "model.decoder.embed_tokens")
        return w.written()
    w = Wiring(input=shape, decoder_input=shape, positions=shape)
    encoded = stacked(c, w, f"{at}encoder", read(c, w, at, "encoder", "input"), "positions")
    x = stacked(c, w, f"{at}decoder", read(c, w, at, "decoder", "decoder_input"), "positions", encoded)
    match head:
        case "seq2seq_lm" | "masked_lm":
            w.add("add", to_words(c, w, x, "model.shared"), w.weighted("final_logits_bias"))
        case "sequence_classification":
            dense = w.weighted("classification_head.dense", w.place("last", x, c.size("d_model"), last=True))
            w.weighted("classification_head.out_proj", w.activation("classification_head.tanh", dense, "tanh"))
        case "question_answering":
            w.weighted("qa_outputs", x)
    return w.written()


def to_words(c: Settings, w: Wiring, x: str, table: str) -> str:
    if c.flag("tie_word_embeddings"):
        return w.tied("lm_head", x, table, transposed=True)
    return w.weighted("lm_head", x)


def read(c: Settings, w: Wiring, at: str, side: str, words: str) -> str:
    """Write down a stack's words: by the table that both share, where they are tied."""
    if not c.flag("tie_word_embeddings"):
        return w.weighted(f"{at}{side}.embed_tokens", words)
    if side == "encoder":
        return w.weighted(f"{at}shared", words)
    return w.tied(f"{at}{side}.embed_tokens", words, f"{at}shared")


def stacked(c: Settings, w: Wiring, at: str, words: str, positions: str, encoded: str = "") -> str:
    """Write down a stack, whose norms stand after its sums: words and positions, and blocks."""
    side = at.rpartition(".")[2]
    if c.flag("scale_embedding"):
        words = w.plain("scale", f"{at}.scaled", words, by=c.size("d_model") ** 0.5)
    x = w.add(f"{at}.add", words, w.weighted(f"{at}.embed_positions", positions, offset=FURTHER))
    x = w.weighted(f"{at}.layernorm_embedding", x)
    for number in range(c.depth(f"{side}_layers")):
        here, decodes = f"{at}.layers.{number}", side == "decoder"
        x = attended(c, w, here, x, x, "self_attn", side, causal=decodes)
        x = attended(c, w, here, x, encoded, "encoder_attn", side) if encoded else x
        opened = w.activation(f"{here}.act", w.weighted(f"{here}.fc1", x), function(c, "activation_function"))
        x = w.weighted(f"{here}.final_layer_norm", w.add(f"{here}.add_2", x, w.weighted(f"{here}.fc2", opened)))
    return x


def attended(c: Settings, w: Wiring, at: str, x: str, other: str, part: str, side: str, causal: bool = False) -> str:
    """Write down attention to x itself or to what the encoder made, its sum and the norm after it."""
    read = {"q": x, "k": other, "v": other}
    parts = [w.weighted(f"{at}.{part}.{each}_proj", source) for each, source in read.items()]
    y = w.attention(f"{at}.{part}.attention", *parts, heads=c.size(f"{side}_attention_heads"), causal=causal)
    added = w.add(f"{at}.{part}.add", x, w.weighted(f"{at}.{part}.out_proj", y))
    return w.weighted(f"{at}.{part}_layer_norm", added)


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
    structure={"scale_embedding": False, "activation_function": "gelu"},
    network=network,
    aliases={
        "hidden_size": "d_model",
        "num_hidden_layers": "encoder_layers",
        "num_attention_heads": "encoder_attention_heads",
    },
)
