"""JAX on a mesh: every device gets its parts of the arrays from the service, made for it alone; no file is written.

    python examples/jax_mesh.py [--checkpoint FOLDER]
    python examples/jax_mesh.py --spec > network.json

The second prints the spec of the network's arrays, of which `initserve materialize network.json FOLDER` makes a
checkpoint.
"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from initserve import Client
from initserve.jax import init, listing
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from safetensors import safe_open

DEVICES, SEED = 4, 42
WORDS, WIDTH, HIDDEN, BLOCKS = 4096, 256, 1024, 2


def shapes() -> dict[str, Any]:
    """Return the shapes of a network that tells the next word by the one before."""

    def array(*shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    block = {
        "norm": {"scale": array(WIDTH)},
        "up": {"kernel": array(WIDTH, HIDDEN), "bias": array(HIDDEN)},
        "down": {"kernel": array(HIDDEN, WIDTH), "bias": array(WIDTH)},
    }
    blocks = {f"block_{number}": block for number in range(BLOCKS)}
    return {"words": {"embedding": array(WORDS, WIDTH)}, **blocks, "head": {"kernel": array(WIDTH, WORDS)}}


def logits(arrays: Any, tokens: jax.Array) -> jax.Array:
    x = arrays["words"]["embedding"][tokens]
    for number in range(BLOCKS):
        block = arrays[f"block_{number}"]
        y = x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * block["norm"]["scale"]
        y = jax.nn.gelu(y @ block["up"]["kernel"] + block["up"]["bias"])
        x = x + y @ block["down"]["kernel"] + block["down"]["bias"]
    return x @ arrays["head"]["kernel"]


def loss(arrays: Any, tokens: jax.Array) -> jax.Array:
    chances = jax.nn.log_softmax(logits(arrays, tokens[:, :-1]))
    return -jnp.mean(jnp.take_along_axis(chances, tokens[:, 1:, None], -1))


def placed(struct: jax.ShapeDtypeStruct, mesh: Mesh) -> NamedSharding:
    """Cut matrices over both axes of the mesh; every device has all of a vector."""
    return NamedSharding(mesh, PartitionSpec("data", "model") if len(struct.shape) == 2 else PartitionSpec())


def compare(arrays: Any, names: list[str], folder: Path) -> None:
    """Compare what each device holds with its part of a checkpoint, bit for bit; nothing else of the files is read."""
    files = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    for name, array in zip(names, jax.tree.leaves(arrays), strict=True):
        with safe_open(folder / files[name], framework="numpy") as file:
            for shard in array.addressable_shards:
                part = file.get_slice(name)[shard.index]
                if np.asarray(shard.data).tobytes() != part.tobytes():
                    raise SystemExit(f"{shard.device}: {name} {shard.index} is not what {folder} has")
    print(f"equal to {folder}, bit for bit: {len(names)} arrays")


def tell(arrays: Any) -> None:
    leaves = jax.tree.leaves(arrays)
    for number, device in enumerate(jax.devices()):
        held = sum(each.data.nbytes for leaf in leaves for each in leaf.addressable_shards if each.device == device)
        if device.process_index == jax.process_index():
            print(f"device {number} holds {held:,} bytes")
    print(f"of {sum(leaf.nbytes for leaf in leaves):,}")


def train(arrays: Any, mesh: Mesh) -> None:
    """Take a step of descent, and print the loss before and after it."""
    tokens = np.random.default_rng(0).integers(WORDS, size=(2, 32))
    tokens = jax.device_put(tokens, NamedSharding(mesh, PartitionSpec()))
    before, slopes = jax.jit(jax.value_and_grad(loss))(arrays, tokens)
    after = jax.jit(loss)(jax.tree.map(lambda value, slope: value - 0.1 * slope, arrays, slopes), tokens)
    print(f"loss {before:.2f}, after a step {after:.2f}")


def main() -> None:
    parser = ArgumentParser(description="Make a network's arrays on a mesh of four devices.")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the service")
    parser.add_argument("--checkpoint", type=Path, help="a folder of `initserve materialize`, to compare with")
    parser.add_argument("--processes", type=int, default=1, help="that have the devices between them")
    parser.add_argument("--process", type=int, default=0, help="which of them this is, from 0 on")
    parser.add_argument("--coordinator", default="127.0.0.1:12321", help="where the first of several can be reached")
    parser.add_argument("--spec", action="store_true", help="print the spec of the arrays, and no more")
    told = parser.parse_args()
    spec = listing(shapes(), SEED)
    if told.spec:
        print(json.dumps(spec))
        return
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", DEVICES // told.processes)
    if told.processes > 1:
        jax.distributed.initialize(told.coordinator, told.processes, told.process)
    mesh = Mesh(np.array(jax.devices()).reshape(2, -1), ("data", "model"))
    sharding = jax.tree.map(lambda struct: placed(struct, mesh), shapes())
    with Client(told.url) as client:
        arrays = init(shapes(), SEED, sharding, client=client)
    tell(arrays)
    if told.checkpoint is not None:
        compare(arrays, list(spec["tensors"]), told.checkpoint)
    train(arrays, mesh)


main()
