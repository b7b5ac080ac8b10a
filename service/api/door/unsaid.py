"""What is never logged: keys."""

import re

BEGINNING = "initserve_"  # of every key: whoever finds one somewhere, and what scans for such, knows what it is
IN_TEXT = re.compile(rf"{BEGINNING}[A-Za-z0-9_-]{{20,}}")


def unsaid(text: str) -> str:
    """Return a text without keys: one that somebody put into an address by mistake, say."""
    return IN_TEXT.sub(f"{BEGINNING}…", text)
