"""How logs are written: for people, or as JSON or logfmt, a line a record whatever is in it."""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from service.api.door.unsaid import unsaid
from service.api.telemetry.identity import Identity, current

PLAIN = re.compile(r"[^\s\"=\x00-\x20\x7f-\x9f]+")  # what logfmt takes without quotes


def escaped(text: str) -> str:
    """Return a text in which nothing moves a cursor, ends a line or turns the direction of writing."""
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


@lru_cache(2)
def second(at: int) -> str:
    """Return a second since the epoch as ISO 8601 has it; there are many records of one."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


class Members(logging.Formatter):
    """Turns records into their members; how these are written is for subclasses to say."""

    def members(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return what a record says, in order: when, how grave, of what, in words, of which request, and the rest."""
        found: dict[str, Any] = {
            "time": f"{second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        identity: Identity | None = getattr(record, "identity", None) or current.get()
        if identity is not None:
            found["request_id"] = identity.request_id
            if identity.trace_id:
                found["trace_id"] = identity.trace_id
        found |= getattr(record, "fields", {})
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return found

    def format(self, record: logging.LogRecord) -> str:
        return unsaid(self.written(self.members(record)))

    def written(self, members: dict[str, Any]) -> str:
        raise NotImplementedError


class Json(Members):
    """JSON lines, in ASCII."""

    def written(self, members: dict[str, Any]) -> str:
        return json.dumps(members)


class Logfmt(Members):
    """key=value, as logfmt has it; what is not plain is written as a JSON string."""

    def written(self, members: dict[str, Any]) -> str:
        return " ".join(f"{name}={self._value(value)}" for name, value in members.items())

    def _value(self, value: Any) -> str:
        text = str(value)
        return text if PLAIN.fullmatch(text) else json.dumps(text)


class Text(Members):
    """For people: the words, then what there is to know of a request; a traceback stands below, indented."""

    def written(self, members: dict[str, Any]) -> str:
        line = f"{members['time']} {members['level'].upper():8} {escaped(members['message'])}"
        told = [f"{name} {escaped(str(members[name]))}" for name in BESIDE if name in members]
        if told:
            line += f" ({', '.join(told)})"
        below = [f"    {escaped(each)}" for each in members.get("exception", "").split("\n") if each]
        return "\n".join([line, *below])


# What people are told of a request beside the words.
BESIDE = ("request_id", "trace_id", "outcome", "problem", "bytes", "seconds")
FORMATS: Mapping[str, Callable[[], Members]] = {"text": Text, "json": Json, "logfmt": Logfmt}


def configuration(format: str, level: str) -> dict[str, Any]:
    """Return what `logging.config.dictConfig` takes: one handler for all, on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": {"()": FORMATS[format]}},
        "handlers": {"standard-error": {"class": "logging.StreamHandler", "formatter": "chosen"}},
        "root": {"handlers": ["standard-error"], "level": level.upper()},
    }
