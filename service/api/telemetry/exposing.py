"""What all metrics say, as text: made once for all who wait for it, in a share of the time however many ask."""

import asyncio
from collections.abc import Iterable, Sequence

from anyio import to_thread
from prometheus_client import exposition
from prometheus_client.openmetrics import exposition as openmetrics

from service.api.telemetry.metrics import Metrics
from service.api.telemetry.snapshots import Snapshot, added

TEXT, OPEN_METRICS = "text/plain", "application/openmetrics-text"
# How long nothing is made after each time, as many times as long as that took, so that whoever asks without pause has a
# fifth of a processor; and the most seconds of it.
REST, LONGEST_REST = 4.0, 0.5


def exposed(snapshots: Iterable[Snapshot], media_type: str) -> tuple[bytes, str]:
    """Return what the metrics of all processes say together, as text, and its type with its parameters."""
    everything = added(snapshots)
    if media_type == OPEN_METRICS:
        text: bytes = openmetrics.generate_latest(everything)  # type: ignore[no-untyped-call]
        return text, openmetrics.CONTENT_TYPE_LATEST
    return exposition.generate_latest(everything), exposition.CONTENT_TYPE_PLAIN_0_0_4


class Exposer:
    """Makes the text of an application's metrics; for the event loop alone."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._awaited: dict[str, asyncio.Task[tuple[bytes, str]]] = {}  # those that are not begun yet, by media type
        self._one = asyncio.Lock()
        self._next = 0.0  # when another may begin

    async def text(self, media_type: str) -> tuple[bytes, str]:
        """Return what all metrics say, not before now, and its type with its parameters."""
        if media_type not in self._awaited:
            self._awaited[media_type] = asyncio.create_task(self._make(media_type))
        return await asyncio.shield(self._awaited[media_type])

    async def _make(self, media_type: str) -> tuple[bytes, str]:
        loop = asyncio.get_running_loop()
        async with self._one:
            await asyncio.sleep(self._next - loop.time())
            del self._awaited[media_type]  # whoever asks from now on waits for the next
            others = await self._metrics.others()
            began = loop.time()
            try:
                return await to_thread.run_sync(self._exposed, others, media_type)
            finally:
                ended = loop.time()
                self._next = ended + min(REST * (ended - began), LONGEST_REST)

    def _exposed(self, others: Sequence[Snapshot], media_type: str) -> tuple[bytes, str]:
        return exposed([Snapshot.of(self._metrics.registry), *others], media_type)
