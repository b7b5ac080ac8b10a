"""DeBERTa, versions 2 and 3: BERT's blocks, with relative positions, a convolution, narrow words where asked for."""

from service.networks.families.blocks import initialisation
from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Module,
    convolution,
    embedding,
    layer_norm,
    linear,
    model,
    module,
    numbered,
    parameter,
)

DEFAULTS = {
    "vocab_size": 128100,
    "max_position_embeddings": 512,
    "type_vocab_size": 0,
    "hidden_size": 1536,
    "num_hidden_layers": 24,
    "num_attention_heads": 24,
    "intermediate_size": 6144,
    "relative_attention": False,
    "max_relative_positions": -1,
    "position_buckets": -1,
    "pos_att_type": None,
    "share_att_key": False,
    "norm_rel_ebd": "none",
    "position_biased_input": True,
    "conv_kernel_size": 0,
    "conv_groups": 1,
    "attention_head_size": None,
    "embedding_size": None,
    "pooler_hidden_size": None,
    "legacy": True,
    "tie_word_embeddings": True,
    "initializer_range": 0.02,
    "pad_token_id": 0,
}


def words_width(c: Settings) -> int:
    return c.optional_size("embedding_size") or c.size("hidden_size")


def kinds_of_positions(c: Settings) -> set[str]:
    """Return how contents and positions meet: c2p, p2c."""
    stated = c.stated("pos_att_type")
    if isinstance(stated, str):
        return {each.strip() for each in stated.lower().split("|")}
    if stated is not None and not (isinstance(stated, list) and all(isinstance(each, str) for each in stated)):
        c.refuse("pos_att_type", "null, a list such as p2c, c2p, or a text of these with | between")
    return set(stated or ())


def attention(c: Settings) -> Module:
    """Return attention of contents; of positions too, unless these are read by the same matrices."""
    width, share = c.size("hidden_size"), c.divided("hidden_size", "num_attention_heads")
    inner = c.size("num_attention_heads") * (c.optional_size("attention_head_size") or share)
    parts = ["query_proj", "key_proj", "value_proj"]
    if c.flag("relative_attention") and not c.flag("share_att_key"):
        met = kinds_of_positions(c)
        parts += ["pos_key_proj"] if "c2p" in met else []
        parts += ["pos_query_proj"] if "p2c" in met else []
    return module(
        "attention",
        module("self", *(linear(part, width, inner) for part in parts)),
        module("output", linear("dense", width, width), layer_norm("LayerNorm", width)),
    )


def block(c: Settings) -> Module:
    width, wide = c.size("hidden_size"), c.size("intermediate_size")
    return module(
        "",
        attention(c),
        module("intermediate", linear("dense", width, wide)),
        module("output", linear("dense", wide, width), layer_norm("LayerNorm", width)),
    )


def relative_rows(c: Settings) -> int:
    """Return the number of relative positions that have a row: as many before as after."""
    positive = (c.whole(name) for name in ("position_buckets", "max_relative_positions"))
    return 2 * next((each for each in positive if each > 0), c.size("max_position_embeddings"))


def convolved(c: Settings) -> Module | None:
    width, window = c.size("hidden_size"), c.whole("conv_kernel_size")
    if window <= 0:
        return None
    groups = c.size("conv_groups")
    if width % groups:
        c.refuse("conv_groups", f"a divisor of hidden_size, {width}")
    return module("conv", convolution("conv", (window,), width, width, groups=groups), layer_norm("LayerNorm", width))


def encoder(c: Settings) -> Module:
    width, relative = c.size("hidden_size"), c.flag("relative_attention")
    normed = "layer_norm" in [each.strip() for each in c.text("norm_rel_ebd").lower().split("|")]
    return module(
        "encoder",
        numbered("layer", [block(c)] * c.depth("num_hidden_layers")),
        embedding("rel_embeddings", relative_rows(c), width) if relative else None,
        layer_norm("LayerNorm", width) if normed else None,
        convolved(c),
    )


def body(c: Settings, name: str = "") -> Module:
    width, narrow, rows, types = c.size("hidden_size"), words_width(c), c.size("vocab_size"), c.whole("type_vocab_size")
    places = c.size("max_position_embeddings")
    return model(
        name,
        initialisation(c),
        module(
            "embeddings",
            embedding("word_embeddings", rows, narrow, c.index("pad_token_id", rows)),
            embedding("position_embeddings", places, narrow) if c.flag("position_biased_input") else None,
            embedding("token_type_embeddings", types, narrow) if types > 0 else None,
            linear("embed_proj", narrow, width, bias=False) if narrow != width else None,
            layer_norm("LayerNorm", width),
        ),
        encoder(c),
    )


def headed(c: Settings, *heads: Module, **more: dict[str, str]) -> Module:
    return model("", initialisation(c), body(c, "deberta"), *heads, **more)


def with_lm(c: Settings) -> Module:
    """Return DeBERTa with its old head, tied to the table of words, or its new one, which reads the table itself."""
    width, narrow, rows = c.size("hidden_size"), words_width(c), c.size("vocab_size")
    bias = parameter("bias", [rows])
    if not c.flag("legacy"):
        head = module("lm_head", bias, linear("dense", width, width), layer_norm("LayerNorm", width))
        return headed(c, module("lm_predictions", head))
    transform = module("transform", linear("dense", width, narrow), layer_norm("LayerNorm", narrow))
    predictions = module("predictions", bias, transform, linear("decoder", narrow, rows))
    ties = {"cls.predictions.decoder.weight": "deberta.embeddings.word_embeddings.weight"}
    ties |= {"cls.predictions.decoder.bias": "cls.predictions.bias"}
    return headed(c, module("cls", predictions), ties=ties if c.flag("tie_word_embeddings") else {})


def scored(c: Settings, outputs: int) -> Module:
    """Return DeBERTa with a pooler and scores of a whole sequence."""
    width = c.optional_size("pooler_hidden_size") or c.size("hidden_size")
    return headed(c, module("pooler", linear("dense", width, width)), linear("classifier", width, outputs))


def with_classes(c: Settings) -> Module:
    return scored(c, labels(c))


def with_choices(c: Settings) -> Module:
    return scored(c, 1)


def with_token_classes(c: Settings) -> Module:
    return headed(c, linear("classifier", c.size("hidden_size"), labels(c)))


def with_questions(c: Settings) -> Module:
    return headed(c, linear("qa_outputs", c.size("hidden_size"), labels(c)))


RELATIVE = {
    "relative_attention": True,
    "position_buckets": 256,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
}

FAMILY = Family(
    model_type="deberta-v2",
    summary="DeBERTa, versions 2 and 3: every matrix and table N(0, 0.02²), the padding token's row 0.",
    references=("He et al. 2020", "He et al. 2021"),
    defaults=DEFAULTS,
    sizes={
        "v3-base": {
            **RELATIVE,
            "hidden_size": 768,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "intermediate_size": 3072,
        },
        "v3-xsmall": {
            **RELATIVE,
            "hidden_size": 384,
            "num_hidden_layers": 12,
            "num_attention_heads": 6,
            "intermediate_size": 1536,
        },
        "v3-small": {
            **RELATIVE,
            "hidden_size": 768,
            "num_hidden_layers": 6,
            "num_attention_heads": 12,
            "intermediate_size": 3072,
        },
        "v3-large": {
            **RELATIVE,
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "intermediate_size": 4096,
        },
        "v2-xlarge": {**RELATIVE, "conv_kernel_size": 3, "conv_act": "gelu"},
    },
    heads={
        None: Head("DebertaV2Model", body),
        "masked_lm": Head("DebertaV2ForMaskedLM", with_lm),
        "sequence_classification": Head("DebertaV2ForSequenceClassification", with_classes),
        "token_classification": Head("DebertaV2ForTokenClassification", with_token_classes),
        "question_answering": Head("DebertaV2ForQuestionAnswering", with_questions),
        "multiple_choice": Head("DebertaV2ForMultipleChoice", with_choices),
    },
)
