"""The files of a repository's revision: weights, sharded where they are large, config.json where there is one, a card.

They come of the canonical spec alone, whatever the name of the repository.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from service.formats import FORMATS, Payload, safetensors
from service.formats.payload import Known
from service.formats.sharding import SHARD_BYTES, encode_index, shards, stem_of
from service.networks.plan import Plan
from service.specs.published import as_in_a_checkpoint, config_file, library_of

JSON, MARKDOWN, WEIGHTS = "application/json", "text/markdown; charset=utf-8", FORMATS["safetensors"].media_type
LONGEST_SHOWN = 4096  # characters of a spec that a card shows

CARD = """\
---
{facts}tags:
- initserve
---
# Initial weights

Nothing here is stored: every byte is drawn from the spec below when it is asked for, and is the same on every replica.
The model has not been trained.

| | |
|---|---|
| parameters | {parameters:,} |
| dtype | {dtype} |
| layout | {layout} |
| stream | {stream} |

```json
{spec}
```
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a revision. `lay_out` may take long; `content` is there where it is small and known."""

    name: str
    media_type: str
    length: int
    lay_out: Callable[[], Payload]
    content: bytes | None = None

    @property
    def blob(self) -> str | None:
        """The name that Git has for it, where its content is known."""
        if self.content is None:
            return None
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content, usedforsecurity=False).hexdigest()


def known(name: str, media_type: str, content: bytes) -> File:
    return File(name, media_type, len(content), lambda: Payload([Known(content)]), content)


def weights(name: str, lay_out: Callable[[], Payload]) -> File:
    return File(name, WEIGHTS, lay_out().length, lay_out)


def files_of(plan: Plan) -> dict[str, File]:
    """Return every file of the revision that is this spec, by name, in the order of their names."""
    found = []
    config, library = config_file(plan), library_of(plan)
    if config is not None:
        found.append(known("config.json", JSON, config))
    found.append(known("README.md", MARKDOWN, card(plan, library).encode()))
    found += weights_of(as_in_a_checkpoint(plan), stem_of(library), counted=library is not None)
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def weights_of(plan: Plan, stem: str, counted: bool) -> list[File]:
    """Return the weights as one file, or as an index and its shards where one would be too large for clients."""
    parts = shards(plan, SHARD_BYTES, stem)
    if len(parts) <= 1:
        return [weights(f"{stem}.safetensors", partial(safetensors.encode_some, plan, plan.parameters, counted))]
    files = [weights(each.name, partial(safetensors.encode_some, plan, each.parameters, counted)) for each in parts]
    return [
        known(
            f"{stem}.safetensors.index.json", JSON, b"".join(encode_index(plan, SHARD_BYTES, stem, counted).chunks())
        ),
        *files,
    ]


def card(plan: Plan, library: str | None) -> str:
    """Return the model card, README.md."""
    text = plan.canonical_json()
    long = f"of {len(text):,} characters, SHA-256 {plan.digest}"
    return CARD.format(
        facts=f"library_name: {library}\n" if library else "",
        parameters=plan.elements,
        dtype=", ".join(dict.fromkeys(parameter.dtype for parameter in plan.parameters)),
        layout=plan.layout,
        stream=plan.algorithm,
        spec=text if len(text) <= LONGEST_SHOWN else long,
    )
