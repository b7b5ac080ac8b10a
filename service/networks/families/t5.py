"""T5: two stacks of one table, no biases; each matrix is scaled by what it reads."""

from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.settings import Settings
from service.networks.families.t5_network import gated, network
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
