"""What pyproject.toml says about mutants: which tests are about which files, and how long to go on."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from mutations.mutants import Mutant

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Configuration:
    """`[tool.mutations]` of pyproject.toml; `tests` are by the longest beginning of a file's path that they are about.

    `only_cost` names what changes no answer, as PATH:NAME: such a line has no mutants.
    """

    minutes: float
    processes: int
    least_seconds: float
    options: list[str]
    tests: dict[str, list[str]]
    only_cost: list[str]

    def tests_of(self, path: Path) -> list[str]:
        return self.tests[max((key for key in self.tests if str(path).startswith(key)), key=len)]

    def concerns(self, mutant: Mutant, line: str) -> bool:
        return not any(
            str(mutant.path) == path and line.strip().startswith(name)
            for path, _, name in (each.partition(":") for each in self.only_cost)
        )


def configuration() -> Configuration:
    return Configuration(**tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutations"])
