"""Four devices of one process: fills a tree sharded in several ways, and says what is wrong, if anything."""

import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from initserve import jax as initserve_jax
from initserve.lazy import Key, LazyArray
from jax.sharding import Mesh, NamedSharding, SingleDeviceSharding
from jax.sharding import PartitionSpec as P
from numpy.typing import NDArray

fetched: list[int] = []


class Net(nn.Module):
    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.Embed(12, 8, name="tokens")(x)
        x = nn.Dense(16, kernel_init=nn.with_partitioning(nn.initializers.zeros, ("data", "model")), name="up")(x)
        x = nn.LayerNorm(name="norm", param_dtype=jnp.bfloat16)(x)
        return nn.Conv(6, (3,), name="conv", param_dtype=jnp.bfloat16)(x)


def watch() -> None:
    take = LazyArray.read_into

    def watched(self: LazyArray, out: NDArray[Any], key: Key = ...) -> None:
        take(self, out, key)
        fetched.append(out.size)

    LazyArray.read_into = watched  # type: ignore[method-assign]


def bits(tree: Any) -> list[bytes]:
    return [np.asarray(each).tobytes() for each in jax.tree_util.tree_leaves(tree)]


def check(shapes: Any, sharding: Any, wanted: list[bytes], most: int, of: Any = None) -> None:
    fetched.clear()
    found = initserve_jax.init(shapes, 7, sharding=sharding)
    assert bits(found) == wanted, sharding
    assert sum(fetched) == most, (sum(fetched), most)
    for leaf in jax.tree_util.tree_leaves(found):
        assert leaf.sharding.device_set == (of or set(jax.devices())), leaf.sharding


def main() -> None:
    watch()
    shapes = jax.eval_shape(Net().init, jax.random.key(0), jnp.zeros((2, 5), int))
    plain = initserve_jax.init(shapes, 7)
    wanted = bits(plain)
    every = sum(leaf.size for leaf in jax.tree_util.tree_leaves(shapes))
    devices = np.array(jax.devices())
    square = Mesh(devices.reshape(2, 2), ("data", "model"))
    # Replicas are made once; sharded ones by box, each once.
    check(shapes, NamedSharding(square, P()), wanted, every)
    one = SingleDeviceSharding(jax.devices()[3])
    check(shapes, one, wanted, every, {jax.devices()[3]})
    row = Mesh(devices, ("data",))

    def by_rows(struct: Any) -> Any:
        return NamedSharding(row, P("data") if struct.shape[0] % 4 == 0 else P())

    check(shapes, jax.tree_util.tree_map(by_rows, shapes), wanted, every)
    half = {"kernel": jax.ShapeDtypeStruct((8, 6), jnp.float32)}
    check(half, NamedSharding(square, P("data")), bits(initserve_jax.init(half, 7)), 48)
    # A tree that ends sooner than the shapes do, as nn.get_sharding gives.
    told = nn.get_sharding(shapes, square)
    check(shapes, told, wanted, every)
    whole = {"params": {name: NamedSharding(square, P()) for name in shapes["params"]}}
    check(shapes, whole, wanted, every)
    own = jax.tree_util.tree_map(
        lambda each: jax.ShapeDtypeStruct(each.shape, each.dtype, sharding=by_rows(each)), shapes
    )
    check(own, None, wanted, every)
    kernel = initserve_jax.init(shapes, 7, sharding=told)["params"]["up"]["kernel"].value
    assert {each.data.shape for each in kernel.addressable_shards} == {(4, 8)}
    sys.stdout.write("the same bytes on one device and on four\n")


if __name__ == "__main__":
    main()
