"""One store for all of its tests; each has a folder of its own there."""

import uuid
from collections.abc import Iterator

import pytest

from tests.materialize.stores.faults import Faulty, faulty
from tests.materialize.stores.s3 import S3, storing


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with storing() as store:
        yield store


@pytest.fixture
def proxy(s3: S3) -> Iterator[Faulty]:
    with faulty(s3.url) as proxy:
        yield proxy


@pytest.fixture
def folder() -> str:
    return uuid.uuid4().hex
