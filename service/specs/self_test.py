"""Golden digests that every replica computes anew: one that disagrees must not serve."""

import hashlib

from service.specs.spec import Spec
from service.stream.streams import ALGORITHM

SHAPE = [67, 31]
# sha256 of the float32 data of layer "golden" under seed 42; tests/golden has more.
SPECS: dict[str, dict[str, object]] = {
    "random_uniform": {"name": "random_uniform", "minval": -0.25, "maxval": 0.75},
    "random_normal": {"name": "random_normal", "mean": 0.5, "stddev": 2.0},
    "he_normal": {"name": "he_normal"},
    "orthogonal": {"name": "orthogonal"},
}
DIGESTS: dict[str, str] = {
    "random_uniform": "1af7b6927afeaeb00ffc7b20d6f166d530f42874232081bbc4105447b0c851c6",
    "random_normal": "06a6a91bf2278f21fcde97e6a85b8f161eb6a43f441fa1e5d7ebb3f478aba850",
    "he_normal": "6328c2ba0adf3039d1855557f5e874e2278d416cd642244aad29438e01d41c2d",
    "orthogonal": "3e8ae74c1c5a9fd616988764e31c344c7e2a822f4a48306589c1bbda1d107274",
}
# The same of a normal and a uniform tensor, one after the other, in a framework's stream.
REPLAYED: dict[str, str] = {
    "torch-cpu/1": "fb84bec6a43aeebea946545b67e10bd00ca9c777f9ae1b72d2f6c2d8243f1928",
    "torch-cpu-default/1": "c34933526cf3ecd6d192b0dfccd0b1bb0d677c878f7c54a20589d74fb3623028",
    "torch-cpu-2.11/1": "fb84bec6a43aeebea946545b67e10bd00ca9c777f9ae1b72d2f6c2d8243f1928",
    "jax-threefry/1": "ee7f9928bc9bc01687f9a0cfb916603fae649d66f8d9abe962cabc87b482893b",
    "jax-threefry-jit/1": "e98071b2fdf3d92edbe9479df94a341e196ebdb6a036d73dbb0fe094d7a3739e",
    "jax-threefry-original/1": "2a6c1610802c9740c27627ad4346d6ef6934a3c8a08018cfbcbc9c31c4471ecc",
    "flax-linen/1": "153c8ff01b8a5d548d36172e2131e73d2a0739257633c1c23534534ed871896b",
    "flax-nnx/1": "ce45df31317e2617e400a3d3d166341df896564f5916fa17092b04e6d460397b",
    "keras-numpy/1": "85921883cdb64bb462693e2bceb1226eac1a378ce6052fca8d553e2e75856fdd",
    "keras-torch/1": "fc8687780170fcf785549479f365abdf7fbf2cda09e5d0ba379125725085c940",
    "keras-jax/1": "e5403f9d399b98f4962f312f544b8a7f83c83bec5d786b4b34bdd59e981d7641",
    "keras-tensorflow/1": "8830e68da7787e265eeed74c8c4ba449c37c3a5f9a081780888264b214d25ad6",
    "numpy-mt19937/1": "18d02f5a1fae699922b46fad097c023c6779efa64a87217883347033061b8ded",
    "numpy-pcg64/1": "af094183ac29c16a2a2c0aedf40c6b9298d18f3f9c439c18676bbee37bf93f6f",
}


def computed() -> dict[str, str]:
    """Return the digests of initserve/1 as they come out here."""
    return {name: digest(ALGORITHM, scheme) for name, scheme in SPECS.items()}


def disagreements() -> list[str]:
    """Return the schemes that come out in other bytes of initserve/1 than everywhere else: none on a sound machine."""
    found = computed()
    return [name for name in SPECS if found[name] != DIGESTS[name]]


def golden() -> str:
    """Return one digest for all that come out here: SHA-256 of their hexadecimal digits, in the order of SPECS."""
    return hashlib.sha256("".join(computed().values()).encode()).hexdigest()


def agrees(algorithm: str) -> bool:
    """Whether a framework's stream comes out in the bytes that it has everywhere else."""
    return digest(algorithm, "random_normal", "random_uniform") == REPLAYED[algorithm]


def digest(algorithm: str, *schemes: object) -> str:
    names = ("golden", "second")
    layers = [
        {"name": name, "type": "tensor", "shape": SHAPE, "scheme": scheme}
        for name, scheme in zip(names, schemes, strict=False)
    ]
    plan = Spec.model_validate({"algorithm": algorithm, "seed": 42, "layers": layers}).plan()
    blocks = [block.tobytes() for parameter in plan.parameters for block in parameter.blocks()]
    return hashlib.sha256(b"".join(blocks)).hexdigest()
