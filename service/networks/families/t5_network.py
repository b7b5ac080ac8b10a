"""T5 as a network: two stacks whose logits have a number for each distance between places."""

from typing import NamedTuple

from service.networks.families.settings import Settings
from service.networks.families.wiring import FUNCTIONS, STEPS, Network, Wiring


def gated(c: Settings) -> bool:
    """Whether one dense layer opens what another lets through."""
    return c.flag("is_gated_act") if "is_gated_act" in c else "-" in c.text("feed_forward_proj")


class Stack(NamedTuple):
    """What is known where a stack of T5 is written down: its name, its side, and what the encoder made, if anything."""

    at: str
    decodes: bool
    encoded: str = ""


def network(c: Settings, head: str | None) -> Network:
    """Return an encoder and a decoder on words of two sequences; what reads a whole sequence reads its last place."""
    inner = "transformer." if head in ("sequence_classification", "token_classification") else ""
    alone = head == "token_classification"
    w = Wiring(input=[STEPS]) if alone else Wiring(input=[STEPS], decoder_input=[STEPS])
    x = written(c, w, w.weighted(f"{inner}shared", "input"), Stack(f"{inner}encoder", False))
    if not alone:
        words = w.tied(f"{inner}decoder.embed_tokens", "decoder_input", f"{inner}shared")
        x = written(c, w, words, Stack(f"{inner}decoder", True, x))
    match head:
        case "seq2seq_lm":
            narrowed = c.stated("tie_word_embeddings") is not False
            x = w.plain("scale", "scaled", x, by=c.size("d_model") ** -0.5) if narrowed else x
            w.tied("lm_head", x, "shared", transposed=True)
        case "sequence_classification":
            dense = w.weighted("classification_head.dense", w.place("last", x, c.size("d_model"), last=True))
            w.weighted("classification_head.out_proj", w.activation("classification_head.act", dense, "tanh"))
        case "token_classification":
            w.weighted("classifier", x)
        case "question_answering":
            w.weighted("qa_outputs", x)
    return w.written()


def written(c: Settings, w: Wiring, x: str, stack: Stack) -> str:
    """Write down a stack of blocks, to whose logits the first block's table adds a number for each distance."""
    depth = c.depth("num_decoder_layers" if stack.decodes and "num_decoder_layers" in c else "num_layers")
    bias = distances(c, w, x, stack) if depth else ""
    for number in range(depth):
        at = f"{stack.at}.block.{number}.layer"
        x = attended(c, w, x, (x, bias), f"{at}.0", "SelfAttention", stack.decodes)
        if stack.decodes:
            x = attended(c, w, x, (stack.encoded, ""), f"{at}.1", "EncDecAttention", False)
        x = opened(c, w, x, f"{at}.{1 + stack.decodes}")
    return normed(c, w, x, f"{stack.at}.final_layer_norm")


def distances(c: Settings, w: Wiring, x: str, stack: Stack) -> str:
    """Write down how far places lie from each other, and the table that has a number for each head."""
    at = f"{stack.at}.block.0.layer.0.SelfAttention.relative_attention_bias"
    members = {
        "buckets": c.size("relative_attention_num_buckets"),
        "max_distance": c.size("relative_attention_max_distance"),
        "bidirectional": not stack.decodes,
    }
    return w.weighted(at, w.plain("relative_positions", f"{stack.at}.distances", x, x, **members))


def normed(c: Settings, w: Wiring, x: str, at: str) -> str:
    return w.weighted(at, x, epsilon=c.number("layer_norm_epsilon"))


def attended(c: Settings, w: Wiring, x: str, to: tuple[str, str], at: str, part: str, causal: bool) -> str:
    """Write down attention, to x itself or to what the encoder made, and what is added to it, if anything."""
    (other, bias), name, queries = to, f"{at}.{part}", normed(c, w, x, f"{at}.layer_norm")
    keys = queries if other == x else other
    parts = [w.weighted(f"{name}.{each}", queries if each == "q" else keys) for each in "qkv"]
    biased = [bias] if bias else []
    read = w.attention(f"{name}.attention", *parts, *biased, heads=c.size("num_heads"), causal=causal, scale=1.0)
    return w.add(f"{at}.add", x, w.weighted(f"{name}.o", read))


def opened(c: Settings, w: Wiring, x: str, at: str) -> str:
    """Write down dense layers, of which one opens what another lets through where they are gated."""
    form, name, read = c.text("feed_forward_proj"), f"{at}.DenseReluDense", normed(c, w, x, f"{at}.layer_norm")
    word = "gelu_new" if form == "gated-gelu" else form.rpartition("-")[2]
    if word not in FUNCTIONS:
        c.refuse("feed_forward_proj", f"one of {', '.join(FUNCTIONS)}, or gated- and one of these")
    if not gated(c):
        wide = w.activation(f"{name}.act", w.weighted(f"{name}.wi", read), FUNCTIONS[word])
    else:
        gate = w.activation(f"{name}.act", w.weighted(f"{name}.wi_0", read), FUNCTIONS[word])
        wide = w.plain("multiply", f"{name}.multiply", gate, w.weighted(f"{name}.wi_1", read))
    return w.add(f"{at}.add", x, w.weighted(f"{name}.wo", wide))
