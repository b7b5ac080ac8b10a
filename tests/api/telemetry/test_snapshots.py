"""Metrics of several processes are those of one that did all of it."""

from itertools import permutations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from service.api.telemetry.snapshots import Snapshot, added

Work = tuple[tuple[str, float], ...]


def process(work: Work, ready: int = 1, started: float = 5.0) -> Snapshot:
    """Return what a process says that has done this: kinds, and the seconds that each took."""
    registry = CollectorRegistry()
    done = Counter("initserve_done_total", "Done.", ["kind"], registry=registry)
    seconds = Histogram("initserve_done_seconds", "Time.", ["kind"], buckets=(0.25, 1.0), registry=registry)
    held = Gauge("initserve_held_bytes", "Held.", registry=registry)
    Gauge("initserve_ready", "Ready.", registry=registry).set(ready)
    Gauge("process_start_time_seconds", "Start.", registry=registry).set(started)
    for kind, took in work:
        done.labels(kind).inc()
        seconds.labels(kind).observe(took)
        held.inc(2.0)
    return Snapshot.of(registry)


def said(snapshot: Snapshot) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the samples as Prometheus's own reader finds them in the text."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(generate_latest(snapshot).decode())
        for sample in family.samples
    }


ONE: Work = (("init", 0.125), ("plan", 0.5), ("init", 2.0))
OTHER: Work = (("init", 0.5), ("train", 4.0))


def test_what_several_processes_did_adds_up_to_what_one_would_say_that_did_all_of_it() -> None:
    together = said(added([process(ONE), process(OTHER), process(())]))
    assert together == said(process(ONE + OTHER))
    assert together["initserve_done_total", (("kind", "init"),)] == 3
    assert together["initserve_done_seconds_bucket", (("kind", "init"), ("le", "1.0"))] == 2


def test_the_order_of_processes_does_not_matter() -> None:
    processes = [process(ONE), process(OTHER), process(ONE)]
    assert len({tuple(sorted(said(added(order)).items())) for order in permutations(processes)}) == 1


def test_one_that_is_not_ready_makes_the_whole_not_ready_and_the_first_start_is_the_start() -> None:
    together = said(added([process((), 1, 7.0), process((), 0, 5.0), process((), 1, 6.0)]))
    assert (together["initserve_ready", ()], together["process_start_time_seconds", ()]) == (0, 5.0)


def test_a_snapshot_goes_to_another_process_and_comes_out_the_same() -> None:
    there = Snapshot.of_json(process(ONE).to_json())
    assert generate_latest(there) == generate_latest(process(ONE))


def test_what_was_counted_stays_counted_when_its_process_has_ended() -> None:
    ended = said(added([process(ONE).lasting(), process(OTHER)]))
    whole = said(added([process(ONE), process(OTHER)]))
    assert {name: value for name, value in ended.items() if "done" in name[0]} == {
        name: value for name, value in whole.items() if "done" in name[0]
    }
    assert ended["initserve_held_bytes", ()] == 4.0
