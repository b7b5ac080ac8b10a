"""Whisper: an encoder of spectrograms, whose positions are sines and cosines, a decoder of tokens; N(0, 0.02²)."""

from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Fill,
    Initialise,
    Module,
    constant,
    convolution,
    embedding,
    generic,
    layer_norm,
    linear,
    model,
    module,
    numbered,
    parameter,
)
from service.networks.schemes.tables import SinusoidalTable

DEFAULTS = {
    "vocab_size": 51865,
    "num_mel_bins": 80,
    "d_model": 384,
    "encoder_layers": 4,
    "encoder_attention_heads": 6,
    "encoder_ffn_dim": 1536,
    "decoder_layers": 4,
    "decoder_attention_heads": 6,
    "decoder_ffn_dim": 1536,
    "max_source_positions": 1500,
    "max_target_positions": 448,
    "init_std": 0.02,
    "activation_function": "gelu",
    "scale_embedding": False,
    "pad_token_id": 50256,
    "tie_word_embeddings": True,
    "use_weighted_layer_sum": False,
    "classifier_proj_size": 256,
}
TIED = {"proj_out.weight": "model.decoder.embed_tokens.weight"}
SINUSOIDS = SinusoidalTable(name="sinusoidal", order="halves")


def initialisation(c: Settings) -> Initialise:
    usual = generic(c.deviation("init_std"))

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        if module.kind == "encoder":
            yield Fill("embed_positions", "embeddings", SINUSOIDS)

    return initialise


def attention(name: str, width: int) -> Module:
    """Return projections to keys, without a bias, to values and to queries, and back."""
    rest = (linear(part, width, width) for part in ("v_proj", "q_proj", "out_proj"))
    return module(name, linear("k_proj", width, width, bias=False), *rest)


def block(c: Settings, stack: str) -> Module:
    c.divided("d_model", f"{stack}_attention_heads")
    width, wide = c.size("d_model"), c.size(f"{stack}_ffn_dim")
    cross = (attention("encoder_attn", width), layer_norm("encoder_attn_layer_norm", width))
    return module(
        "",
        attention("self_attn", width),
        layer_norm("self_attn_layer_norm", width),
        *(cross if stack == "decoder" else ()),
        linear("fc1", width, wide),
        linear("fc2", wide, width),
        layer_norm("final_layer_norm", width),
    )


def encoder(c: Settings) -> Module:
    width = c.size("d_model")
    if width % 2 or width < 4:
        c.refuse("d_model", "an even integer from 4, for each position has as many sines as cosines")
    return model(
        "encoder",
        initialisation(c),
        convolution("conv1", (3,), c.size("num_mel_bins"), width),
        convolution("conv2", (3,), width, width),
        embedding("embed_positions", c.size("max_source_positions"), width),
        numbered("layers", [block(c, "encoder")] * c.depth("encoder_layers")),
        layer_norm("layer_norm", width),
        kind="encoder",
    )


def decoder(c: Settings) -> Module:
    width, rows = c.size("d_model"), c.size("vocab_size")
    return model(
        "decoder",
        initialisation(c),
        embedding("embed_tokens", rows, width, c.index("pad_token_id", rows)),
        embedding("embed_positions", c.size("max_target_positions"), width),
        numbered("layers", [block(c, "decoder")] * c.depth("decoder_layers")),
        layer_norm("layer_norm", width),
    )


def body(c: Settings, name: str = "") -> Module:
    return model(name, initialisation(c), encoder(c), decoder(c))


def with_lm(c: Settings) -> Module:
    """Return the model with a projection back to the vocabulary, the decoder's table itself where they are tied."""
    back = linear("proj_out", c.size("d_model"), c.size("vocab_size"), bias=False)
    ties = TIED if c.flag("tie_word_embeddings") else {}
    return model("", initialisation(c), body(c, "model"), back, ties=ties)


def with_lm_alone(c: Settings) -> Module:
    """Return the decoder by itself with a projection back to the vocabulary."""
    back = linear("proj_out", c.size("d_model"), c.size("vocab_size"), bias=False)
    base = model("model", initialisation(c), decoder(c))
    return model("", initialisation(c), base, back, ties=TIED if c.flag("tie_word_embeddings") else {})


def with_classes(c: Settings) -> Module:
    """Return the encoder with scores of classes, of its last layer or of all of them weighted."""
    narrow, layers = c.size("classifier_proj_size"), c.depth("encoder_layers") + 1
    weighted = c.flag("use_weighted_layer_sum")
    return model(
        "",
        initialisation(c),
        parameter("layer_weights", (layers,), constant(1 / layers)) if weighted else None,
        encoder(c),
        linear("projector", c.size("d_model"), narrow),
        linear("classifier", narrow, labels(c)),
    )


def size(width: int, depth: int, **more: int) -> dict[str, int]:
    """Return a config of so many blocks in each stack, of heads 64 wide."""
    heads, wide = width // 64, 4 * width
    each = {"layers": depth, "attention_heads": heads, "ffn_dim": wide}
    stacks = {f"{stack}_{name}": value for stack in ("encoder", "decoder") for name, value in each.items()}
    return {"d_model": width, **stacks, **more}


LATEST = {"num_mel_bins": 128, "vocab_size": 51866}
FAMILY = Family(
    model_type="whisper",
    summary="Whisper: N(0, 0.02²), positions of the spectrogram as sines and cosines.",
    references=("Radford et al. 2022",),
    defaults=DEFAULTS,
    sizes={
        "tiny": size(384, 4),
        "base": size(512, 6),
        "small": size(768, 12),
        "medium": size(1024, 24),
        "large": size(1280, 32),
        "large_v3": size(1280, 32, **LATEST),
        "large_v3_turbo": size(1280, 32, **LATEST, decoder_layers=4),
    },
    aliases={
        "num_attention_heads": "encoder_attention_heads",
        "hidden_size": "d_model",
        "num_hidden_layers": "encoder_layers",
    },
    heads={
        None: Head("WhisperModel", body),
        "seq2seq_lm": Head("WhisperForConditionalGeneration", with_lm),
        "causal_lm": Head("WhisperForCausalLM", with_lm_alone),
        "sequence_classification": Head("WhisperForAudioClassification", with_classes),
    },
)
