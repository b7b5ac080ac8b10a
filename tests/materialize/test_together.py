"""Arguments that what is asked for would not read are refused, and what does read them is named."""

import argparse

import pytest

from service.errors import UnsupportedCombination
from service.materialize.command import add_arguments, materialize
from service.materialize.places import place_at
from service.materialize.places.place import PlaceError
from service.materialize.together import refuse_unread
from service.specs.spec import Spec

SPEC = Spec.model_validate({"seed": 1, "layers": [{"type": "dense", "shape": [3, 2]}]})


def chosen(*more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["-", "place", *more])


@pytest.mark.parametrize(
    ("more", "reader"),
    [
        (("--address", "auto"), "--engine ray"),
        (("--engine", "dask", "--address", "auto"), "--engine ray"),
        (("--engine", "ray", "--scheduler", "tcp://host:1"), "--engine dask"),
        (("--gbits", "2"), "--dry-run"),
        (("--verify", "--store-gbits", "2"), "--dry-run"),
        (("--image", "mine"), "--print-job"),
        (("--dry-run", "--claim", "volume"), "--print-job"),
        (("--name", "mine"), "--print-job"),
        (("--namespace", "mine"), "--print-job"),
        (("--verify", "--of", "3", "--index", "0"), "--verify is of the whole"),
        (("--dry-run", "--index", "0"), "--dry-run is of the whole"),
        (("--print-job", "--of", "3"), "--print-job is of the whole"),
    ],
)
def test_what_nobody_would_read_is_refused(more: tuple[str, ...], reader: str) -> None:
    with pytest.raises(UnsupportedCombination, match=reader):
        materialize(chosen(*more), SPEC)


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--of", "3", "--index", "0", "--workers", "2", "--deadline", "9"),
        ("--engine", "ray", "--address", "auto"),
        ("--engine", "dask", "--scheduler", "tcp://host:1", "--verify"),
        ("--dry-run", "--gbits", "2", "--store-gbits", "3", "--workers", "9"),
        ("--print-job", "--image", "mine", "--name", "mine", "--namespace", "mine", "--claim", "volume"),
    ],
)
def test_what_is_read_is_not(more: tuple[str, ...]) -> None:
    refuse_unread(chosen(*more))


def test_a_place_without_a_name_is_not_the_folder_that_one_is_in() -> None:
    with pytest.raises(PlaceError, match="give a directory"):
        place_at("", {})
