"""The same without a server, where initserve itself is installed: the same bytes, made by this process's threads."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from initserve.errors import error_of
from initserve.files import Shape, read_as, read_safetensors, values
from initserve.lazy import Arrays, LazyArray
from initserve.saving import form_of
from initserve.specs import Spec, body_of_spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.formats import Payload
    from service.networks.plan import Plan, PlannedParameter
    from service.verification import Result

MISSING = "Local makes weights with initserve itself, which is not installed here: install it, or use Client(url)"


class Local:
    """As `Client`, without a server; raises ImportError where initserve is not installed."""

    def __init__(self) -> None:
        try:
            import service.writing  # noqa: F401
        except ImportError as error:
            raise ImportError(MISSING) from error

    def __enter__(self) -> "Local":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def init(self, spec: Spec) -> "Arrays[NDArray[Any]]":
        """As `Client.init`."""
        from service.formats import FORMATS, Include

        with as_answers():
            plan = planned(spec)
            content = whole(FORMATS["safetensors"].encode(plan, Include()))
            return Arrays(read_safetensors(content), described(plan))

    def open(self, spec: Spec) -> Arrays[LazyArray]:
        """As `Client.open`."""
        from service.stream.dtypes import DTYPES

        with as_answers():
            plan = planned(spec)

        def lazy(parameter: "PlannedParameter") -> LazyArray:
            kind = DTYPES[parameter.dtype].safetensors
            return LazyArray(parameter.key, parameter.shape, read_as(kind), fetching(parameter, kind))

        return Arrays({each.key: lazy(each) for each in plan.parameters}, described(plan))

    def save(self, spec: Spec, path: str | PathLike[str], progress: bool = True) -> Path:
        """As `Client.save`; what breaks off leaves nothing."""
        from service.formats import FORMATS, Include
        from service.settings import Settings
        from service.writing import progress_bar, write_file

        path = Path(path)
        form = form_of(path)
        with as_answers():
            payload = FORMATS[form].encode(planned(spec), Include())
        with progress_bar(path.name, payload.length if progress else None) as told:
            write_file(payload, path, told, Settings().drawing_threads)
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
        from service.settings import Settings

        body = body_of_spec(spec)
        with as_answers(), pointing_into(body):
            asked = parse_document(body, DiagnoseRequest)
            return plain(Diagnosis(asked, Settings().max_diagnosis_operations).answer())

    def verify(self, path: str | PathLike[str], spec: Spec | None = None) -> dict[str, Any]:
        """As `Client.verify`; also of a checkpoint in shards, by its index."""
        from service.api.parsing import parse_spec, pointing_into
        from service.checking import compare
        from service.reading import source_of
        from service.settings import Settings
        from service.verification import Result

        def result_of(text: bytes) -> "Result":
            with pointing_into(text):
                return Result.of_spec(parse_spec(text))

        given = None if spec is None else body_of_spec(spec)
        with as_answers():
            return plain(compare(source_of(fspath(path)), given, result_of, Settings().drawing_threads))


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


def planned(spec: Spec) -> "Plan":
    from service.api.parsing import parse_spec, pointing_into

    body = body_of_spec(spec)
    with pointing_into(body):
        return parse_spec(body).plan()


def described(plan: "Plan") -> dict[str, Any]:
    """Return what POST /plan answers where no specs are kept."""
    from service.api.links import TOO_LONG, without_address
    from service.formats.base64_json import describe_plan

    named = plan if plan.address is not None else without_address(plan, TOO_LONG)
    return plain(describe_plan(named))


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as it comes out of JSON."""
    from service.formats.base64_json import dumps

    found: dict[str, Any] = json.loads(dumps(answer))
    return found


def whole(payload: "Payload") -> bytearray:
    """Return all bytes of a payload, made by all processors."""
    from service.settings import Settings
    from service.writing import made

    content = bytearray(payload.length)
    place = 0
    for chunk in made(payload.pieces(), Settings().drawing_threads):
        content[place : place + len(chunk)] = chunk
        place += len(chunk)
    return content


def fetching(parameter: "PlannedParameter", kind: str) -> "Callable[[str | None, Shape], NDArray[Any]]":
    from service.formats import Payload
    from service.formats.payload import raw
    from service.specs.slices import parse_slice

    def fetch(text: str | None, shape: Shape) -> "NDArray[Any]":
        with as_answers():
            part = parameter if text is None else parameter.sliced(parse_slice(text, parameter.shape).indices)
            return values(memoryview(whole(Payload([raw(part)]))), kind, shape)

    return fetch
