"""Who asks: by the address that a request comes from, which only proxies that are trusted may say of others."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

from starlette.types import Scope

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
UNIX = "unix"  # in the setting: who comes over a Unix socket; as a name: who did, and was not told of by a proxy
MOST_HOPS = 32  # proxies that are asked who came to them; no chain is so long, and a made-up one costs no more
PREFIX = 64  # bits of an IPv6 address that are a client's: the rest it may choose anew for every request


class Standing(Enum):
    """What a client is here, by the key that it sent."""

    KEYLESS = "none, where there are no keys"
    ANYBODY = "none, where others have one"
    KEYED = "one of this service"
    UNKNOWN = "one that this service does not know"


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who asks; requests with the same `name` are one client's."""

    name: str
    scopes: frozenset[str] = frozenset()  # what it may do
    standing: Standing = Standing.KEYLESS
    operator: bool = False  # it came by the port that operators have for themselves


class Proxies:
    """The proxies that are believed when they say, in X-Forwarded-For, who came to them.

    `trusted` has addresses and networks with commas between, and `unix` for whoever comes over a Unix socket. Raises
    ValueError for anything else.
    """

    def __init__(self, trusted: str) -> None:
        names = {name.strip() for name in trusted.split(",")} - {""}
        self._unix = UNIX in names
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(name) for name in sorted(names - {UNIX}))
        self._trusts = lru_cache(2**12)(self._is_in_networks)

    def _is_in_networks(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def sender(self, scope: Scope) -> Address | None:
        """Return the address that a request comes from; None where it came over a Unix socket, untold of.

        X-Forwarded-For is read from its end: each proxy adds there who came to it, so what stands before the first
        that is not trusted is anybody's word.
        """
        peer = scope.get("client")
        address = None if peer is None else parse(peer[0])
        if not (self._unix if address is None else self._networks and self._trusts(address)):
            return address
        for told in forwarded_for(scope["headers"]):
            before = parse(without_port(told))
            if before is None:
                break
            address = before
            if not self._trusts(address):
                break
        return address


def forwarded_for(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Return what X-Forwarded-For says, the last first, and no more of it than is ever asked."""
    told = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    return [each.strip() for each in reversed(told.decode("latin-1").rsplit(",", MOST_HOPS)[-MOST_HOPS:])]


def without_port(text: str) -> str:
    """Return an address without the port that some proxies add to it."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


@lru_cache(2**12)
def parse(text: str) -> Address | None:
    """Return the address that a text is; an IPv4 address is one however it is written."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(2**12)
def name_of(address: Address | None) -> str:
    """Return what the client at an address is called: of IPv6 the network that one household or machine has."""
    if address is None:
        return UNIX
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, PREFIX), strict=False))
