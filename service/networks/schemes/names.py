"""Every name that a spec can give a scheme: those of PRESETS, and ALIASES, which are other spellings of them.

To add a spelling, add it to the row of what it means: to PLAIN, and to FRAMEWORKS where a framework's prefix may stand
before it. A name with an underscore at its end is PyTorch's alone, and means what it means there.
"""

import difflib
from collections.abc import Mapping

from pydantic_core import PydanticCustomError

from service.networks.schemes.presets import PRESETS
from service.networks.schemes.spelling import in_own_words

# Keras's identifiers, TensorFlow.js's (leCunNormal) and their classes (LeCunNormal), and the authors' first names.
PLAIN: dict[str, str] = {
    "zeros": "zero Zeros zeros_ zeros32 zeros_init",
    "ones": "one Ones ones_ ones32 ones_init",
    "constant": "Constant constant_",
    "random_normal": "normal RandomNormal randomNormal",
    "random_uniform": "uniform RandomUniform randomUniform",
    "truncated_normal": "TruncatedNormal truncatedNormal",
    "variance_scaling": "VarianceScaling varianceScaling",
    "glorot_normal": "GlorotNormal glorotNormal xavier_normal XavierNormal",
    "glorot_uniform": "GlorotUniform glorotUniform xavier_uniform XavierUniform",
    "he_normal": "HeNormal heNormal kaiming_normal KaimingNormal",
    "he_uniform": "HeUniform heUniform kaiming_uniform KaimingUniform",
    "lecun_normal": "LecunNormal LeCunNormal leCunNormal",
    "lecun_uniform": "LecunUniform LeCunUniform leCunUniform",
    "orthogonal": "Orthogonal OrthogonalInitializer",
    "identity": "Identity IdentityInitializer eye identity_init",
    "dirac": "Dirac",
    "delta_orthogonal": "DeltaOrthogonal",
    "sparse": "sparse_init",
    "stft": "STFT STFTInitializer",
    "zer_o": "ZerO",
    "torch:normal": "normal_ randn32",
    "torch:uniform": "uniform_ rand32",
    "torch:trunc_normal": "trunc_normal trunc_normal_",
    "torch:xavier_normal": "xavier_normal_",
    "torch:xavier_uniform": "xavier_uniform_",
    "torch:kaiming_normal": "kaiming_normal_",
    "torch:kaiming_uniform": "kaiming_uniform_",
    "torch:orthogonal": "orthogonal_",
    "torch:sparse": "sparse_",
    "torch:eye": "eye_",
    "torch:dirac": "dirac_",
}

KERAS_NAMES: tuple[str, ...] = (
    "zeros", "ones", "constant", "random_normal", "random_uniform", "truncated_normal", "variance_scaling",
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "orthogonal",
    "identity",
)  # fmt: skip


def spellings(names: tuple[str, ...], prefix: str) -> dict[str, str]:
    """Return the preset that each plain spelling of these names means under a prefix."""
    return {
        spelling: f"{prefix}:{name}" if f"{prefix}:{name}" in PRESETS else name
        for name in names
        for spelling in (name, *PLAIN[name].split())
        if not spelling.endswith("_")
    }


TORCH: dict[str, str] = {
    "normal": "torch:normal",
    "uniform": "torch:uniform",
    "trunc_normal": "torch:trunc_normal",
    "constant": "constant",
    "ones": "ones",
    "zeros": "zeros",
    "eye": "torch:eye",
    "identity": "torch:eye",
    "dirac": "torch:dirac",
    "xavier_uniform": "torch:xavier_uniform",
    "glorot_uniform": "torch:xavier_uniform",
    "xavier_normal": "torch:xavier_normal",
    "glorot_normal": "torch:xavier_normal",
    "kaiming_uniform": "torch:kaiming_uniform",
    "he_uniform": "torch:kaiming_uniform",
    "kaiming_normal": "torch:kaiming_normal",
    "he_normal": "torch:kaiming_normal",
    "orthogonal": "torch:orthogonal",
    "sparse": "torch:sparse",
}
JAX_NAMES = tuple(name for name in KERAS_NAMES if name not in ("random_normal", "random_uniform", "identity"))
# What every spelling of a framework's initialisers means under its prefix.
FRAMEWORKS: dict[str, dict[str, str]] = {
    "torch": TORCH | {f"{name}_": meant for name, meant in TORCH.items()},
    "jax": {
        **spellings(JAX_NAMES, "jax"),
        "normal": "jax:normal",
        "uniform": "jax:uniform",
        "delta_orthogonal": "jax:delta_orthogonal",
        "DeltaOrthogonal": "jax:delta_orthogonal",
    },
    "keras": spellings((*KERAS_NAMES, "stft"), "keras"),
    "tfjs": spellings(KERAS_NAMES, "tfjs"),
    "timm": {f"{name}{end}": f"timm:{name}" for name in ("trunc_normal", "trunc_normal_tf") for end in ("", "_")},
}

ALIASES: dict[str, str] = {
    spelling: meant
    for spelling, meant in (
        *((spelling, name) for name, text in PLAIN.items() for spelling in text.split()),
        *((f"{prefix}:{spelling}", name) for prefix, table in FRAMEWORKS.items() for spelling, name in table.items()),
    )
    if spelling not in PRESETS
}

# Every name by its small letters: the first of those that differ in case alone.
BY_CASE: dict[str, str] = {spelling.lower(): spelling for spelling in reversed([*PRESETS, *ALIASES])}
# Where each framework's initialisers stand, which may stand before their names: torch.nn.init.kaiming_normal_.
PACKAGES: dict[str, str] = {
    **dict.fromkeys(("torch.nn.init", "nn.init"), "torch"),
    **dict.fromkeys(("keras.initializers", "tf.keras.initializers", "tensorflow.keras.initializers"), "keras"),
    **dict.fromkeys(("jax.nn.initializers", "nn.initializers", "flax.linen.initializers", "nnx.initializers"), "jax"),
    "flax.nnx.initializers": "jax",
    **dict.fromkeys(("timm.layers", "timm.layers.weight_init", "timm.models.layers"), "timm"),
}


def with_prefix(spelling: str) -> str:
    """Return a spelling with its framework's prefix for the package before it, where there is one."""
    package, _, name = spelling.rpartition(".")
    return f"{PACKAGES[package]}:{name}" if package in PACKAGES else spelling


def canonical_name(name: str) -> str:
    """Return the name that `name`, or what it is an alias of, has in PRESETS."""
    name = with_prefix(name)
    found = ALIASES.get(name, name)
    if found not in PRESETS and found != "array":
        close = difflib.get_close_matches(name[:64].lower(), BY_CASE, n=1)
        near = BY_CASE[close[0]] if close else None
        hint = f"did you mean {near!r}?" if near else "GET /schemes lists them; auto follows the activation"
        context = {"hint": hint, "near": near}
        raise PydanticCustomError("scheme_name", "no scheme has this name; {hint}", context)
    return found


def framework_of(spelling: str) -> str | None:
    """Return the framework whose arguments a spelling brings: its prefix's, or the one that alone spells it so."""
    prefix, colon, _ = ALIASES.get(spelling, spelling).partition(":")
    if colon:
        return prefix
    prefix, colon, _ = spelling.partition(":")
    if colon:
        return prefix
    if spelling.endswith("_") or spelling.lower().startswith(("xavier", "kaiming")):
        return "torch"
    if spelling.islower():
        return None
    return "tfjs" if spelling[:1].islower() else "keras"  # TensorFlow.js's identifiers, Keras's classes


# Arguments that one framework's initialisers alone have: a plain name beside them is meant as that framework's.
ARGUMENTS_OF = {
    **dict.fromkeys(("in_axis", "out_axis", "batch_axis", "column_axis"), "jax"),
    **dict.fromkeys(("input_axes", "output_axes"), "keras"),
}


def by_arguments(spelling: str, given: Mapping[str, object]) -> str:
    """Return a spelling under the prefix of the framework that alone has an argument that is given, if one has."""
    for argument in given:
        framework = ARGUMENTS_OF.get(argument)
        if framework is not None and spelling in FRAMEWORKS[framework]:
            return f"{framework}:{spelling}"
    return spelling


def spelt_out(value: object) -> object:
    """Turn a name, or an object with a name and some parameters, into an object with every parameter."""
    if isinstance(value, str):
        value = {"name": value}
    if isinstance(value, Mapping) and value.get("name") == "auto":
        return value
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        spelling = by_arguments(with_prefix(value["name"]), value)
        name = canonical_name(spelling)
        preset = PRESETS[name].model_dump() if name in PRESETS else {}
        return {**preset, **in_own_words(framework_of(spelling), name, value), "name": name}
    return value


def family_of(value: object) -> str | None:
    name = value.get("name") if isinstance(value, Mapping) else getattr(value, "name", None)
    if name in ("auto", "array"):  # they have no preset: one leaves all to the layer, the other states all
        return str(name)
    return PRESETS[name].family if isinstance(name, str) and name in PRESETS else None
