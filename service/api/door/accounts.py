"""What each client has under way and has used: who is beyond a bound of its own is told to wait, and the rest go on.

How many requests a client has under way is counted from their heads to the ends of their answers. Seconds of a
processor run into a bucket that fills up again within a minute: work is held against what is in it by its price before
it begins, and taken out of it as it is measured.
"""

import asyncio
import math
import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass

from service.api.problems import RequestProblem

ALWAYS = frozenset({"/livez", "/readyz", "/metrics"})  # not counted: whoever asks that looks after the service
MINUTE = 60.0
MOST_IDLE = 10_000  # accounts that are kept of clients with nothing under way, while their buckets fill up
EACH = 3e-4  # seconds of the event loop that a request takes, beside what threads do for it
# Seconds between two refusals of one client, however many of its requests are refused; and the most that one waits.
REFUSAL, LONGEST_REFUSAL = 0.02, 1.0
SOON = 1  # seconds after which one of several requests under way may well have ended


@dataclass(slots=True)
class Account:
    under_way: int = 0
    left: float = 0.0  # seconds of a processor, at `since`; less than none where work took more than its price
    held: float = 0.0  # seconds that what is under way may still take
    since: float = 0.0


class Accounts:
    """The accounts of all clients; at most `most_requests` under way each, and `seconds` a minute, 0 for any number.

    For any thread.
    """

    def __init__(self, most_requests: int, seconds: float) -> None:
        self._most, self._seconds = most_requests, seconds
        self._lock = threading.Lock()
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._put_off: Counter[str] = Counter()  # refusals that wait
        policy = f'"requests";q={most_requests};qu="concurrent-requests"'
        if seconds:
            policy += f', "processor";q={int(seconds)};w={int(MINUTE)};qu="processor-seconds"'
        self._policy = (b"ratelimit-policy", policy.encode())

    def enter(self, client: str) -> None:
        """Count a request that begins; raises RequestProblem where the client has too many, or used too much."""
        with self._lock:
            account = self._of(client)
            if account.under_way >= self._most:
                detail = f"{account.under_way} requests of yours are under way; at most {self._most} may be"
                raise too_many(detail, "requests-in-flight", SOON)
            self._refuse_debt(account, 0.0)
            account.under_way += 1

    def leave(self, client: str) -> None:
        """Count a request that has ended."""
        with self._lock:
            account = self._accounts[client]
            account.under_way -= 1
            account.left -= EACH
            self._tidy(client, account)

    async def put_off(self, client: str) -> None:
        """Wait before a client hears that it is refused, the longer the more of it is: it may ask again at once."""
        self._put_off[client] += 1
        try:
            await asyncio.sleep(min(LONGEST_REFUSAL, REFUSAL * self._put_off[client]))
        finally:
            self._put_off[client] -= 1
            if not self._put_off[client]:
                del self._put_off[client]

    def spend(self, client: str, seconds: float) -> None:
        """Take measured seconds out of a client's bucket."""
        if self._seconds and (account := self._accounts.get(client)) is not None:
            with self._lock:
                account.left -= seconds

    def hold(self, client: str, seconds: float) -> "Release":
        """Hold the price of work against a client's bucket; return what ends that. Raises RequestProblem beyond it."""
        if self._seconds:
            with self._lock:
                account = self._of(client)
                self._refuse_debt(account, seconds)
                account.held += seconds
        return Release(self, client, seconds if self._seconds else 0.0)

    def let_go(self, client: str, seconds: float) -> None:
        with self._lock:
            if (account := self._accounts.get(client)) is not None:
                account.held -= seconds

    def headers(self, client: str) -> list[tuple[bytes, bytes]]:
        """Return what an answer says of a client's bounds, as draft-ietf-httpapi-ratelimit-headers has it."""
        account = self._accounts.get(client) or Account(left=self._seconds)
        told = b'"requests";r=%d;t=%d' % (max(0, self._most - account.under_way), SOON)
        if self._seconds:
            left = max(0.0, account.left - account.held)
            full = MINUTE * (1.0 - left / self._seconds)
            told += b', "processor";r=%d;t=%d' % (left, math.ceil(full))
        return [self._policy, (b"ratelimit", told)]

    def _of(self, client: str) -> Account:
        """Under the lock: return a client's account as it stands now."""
        now = time.monotonic()
        account = self._accounts.get(client)
        if account is None:
            account = self._accounts[client] = Account(left=self._seconds, since=now)
        else:
            earned = (now - account.since) * self._seconds / MINUTE
            account.left, account.since = min(self._seconds, account.left + earned), now
        return account

    def _refuse_debt(self, account: Account, price: float) -> None:
        """Under the lock: refuse work for which too little is left; the dearest may begin with a full bucket."""
        lacking = min(price, self._seconds) - (account.left - account.held)
        if self._seconds and lacking > 0.0:
            detail = (
                f"you have used your {self._seconds:g} seconds of a processor a minute, or will by what is under way"
            )
            raise too_many(detail, "processor-seconds", math.ceil(lacking * MINUTE / self._seconds))

    def _tidy(self, client: str, account: Account) -> None:
        """Under the lock: forget a client with nothing under way that has nothing to wait for, or waited longest."""
        if account.under_way:
            return
        if not self._seconds:
            del self._accounts[client]
            return
        self._accounts.move_to_end(client)
        while len(self._accounts) > MOST_IDLE:
            oldest, first = next(iter(self._accounts.items()))
            if first.under_way:
                self._accounts.move_to_end(oldest)
                return
            del self._accounts[oldest]


@dataclass(slots=True)
class Release:
    """Ends, once, that a price is held."""

    accounts: Accounts
    client: str
    seconds: float

    def __call__(self) -> None:
        seconds, self.seconds = self.seconds, 0.0
        if seconds:
            self.accounts.let_go(self.client, seconds)


def too_many(detail: str, reason: str, retry_after: int = SOON) -> RequestProblem:
    """Return the refusal of a client that has, or uses, more than its share; others are not refused."""
    return RequestProblem("too-many-requests", detail, retry_after=retry_after, reason=reason)
