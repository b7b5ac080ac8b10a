"""Families of images and sound: a small config each, of odd sizes, with all that changes its shapes or its draws."""

from typing import Any

from tests.frameworks.families.oracle import Case

LABELS: dict[str, dict[str, Any]] = {"three labels": {"id2label": {"0": "a", "1": "b", "2": "c"}}}
DTYPES: dict[str, dict[str, Any]] = {
    "bfloat16": {"dtype": "bfloat16"},
    "float16, as older files say it": {"torch_dtype": "float16"},
}
SEEN = (None, "image_classification")

# 36 wide, heads of 6, images of 20 by 31 in patches of 4 by 5: no number of elements is a multiple of 16.
IMAGE: dict[str, Any] = {
    "hidden_size": 36,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "image_size": [20, 31],
    "patch_size": [4, 5],
    "num_channels": 2,
    "initializer_range": 0.037,
}
IMAGES: dict[str, dict[str, Any]] = {
    **LABELS,
    **DTYPES,
    "square": {"image_size": 23, "patch_size": 5},
    "one layer, wide": {"num_hidden_layers": 1, "hidden_size": 96, "image_size": 32, "patch_size": 8},
    "no biases of queries": {"qkv_bias": False},
    "heads that do not divide": {"num_attention_heads": 5},
}
TOWER: dict[str, Any] = {
    **{name: value for name, value in IMAGE.items() if name != "initializer_range"},
    "intermediate_size": 51,
    "image_size": 23,
    "patch_size": 5,
}
WORDS: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 30,
    "intermediate_size": 41,
    "num_hidden_layers": 1,
    "num_attention_heads": 5,
    "max_position_embeddings": 13,
}
SOUND: dict[str, Any] = {
    "vocab_size": 37,
    "hidden_size": 36,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "intermediate_size": 51,
    "conv_dim": [5, 7, 9],
    "conv_stride": [3, 2, 2],
    "conv_kernel": [5, 3, 2],
    "num_conv_pos_embeddings": 19,
    "num_conv_pos_embedding_groups": 4,
    "classifier_proj_size": 11,
    "initializer_range": 0.037,
}

SIGHTS = {
    "vit": Case(
        {**IMAGE, "intermediate_size": 51},
        SEEN,
        {**IMAGES, "pooled to another width": {"pooler_output_size": 7}},
        "base",
        elements=86_389_248,
    ),
    "dinov2": Case(
        {**IMAGE, "mlp_ratio": 2},
        SEEN,
        {
            **IMAGES,
            "gated": {"use_swiglu_ffn": True},
            "no mask": {"use_mask_token": False},
            "other scales": {"layerscale_value": 0.25},
        },
        "base",
        elements=86_580_480,
    ),
    "convnext": Case(
        {
            "num_channels": 2,
            "patch_size": 3,
            "num_stages": 3,
            "hidden_sizes": [6, 10, 14],
            "depths": [1, 0, 2],
            "initializer_range": 0.037,
        },
        SEEN,
        {
            **LABELS,
            **DTYPES,
            "no scales": {"layer_scale_init_value": 0.0},
            "two stages": {"num_stages": 2, "hidden_sizes": [16, 32], "depths": [2, 1], "patch_size": [2, 5]},
        },
        "tiny",
        elements=27_820_128,
    ),
    "resnet": Case(
        {"num_channels": 2, "embedding_size": 6, "hidden_sizes": [12, 20, 20], "depths": [1, 2, 1]},
        SEEN,
        {
            **LABELS,
            **DTYPES,
            "basic": {"layer_type": "basic"},
            "halved at once": {"downsample_in_first_stage": True, "hidden_sizes": [6, 20, 20], "layer_type": "basic"},
            "halved early": {"downsample_in_bottleneck": True},
        },
        "50",
        elements=23_508_032,
    ),
    "whisper": Case(
        {
            "vocab_size": 97,
            "num_mel_bins": 5,
            "d_model": 36,
            "encoder_layers": 1,
            "encoder_attention_heads": 6,
            "encoder_ffn_dim": 51,
            "decoder_layers": 2,
            "decoder_attention_heads": 3,
            "decoder_ffn_dim": 47,
            "max_source_positions": 19,
            "max_target_positions": 11,
            "classifier_proj_size": 11,
            "init_std": 0.037,
            "pad_token_id": 3,
        },
        (None, "seq2seq_lm", "causal_lm", "sequence_classification"),
        {
            **LABELS,
            **DTYPES,
            "untied": {"tie_word_embeddings": False},
            "not padded": {"pad_token_id": None},
            "layers weighted": {"use_weighted_layer_sum": True},
        },
        "tiny",
        "seq2seq_lm",
        37_760_640,
    ),
    "wav2vec2": Case(
        SOUND,
        (None, "ctc", "sequence_classification"),
        {
            **LABELS,
            **DTYPES,
            "norms everywhere": {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
            "adapters within": {"do_stable_layer_norm": True, "adapter_attn_dim": 5},
            "an adapter behind": {"add_adapter": True, "num_adapter_layers": 2},
            "a narrower adapter behind": {"add_adapter": True, "output_hidden_size": 10, "adapter_kernel_size": 5},
            "nothing masked": {"mask_time_prob": 0.0},
            "features masked": {"mask_time_prob": 0.0, "mask_feature_prob": 0.1},
            "layers weighted": {"use_weighted_layer_sum": True},
            "one place": {"num_conv_pos_embeddings": 1},
        },
        "base",
        "ctc",
        94_396_320,
    ),
    "clip": Case(
        {"text_config": WORDS, "vision_config": TOWER, "projection_dim": 7},
        SEEN,
        {
            **LABELS,
            **DTYPES,
            "other factors": {
                "initializer_factor": 0.7,
                "text_config": {**WORDS, "initializer_factor": 0.5, "initializer_range": 0.1},
                "vision_config": {**TOWER, "initializer_factor": 2.0, "initializer_range": 0.05},
            },
            "another scale": {"logit_scale_init_value": 1.5},
            "as older files say it": {
                "text_config": {**WORDS, "hidden_size": 20},
                "text_config_dict": {**WORDS, "vocab_size": 89},
                "vision_config_dict": {**TOWER, "num_channels": 3},
            },
        },
        "base_patch32",
        elements=151_277_313,
    ),
    "siglip": Case(
        {"text_config": WORDS, "vision_config": TOWER},
        SEEN,
        {
            **LABELS,
            **DTYPES,
            "text projected": {"text_config": {**WORDS, "projection_size": 36}},
            "no head": {"vision_config": {**TOWER, "vision_use_head": False}},
            "another factor": {"initializer_factor": 0.5},
        },
        "base_patch16_224",
        elements=203_155_970,
    ),
    "gemma3": Case(
        {
            "text_config": {
                **WORDS,
                "hidden_size": 36,
                "num_hidden_layers": 2,
                "num_attention_heads": 6,
                "num_key_value_heads": 2,
                "head_dim": 10,
                "initializer_range": 0.037,
            },
            "vision_config": TOWER,
            "mm_tokens_per_image": 4,
        },
        (None, "causal_lm", "image_text_to_text", "sequence_classification"),
        {
            **LABELS,
            **DTYPES,
            "untied": {"tie_word_embeddings": False, "initializer_range": 0.05},
            "no head on the tower": {"vision_config": {**TOWER, "vision_use_head": False}},
        },
        "4b",
        "causal_lm",
        4_300_079_472,
    ),
}
