"""What a request of /verify brings: a file, as the body itself or as a field of a form, and maybe its spec."""

from collections.abc import AsyncIterator

from fastapi import Request

from service.api import multipart
from service.api.body import declared_type
from service.api.problems import RequestProblem
from service.api.upload import Upload
from service.settings import Settings
from service.verification.tape import Tape

FORM = "multipart/form-data"
OCTETS = "application/octet-stream"
FILES = (OCTETS, "application/vnd.safetensors", "application/x-npz", "application/zip", "application/x-npy")

MOST_KEPT = 2**20  # bytes of a file that comes before its spec


class Sent:
    """A file that comes in, with the spec that the address holds, if it does."""

    def __init__(self, request: Request, settings: Settings, in_address: bytes | None) -> None:
        declared = declared_type(request)
        media_type = declared.partition(";")[0].strip().lower()
        if media_type not in ("", FORM, *FILES):
            detail = f"the body is {declared}; send a file as {OCTETS}, or a form as {FORM}"
            raise RequestProblem("unsupported-media-type", detail, headers={"accept": ", ".join((FORM, *FILES))})
        self._in_address = in_address
        self._in_form = b""
        self._boundary = multipart.boundary_of(declared) if media_type == FORM else None
        self._upload = Upload(request, settings)
        self._most = settings.max_body_bytes

    @property
    def spec(self) -> bytes | None:
        """What the file is to be compared with; to be asked for when some of the file is there."""
        return self._in_address or (self._in_form if self._in_form.strip() else None)

    async def file(self) -> AsyncIterator[bytes]:
        """Yield the file, a window at a time."""
        if self._boundary is not None:
            async for part in self._of_form(self._boundary):
                yield part
            return
        while window := await self._upload.window():
            yield window

    async def _of_form(self, boundary: bytes) -> AsyncIterator[bytes]:
        """Yield the field `file`; its beginning is kept until the field `spec` has come, or is too long to be kept."""
        kept = b""
        told, late = self._in_address is not None, False
        async for name, piece in self._fields(boundary):
            if name == "spec":
                if late:
                    detail = f"the spec comes after more than {MOST_KEPT:,} bytes of the file: put it before the file"
                    raise multipart.malformed(detail)
                told = True
                self._add_to_spec(piece)
            elif told:
                yield piece
            else:
                kept += piece
                if len(kept) > MOST_KEPT:
                    yield kept
                    kept, told, late = b"", True, True
        if kept:
            yield kept

    def _add_to_spec(self, piece: bytes) -> None:
        self._in_form += piece
        if len(self._in_form) > self._most:
            raise RequestProblem("body-too-large", f"the spec has more than {self._most} bytes")
        if self._in_address is not None and self._in_form.strip():
            raise multipart.malformed("the spec stands in the address already")

    async def _fields(self, boundary: bytes) -> AsyncIterator[tuple[str, bytes]]:
        """Yield what a form's fields hold, each with its field's name; both fields are told of once, or none."""
        tape, seen = Tape(), [""]
        reading = multipart.read(tape, boundary)
        for event in reading:
            if event is None:
                window = await self._upload.window()
                tape.add(window)
                if not window:
                    tape.end()
            elif isinstance(event, multipart.Field):
                if event.name not in ("spec", "file") or event.name in seen:
                    raise multipart.malformed(f"its fields are spec and file, each once, not {event.name!r}")
                seen.append(event.name)
            elif event:
                yield seen[-1], event
        if "file" not in seen:
            raise multipart.malformed("it has no field named file")
        while await self._upload.window():  # what follows the last boundary means nothing
            pass
