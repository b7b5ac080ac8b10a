"""The words that a spec's own members take: its layout, whose defaults and fans, its stream."""

from service.networks.layouts import LAYOUTS, OTHER_LAYOUTS
from service.networks.vocabulary import Vocabulary
from service.replay import ALGORITHMS
from service.stream.streams import ALGORITHM

FRAMEWORKS = {
    "torch": "pytorch",
    "pt": "pytorch",
    "torch.nn": "pytorch",
    "tf": "keras",
    "tensorflow": "keras",
    "tf.keras": "keras",
    "keras3": "keras",
    "tfjs": "keras",
    "jax": "flax",
    "linen": "flax",
    "nnx": "flax",
    "flax.linen": "flax",
    "flax.nnx": "flax",
    "flax-linen": "flax",
    "flax-nnx": "flax",
}
LAYOUT = Vocabulary(
    (*LAYOUTS, *OTHER_LAYOUTS),
    {**FRAMEWORKS, "eqx": "equinox", "hk": "haiku", "dm-haiku": "haiku", "mlx.nn": "mlx", "tf1": "tensorflow1"},
)
DEFAULTS = Vocabulary(("recommended", *LAYOUTS), FRAMEWORKS, {"auto": "recommended", "default": "recommended"})
FANS = Vocabulary(("true", *LAYOUTS), FRAMEWORKS)
STREAMS = Vocabulary(
    (ALGORITHM, *ALGORITHMS),
    perhaps={
        "initserve": ALGORITHM,
        "philox": ALGORITHM,
        "own": ALGORITHM,
        "torch": "torch-cpu/1",
        "pytorch": "torch-cpu/1",
        "torch-cuda": "torch-cpu/1",
        "mt19937": "torch-cpu/1",
        "jax": "jax-threefry/1",
        "threefry": "jax-threefry/1",
        "flax": "flax-linen/1",
        "linen": "flax-linen/1",
        "nnx": "flax-nnx/1",
        "keras": "keras-tensorflow/1",
        "tensorflow": "keras-tensorflow/1",
        "tf": "keras-tensorflow/1",
        "numpy": "numpy-pcg64/1",
        "pcg64": "numpy-pcg64/1",
    },
)
