"""What strangers reach, whether they are told apart, and who else can read the keys."""

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path

from service.api.door.access import Access, WrongSetting
from service.api.door.scopes import METRICS, scopes_in
from service.doctor.findings import Finding, warning, wrong
from service.settings import Settings


def of_exposure(settings: Settings) -> Iterator[Finding]:
    """Yield what is missing before strangers may come, where others than this machine reach the service."""
    try:
        Access(settings)
    except WrongSetting as error:
        yield wrong("access", str(error))
        return
    if settings.api_keys_file:
        yield from of_keys(Path(settings.api_keys_file))
    if is_loopback(settings.host):
        return
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield warning("user", "it runs as root, and needs nothing that a user of its own does not have")
    if METRICS in scopes_in(settings.open_scopes) and not settings.operations_port:
        yield warning(
            "metrics", "anybody may read /metrics; set OPERATIONS_PORT, or leave `metrics` out of OPEN_SCOPES"
        )
    if not settings.max_processor_seconds_per_minute:
        yield warning(
            "clients",
            "MAX_PROCESSOR_SECONDS_PER_MINUTE is 0: a client that is alone may keep all processors busy without end",
        )
    yield from of_proxies(settings.trusted_proxies)


def of_proxies(trusted: str) -> Iterator[Finding]:
    if not trusted:
        yield warning(
            "proxy",
            "TRUSTED_PROXIES is empty: behind a proxy all its clients are one, and share one client's part; without a "
            "proxy nothing here speaks TLS",
        )
    for network in filter(None, map(str.strip, trusted.split(","))):
        if network.endswith("/0"):
            yield wrong("proxy", f"TRUSTED_PROXIES has {network}: anybody may say to be anybody, and is believed")


def of_keys(file: Path) -> Iterator[Finding]:
    """Yield whether others than the service's user may put in keys of their own, or learn whom there are keys of."""
    mode = file.stat().st_mode
    if mode & 0o022:
        yield wrong("keys", f"others than its owner may write to {file}, and let themselves in: chmod go-w")
    elif mode & 0o004:
        yield warning("keys", f"anybody on this machine may read {file}: names, scopes and digests; chmod o-r")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host; an empty one is none: there is a Unix socket alone."""
    try:
        return not host or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
