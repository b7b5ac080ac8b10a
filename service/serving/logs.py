"""What processes log, and how: as uvicorn does, warnings included, without a word of a library's insides."""

import copy
import logging
import warnings
from typing import Any

from uvicorn.config import LOGGING_CONFIG

from service.api.door.unsaid import WithoutKeys

logger = logging.getLogger("initserve")


def log_warning(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
    """Log what a library warns of; where in which file it stands is for the developers' own tests."""
    logger.warning("%s: %s", category.__name__, message)


def log_config() -> dict[str, Any]:
    """Have warnings logged; return what Python's logging is to be told."""
    warnings.showwarning = log_warning
    config: dict[str, Any] = copy.deepcopy(LOGGING_CONFIG)
    config["loggers"]["initserve"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    config["filters"] = {"without keys": {"()": WithoutKeys}}
    for handler in config["handlers"].values():
        handler["filters"] = ["without keys"]
    return config
