"""What is no start of a model: indices, masks, counts and tables that the framework computes when it is built."""

import re
from collections.abc import Iterable

from service.networks.layers.listed import Taken
from service.networks.telling.told import Listed

COUNT = Taken("buffer", "a count that the framework keeps")
WHOLE = Taken("buffer", "integers or booleans, which the framework computes")
ROTARY = Taken("rotary table", "frequencies or angles that the framework computes")
TABLE = Taken("buffer", "indices or a mask, which the framework computes")
STATE = Taken("buffer", "what a spectral normalisation keeps of its last step")
OPTIMIZER = Taken("buffer", "the state of an optimizer, a metric or a generator")
NAMES: tuple[tuple[re.Pattern[str], Taken], ...] = (
    (
        re.compile(r"^(num_batches_tracked|count|seed_generator_state|iteration|iterations|learning_rate|rng_state)$"),
        COUNT,
    ),
    (re.compile(r"^(\w*inv_freq|cos_cached|sin_cached|freqs_cis|rope_freqs|freqs_(cos|sin))$"), ROTARY),
    (
        re.compile(
            r"^(\w*position_ids|token_type_ids|\w*position_index|\w*relative_coords_table|\w*_indices|masked_bias"
            r"|attn_mask|causal_mask|embed_scale)$"
        ),
        TABLE,
    ),
)
FOUR_AXES = 4


def computed(path: str, tensors: Iterable[tuple[str, Listed]]) -> dict[str, Taken]:
    """Return those of a module's tensors that are left alone."""
    tensors = tuple(tensors)
    names = {name for name, _ in tensors}
    found: dict[str, Taken] = {}
    for name, each in tensors:
        plain = name.rpartition(".")[2].rpartition("/")[2]
        known = next((taken for pattern, taken in NAMES if pattern.match(plain)), None)
        if known is not None:
            found[name] = known
        elif each.whole:
            found[name] = WHOLE
        elif plain in ("weight_u", "_u", "_v") or (plain == "weight_v" and "weight_orig" in names):
            found[name] = STATE
        elif plain == "bias" and is_causal(each.shape):
            found[name] = TABLE
        elif path.split("/")[0] in ("optimizer", "optimizer_weights", "opt_state", "optimizer_state"):
            found[name] = OPTIMIZER
    return found


def is_causal(shape: tuple[int, ...]) -> bool:
    """Whether a bias is a mask of attention, as GPT-2's checkpoints have it: (1, 1, n, n)."""
    return len(shape) == FOUR_AXES and shape[:2] == (1, 1) and shape[2] == shape[3]
