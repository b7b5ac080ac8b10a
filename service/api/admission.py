"""What requests and answers may take: each on its plan, before a number is drawn, and all together in memory.

What is asked of a small request is always to be had: large answers leave a share of the memory alone, what must stand
in memory as a whole has a budget of its own, and so has work that takes seconds. Of each a client may have as much as
it leaves to all others, so that there is always some for one that comes new.
"""

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import TracebackType

from service.api.door.accounts import too_many
from service.api.problems import RequestProblem
from service.errors import TooLarge
from service.formats import Include
from service.lines import LineFull, ShareUsedUp
from service.networks.arrays import Cost
from service.networks.plan import Plan
from service.pipeline import AHEAD
from service.prices import before
from service.settings import Settings
from service.stream.streams import ALGORITHM

RETRY_AFTER = 1  # seconds; most answers are out in less
READING = 2**14  # bytes held for a connection whose request comes in, beside those that came
REQUEST = 2**19  # bytes held for a request that is all there: its place in the line, its plan, a small answer
PARSED = 32  # bytes held for each byte of a body that is parsed, planned and told of
# An answer made as it is sent: what is made ahead, and a chunk in the hands of each thread and of the socket.
STREAM = AHEAD + 4 * 2**20
SMALL_BODY = 2**16  # bytes up to which a request counts as small
FAR = (
    "this stream has no addresses: to come to this place it is walked over, which takes {:.3g} seconds of a "
    "processor; at most {:g} are allowed in one answer. Ask for what stands nearer to its beginning, or for "
    f"{ALGORITHM}, where every element has an address"
)
KEPT = 4  # a quarter of the memory is for small requests and their answers alone


class Budget:
    """How much there is of something, and how much of it is taken. For any thread."""

    def __init__(self, limit: int, name: str, unit: str = "bytes") -> None:
        self.limit = limit
        self.name = name  # why a request is refused that finds it taken
        self.unit = unit
        self.taken = 0
        self._by_client: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, client: str, cost: int, kept: int = 0) -> "Grant":
        """Return `cost` of the budget, if `kept` remain; raises RequestProblem where they are not to be had now."""
        grant = Grant(client)
        grant.grow(self, cost, kept)
        return grant

    def charge(self, client: str, cost: int, kept: int = 0) -> None:
        with self._lock:
            limit = self.limit - kept
            if self.taken + cost > limit:
                detail = f"what is under way takes {self.taken:,} of {limit:,} {self.unit}; this needs {cost:,} more"
                raise busy(detail, self.name)
            own = self._by_client[client]
            if cost and own and own + cost > limit - self.taken:
                detail = (
                    f"what you have under way takes {own:,} {self.unit}; with {cost:,} more that would be more than it "
                    f"leaves to all others, of {limit:,}"
                )
                raise too_many(detail, self.name)
            self.taken += cost
            self._by_client[client] += cost

    def give_back(self, client: str, cost: int) -> None:
        with self._lock:
            self.taken -= cost
            self._by_client[client] -= cost
            if not self._by_client[client]:
                del self._by_client[client]


class Grant:
    """A client's shares of budgets until they are released, which may be done twice; it may grow before."""

    def __init__(self, client: str) -> None:
        self._client = client
        self._releases: list[Callable[[], None]] = []

    def grow(self, budget: Budget, cost: int, kept: int = 0) -> None:
        budget.charge(self._client, cost, kept)
        self._releases.append(partial(budget.give_back, self._client, cost))

    def also(self, release: Callable[[], None]) -> None:
        """Let something else be given back together with the rest."""
        self._releases.append(release)

    def release(self) -> None:
        releases, self._releases = self._releases, []
        for release in releases:
            release()

    def __enter__(self) -> "Grant":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


class Room:
    """The budgets of a process: memory, memory for what must be made as a whole, and heavy requests."""

    def __init__(self, settings: Settings) -> None:
        self.memory = Budget(settings.max_bytes_in_flight, "memory")
        self.standing = Budget(settings.max_standing_bytes_in_flight, "standing-memory")
        self.heavy = Budget(settings.max_heavy_requests, "heavy-requests", "heavy requests")
        self._kept = settings.max_bytes_in_flight // KEPT

    def for_request(self, client: str) -> Grant:
        """Return what a request of a client holds while its body comes in."""
        return self.memory.take(client, READING)

    def for_body(self, grant: Grant, length: int) -> None:
        """Let a grant grow by what a body of this length becomes."""
        grant.grow(self.memory, REQUEST + PARSED * length, 0 if length <= SMALL_BODY else self._kept)

    def for_more(self, grant: Grant, cost: int) -> None:
        """Let a grant grow by so many bytes."""
        grant.grow(self.memory, cost, 0 if cost <= SMALL_BODY else self._kept)

    def for_large(self, client: str, cost: int) -> Grant:
        """Return memory for an answer that is not small, which leaves some for those that are."""
        return self.memory.take(client, cost, self._kept)

    def refuse_large(self, client: str) -> None:
        """Refuse what would not even find memory for the least of all answers that are not small."""
        self.for_large(client, REQUEST).release()

    def for_study(self, grant: Grant, cost: int) -> None:
        """Let a grant grow by what a study holds while it runs: it stands in memory as a whole."""
        refuse_beyond(cost, self.standing.limit, "bytes in memory at once", "for a study; a smaller batch may do")
        grant.grow(self.standing, cost)

    def for_answer(self, client: str, cost: Cost, length: int) -> Grant:
        """Return what an answer of `length` holds while it is made and sent."""
        grant = self.for_large(client, min(length + REQUEST, STREAM))
        try:
            grant.grow(self.standing, cost.standing)
        except BaseException:
            grant.release()
            raise
        return grant


def busy(detail: str, reason: str) -> RequestProblem:
    return RequestProblem("busy", detail, retry_after=RETRY_AFTER, reason=reason)


def crowded(full: LineFull) -> RequestProblem:
    """Return the refusal of work that finds no place in a line."""
    refusal = too_many if isinstance(full, ShareUsedUp) else busy
    return refusal(str(full), "line-full")


def admit(plan: Plan, format_name: str, include: Include, settings: Settings) -> None:
    """Refuse a plan that is too large for its format, or that takes too many operations, whatever else is under way."""
    refuse_beyond(len(plan.layers), settings.max_layers, "layers", "in one spec")
    if format_name == "json" and include.weights:
        refuse_beyond(
            plan.cost.bytes, settings.max_json_bytes, "bytes of weights", "in JSON; binary formats allow more"
        )
    in_file = format_name != "json" and include.weights
    admit_cost(plan.cost if in_file else plan.cost._replace(bytes=0), settings, f"in {format_name}")


def admit_cost(cost: Cost, settings: Settings, where: str = "in one answer") -> None:
    """Refuse what takes too much, whatever else is under way."""
    refuse_beyond(cost.elements, settings.max_elements, "elements", "in one answer")
    refuse_beyond(cost.bytes, settings.max_binary_bytes, "bytes of weights", where)
    seconds, allowed = before(cost.operations), settings.max_processor_seconds
    if seconds > allowed >= before(cost.operations - cost.walking):
        raise TooLarge(FAR.format(before(cost.walking), allowed), remedy={"algorithm": ALGORITHM})
    refuse_seconds(seconds, allowed, "before its first number")
    most = min(settings.max_standing_bytes, settings.max_standing_bytes_in_flight)
    refuse_beyond(cost.standing, most, "bytes in memory at once", "for one parameter")


def refuse_seconds(seconds: float, most: float, when: str) -> None:
    if seconds > most:
        shown = f"{seconds:,.3g}" if seconds < 1e12 else "more than 10^12"
        raise TooLarge(f"this spec takes {shown} seconds of a processor {when}; at most {most:g} are allowed")


def refuse_beyond(cost: int, limit: int, unit: str, where: str) -> None:
    if cost > limit:
        shown = f"{cost:,}" if cost < 10**30 else "more than 10^30"
        raise TooLarge(f"this spec takes {shown} {unit}; at most {limit:,} are allowed {where}")
