"""docs/architecture.md speaks of what is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
NOUNS = re.findall(r"`([\w/]+)\.py` `(\w+)` \|$", PAGE, re.MULTILINE)
FILES = sorted(set(re.findall(r"`([\w/]+\.py)`", PAGE)))
ROOMS = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)


def test_it_tells_of_fifteen_nouns() -> None:
    assert len(NOUNS) == 15


@pytest.mark.parametrize(("module", "name"), NOUNS)
def test_a_noun_is_a_class_where_the_page_says(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(f"service.{module.replace('/', '.')}"), name)


@pytest.mark.parametrize("path", FILES)
def test_a_file_it_names_is_there(path: str) -> None:
    assert (ROOT / "service" / path).is_file()


def test_its_rooms_are_the_floors_of_the_import_contract_in_order() -> None:
    contract = (ROOT / "pyproject.toml").read_text().split('name = "Imports point down"')[1]
    layers = contract.split("layers = [")[1].split("]")[0]
    floors = [name for name in re.findall(r'"(\w+)"', layers) if name in ROOMS]
    assert floors == ROOMS
