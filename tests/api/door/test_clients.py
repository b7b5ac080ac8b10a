"""Who a client is: by its address, and behind proxies by what those that are trusted say of it, and nobody else."""

import httpx
import pytest
from starlette.types import Scope

from service.api.door.clients import MOST_HOPS, Proxies, name_of
from tests.conftest import Server


def scope_of(peer: str | None, *told: str) -> Scope:
    """Return a request from an address (None: over a Unix socket), with these X-Forwarded-For headers."""
    headers = [(b"host", b"x"), *((b"x-forwarded-for", each.encode("latin-1")) for each in told)]
    return {"client": None if peer is None else (peer, 54321), "headers": headers}


def who(trusted: str, peer: str | None, *told: str) -> str:
    return name_of(Proxies(trusted).sender(scope_of(peer, *told)))


@pytest.mark.parametrize(
    ("trusted", "peer", "told", "name"),
    [
        ("", "192.0.2.7", [], "192.0.2.7"),
        ("", "192.0.2.7", ["203.0.113.9"], "192.0.2.7"),  # nobody is trusted
        ("10.0.0.0/8", "192.0.2.7", ["203.0.113.9"], "192.0.2.7"),  # nor is whoever is no proxy
        ("", "127.0.0.1", ["203.0.113.9"], "127.0.0.1"),  # uvicorn's own would trust this one
        ("10.0.0.0/8", "10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.0/8", "10.1.2.3", [], "10.1.2.3"),
        ("10.0.0.0/8", "10.1.2.3", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),  # the first is the client's word
        ("10.0.0.0/8", "10.1.2.3", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),  # in headers of their own too
        ("10.0.0.0/8", "10.1.2.3", ["203.0.113.9, 10.9.9.9"], "203.0.113.9"),  # two proxies in a row
        ("10.0.0.0/8", "10.1.2.3", ["203.0.113.9, 192.0.2.1, 10.9.9.9"], "192.0.2.1"),  # one between is not trusted
        ("10.0.0.0/8", "10.1.2.3", ["10.4.4.4, 10.5.5.5"], "10.4.4.4"),  # from inside
        ("10.0.0.0/8", "10.1.2.3", ["203.0.113.9, nonsense"], "10.1.2.3"),
        ("10.0.0.0/8", "10.1.2.3", ["203.0.113.9, unknown, 10.9.9.9"], "10.9.9.9"),
        ("10.0.0.0/8", "10.1.2.3", ["203.0.113.9,"], "10.1.2.3"),
        ("10.0.0.0/8", "10.1.2.3", ["203.0.113.9:4711"], "203.0.113.9"),  # as Azure's gateways write it
        ("10.0.0.0/8", "10.1.2.3", ["[2001:db8:1:2::9]:4711"], "2001:db8:1:2::/64"),
        ("10.0.0.0/8", "10.1.2.3", ["2001:db8:1:2::9"], "2001:db8:1:2::/64"),
        ("10.0.0.0/8", "10.1.2.3", ["203.0.113.9\xff"], "10.1.2.3"),
        ("10.0.0.0/8, fd00::/8", "fd00::1", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", "::ffff:10.1.2.3", ["203.0.113.9"], "203.0.113.9"),  # IPv4 on a socket of IPv6
        ("", "::ffff:192.0.2.7", [], "192.0.2.7"),
        ("", "2001:db8:1:2:aaaa::1", [], "2001:db8:1:2::/64"),
        ("", "2001:db8:1:2:bbbb::7", [], "2001:db8:1:2::/64"),
        ("", "2001:db8:1:3::1", [], "2001:db8:1:3::/64"),
        ("", "fe80::1%eth0", [], "fe80::/64"),
        ("", None, [], "unix"),
        ("10.0.0.0/8", None, ["203.0.113.9"], "unix"),  # a Unix socket is trusted where that is said
        ("unix", None, ["203.0.113.9"], "203.0.113.9"),
        ("unix", None, [], "unix"),
        ("unix", "127.0.0.1", ["203.0.113.9"], "127.0.0.1"),
    ],
)
def test_a_client_is_who_trusted_proxies_say_it_is(trusted: str, peer: str | None, told: list[str], name: str) -> None:
    assert who(trusted, peer, *told) == name


def test_no_chain_of_proxies_is_followed_without_end() -> None:
    chain = ", ".join(["203.0.113.9", *["10.0.0.1"] * (MOST_HOPS - 1)])
    assert who("10.0.0.0/8", "10.1.2.3", chain) == "203.0.113.9"
    assert who("10.0.0.0/8", "10.1.2.3", f"{chain}, 10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize("trusted", ["10.0.0.1/8", "example.org", "10.0.0.0/33", "*", "10.0.0.0/8 fd00::/8"])
def test_what_is_no_network_is_not_trusted_silently(trusted: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear to be|has host bits"):
        Proxies(trusted)


def test_a_server_believes_nobody_whom_it_was_not_told_to_believe(running: Server) -> None:
    httpx.get(f"{running.url}/livez?who", headers={"x-forwarded-for": "203.0.113.77"}).raise_for_status()
    assert "203.0.113.77" not in running.logged()
