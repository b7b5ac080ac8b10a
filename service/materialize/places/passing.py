"""What is on its way to a store: counted, so that nothing too short or too long is ever finished."""

from collections.abc import Generator, Iterable, Iterator

from service.formats.payload import Chunk
from service.materialize.places.place import PlaceError


class Passing:
    """Chunks that are to be `length` bytes. What ended them is kept: the store's client may tell of another error."""

    def __init__(self, chunks: Iterable[Chunk], length: int) -> None:
        self._chunks, self._length = chunks, length
        self.error: BaseException | None = None

    def chunks(self) -> Generator[Chunk, None, None]:
        try:
            yield from self._counted()
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = error
            raise

    def _counted(self) -> Iterator[Chunk]:
        done = 0
        for chunk in self._chunks:
            done += len(chunk)
            if done > self._length:
                break
            if chunk:
                yield chunk
        if done != self._length:
            raise PlaceError(f"{done:,} bytes or more were made of a file of {self._length:,}")
