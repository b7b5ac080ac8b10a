"""BERT: learnt positions, norms after; N(0, 0.02²), the padding token's row at 0."""

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
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "initializer_range": 0.02,
    "pad_token_id": 0,
    "is_decoder": False,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
}


def attention(name: str, width: int) -> Module:
    reads = module("self", *(linear(part, width, width) for part in ("query", "key", "value")))
    return module(name, reads, module("output", linear("dense", width, width), layer_norm("LayerNorm", width)))


def block(c: Settings) -> Module:
    width, wide = c.size("hidden_size"), c.size("intermediate_size")
    c.divided("hidden_size", "num_attention_heads")
    if c.flag("add_cross_attention") and not c.flag("is_decoder"):
        c.refuse("add_cross_attention", "false where is_decoder is")
    return module(
        "",
        attention("attention", width),
        attention("crossattention", width) if c.flag("add_cross_attention") else None,
        module("intermediate", linear("dense", width, wide)),
        module("output", linear("dense", wide, width), layer_norm("LayerNorm", width)),
    )


def encoder(c: Settings) -> Module:
    return module("encoder", numbered("layer", [block(c)] * c.depth("num_hidden_layers")))


def pooler(c: Settings) -> Module:
    return module("pooler", linear("dense", c.size("hidden_size"), c.size("hidden_size")))


def body(c: Settings, name: str = "", pooled: bool = True) -> Module:
    width, rows = c.size("hidden_size"), c.size("vocab_size")
    return model(
        name,
        initialisation(c),
        module(
            "embeddings",
            embedding("word_embeddings", rows, width, c.index("pad_token_id", rows)),
            embedding("position_embeddings", c.size("max_position_embeddings"), width),
            embedding("token_type_embeddings", c.size("type_vocab_size"), width),
            layer_norm("LayerNorm", width),
        ),
        encoder(c),
        pooler(c) if pooled else None,
    )


def headed(c: Settings, head: Module, pooled: bool = True, **more: dict[str, str]) -> Module:
    return model("", initialisation(c), body(c, "bert", pooled), head, **more)


def with_lm(c: Settings) -> Module:
    """Return BERT with a transform and a projection back to the vocabulary, tied to the table."""
    width, rows = c.size("hidden_size"), c.size("vocab_size")
    predictions = module(
        "predictions",
        parameter("bias", [rows]),
        module("transform", linear("dense", width, width), layer_norm("LayerNorm", width)),
        linear("decoder", width, rows),
    )
    ties = {"cls.predictions.decoder.bias": "cls.predictions.bias"}
    ties |= {"cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight"}
    tied = ties if c.flag("tie_word_embeddings") else {}
    return headed(c, module("cls", predictions), pooled=False, ties=tied)


def with_classes(c: Settings) -> Module:
    return headed(c, linear("classifier", c.size("hidden_size"), labels(c)))


def with_token_classes(c: Settings) -> Module:
    return headed(c, linear("classifier", c.size("hidden_size"), labels(c)), pooled=False)


def with_questions(c: Settings) -> Module:
    return headed(c, linear("qa_outputs", c.size("hidden_size"), labels(c)), pooled=False)


def with_choices(c: Settings) -> Module:
    return headed(c, linear("classifier", c.size("hidden_size"), 1))


def with_next_sentence(c: Settings) -> Module:
    return headed(c, module("cls", linear("seq_relationship", c.size("hidden_size"), 2)))


def embedded(c: Settings, w: Wiring, at: str, **counted: int) -> str:
    """Write down words, their types and their positions, added up and normalised; `counted` is from where."""
    words, types = (
        w.weighted(f"{at}.word_embeddings", "input"),
        w.weighted(f"{at}.token_type_embeddings", "token_types"),
    )
    x = w.add(f"{at}.add", words, types, w.weighted(f"{at}.position_embeddings", "positions", **counted))
    return w.weighted(f"{at}.LayerNorm", x, epsilon=c.number("layer_norm_eps"))


def computed(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down a block, whose norms come after what is added, and return its output."""
    epsilon, reads = c.number("layer_norm_eps"), f"{at}.attention.self"
    parts = [w.weighted(f"{reads}.{part}", x) for part in ("query", "key", "value")]
    heads, causal = c.size("num_attention_heads"), c.flag("is_decoder")
    attended = w.attention(f"{reads}.attention", *parts, heads=heads, causal=causal)
    attended = w.weighted(f"{at}.attention.output.dense", attended)
    x = w.weighted(f"{at}.attention.output.LayerNorm", w.add(f"{at}.add_1", attended, x), epsilon=epsilon)
    wide = w.weighted(f"{at}.intermediate.dense", x)
    opened = w.activation(f"{at}.intermediate.act", wide, function(c, "hidden_act"))
    added = w.add(f"{at}.add_2", w.weighted(f"{at}.output.dense", opened), x)
    return w.weighted(f"{at}.output.LayerNorm", added, epsilon=epsilon)


def stacked(c: Settings, w: Wiring, at: str, x: str) -> str:
    if c.flag("add_cross_attention"):
        c.refuse("add_cross_attention", "false for a network of one sequence")
    for number in range(c.depth("num_hidden_layers")):
        x = computed(c, w, f"{at}encoder.layer.{number}", x)
    return x


def first_place(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down the pooler: a dense layer and tanh on what the first token has become."""
    first = w.place(f"{at}pooler.first", x, c.size("hidden_size"))
    return w.activation(f"{at}pooler.activation", w.weighted(f"{at}pooler.dense", first), "tanh")


def back_to_words(c: Settings, w: Wiring, x: str) -> None:
    """Write down the head of words: a transform, then the table itself where it is tied, and a bias for each word."""
    at = "cls.predictions"
    opened = w.activation(f"{at}.transform.act", w.weighted(f"{at}.transform.dense", x), function(c, "hidden_act"))
    x = w.weighted(f"{at}.transform.LayerNorm", opened, epsilon=c.number("layer_norm_eps"))
    if not c.flag("tie_word_embeddings"):
        w.weighted(f"{at}.decoder", x)
        return
    scores = w.tied(f"{at}.decoder", x, "bert.embeddings.word_embeddings", transposed=True)
    w.add(f"{at}.add", scores, w.weighted(f"{at}.bias"))


SCORES = {  # what a head reads: the pooler's output, or every place's
    "sequence_classification": ("classifier", True),
    "multiple_choice": ("classifier", True),
    "next_sentence_prediction": ("cls.seq_relationship", True),
    "token_classification": ("classifier", False),
    "question_answering": ("qa_outputs", False),
}


def network(c: Settings, head: str | None) -> Network:
    """Return blocks on words, types and positions; of several choices the network scores one."""
    shape = steps(c, "max_position_embeddings")
    w, at = Wiring(input=shape, token_types=shape, positions=shape), "" if head is None else "bert."
    x = stacked(c, w, at, embedded(c, w, f"{at}embeddings"))
    if head in ("masked_lm", "causal_lm"):
        back_to_words(c, w, x)
        return w.written()
    last, pooled = SCORES.get(str(head), ("", True))
    x = first_place(c, w, at, x) if pooled else x
    if last:
        w.weighted(last, x)
    return w.written()


FAMILY = Family(
    model_type="bert",
    summary="BERT: N(0, 0.02²), the padding token's row at 0.",
    references=("Devlin et al. 2018",),
    defaults=DEFAULTS,
    sizes={
        "base": {},
        "large": {
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "intermediate_size": 4096,
        },
    },
    heads={
        None: Head("BertModel", body),
        "masked_lm": Head("BertForMaskedLM", with_lm),
        "causal_lm": Head("BertLMHeadModel", with_lm),
        "sequence_classification": Head("BertForSequenceClassification", with_classes),
        "token_classification": Head("BertForTokenClassification", with_token_classes),
        "question_answering": Head("BertForQuestionAnswering", with_questions),
        "multiple_choice": Head("BertForMultipleChoice", with_choices),
        "next_sentence_prediction": Head("BertForNextSentencePrediction", with_next_sentence),
    },
    network=network,
)
