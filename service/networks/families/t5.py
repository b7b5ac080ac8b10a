"""T5: two stacks of one table, no biases; each matrix is scaled by what it reads."""

from collections.abc import Iterator
from typing import NamedTuple

from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Fill,
    Initialise,
    Module,
    constant,
    embedding,
    generic,
    linear,
    model,
    module,
    normal,
    numbered,
    rms_norm,
)
from service.networks.families.wiring import FUNCTIONS, STEPS, Network, Wiring

DEFAULTS = {
    "is_encoder_decoder": True,
    "vocab_size": 32128,
    "d_model": 512,
    "d_kv": 64,
    "d_ff": 2048,
    "num_layers": 6,
    "num_decoder_layers": None,
    "num_heads": 8,
    "relative_attention_num_buckets": 32,
    "feed_forward_proj": "relu",
    "is_gated_act": None,
    "layer_norm_epsilon": 1e-6,
    "initializer_factor": 1.0,
    "tie_word_embeddings": True,
    "decoder_start_token_id": 0,
    "pad_token_id": 0,
    "eos_token_id": 1,
}


def initialisation(c: Settings) -> Initialise:
    factor, width, wide = c.deviation("initializer_factor"), c.size("d_model"), c.size("d_ff")
    head, heads = c.size("d_kv"), c.size("num_heads")
    usual, by_width = generic(factor), normal(factor * width**-0.5)
    of_query, of_output = normal(factor * (width * head) ** -0.5), normal(factor * (heads * head) ** -0.5)

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        match module.kind:
            case "norm":
                yield Fill("", "scale", constant(factor))
            case "dense":
                for child in module.children:
                    reads = normal(factor * wide**-0.5) if child.name == "wo" else by_width
                    yield Fill(child.name, "kernel", reads)
            case "attention":
                own = {"q": of_query, "k": by_width, "v": by_width, "o": of_output}
                yield from (Fill(name, "kernel", scheme) for name, scheme in own.items())
                if module.child("relative_attention_bias"):
                    yield Fill("relative_attention_bias", "embeddings", by_width)
            case "model":
                yield Fill("shared", "embeddings", normal(factor))
                if module.child("qa_outputs"):
                    yield Fill("qa_outputs", "kernel", by_width)
            case "classes of tokens":
                yield Fill("classifier", "kernel", normal(factor))
            case "classes":
                yield from (Fill(name, "kernel", by_width) for name in ("dense", "out_proj"))

    return initialise


def attention(c: Settings, name: str, positions: bool) -> Module:
    width, inner = c.size("d_model"), c.size("d_kv") * c.size("num_heads")
    return module(
        name,
        *(linear(part, width, inner, bias=False) for part in ("q", "k", "v")),
        linear("o", inner, width, bias=False),
        embedding("relative_attention_bias", c.size("relative_attention_num_buckets"), c.size("num_heads"))
        if positions
        else None,
        kind="attention",
    )


def block(c: Settings, first: bool, crossed: bool) -> Module:
    width, wide = c.size("d_model"), c.size("d_ff")
    form, _, more = c.text("feed_forward_proj").partition("-")
    if more and (form != "gated" or "-" in more):
        c.refuse("feed_forward_proj", "an activation, or gated- and an activation")
    reads = [linear(name, width, wide, bias=False) for name in (("wi_0", "wi_1") if gated(c) else ("wi",))]
    dense = module("DenseReluDense", *reads, linear("wo", wide, width, bias=False), kind="dense")
    norm = rms_norm("layer_norm", width, kind="norm")
    parts = [module("", attention(c, "SelfAttention", first), norm)]
    if crossed:
        parts.append(module("", attention(c, "EncDecAttention", False), norm))
    return module("", numbered("layer", [*parts, module("", dense, norm)]))


def gated(c: Settings) -> bool:
    """Whether one dense layer opens what another lets through."""
    return c.flag("is_gated_act") if "is_gated_act" in c else "-" in c.text("feed_forward_proj")


def stack(c: Settings, name: str, depth: int) -> Module:
    blocks = [block(c, place == 0, name == "decoder") for place in range(min(depth, 2))]
    blocks += blocks[1:] * (depth - 2)
    return model(
        name,
        initialisation(c),
        embedding("embed_tokens", c.size("vocab_size"), c.size("d_model")),
        numbered("block", blocks),
        rms_norm("final_layer_norm", c.size("d_model"), kind="norm"),
    )


def stacks(c: Settings, name: str, *others: Module, decoder: bool = True, lm: bool = False) -> Module:
    """Return the encoder and the decoder of one table; the library ties a projection to it whatever the config says."""
    sides = {"encoder": c.depth("num_layers")}
    if decoder:
        sides["decoder"] = c.depth("num_decoder_layers") if "num_decoder_layers" in c else sides["encoder"]
    ties = {f"{side}.embed_tokens.weight": "shared.weight" for side in sides}
    return model(
        name,
        initialisation(c),
        embedding("shared", c.size("vocab_size"), c.size("d_model")),
        *(stack(c, side, depth) for side, depth in sides.items()),
        *others,
        kind="model",
        ties=ties | ({"lm_head.weight": "shared.weight"} if lm else {}),
    )


def body(c: Settings) -> Module:
    return stacks(c, "")


def with_lm(c: Settings) -> Module:
    return stacks(c, "", linear("lm_head", c.size("d_model"), c.size("vocab_size"), bias=False), lm=True)


def with_questions(c: Settings) -> Module:
    return stacks(c, "", linear("qa_outputs", c.size("d_model"), labels(c)))


def with_classes(c: Settings) -> Module:
    width = c.size("d_model")
    dense, out = linear("dense", width, width), linear("out_proj", width, labels(c))
    head = module("classification_head", dense, out, kind="classes")
    return model("", initialisation(c), stacks(c, "transformer"), head)


def with_token_classes(c: Settings) -> Module:
    """Return the encoder alone, with scores for every token."""
    base, head = stacks(c, "transformer", decoder=False), linear("classifier", c.size("d_model"), labels(c))
    return model("", initialisation(c), base, head, kind="classes of tokens")


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


GATED = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}

FAMILY = Family(
    model_type="t5",
    summary="T5, 1.0 and 1.1: each matrix scaled by what it reads.",
    references=("Raffel et al. 2020",),
    defaults=DEFAULTS,
    sizes={
        "small": {},
        "base": {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12},
        "large": {"d_model": 1024, "d_ff": 4096, "num_layers": 24, "num_heads": 16},
        "3b": {"d_model": 1024, "d_ff": 16384, "d_kv": 128, "num_layers": 24, "num_heads": 32},
        "11b": {"d_model": 1024, "d_ff": 65536, "d_kv": 128, "num_layers": 24, "num_heads": 128},
        "v1_1-small": {**GATED, "d_ff": 1024, "num_layers": 8, "num_heads": 6},
        "v1_1-base": {**GATED, "d_model": 768, "d_ff": 2048, "num_layers": 12, "num_heads": 12},
        "v1_1-large": {**GATED, "d_model": 1024, "d_ff": 2816, "num_layers": 24, "num_heads": 16},
        "v1_1-xl": {**GATED, "d_model": 2048, "d_ff": 5120, "num_layers": 24, "num_heads": 32},
        "v1_1-xxl": {**GATED, "d_model": 4096, "d_ff": 10240, "num_layers": 24, "num_heads": 64},
    },
    heads={
        None: Head("T5Model", body),
        "seq2seq_lm": Head("T5ForConditionalGeneration", with_lm),
        "sequence_classification": Head("T5ForSequenceClassification", with_classes),
        "token_classification": Head("T5ForTokenClassification", with_token_classes),
        "question_answering": Head("T5ForQuestionAnswering", with_questions),
    },
    structure={"relative_attention_max_distance": 128},
    network=network,
    aliases={
        "hidden_size": "d_model",
        "head_dim": "d_kv",
        "num_attention_heads": "num_heads",
        "num_hidden_layers": "num_layers",
    },
)
