"""RoBERTa: BERT's blocks, whose positions have the padding token's row too, and heads of its own."""

from service.networks.families.bert import DEFAULTS as BERT
from service.networks.families.bert import embedded, encoder, first_place, pooler, stacked
from service.networks.families.blocks import initialisation
from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, embedding, layer_norm, linear, model, module, parameter
from service.networks.families.wiring import STEPS, Network, Wiring

DEFAULTS = {**BERT, "vocab_size": 50265, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}


def body(c: Settings, name: str = "", pooled: bool = True) -> Module:
    width, rows, places = c.size("hidden_size"), c.size("vocab_size"), c.size("max_position_embeddings")
    return model(
        name,
        initialisation(c),
        module(
            "embeddings",
            embedding("word_embeddings", rows, width, c.index("pad_token_id", rows)),
            embedding("token_type_embeddings", c.size("type_vocab_size"), width),
            layer_norm("LayerNorm", width),
            embedding("position_embeddings", places, width, c.index("pad_token_id", places)),
        ),
        encoder(c),
        pooler(c) if pooled else None,
    )


def headed(c: Settings, head: Module, pooled: bool = False, **more: dict[str, str]) -> Module:
    return model("", initialisation(c), body(c, "roberta", pooled), head, **more)


def with_lm(c: Settings) -> Module:
    """Return RoBERTa with a transform and a projection back to words, tied to their table."""
    width, rows = c.size("hidden_size"), c.size("vocab_size")
    head = module(
        "lm_head",
        parameter("bias", [rows]),
        linear("dense", width, width),
        layer_norm("layer_norm", width),
        linear("decoder", width, rows),
    )
    ties = {"lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight"}
    ties |= {"lm_head.decoder.bias": "lm_head.bias"}
    return headed(c, head, ties=ties if c.flag("tie_word_embeddings") else {})


def with_classes(c: Settings) -> Module:
    width = c.size("hidden_size")
    return headed(c, module("classifier", linear("dense", width, width), linear("out_proj", width, labels(c))))


def with_token_classes(c: Settings) -> Module:
    return headed(c, linear("classifier", c.size("hidden_size"), labels(c)))


def with_questions(c: Settings) -> Module:
    return headed(c, linear("qa_outputs", c.size("hidden_size"), labels(c)))


def with_choices(c: Settings) -> Module:
    return headed(c, linear("classifier", c.size("hidden_size"), 1), pooled=True)


SCORES = {"token_classification": "classifier", "question_answering": "qa_outputs"}


def network(c: Settings, head: str | None) -> Network:
    """Return BERT's blocks on words, types and positions, which are counted from after the padding token's row."""
    padding, places = c.index("pad_token_id", c.size("max_position_embeddings")), c.size("max_position_embeddings")
    first = 0 if padding is None else padding + 1
    if first >= places:
        c.refuse("max_position_embeddings", f"an integer from {first + 1}")
    shape, at = [min(STEPS, places - first)], "" if head is None else "roberta."
    w = Wiring(input=shape, token_types=shape, positions=shape)
    x = stacked(c, w, at, embedded(c, w, f"{at}embeddings", offset=first))
    match head:
        case None:
            first_place(c, w, at, x)
        case "masked_lm" | "causal_lm":
            back_to_words(c, w, x)
        case "sequence_classification":
            dense = w.weighted("classifier.dense", w.place("first", x, c.size("hidden_size")))
            w.weighted("classifier.out_proj", w.activation("classifier.tanh", dense, "tanh"))
        case "multiple_choice":
            w.weighted("classifier", first_place(c, w, at, x))
        case _:
            w.weighted(SCORES[head], x)
    return w.written()


def back_to_words(c: Settings, w: Wiring, x: str) -> None:
    """Write down a transform, then the table itself where it is tied, and a bias for each word."""
    opened = w.activation("lm_head.act", w.weighted("lm_head.dense", x), "gelu")
    x = w.weighted("lm_head.layer_norm", opened, epsilon=c.number("layer_norm_eps"))
    if not c.flag("tie_word_embeddings"):
        w.weighted("lm_head.decoder", x)
        return
    scores = w.tied("lm_head.decoder", x, "roberta.embeddings.word_embeddings", transposed=True)
    w.add("lm_head.add", scores, w.weighted("lm_head.bias"))


FAMILY = Family(
    model_type="roberta",
    summary="RoBERTa: every matrix and table N(0, 0.02²), the padding token's rows 0.",
    references=("Liu et al. 2019",),
    defaults=DEFAULTS,
    sizes={
        "base": {"max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
        "large": {
            "max_position_embeddings": 514,
            "type_vocab_size": 1,
            "layer_norm_eps": 1e-5,
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "intermediate_size": 4096,
        },
    },
    heads={
        None: Head("RobertaModel", body),
        "masked_lm": Head("RobertaForMaskedLM", with_lm),
        "causal_lm": Head("RobertaForCausalLM", with_lm),
        "sequence_classification": Head("RobertaForSequenceClassification", with_classes),
        "token_classification": Head("RobertaForTokenClassification", with_token_classes),
        "question_answering": Head("RobertaForQuestionAnswering", with_questions),
        "multiple_choice": Head("RobertaForMultipleChoice", with_choices),
    },
    network=network,
)
