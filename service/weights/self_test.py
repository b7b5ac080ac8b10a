"""Golden digests that every replica computes anew at start-up: one that disagrees must not serve."""

import hashlib

from service.weights.model import Spec

# sha256 of the float32 data of layer "golden" under seed 42, shape [67, 31]; tests/golden has more.
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


def disagreements() -> list[str]:
    """Return the names of the schemes whose bytes are not what they are everywhere else; none on a sound machine."""
    found = []
    for name, scheme in SPECS.items():
        layer = {"name": "golden", "type": "tensor", "shape": [67, 31], "scheme": scheme}
        (parameter,) = Spec.model_validate({"seed": 42, "layers": [layer]}).plan().parameters
        digest = hashlib.sha256(b"".join(block.tobytes() for block in parameter.blocks())).hexdigest()
        if digest != DIGESTS[name]:
            found.append(name)
    return found
