"""Whether the clock is to be believed: answers are dated by it, keys are reloaded and logs are read by it."""

import ctypes
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import service
from service.doctor.findings import Finding, fine, warning, wrong

SOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
SLOW_SOURCES = ("hpet", "acpi_pm", "jiffies", "refined-jiffies")
COARSE = 1e-3  # seconds: deadlines and turns count in milliseconds
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX = 512  # bytes, more than its structure has; all zero, it only asks


def of_the_clock() -> Iterator[Finding]:
    """Yield what there is to say of the wall clock and of the steady one."""
    now, installed = time.time(), Path(service.__file__).stat().st_mtime
    if now < installed - 86_400:
        yield wrong("clock", f"it says {day(now)}, but this version was installed on {day(installed)}")
    elif synchronised() is False:
        yield warning("clock", "nothing keeps it to the time of day (NTP): what the answers are dated by will drift")
    else:
        yield fine("clock", day(now))
    if time.get_clock_info("monotonic").resolution > COARSE:
        yield warning("clock", "the steady clock counts in more than milliseconds: deadlines are as coarse")
    if SOURCE.exists() and (source := SOURCE.read_text().strip()) in SLOW_SOURCES:
        yield warning(
            "clock", f"its source is {source}: each look at it takes a microsecond or more, several a request"
        )


def day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def synchronised() -> bool | None:
    """Return whether something keeps the clock to the time of day; None where the kernel does not say."""
    if sys.platform != "linux":
        return None
    ask = getattr(ctypes.CDLL(None), "adjtimex", None)
    state = ask(ctypes.create_string_buffer(TIMEX)) if ask is not None else -1
    return None if state < 0 else state != TIME_ERROR
