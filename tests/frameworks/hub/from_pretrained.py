"""Loads models with transformers, in a process of its own: HF_ENDPOINT is read when the library is imported.

    python from_pretrained.py '[["init/gpt2-small", "seed-42"], ["init/gpt2-small", "torch-seed-42"]]'

The first word may be a folder. A third one is the class that loads it, AutoModel if there is none. Prints a line of
JSON for each: what was loaded, and the SHA-256 of every array; under `own` the same of the model that transformers
itself makes after set_seed, where the revision is one of PyTorch's stream.
"""

import hashlib
import json
import sys
import warnings
from typing import Any

import httpx2
import huggingface_hub
import torch
import transformers
from transformers import set_seed

TORCH = "torch-seed-"


def digests(model: Any) -> dict[str, str]:
    with torch.no_grad():
        return {
            name: hashlib.sha256(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()
            for name, value in model.state_dict().items()
        }


def loaded(repository: str, revision: str, auto: str = "AutoModel") -> dict[str, Any]:
    builder = getattr(transformers, auto)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model, info = builder.from_pretrained(repository, revision=revision, dtype="auto", output_loading_info=True)
    found: dict[str, Any] = {
        "version": transformers.__version__,
        "class": type(model).__name__,
        "dtype": str(model.dtype),
        "info": {name: sorted(map(str, keys)) for name, keys in info.items() if keys},
        "warnings": [str(warning.message) for warning in heard],
        "arrays": digests(model),
    }
    if revision.startswith(TORCH):
        set_seed(int(revision.removeprefix(TORCH)))
        found["own"] = digests(builder.from_config(model.config))
    return found


if hasattr(huggingface_hub, "set_client_factory"):  # a connection for every request, so that each may go elsewhere
    huggingface_hub.set_client_factory(
        lambda: httpx2.Client(follow_redirects=True, limits=httpx2.Limits(max_keepalive_connections=0))
    )
for case in json.loads(sys.argv[1]):
    sys.stdout.write(json.dumps(loaded(*case)) + "\n")
