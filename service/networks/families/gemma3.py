"""Gemma 3: Gemma 2's blocks with norms of each head's queries and keys; alone, or behind a SigLIP tower of images."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from service.networks.families.blocks import attention, head_width
from service.networks.families.family import Family, Head
from service.networks.families.gemma2 import DEFAULTS as GEMMA2
from service.networks.families.gemma2 import STRUCTURE as GEMMA2_STRUCTURE
from service.networks.families.gemma2 import blocks, network, with_zero_norms
from service.networks.families.heads import Base, labels
from service.networks.families.settings import Settings
from service.networks.families.siglip import VISION, vision
from service.networks.families.tree import ZEROS, Fill, Initialise, Module, linear, model, module, parameter, rms_norm

DEFAULTS = {**GEMMA2, "vocab_size": 262208}


def body(c: Settings) -> Module:
    norms = (rms_norm(name, head_width(c)) for name in ("q_norm", "k_norm"))
    return blocks(c, attention(c, c.flag("attention_bias"), *norms))


STRUCTURE = {
    **GEMMA2_STRUCTURE,
    "max_position_embeddings": 131072,
    "rope_theta": 1_000_000.0,
    "rope_local_base_freq": 10_000.0,
    "sliding_window_pattern": 6,
    "layer_types": None,
    "attn_logit_softcapping": None,
    "final_logit_softcapping": None,
}
BASE = Base("model", body, with_zero_norms)

TEXT = Family(
    model_type="gemma3_text",
    part_of="gemma3",
    summary="Gemma 3's text: every matrix and table N(0, 0.02²), norms' weights 0.",
    references=("Gemma Team 2025",),
    defaults=DEFAULTS,
    sizes={
        "1b": {
            "vocab_size": 262144,
            "hidden_size": 1152,
            "intermediate_size": 6912,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "max_position_embeddings": 32768,
            "sliding_window": 512,
        },
        "270m": {
            "vocab_size": 262144,
            "hidden_size": 640,
            "intermediate_size": 2048,
            "num_hidden_layers": 18,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "max_position_embeddings": 32768,
            "sliding_window": 512,
        },
    },
    heads={
        None: Head("Gemma3TextModel", body),
        "causal_lm": Head("Gemma3ForCausalLM", BASE.causal_lm),
        "sequence_classification": Head("Gemma3TextForSequenceClassification", BASE.sequence_classification),
    },
    structure=STRUCTURE,
    network=partial(network, base=BASE, normed=True),
)


def initialisation(c: Settings) -> Initialise:
    """Return how the whole starts: as its text does, and what images are read with at 0."""
    general = with_zero_norms(c)

    def initialise(each: Module) -> Iterator[Fill]:
        yield from general(each)
        if each.kind == "projector":
            yield Fill("mm_input_projection_weight", "value", ZEROS)

    return initialise


def seeing(c: Settings, name: str = "") -> Module:
    """Return a tower of images, what brings them among words, and the model of words."""
    images, words = c.inner("vision_config", {**VISION, "model_type": "siglip_vision_model"}), texts(c)
    images.text("model_type", "siglip_vision_model")
    between = images.size("hidden_size"), words.size("hidden_size")
    weight = parameter("mm_input_projection_weight", between, fans=between)
    projector = module("multi_modal_projector", weight, rms_norm("mm_soft_emb_norm", between[0]), kind="projector")
    text = replace(body(words), name="language_model")
    return model(name, initialisation(c), vision(images, "vision_tower"), projector, text)


def texts(c: Settings) -> Settings:
    return c.inner("text_config", DEFAULTS)


def with_lm(c: Settings) -> Module:
    """Return the whole with a projection back to words, which is their table where the two are tied."""
    words = texts(c)
    tied = {"lm_head.weight": "model.language_model.embed_tokens.weight"}
    back = linear("lm_head", words.size("hidden_size"), words.size("vocab_size"), bias=False)
    return model("", initialisation(c), seeing(c, "model"), back, ties=tied if c.flag("tie_word_embeddings") else {})


def with_classes(c: Settings) -> Module:
    score = linear("score", texts(c).size("hidden_size"), labels(c), bias=False)
    return model("", initialisation(c), seeing(c, "model"), score)


WITH_LM = Head("Gemma3ForConditionalGeneration", with_lm)
TOWER = {
    "model_type": "siglip_vision_model",
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 896,
    "patch_size": 14,
    "vision_use_head": False,
}


def sized(width: int, wide: int, depth: int, heads: int, **more: object) -> dict[str, object]:
    """Return a config of words of this size behind the tower, with two heads for each one of keys and values."""
    text = {
        "model_type": "gemma3_text",
        "hidden_size": width,
        "intermediate_size": wide,
        "num_hidden_layers": depth,
        "num_attention_heads": heads,
        "num_key_value_heads": heads // 2,
        "sliding_window": 1024,
        **more,
    }
    return {"text_config": text, "vision_config": TOWER}


FAMILY = Family(
    model_type="gemma3",
    summary="Gemma 3 with images: text N(0, 0.02²), the tower as SigLIP's, the projection between them 0.",
    references=("Gemma Team 2025",),
    defaults={"initializer_range": 0.02, "tie_word_embeddings": True, "mm_tokens_per_image": 256},
    sizes={
        "4b": sized(2560, 10240, 34, 8),
        "12b": sized(3840, 15360, 48, 16),
        "27b": sized(5376, 21504, 62, 32, head_dim=128, query_pre_attn_scalar=168),
    },
    heads={
        None: Head("Gemma3Model", seeing),
        "causal_lm": WITH_LM,
        "image_text_to_text": WITH_LM,
        "sequence_classification": Head("Gemma3ForSequenceClassification", with_classes),
    },
    files={
        r"^(model\.)?language_model\.": "language_model.model.",
        r"^model\.(vision_tower|multi_modal_projector)\.": r"\1.",
        r"^lm_head$": "language_model.lm_head",
    },
)
