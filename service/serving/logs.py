"""What processes log, and how: as the settings say, warnings included, without a word of a library's insides."""

import logging
import warnings
from typing import Any

from service.api.telemetry.logs import configuration
from service.settings import Settings

logger = logging.getLogger("initserve")


def log_warning(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
    """Log what a library warns of; where in which file it stands is for the developers' own tests."""
    logger.warning("%s: %s", category.__name__, message)


def log_config(settings: Settings) -> dict[str, Any]:
    """Have warnings logged; return what Python's logging is to be told."""
    warnings.showwarning = log_warning
    # Which thread and process a record is of is not written, and costs time to find out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return configuration(settings.log_format, settings.log_level)
