"""How far a process is on its way to its end: what it still answers, and what it tells load balancers."""

from dataclasses import dataclass

from service.api.problems import RequestProblem

# Asked for by whoever looks after processes: answered to the last.
ALWAYS = (b"/livez", b"/readyz", b"/metrics")
RETRY_AFTER = 1  # seconds: another replica answers, or this one once it is back


@dataclass(slots=True)
class Draining:
    """What a process has begun to do less of; changed by the server alone, and never back."""

    leaving: bool = False  # every answer is the last on its connection, so that clients go elsewhere
    unready: bool = False  # /readyz says 503
    refusing: bool = False  # requests get 503, but for those of ALWAYS

    def admit(self, path: bytes) -> None:
        """Refuse a request that comes too late; raises RequestProblem."""
        if self.refusing and path not in ALWAYS:
            raise stopping()


def stopping() -> RequestProblem:
    """Return what a request is told that this process will not answer any more."""
    detail = "this process is being stopped: it only ends the answers that are under way"
    return RequestProblem("busy", detail, retry_after=RETRY_AFTER, reason="stopping")
