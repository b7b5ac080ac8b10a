"""Whether specs can be kept where they are to be kept."""

import os
from collections.abc import Iterator
from pathlib import Path

from service.api.store import Store
from service.doctor.findings import Finding, fine, wrong
from service.settings import Settings


def of_the_store(settings: Settings) -> Iterator[Finding]:
    """Yield whether the store of specs can be opened, and written to where it is a directory."""
    if not settings.specs:
        return
    try:
        Store.at(settings.specs, settings.max_specs_bytes, settings.max_body_bytes)
    except OSError as error:
        yield wrong("specs", f"{settings.specs} cannot be opened: {error}")
        return
    if "://" not in settings.specs and not os.access(Path(settings.specs), os.W_OK):
        yield wrong("specs", f"nothing can be written to {settings.specs}")
    else:
        yield fine("specs", settings.specs)
