"""What strangers reach, and whether they are told apart."""

import ipaddress
import os
from collections.abc import Iterator

from service.doctor.findings import Finding, warning, wrong
from service.settings import Settings


def of_exposure(settings: Settings) -> Iterator[Finding]:
    """Yield what is missing before strangers may come, where others than this machine reach the service."""
    if is_loopback(settings.host):
        return
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield warning("user", "it runs as root, and needs nothing that a user of its own does not have")
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


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
