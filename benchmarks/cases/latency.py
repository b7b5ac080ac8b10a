"""How long small requests take while large streams run, and while nothing does."""

import json
import subprocess
import time
from contextlib import ExitStack

from benchmarks.curl import WrongAnswer, streaming
from benchmarks.measuring import Reading, Section, Target, percentile
from benchmarks.processes import ROOT, environment, module
from benchmarks.servers import Server, initserve

STREAMS = 2
ELEMENTS = 2**31  # of a stream: 8 GiB
AGAIN = 8  # times a stream may start anew before the small requests are done
TURNS = 3
REQUESTS = 500  # a turn
UNDER_WAY = 0.5  # seconds for the streams to be under way
TARGET = Target(0.050)


def measure(rounds: int) -> Section:
    section = Section(
        f"Small requests (a bias of 10, one connection, {TURNS} × {REQUESTS}) beside two streams of 8 GiB"
    )
    idle, loaded = [], []
    with initserve() as server:
        ask(server)  # a warm-up
        for _ in range(TURNS):
            idle.append(ask(server))
            loaded.append(ask_beside_streams(server))
    section.readings += [
        *percentiles("idle server", idle),
        *percentiles("beside two streams", loaded, TARGET),
    ]
    return section


def ask_beside_streams(server: Server) -> list[float]:
    with ExitStack() as stack:
        streams = [stack.enter_context(streaming(server.url, ELEMENTS, AGAIN)) for _ in range(STREAMS)]
        time.sleep(UNDER_WAY)
        seconds = ask(server)
        if any(stream.poll() is not None for stream in streams):
            raise WrongAnswer("a stream ended before the small requests did")
        return seconds


def ask(server: Server) -> list[float]:
    command = module("benchmarks.small_client", str(server.port), str(REQUESTS))
    found = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, check=True)
    seconds: list[float] = json.loads(found.stdout)
    return seconds


def percentiles(name: str, turns: list[list[float]], target: Target | None = None) -> list[Reading]:
    """Return p50 and p99 of all turns, and the lowest and highest of a turn; the target is p99's."""
    readings = []
    for percent in (50, 99):
        each = [percentile(turn, percent) for turn in turns]
        whole = percentile([second for turn in turns for second in turn], percent)
        wanted = target if percent == 99 else None
        readings.append(Reading(f"p{percent}, {name}", "s", whole, min(each), max(each), wanted))
    return readings
