"""How much memory requests and answers under way may take together; beyond it a request is asked to come back."""

import threading
from types import TracebackType

from service.api.problems import RequestProblem
from service.networks.plan import Plan
from service.pipeline import AHEAD

RETRY_AFTER = 1  # seconds; most answers are out in less
# A request on its own: its place in the queue, its plan, a small answer. Of a body, its bytes and what they become.
REQUEST, PARSED = 2**19, 8
# An answer made as it is sent: what is made ahead, and a chunk in the hands of each thread and of the socket.
STREAM = AHEAD + 4 * 2**20


def held_by_answer(plan: Plan, length: int | None) -> int:
    """Return how many bytes an answer (of `length`, where it is known) holds in memory while it is made and sent."""
    return min(STREAM if length is None else length + REQUEST, STREAM) + plan.cost.standing


class Budget:
    """Bytes in flight: what requests and answers under way may hold in memory. For any thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._lock = threading.Lock()

    def take(self, cost: int) -> "Grant":
        """Return `cost` bytes of the budget; raises RequestProblem where they are not to be had now."""
        with self._lock:
            if self.taken + cost > self.limit:
                detail = f"what is under way holds {self.taken:,} of {self.limit:,} bytes; this needs {cost:,} more"
                raise RequestProblem("busy", detail, retry_after=RETRY_AFTER)
            self.taken += cost
        return Grant(self, cost)

    def give_back(self, cost: int) -> None:
        with self._lock:
            self.taken -= cost


class Grant:
    """A share of the budget until it is released, which may be done twice; it may grow before."""

    def __init__(self, budget: Budget, cost: int) -> None:
        self._budget = budget
        self._cost = cost

    def grow(self, cost: int) -> None:
        self._budget.take(cost)
        self._cost += cost

    def release(self) -> None:
        cost, self._cost = self._cost, 0
        self._budget.give_back(cost)

    def __enter__(self) -> "Grant":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()
