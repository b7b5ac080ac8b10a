"""Bucket: a place in an object store. A file of any length is sent in parts, and is there once all of them are."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from service.formats.payload import Chunk
from service.materialize.places.opening import PATIENT, QUICK, Patience, opened
from service.materialize.places.parts import PART, at_once, part_size
from service.materialize.places.passing import Passing
from service.materialize.places.place import Entry, PlaceError
from service.materialize.places.refusal import code_in, refusal
from service.materialize.places.retrying import retried

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ObjectStore

READ_AHEAD = 3  # parts of a file that is read
NOWHERE = ("NoSuchBucket", "ContainerNotFound")

T = TypeVar("T")


class Bucket:
    """What begins with the same folder in a bucket. `quick` is asked for small things, `patient` for parts of files.

    A writer that is killed leaves the parts that it had sent: nobody sees them, and a rule of the bucket's (to abort
    incomplete multipart uploads) removes them.
    """

    def __init__(self, name: str, quick: "ObjectStore", patient: "ObjectStore") -> None:
        self.name = name
        self._quick, self._patient = quick, patient

    @classmethod
    def at(cls, address: str, options: Mapping[str, str]) -> "Bucket":
        """Return the place at an address; raises PlaceError for what is none. Nobody is asked yet."""
        return cls(address.rstrip("/"), opened(address, options, QUICK), opened(address, options, PATIENT))

    def names(self) -> list[str]:
        found = self._asked("", self._quick.list_with_delimiter)
        return sorted(each["path"] for each in found["objects"])

    def entry(self, name: str) -> Entry | None:
        """Return what is there under a name; its tag is the store's entity tag, which changes with whoever writes."""
        found = self._sought(name, lambda: self._quick.head(name))
        return None if found is None else Entry(found["size"], found["e_tag"])

    def read(self, name: str) -> bytes | None:
        return self._sought(name, lambda: bytes(self._quick.get(name).bytes()))

    def chunks(self, name: str) -> Iterator[Chunk]:
        """Yield a file from its first byte to its last; PlaceError where it is written anew meanwhile."""
        there = self.entry(name)
        if there is None:
            raise PlaceError(f"{self.name}/{name}: there is nothing of this name")
        starts = iter(range(0, there.bytes, PART))
        with ThreadPoolExecutor(READ_AHEAD) as threads:
            coming: deque[Future[Chunk]] = deque()
            for start in starts:
                coming.append(threads.submit(self._part, name, there, start))
                if len(coming) == READ_AHEAD:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()

    def create(self, name: str, content: bytes) -> bool:
        """Write a small file where there is none of this name, and return whether this content is what is there.

        A store's answer may be lost when it has done what it was asked for: who asks again finds their own content. A
        store that knows no conditions is read before and after: of two who create at once there both may be told yes.
        """
        if (there := self.read(name)) is None:
            self._asked(name, lambda: self._create(name, content))
            there = self.read(name)
        return there == content

    def put(self, name: str, content: bytes) -> None:
        self._asked(name, lambda: self._quick.put(name, content, use_multipart=False))

    def write(self, name: str, chunks: Iterable[Chunk], length: int) -> Entry:
        """Send a file of `length` bytes while it is made, in parts; what is wrong with any of them ends the upload.

        `chunks` are made in the midst of it, on this thread, and cannot ask a store for anything.
        """
        size = part_size(length)
        passing = Passing(chunks, length)
        with closing(passing.chunks()) as sent:
            try:
                self._once(name, lambda: self._put(name, sent, length > size, size))
            except PlaceError:
                if passing.error is None:
                    raise
        if passing.error is not None:
            raise passing.error
        there = self.entry(name)
        if there is None or there.bytes != length:
            raise PlaceError(
                f"{self.name}/{name}: the store does not hold the {length:,} bytes that it took", passing=True
            )
        return there

    def remove(self, name: str) -> None:
        self._sought(name, lambda: self._quick.delete(name))

    def free(self) -> None:
        """Nothing bounds what a store takes."""

    def clear(self) -> None:
        """Nothing is to be cleared: what was begun and not finished stands under no name."""

    def _put(self, name: str, sent: Iterator[Chunk], multipart: bool, size: int) -> None:
        self._patient.put(name, sent, use_multipart=multipart, chunk_size=size, max_concurrency=at_once(size))

    def _create(self, name: str, content: bytes) -> None:
        from obstore.exceptions import AlreadyExistsError, NotSupportedError

        try:
            self._quick.put(name, content, mode="create")
        except AlreadyExistsError:
            if self.read(name) is None:  # two at once, of whom neither has done it yet
                raise PlaceError(f"{self.name}/{name}: another is writing it", passing=True) from None
        except (NotImplementedError, NotSupportedError):
            self._quick.put(name, content, use_multipart=False)

    def _part(self, name: str, there: Entry, start: int) -> Chunk:
        from obstore.exceptions import PreconditionError

        options: GetOptions = {"range": (start, min(start + PART, there.bytes)), "if_match": there.tag}

        def ask() -> Chunk | None:
            try:
                return memoryview(self._patient.get(name, options=options).bytes())
            except PreconditionError:
                return None

        if (part := self._asked(name, ask, PATIENT)) is None:
            raise PlaceError(f"{self.name}/{name}: it was written anew while it was read", passing=True)
        return part

    def _asked(self, name: str, ask: Callable[[], T], patience: Patience = QUICK) -> T:
        """Return what the store answers, asked again where that may help."""
        return retried(lambda: self._once(name, ask), time.time() + patience.tries)

    def _sought(self, name: str, ask: Callable[[], T]) -> T | None:
        """Return what the store answers about something that need not be there; None where it is not."""

        def seek() -> T | None:
            try:
                return ask()
            except FileNotFoundError as error:
                if code_in(str(error)) in NOWHERE:
                    raise
                return None

        return self._asked(name, seek)

    def _once(self, name: str, ask: Callable[[], T]) -> T:
        from obstore.exceptions import BaseError

        try:
            return ask()
        except PlaceError:
            raise
        except (BaseError, OSError, NotImplementedError) as error:
            refused = refusal(error, f"{self.name}/{name}".rstrip("/"))
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # the store's client gave up on something unforeseen
                raise
            refused = refusal(error, f"{self.name}/{name}".rstrip("/"))
        raise refused  # here, since an error that it came of would be told with it
