"""The same without a server, where initserve itself is installed: the same bytes, made by this process's threads."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from os import PathLike, fspath, getpid
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from initserve.errors import error_of
from initserve.files import Shape, read_safetensors, values
from initserve.lazy import Arrays, Fetch, LazyArray, Put
from initserve.saving import form_of
from initserve.specs import Spec, body_of_spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.formats import Payload
    from service.networks.plan import Plan, PlannedParameter
    from service.pipeline import Workers
    from service.verification import Result

SMALL = 2**18  # bytes that are made before another thread would have begun
MISSING = "Local makes weights with initserve itself, which is not installed here: install it, or use Client(url)"


class Local:
    """As `Client`, without a server; raises ImportError where initserve is not installed."""

    def __init__(self) -> None:
        try:
            from service.settings import Settings
        except ImportError as error:
            raise ImportError(MISSING) from error
        self._settings = Settings()
        self._workers: Workers | None = None  # once something is made that takes them
        self._process = 0  # theirs: a process that was forked has none of them
        self._lock = Lock()

    def __enter__(self) -> "Local":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End its threads; it may be used again, with others."""
        if self._workers is not None:
            self._workers.stop()
            self._workers = None

    def __del__(self) -> None:
        with suppress(AttributeError):  # initserve is not installed
            self.close()

    def init(self, spec: Spec) -> "Arrays[NDArray[Any]]":
        """As `Client.init`."""
        from service.formats import FORMATS, Include

        with as_answers():
            plan = planned(spec)
            content = self._whole(FORMATS["safetensors"].encode(plan, Include()))
            return Arrays(read_safetensors(content), described(plan))

    def open(self, spec: Spec) -> Arrays[LazyArray]:
        """As `Client.open`."""
        from service.stream.dtypes import DTYPES

        with as_answers():
            plan = planned(spec)

        def lazy(parameter: "PlannedParameter") -> LazyArray:
            kind = DTYPES[parameter.dtype].safetensors
            fetch, put = self._fetching(parameter, kind), self._putting(parameter)
            return LazyArray(parameter.key, parameter.shape, kind, fetch, put)

        return Arrays({each.key: lazy(each) for each in plan.parameters}, described(plan))

    def save(self, spec: Spec, path: str | PathLike[str], progress: bool = True) -> Path:
        """As `Client.save`; what breaks off leaves nothing."""
        from service.formats import FORMATS, Include
        from service.progress import progress_bar
        from service.writing import write_file

        path = Path(path)
        form = form_of(path)
        with as_answers():
            payload = FORMATS[form].encode(planned(spec), Include())
        with progress_bar(path.name, payload.length if progress else None) as told:
            write_file(payload, path, told, self._settings.drawing_threads)
        return path

    def plan(self, spec: Spec) -> dict[str, Any]:
        """As `Client.plan`."""
        with as_answers():
            return described(planned(spec))

    def diagnose(self, spec: Spec) -> dict[str, Any]:
        """As `Client.diagnose`."""
        from service.analysis.diagnosable import DiagnoseRequest
        from service.analysis.diagnosis import Diagnosis
        from service.api.parsing import parse_document, pointing_into
        from service.prices import most_of_a_pass

        body = body_of_spec(spec)
        with as_answers(), pointing_into(body):
            asked = parse_document(body, DiagnoseRequest)
            return plain(Diagnosis(asked, most_of_a_pass(self._settings.max_processor_seconds)).answer())

    def verify(self, path: str | PathLike[str], spec: Spec | None = None) -> dict[str, Any]:
        """As `Client.verify`; also of a checkpoint in shards, by its index."""
        from service.api.parsing import parse_spec, pointing_into
        from service.checking import compare
        from service.reading import source_of
        from service.verification import Result

        def result_of(text: bytes) -> "Result":
            with pointing_into(text):
                return Result.of_spec(parse_spec(text))

        given = None if spec is None else body_of_spec(spec)
        with as_answers():
            return plain(compare(source_of(fspath(path)), given, result_of, self._settings.drawing_threads))

    def _fetching(self, parameter: "PlannedParameter", kind: str) -> Fetch:
        from service.formats import Payload
        from service.formats.payload import raw

        def fetch(text: str | None, shape: Shape) -> "NDArray[Any]":
            with as_answers():
                part = part_of(parameter, text)
                return values(memoryview(self._whole(Payload([raw(part)]))), kind, shape)

        return fetch

    def _putting(self, parameter: "PlannedParameter") -> Put:
        def put(text: str | None, out: "NDArray[Any]") -> None:
            with as_answers():
                self._put(part_of(parameter, text), out)

        return put

    def _put(self, part: "PlannedParameter", out: "NDArray[Any]") -> None:
        """Make a parameter where it is to stand: by boxes, by all processors, or as it is walked."""
        from service.formats.payload import Finish, Piece
        from service.stream.tiles import tiles
        from service.writing import made_by

        if any(each.in_order for each in part.draws.values()):
            flat, place = out.reshape(-1), 0
            for block in part.blocks():
                flat[place : place + block.size] = block
                place += block.size
            return
        drawing = part.open()

        def putting(box: tuple[slice, ...]) -> Finish:
            place: Any = (*box, ...)  # what it takes of an array without axes is an array, too
            drawing.put(box, out[place])
            return bytes

        pieces = (Piece(partial(putting, box)) for box in tiles(drawing.form))
        if out.nbytes > SMALL:
            deque(made_by(self._threads(), pieces), 0)
        else:
            deque((piece.make() for piece in pieces), 0)

    def _whole(self, payload: "Payload") -> bytearray:
        """Return all bytes of a payload, made by all processors where that is sooner."""
        from service.writing import made_by

        content, place = bytearray(payload.length), 0
        chunks = made_by(self._threads(), payload.pieces()) if payload.length > SMALL else payload.chunks()
        for chunk in chunks:
            content[place : place + len(chunk)] = chunk
            place += len(chunk)
        return content

    def _threads(self) -> "Workers":
        from service.pipeline import Workers

        with self._lock:
            if self._workers is None or self._process != getpid():
                self._workers, self._process = Workers(self._settings.drawing_threads), getpid()
            return self._workers


@contextmanager
def as_answers() -> Iterator[None]:
    """Let the service's own exceptions be those that a client raises."""
    from service.api.problems import RequestProblem, problem
    from service.errors import InitserveError as Refused

    try:
        yield
    except Refused as error:
        listed = [{"pointer": error.pointer, "detail": error.detail}]
        answer = problem(error.code, error.detail, listed, error.remedy)
    except RequestProblem as error:
        answer = problem(error.code, error.detail, error.errors, error.remedy)
    else:
        return
    raise error_of(answer.status_code, bytes(answer.body))


def part_of(parameter: "PlannedParameter", text: str | None) -> "PlannedParameter":
    from service.specs.slices import parse_slice

    return parameter if text is None else parameter.sliced(parse_slice(text, parameter.shape).indices)


def planned(spec: Spec) -> "Plan":
    from service.api.parsing import parse_spec, pointing_into

    body = body_of_spec(spec)
    with pointing_into(body):
        return parse_spec(body).plan()


def described(plan: "Plan") -> dict[str, Any]:
    """Return what POST /plan answers where no specs are kept."""
    from service.api.links import TOO_LONG, without_address
    from service.formats.description import encode_plan

    named = plan if plan.address is not None else without_address(plan, TOO_LONG)
    found: dict[str, Any] = json.loads(encode_plan(named))
    return found


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as it comes out of JSON."""
    from service.formats.description import dumps

    found: dict[str, Any] = json.loads(dumps(answer))
    return found
