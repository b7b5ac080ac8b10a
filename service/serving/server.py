"""The server: uvicorn with this service's own connections, its warnings in the log without a word of its insides."""

import copy
import logging
import warnings

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from service.api.app import create_app
from service.api.connection import Connection
from service.settings import Settings

logger = logging.getLogger("initserve")


def log_warning(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
    """Log what a library warns of; where in which file it stands is for the developers' own tests."""
    logger.warning("%s: %s", category.__name__, message)


def run(settings: Settings) -> None:
    """Serve until interrupted; what is still being sent then has some time to end."""
    warnings.showwarning = log_warning
    logging_as_uvicorn = copy.deepcopy(LOGGING_CONFIG)
    logging_as_uvicorn["loggers"]["initserve"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    uvicorn.run(
        create_app(settings),
        log_config=logging_as_uvicorn,
        host=settings.host,
        port=settings.port,
        http=Connection,
        ws="none",
        timeout_graceful_shutdown=settings.shutdown_seconds,
        server_header=False,
        proxy_headers=False,  # who is asked for: the door says whom it believes
    )
