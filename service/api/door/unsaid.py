"""What is never logged: keys."""

import logging
import re

BEGINNING = "initserve_"  # of every key: whoever finds one somewhere, and what scans for such, knows what it is
IN_TEXT = re.compile(rf"{BEGINNING}[A-Za-z0-9_-]{{20,}}")


class WithoutKeys(logging.Filter):
    """Leaves every key out of what is logged: one that somebody put into an address by mistake, say."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = unsaid(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(unsaid(each) for each in record.args)
        return True


def unsaid(part: object) -> object:
    return IN_TEXT.sub(f"{BEGINNING}…", part) if isinstance(part, str) else part
