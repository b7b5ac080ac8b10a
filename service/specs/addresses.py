"""Addresses: what stands for a spec in a path, and the way back.

A spec of ordinary length is in its address itself: its canonical text, deflated (zlib's format, whose checksum shows a
slip of the pen), in base64url without padding. A longer one is named by the digest of that text, for a store to know.
Addresses are compared by the text that is in them: another build of zlib may deflate it otherwise.
"""

import base64
import binascii
import json
import re
import zlib
from dataclasses import replace

from service.errors import InvalidAddress
from service.networks.plan import Plan
from service.specs.jcs import LARGEST_EXACT, canonical

PREFIX = "/weights/"
MOST_CHARACTERS = 6000  # of an address with its prefix: proxies and browsers take 8,000, and a name follows
LONGEST = MOST_CHARACTERS - len(PREFIX)
TOKEN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
DIGEST = re.compile(r"sha256-([0-9a-f]{64})", re.ASCII)
# Values that a text may hold, so that it is looked through in some ten milliseconds; a layer has seven or so.
MOST_VALUES = 2**14


class LongAddress(InvalidAddress):
    """An address that inflates to more than it was to."""


def packed(text: str) -> str:
    """Return what stands for a spec's canonical text in an address."""
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).rstrip(b"=").decode()


def short(text: str) -> str | None:
    """Return what stands for a text in an address that holds it; None where that would be too long."""
    token = packed(text) if values_in(text) <= MOST_VALUES else ""
    return token if 0 < len(token) <= LONGEST else None


def under_digest(plan: Plan) -> Plan:
    """Return the plan of a kept spec with the address that names it, however short its text is."""
    return replace(plan, addressed=lambda: stored(plan.digest))


def stored(digest: str) -> str:
    """Return what stands for a text in an address that names it, by its SHA-256 in hexadecimal."""
    return f"sha256-{digest}"


def digest_in(token: str) -> str | None:
    """Return the digest that an address names, None where it holds its spec itself."""
    found = DIGEST.fullmatch(token)
    return found and found[1]


def unpacked(token: str, most: int) -> str:
    """Return the canonical text that an address holds, of at most `most` bytes; raises InvalidAddress."""
    return checked(inflated(token, most))


def inflated(token: str, most: int) -> str:
    """Return the text in an address, whatever it says; raises InvalidAddress for what is not all of one, in UTF-8."""
    if len(token) > LONGEST:
        raise InvalidAddress(f"the spec in an address has at most {LONGEST:,} characters")
    if token.startswith("sha256-"):
        raise InvalidAddress("sha256- goes before the 64 hexadecimal digits, in small letters, of a stored spec")
    if not TOKEN.fullmatch(token):
        raise InvalidAddress("the spec in an address is base64url without padding: letters, digits, - and _")
    try:
        deflated = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        raise broken("its length is none of base64url") from None
    if base64.urlsafe_b64encode(deflated).rstrip(b"=").decode() != token:
        raise broken("its last character is not the one that would be written")
    inflating = zlib.decompressobj()
    try:
        content = inflating.decompress(deflated, most + 1)
    except zlib.error:
        raise broken("what it holds does not inflate to what was deflated") from None
    if len(content) > most:
        raise LongAddress(f"the spec in this address is longer than {most:,} bytes")
    if not inflating.eof:
        raise broken("it ends before what was deflated does")
    if inflating.unused_data:
        raise broken("something follows the spec in it")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise broken("the spec in it is not UTF-8") from None


def broken(why: str) -> InvalidAddress:
    return InvalidAddress(f"this is no address that this service gave: {why}")


def checked(text: str) -> str:
    """Return a text that is a canonical one as far as can be told without planning it; raises InvalidAddress."""
    if values_in(text) > MOST_VALUES:
        raise InvalidAddress(f"the spec in an address has at most {MOST_VALUES:,} values")
    try:
        document = json.loads(text, parse_int=read_integer)
        if canonical(document) != text:
            raise broken("the spec in it is not written as RFC 8785 has it")
    except (ValueError, RecursionError):
        raise broken("the spec in it is not JSON") from None
    if not isinstance(document, dict) or not all(isinstance(document.get(name), str) for name in ("algorithm", "seed")):
        raise broken("it holds no spec with its algorithm and its seed")
    return text


def values_in(text: str) -> int:
    """Return a bound on the values of a JSON text: how many of its characters may begin one."""
    return text.count(",") + text.count("[") + text.count("{") + 1


def read_integer(digits: str) -> int | float:
    """Return an integer as every language reads it: as a float64 where it is beyond 2^53, infinity beyond all."""
    if len(digits) > 17:
        return float(digits)
    value = int(digits)
    return value if abs(value) <= LARGEST_EXACT else float(value)
