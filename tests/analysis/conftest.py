"""Analyses are tested as they are served: on one thread of linear algebra."""

import pytest

from service.analysis.threads import keep_to_one_thread


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    keep_to_one_thread()
