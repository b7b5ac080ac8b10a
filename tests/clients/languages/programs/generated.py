"""Calls the service at an address with what openapi-python-client made of its document, and tells what comes of it."""

import base64
import json
import sys
from typing import Any

from generated import Client, types
from generated.api.addresses import weights_safetensors
from generated.api.catalogue import show_scheme
from generated.api.weights import init, plan, verify
from generated.models import Dense, DenseDtypeType0, Problem, Spec


def answer(found: Any) -> Any:
    assert not isinstance(found, Problem), found
    return found


def main(address: str) -> dict[str, Any]:
    client = Client(base_url=address)
    dense = Dense(type_="dense", shape=[3, 2], name="fc1", dtype=DenseDtypeType0.FLOAT64, bias=None)
    weights = answer(init.sync(client=client, body=Spec(layers=[dense], seed=7)))
    (kernel,) = weights.layers[0].parameters
    planned = answer(plan.sync(client=client, body=Spec.from_dict({"recipe": "gpt2", "seed": "1"})))
    refused = init.sync_detailed(client=client, body=Spec(layers=[Dense(type_="dense", shape=[3])]))
    spec = weights.links.safetensors.removeprefix("/weights/").removesuffix(".safetensors")
    file = answer(weights_safetensors.sync(spec, client=client)).payload.read()
    return {
        "npy": kernel.npy,
        "told": [weights.seed, kernel.name, kernel.dtype, kernel.shape],
        "elements": planned.totals.elements,
        "refused": [refused.status_code, refused.parsed.errors[0].pointer],
        "file": base64.b64encode(file).decode(),
        "equal": answer(verify.sync(client=client, body=types.File(payload=file))).equal,
        "scheme": answer(show_scheme.sync("xavier_uniform", client=client))["name"],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1])))
