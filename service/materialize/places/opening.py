"""Opening a store: an address with options comes to a client of bounded patience, or to a line that says why not.

Options are named as obstore names them (access_key_id, endpoint, region, allow_http, timeout …), or as the environment
does (AWS_ACCESS_KEY_ID …); what is not given is taken from the environment.
"""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from service.materialize.places.place import PlaceError

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

AZURE = ("az", "azure", "adl", "abfs", "abfss")
# What an address may begin with, and the variables of the environment that are about it.
SCHEMES = {"s3": "AWS_", "s3a": "AWS_", "gs": "GOOGLE_"} | dict.fromkeys(AZURE, "AZURE_")
# Options of the connections, which obstore takes apart from the store's own.
CONNECTION = {
    "allow_http",
    "allow_invalid_certificates",
    "connect_timeout",
    "http1_only",
    "http2_only",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_ca_certificate",
    "proxy_excludes",
    "proxy_url",
    "randomize_addresses",
    "read_timeout",
    "root_certificate",
    "timeout",
    "user_agent",
}
ENDPOINTS = ("endpoint", "endpoint_url", "endpoint_url_s3", "storage_endpoint", "base_url")
IN_ADDRESS = ("bucket", "bucket_name", "container_name")  # which options could change
KNOWN = "a directory, file:///…, s3://bucket/…, gs://bucket/… or az://container/…"
CONNECT = "4s"
MISSING = {
    "MissingSecretAccessKey": "secret_access_key is missing",
    "MissingAccessKeyId": "access_key_id is missing",
    "MissingAccount": "account_name is missing",
}


class Patience(NamedTuple):
    """Seconds that a store may take for an answer, and for all tries of a request."""

    answer: int
    tries: int

    @property
    def retries(self) -> "RetryConfig":
        pauses = {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2}
        return {"max_retries": 10, "retry_timeout": timedelta(seconds=self.tries), "backoff": pauses}  # type: ignore[typeddict-item]


QUICK = Patience(answer=10, tries=10)  # for what is small: who mistook an address or a key is told in seconds
PATIENT = Patience(answer=120, tries=30)  # for the parts of a file, which go up at 7 Mbit/s or more


def opened(address: str, options: Mapping[str, str], patience: Patience) -> "ObjectStore":
    """Return the store at an address; raises PlaceError for one that never can be one. Nobody is asked yet."""
    variables = SCHEMES[checked(address)]
    own, connection = divided(variables, options)
    check_endpoints(address, variables, own)
    found = opening(address, own, {"timeout": f"{patience.answer}s", "connect_timeout": CONNECT} | connection, patience)
    if isinstance(found, str):
        raise PlaceError(f"{address}: {found}")
    return found


def opening(address: str, own: Any, connection: Any, patience: Patience) -> "ObjectStore | str":
    """Return the store, or what is wrong with its options, whose values nobody is shown."""
    from obstore.exceptions import BaseError, UnknownConfigurationKeyError
    from obstore.store import from_url

    try:
        return from_url(address, config=own, client_options=connection, retry_config=patience.retries)
    except UnknownConfigurationKeyError as error:
        return f"{named(str(error))} is not an option of this store"
    except (BaseError, OSError, ValueError, TypeError) as error:
        text = str(error)
    missing = next((told for sign, told in MISSING.items() if sign in text), None)
    return missing or "an option, or a variable of the environment, has a value that it cannot have"


def named(text: str) -> str:
    """Return the name of an option that an error is about."""
    found = re.search(r"Configuration key: '([a-z0-9_]{1,60})'", text)
    return found[1] if found else "one of these"


def checked(address: str) -> str:
    """Return the scheme of a store's address; raises PlaceError for what is none, or has something secret in it."""
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES:
        raise PlaceError(f"{parts.scheme}:// is not a place that can be written to; give {KNOWN}")
    host = parts.netloc.rpartition("@")[2]
    if (
        parts.query
        or parts.fragment
        or "?" in address
        or (host != parts.netloc and parts.scheme not in ("abfs", "abfss"))
    ):
        why = "an address holds a bucket and a folder alone; what else there is to say is said by options"
        raise PlaceError(f"{parts.scheme}://{host}{parts.path}: {why}")
    if not host:
        raise PlaceError(f"{address}: there is no bucket in this address")
    return parts.scheme


def divided(variables: str, options: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return a store's own options, and those of its connections with what the environment says of these."""
    given = {name.lower(): value for name, value in options.items()}
    if wrong := [name for name in IN_ADDRESS if name in given or variables.lower() + name in given]:
        raise PlaceError(f"{wrong[0]} is not an option: the address names it")
    own, connection = (
        {},
        {name: os.environ[variables + name.upper()] for name in CONNECTION if variables + name.upper() in os.environ},
    )
    for name, value in given.items():
        if (bare := name.removeprefix(variables.lower())) in CONNECTION:
            connection[bare] = value
        else:
            own[name] = value
    return own, connection


def check_endpoints(address: str, variables: str, own: Mapping[str, str]) -> None:
    """Raise PlaceError where a store is said to be at what is no address of HTTP."""
    for name in ENDPOINTS:
        spellings = (name, variables.lower() + name)
        for value in (*(own.get(each) for each in spellings), os.environ.get(variables + name.upper())):
            if value and not re.fullmatch(r"https?://[^/\s]+(/\S*)?", value):
                raise PlaceError(f"{address}: the option {name} is to be an address, http://… or https://…")
