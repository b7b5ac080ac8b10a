"""What is asked of a service, as steps: the whole client but for sending and waiting."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from initserve.answers import answered, document
from initserve.downloads import downloaded, fetched, filled
from initserve.errors import InitserveError
from initserve.files import BFLOAT16, Entry, InvalidFile, Shape, header_length, read_header, read_npy, values
from initserve.files import read_safetensors as read
from initserve.lazy import Arrays
from initserve.progress import Bar
from initserve.saving import PartFile, form_of
from initserve.specs import Spec, body_of_spec
from initserve.steps import Ask, Do, Steps, broken
from initserve.uploads import verification

JSON = {"content-type": "application/json", "accept": "application/json"}
BEGINNING = 2**14  # bytes of a file that are asked for at first; most headers stand in them


class Opened(NamedTuple):
    """A spec's plan, what its addresses begin with, and its arrays."""

    plan: dict[str, Any]
    at: str
    entries: list[Entry]


class Service:
    """A service that is asked up to `tries` times in a row, while nothing comes of it."""

    def __init__(self, tries: int) -> None:
        self._tries = tries

    def plan(self, spec: Spec) -> Steps[dict[str, Any]]:
        return self._answer("/plan", spec)

    def diagnose(self, spec: Spec) -> Steps[dict[str, Any]]:
        return self._answer("/diagnose", spec)

    def verify(self, path: Path, spec: Spec | None) -> Steps[dict[str, Any]]:
        ask = verification(path, None if spec is None else body_of_spec(spec))
        return answered(ask, self._tries, document)

    def init(self, spec: Spec) -> Steps[Arrays[NDArray[Any]]]:
        plan = yield from self.plan(spec)
        return Arrays((yield from fetched(file(spec, plan, "safetensors"), self._tries, read)), plan)

    def save(self, spec: Spec, path: Path, progress: bool) -> Steps[Path]:
        form = form_of(path)
        plan = yield from self.plan(spec)
        bar = Bar(path.name, plan["totals"]["bytes"], progress)
        with PartFile(path, bar) as part:
            yield from downloaded(file(spec, plan, form), part, self._tries)
            yield Do(part.finish)
        return path

    def open(self, spec: Spec) -> Steps[Opened]:
        """Return what there is, from the plan and the file's header; nothing else is made."""
        plan = yield from self.plan(spec)
        if "links" not in plan:
            raise InitserveError("no-address", no_address(plan))
        link = plan["links"]["safetensors"]
        first = yield from self._range(link, 0, BEGINNING)
        try:
            end = 8 + header_length(first)
            if end > len(first):
                first += yield from self._range(link, len(first), end)
            entries, _ = read_header(first[8:end])
        except InvalidFile as error:
            raise broken(str(error)).error from None
        return Opened(plan, link.removesuffix(".safetensors"), entries)

    def part(self, at: str, entry: Entry, text: str | None, shape: Shape) -> Steps[NDArray[Any]]:
        """Return an array, or what `text` takes of it."""
        plain = entry.kind == BFLOAT16  # of which there is no .npy
        ask = part_of(at, entry, "raw" if plain else "npy", text)
        return fetched(ask, self._tries, partial(raw if plain else npy, entry.kind, shape))

    def part_into(self, at: str, entry: Entry, text: str | None, out: NDArray[Any]) -> Steps[None]:
        """Put an array, or what `text` takes of it, into one of its shape, in C order."""
        memory: Any = out.reshape(-1).view(np.uint8).data
        return filled(part_of(at, entry, "raw", text), memory, self._tries)

    def _answer(self, path: str, spec: Spec) -> Steps[dict[str, Any]]:
        return answered(Ask("POST", path, JSON, body_of_spec(spec)), self._tries, document)

    def _range(self, link: str, start: int, stop: int) -> Steps[bytes]:
        return answered(Ask("GET", link, {"range": f"bytes={start}-{stop - 1}"}), self._tries, bytes)


def part_of(at: str, entry: Entry, form: str, text: str | None) -> Ask:
    ending = f"?slice={quote(text, safe=':,.')}" if text is not None else ""
    return Ask("GET", f"{at}/{quote(entry.name)}.{form}{ending}")


def file(spec: Spec, plan: Mapping[str, Any], form: str) -> Ask:
    """Return the request for all of a spec in a format: at its address, or by the spec where that has none."""
    link = plan.get("links", {}).get(form)
    if link is not None:
        return Ask("GET", link)
    body = body_of_spec({**spec, "seed": plan["seed"]})
    return Ask("POST", f"/init?format={form}", {"content-type": "application/json"}, body)


def no_address(plan: Mapping[str, Any]) -> str:
    why = [each["detail"] for each in plan["warnings"] if each["code"] == "no-address"]
    return "; ".join(why) or "this spec has no address, of which parts could be fetched"


def npy(kind: str, shape: Shape, content: bytearray) -> NDArray[Any]:
    found = read_npy(content)
    if found.shape != shape or found.dtype != stored(kind):
        raise InvalidFile(f"an array of shape {found.shape} came, not one of {shape}")
    return found


def raw(kind: str, shape: Shape, content: bytearray) -> NDArray[Any]:
    return values(memoryview(content), kind, shape)


def stored(kind: str) -> np.dtype[Any]:
    return values(memoryview(b""), kind, (0,)).dtype
