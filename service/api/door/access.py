"""Who a request's client is, and what it may do: by its key, by its address, by the port that it came to."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.types import Scope

from service.api.door.clients import Client, Proxies, Standing, name_of
from service.api.door.guards import Guards
from service.api.door.keys import Keys
from service.api.door.origins import Origins
from service.api.door.scopes import METRICS, READ, scopes_in
from service.settings import Settings, variable_of

BEARER = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
# The Hub's clients send the token of huggingface.co, if their user has one, to whatever service stands in its place.
OF_THE_HUB = b"hf_"
OF_OPERATORS = frozenset({READ, METRICS})
NO_KEY = b"?"  # what no key is: more than one, or one that is not whole


class WrongSetting(ValueError):
    """A setting that names what cannot be, by its variable."""


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Say of which setting a fault is."""
    try:
        yield
    except (OSError, ValueError) as fault:
        raise WrongSetting(f"{variable_of(name)}: {fault}") from None


class Access:
    """Raises WrongSetting where settings name what cannot be: proxies, scopes, origins, a file of keys."""

    def __init__(self, settings: Settings) -> None:
        self.operations_port = settings.operations_port
        with reading("open_scopes"):
            self.open_scopes = scopes_in(settings.open_scopes)
        with reading("api_keys_file"):
            self.keys = Keys(Path(settings.api_keys_file)) if settings.api_keys_file else None
        with reading("cors_origins"):
            self.origins = Origins(settings.cors_origins)
        with reading("trusted_proxies"):
            self._proxies = Proxies(settings.trusted_proxies)
        with reading("operations_port"):
            if settings.operations_port and settings.operations_port == settings.port:
                raise ValueError("the port for operators is another than the port for all")
        self.guards = Guards(elsewhere=self.origins.some)

    def client_of(self, scope: Scope) -> Client:
        """Return who sends a request."""
        server = scope.get("server")
        operator = bool(self.operations_port) and server is not None and server[1] == self.operations_port
        scopes = self.open_scopes | OF_OPERATORS if operator else self.open_scopes
        if self.keys is None:
            return Client(name_of(self._proxies.sender(scope)), scopes, Standing.KEYLESS, operator)
        sent = sent_key(scope)
        found = None if sent is None else self.keys.find(sent)
        if found is not None:
            return Client(f"key:{found.name}", found.scopes | scopes, Standing.KEYED, operator)
        standing = Standing.ANYBODY if sent is None else Standing.UNKNOWN
        return Client(name_of(self._proxies.sender(scope)), scopes, standing, operator)


def sent_key(scope: Scope) -> bytes | None:
    """Return the key that a request has in its Authorization header; no other place is looked at.

    What a proxy asked for itself (Basic, say), and a token of the Hub, is none.
    """
    sent = [value for name, value in scope["headers"] if name == b"authorization"]
    keys = [value for value in sent if value[:6].lower() == b"bearer"]
    if not keys:
        return None
    found = BEARER.fullmatch(keys[0])
    if len(keys) > 1 or found is None:
        return NO_KEY
    return None if found[1].startswith(OF_THE_HUB) else found[1]
