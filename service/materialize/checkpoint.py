"""Checkpoint: the files that a spec comes to, their names and contents, before a number is drawn."""

import json
import platform
from collections.abc import Sequence
from functools import lru_cache, partial
from importlib.metadata import version

from service import __version__
from service.errors import InvalidSpec
from service.formats import sharding
from service.formats.payload import Payload
from service.formats.safetensors import encode_some
from service.materialize.uncollected import uncollected
from service.networks.plan import Plan, PlannedParameter
from service.once import once
from service.specs.published import as_in_a_checkpoint, config_file, library_of
from service.specs.spec import Spec

CLAIM, CONFIG, SUMS = "initserve.json", "config.json", "SHA256SUMS"


class Shard:
    """A file of tensors: its header is laid out when it is asked for, since each of thousands may hold the spec."""

    def __init__(self, plan: Plan, name: str, parameters: Sequence[PlannedParameter], counted: bool) -> None:
        self.name, self.parameters = name, parameters
        self._lay_out = partial(encode_some, plan, parameters, counted)

    def payload(self) -> Payload:
        return self._lay_out()

    @once
    def bytes(self) -> int:
        """How many bytes the file has, with its header."""
        return self.payload().length


class Checkpoint:
    """A plan's files in shards, as the Hub's libraries look for them: always with an index, even over one shard.

    The shards are those of /weights/{spec}/model-…; where a published model's checkpoint has other names than its
    plan, those of the Hub's addresses. Raises InvalidSpec for a plan without a parameter.
    """

    def __init__(self, plan: Plan, shard_bytes: int) -> None:
        library = library_of(plan)
        self.plan, self.shard_bytes = plan, shard_bytes
        self._stem, self._counted = sharding.stem_of(library), library is not None
        self._stored = as_in_a_checkpoint(plan)
        parts = sharding.shards(self._stored, shard_bytes, self._stem)
        if not parts:
            raise InvalidSpec("there is nothing to write: no layer has weights", "/layers")
        self.shards = [Shard(self._stored, name, parameters, self._counted) for name, parameters in parts]

    @property
    def index_name(self) -> str:
        return f"{self._stem}.safetensors.index.json"

    @once
    def index(self) -> bytes:
        return sharding.encode_index(self._stored, self.shard_bytes, self._stem, self._counted).whole()

    @once
    def config(self) -> bytes | None:
        """What stands in config.json; None for a model that has none."""
        return config_file(self.plan)

    @once
    def claim(self) -> bytes:
        """What stands in initserve.json: the spec as it is written in canonical form, and what it was read by."""
        versions = {name: version(name) for name in ("numba", "numpy")}
        versions |= {"initserve": __version__, "python": platform.python_version()}
        told = {"algorithm": self.plan.algorithm, "digest": self.plan.digest, "shard_bytes": self.shard_bytes}
        members = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in told.items()]
        members += [f'"spec":{self.plan.canonical_json()}', f'"versions":{json.dumps(versions, sort_keys=True)}']
        return f"{{{','.join(members)}}}\n".encode()

    @property
    def names(self) -> list[str]:
        """The names of all its files, the index last."""
        config = [CONFIG] if self.config is not None else []
        return [CLAIM, *config, *(shard.name for shard in self.shards), SUMS, self.index_name]

    @property
    def in_its_way(self) -> str:
        """The name of a file that libraries would load instead, were it there too."""
        return f"{self._stem}.safetensors"


@lru_cache(maxsize=2)
def checkpoint_of(spec: str, shard_bytes: int) -> Checkpoint:
    """Return the checkpoint of a canonical text: planned once by each process."""
    with uncollected():
        return Checkpoint(Spec.model_validate(json.loads(spec)).plan(), shard_bytes)
