"""What is counted since the start, for /metrics; changed on the event loop alone."""

from collections import Counter
from dataclasses import dataclass, field

# How an answer can end that takes long enough for it to matter.
OUTCOMES = ("complete", "client-gone", "stalled", "failed")


@dataclass(slots=True)
class Counters:
    answers: Counter[str] = field(default_factory=Counter)  # streamed and abandoned ones, by outcome
    problems: Counter[str] = field(default_factory=Counter)  # by code
    sent_bytes: int = 0  # of streamed answers, handed to the socket
