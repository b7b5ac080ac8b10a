"""What one of several processes may take: shares that come to no more than the whole."""

import pytest
from pydantic import ValidationError

from service.serving.shares import as_environment, share_of
from service.settings import Settings, is_shared, meaning_of

COUNTED = ("max_connections", "max_heavy_requests", "max_waiting_jobs", "max_requests_per_client")
BYTES = ("max_bytes_in_flight", "max_standing_bytes_in_flight", "max_kept_plan_bytes")


@pytest.mark.parametrize("processes", [2, 3, 7, 16])
def test_the_shares_of_all_processes_come_to_no_more_than_the_whole(processes: int) -> None:
    settings = Settings(processes=processes)
    share = share_of(settings)
    for name in (*COUNTED, *BYTES):
        whole, part = getattr(settings, name), getattr(share, name)
        assert is_shared(name)
        assert whole - processes < part * processes <= whole
    for name in Settings.model_fields:
        if not is_shared(name) and name not in ("processes", "drawing_threads"):
            assert getattr(share, name) == getattr(settings, name)


def test_of_what_is_less_than_one_a_process_each_has_one_and_of_nothing_nothing() -> None:
    share = share_of(Settings(processes=8, max_heavy_requests=3, max_kept_plan_bytes=0, drawing_threads=2))
    assert (
        share_of(Settings(processes=4, max_processor_seconds_per_minute=60.0)).max_processor_seconds_per_minute == 15.0
    )
    assert share.max_processor_seconds_per_minute == 0.0
    assert (share.max_heavy_requests, share.max_kept_plan_bytes, share.drawing_threads) == (1, 0, 1)


def test_memory_that_is_too_little_for_all_processes_is_refused_and_the_least_is_said() -> None:
    with pytest.raises(ValidationError, match="shared by 4 processes: at least 268,435,456 bytes"):
        Settings(processes=4, max_bytes_in_flight=2**27)


def test_a_process_reads_its_share_as_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    share = share_of(Settings(processes=3, host="::1", drain_seconds=1.5, specs="a b"))
    for name, value in as_environment(share).items():
        monkeypatch.setenv(name, value)
    assert Settings() == share


def test_what_is_shared_says_so_where_it_is_explained() -> None:
    said = {name for name in Settings.model_fields if "Of all processes together" in meaning_of(name)}
    assert said == {name for name in Settings.model_fields if is_shared(name)} | {"drawing_threads"}
