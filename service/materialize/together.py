"""Which arguments go together: what nobody would read beside the others is refused, not passed over."""

import argparse

from service.errors import UnsupportedCombination
from service.materialize.manifest import IMAGE

READ_WITH = {  # arguments by what reads them
    "--engine ray": ("address",),
    "--engine dask": ("scheduler",),
    "--dry-run": ("gbits", "store_gbits"),
    "--print-job": ("name", "image", "namespace", "claim"),
}
DEFAULTS = {"image": IMAGE}  # of those that are not None where nothing is said
INSTEAD = ("verify", "dry_run", "print_job")  # of writing, which alone is done in parts


def refuse_unread(chosen: argparse.Namespace) -> None:
    """Raise UnsupportedCombination for an argument that what is asked for does not read."""
    modes = {flag(name) for name in INSTEAD if getattr(chosen, name)}
    for reader, names in READ_WITH.items():
        for name in names:
            if getattr(chosen, name) != DEFAULTS.get(name) and reader not in {*modes, f"--engine {chosen.engine}"}:
                raise UnsupportedCombination(f"{flag(name)} is for {reader}")
    for mode in modes:
        for name in ("of", "index"):
            if getattr(chosen, name) is not None:
                raise UnsupportedCombination(f"{flag(name)} is for writing, and {mode} is of the whole: leave it out")


def flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
