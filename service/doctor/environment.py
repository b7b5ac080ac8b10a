"""Variables that are meant as settings and are none: misspelt, Kubernetes' own, another server's."""

import difflib
import re
from collections.abc import Iterator, Mapping

from service.doctor.findings import Finding, warning, wrong
from service.settings import Settings, variable_of

PREFIX = "INITSERVE_"
OF_CLIENTS = {"INITSERVE_KEY"}
# What Kubernetes tells pods of a service of this name: INITSERVE_SERVICE_HOST, INITSERVE_PORT_80_TCP_ADDR, ...
OF_A_SERVICE = re.compile(r"INITSERVE_(SERVICE_(HOST|PORT.*)|PORT_\d+_(TCP|UDP|SCTP).*)")


def of_the_environment(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each variable that looks like a setting and sets nothing."""
    known = {variable_of(name) for name in Settings.model_fields}
    unknown = [
        name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known | OF_CLIENTS
    ]
    for name in sorted(unknown):
        if OF_A_SERVICE.fullmatch(name):
            yield warning(
                "environment",
                f"{name} is Kubernetes' word about a service; set enableServiceLinks: false, or the day it has another "
                "port, INITSERVE_PORT is no number",
            )
            continue
        near = difflib.get_close_matches(name.upper(), known, 1)
        yield wrong("environment", f"{name} is no setting" + (f"; {near[0]} is one" if near else ""))
    if "FORWARDED_ALLOW_IPS" in environment:
        yield warning("environment", "FORWARDED_ALLOW_IPS is not read; INITSERVE_TRUSTED_PROXIES says whom to believe")
