"""Every setting as a flag of a command: what the command line says goes before the environment."""

import argparse
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from service.settings import Settings, flag_of, meaning_of, shown_default, variable_of

# Kubernetes tells every pod of its services so, by the name of the service: one that is called initserve is told of
# in what is a setting here.
LINK = "tcp://"
OF_A_LINK = (
    "Kubernetes sets it to the address of a service that is called initserve; set enableServiceLinks: false, as "
    "deploy/kubernetes does"
)


class WrongSettings(Exception):
    """Settings that cannot be: a line for each, in `lines`, by flag and variable."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def add_flags(command: argparse.ArgumentParser) -> None:
    """Give a command a flag for each setting; what is not given is left out of what `given_flags` returns."""
    group = command.add_argument_group("settings", "each is also a variable of the environment, which a flag overrides")
    for name, field in Settings.model_fields.items():
        about = f"{meaning_of(name)} {variable_of(name)}; default: {shown_default(name, field) or 'empty'}"
        action = group.add_argument(
            flag_of(name),
            action=argparse.BooleanOptionalAction if field.annotation is bool else "store",
            dest=name,
            default=argparse.SUPPRESS,
            help=about.replace("%", "%%"),
        )
        action.metavar = None if field.annotation is bool else "VALUE"


def given_flags(chosen: argparse.Namespace) -> dict[str, str | bool]:
    """Return the settings that a command line states."""
    return {name: value for name, value in vars(chosen).items() if name in Settings.model_fields}


def settings_of(given: Mapping[str, str | bool]) -> Settings:
    """Return the settings of a command line and the environment; raises WrongSettings."""
    try:
        return Settings(**given)  # type: ignore[arg-type]  # text of any of them, which Settings reads
    except ValidationError as error:
        raise WrongSettings([line_of(found, given) for found in error.errors(include_url=False)]) from None


def line_of(found: Mapping[str, Any], given: Mapping[str, str | bool]) -> str:
    """Return what is wrong with one setting, under the name by which it was set; or with several together."""
    if not found["loc"]:
        return str(found["ctx"]["error"])  # in this service's own words
    name, value = str(found["loc"][0]), str(found["input"])
    if name in given:
        return f"{flag_of(name)}={value}: {found['msg']}"
    return f"{variable_of(name)}={value}: {OF_A_LINK if value.startswith(LINK) else found['msg']}"
