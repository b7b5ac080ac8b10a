"""POST /diagnose and POST /train over HTTP: answers as the document says, events as they come, errors, flow."""

import json
import time
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from service.api.answers import TrainAnswer
from service.api.diagnose import QUESTIONS
from service.api.diagnosed import DiagnoseAnswer
from service.api.train import QUESTIONS as TRAININGS
from tests.api.test_flow import counters, wait_until
from tests.conftest import Server

SVG = "image/svg+xml"
NORMAL: dict[str, Any] = QUESTIONS["normal"]["value"]
MOONS: dict[str, Any] = TRAININGS["moons"]["value"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_diagnosis_is_what_the_document_says(client: httpx.Client, name: str) -> None:
    answer = client.post("/diagnose", json=QUESTIONS[name]["value"])
    assert answer.status_code == 200
    found = answer.json()
    DiagnoseAnswer.model_validate(found)
    assert found["verdict"] == ("low-gradient" if name == "low-gradient" else "normal")
    for member in ("across", "steps"):
        assert (found[member] is not None) == (name == member)
    assert len(found["blocks"]) == (name in ("residual", "recipe"))
    if found["try"] is not None:
        assert client.post("/diagnose", json=found["try"]).json()["verdict"] == "normal"
    assert client.post("/diagnose", json=QUESTIONS[name]["value"]).content == answer.content


def test_a_diagnosis_can_be_a_picture(client: httpx.Client) -> None:
    for answer in (
        client.post("/diagnose?format=svg", json=NORMAL),
        client.post("/diagnose", json=NORMAL, headers={"accept": f"{SVG}, application/json;q=0.5"}),
    ):
        assert answer.headers["content-type"].startswith(SVG)
        assert ElementTree.fromstring(answer.text).tag.endswith("svg")
    assert client.post("/diagnose", json=NORMAL, headers={"accept": "text/html"}).status_code == 406
    assert client.post("/diagnose?format=png", json=NORMAL).status_code == 422


def test_statistics_can_be_a_picture(client: httpx.Client) -> None:
    spec = {"seed": 1, "layers": [{"type": "dense", "shape": [30, 20], "activation": "relu"}]}
    answer = client.post("/init?include=statistics&format=svg", json=spec)
    assert answer.headers["content-type"].startswith(SVG)
    assert "dense_0/kernel" in "".join(ElementTree.fromstring(answer.text).itertext())
    by_accept = client.post("/init?include=statistics", json=spec, headers={"accept": SVG})
    assert by_accept.content == answer.content
    refused = client.post("/init?format=svg", json=spec)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-query")
    assert "include=statistics" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("address", "body", "pointer"),
    [
        ("/diagnose", {"layers": [{"type": "tensor", "shape": [3]}]}, "/layers/0"),
        ("/diagnose", NORMAL | {"inputs": "AAAA"}, "/inputs"),
        ("/diagnose", NORMAL | {"batch": 1}, "/batch"),
        ("/diagnose", NORMAL | {"nonsense": 1}, "/nonsense"),
        ("/train", MOONS | {"task": "chess"}, "/task"),
        ("/train", MOONS | {"steps": 10**6}, "/steps"),
        (
            "/train",
            MOONS | {"layers": [MOONS["layers"][0], MOONS["layers"][2] | {"shape": [16, 3]}]},
            "/layers/1/shape/1",
        ),
        ("/train", {"layers": MOONS["layers"]}, "/task"),
        ("/train", MOONS | {"watch": True}, "/watch"),
        ("/train", MOONS | {"watch": "yes"}, "/watch"),
        ("/diagnose", NORMAL | {"distributions": 2}, "/distributions"),
        ("/diagnose", NORMAL | {"distributions": True, "forecast_only": True}, "/distributions"),
    ],
)
def test_errors_point_at_their_place(client: httpx.Client, address: str, body: dict[str, Any], pointer: str) -> None:
    answer = client.post(address, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_a_training_is_what_the_document_says_and_repeats_to_the_last_bit(client: httpx.Client) -> None:
    answer = client.post("/train", json=MOONS)
    assert answer.status_code == 200
    found = answer.json()
    TrainAnswer.model_validate(found)
    assert [run["learnt"] for run in found["runs"]] == [True, False, False]
    assert client.post("/train", json=MOONS).content == answer.content


def events_of(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_events_tell_the_same_as_the_answer(client: httpx.Client) -> None:
    runs = client.post("/train", json=MOONS).json()["runs"]
    stream = client.post("/train", json=MOONS, headers={"accept": "text/event-stream"})
    assert stream.headers["content-type"].startswith("text/event-stream")
    events = events_of(stream.text)
    assert [data for name, data in events if name == "run"] == runs
    assert events[-1] == ("end", {})
    progress = [data for name, data in events if name == "progress" and data["run"] == 0]
    assert [one["loss"] for one in progress if one["step"] % runs[0]["every"] == 0] == runs[0]["loss"]
    lines = client.post("/train?format=jsonl", json=MOONS)
    assert lines.headers["content-type"].startswith("application/jsonl")
    told = [json.loads(line) for line in lines.text.splitlines()]
    assert [(one.pop("event"), one) for one in told] == events


def test_distributions_are_what_the_document_says(client: httpx.Client) -> None:
    residual: dict[str, Any] = QUESTIONS["residual"]["value"]
    found = client.post("/diagnose", json=residual | {"distributions": True}).json()
    DiagnoseAnswer.model_validate(found)
    for layer in found["layers"]:
        for way in ("forward", "backward"):
            told = layer[way]["distribution"]
            assert (len(told["edges"]), len(told["counts"])) == (65, 64)


def test_a_training_is_watched_event_by_event(client: httpx.Client) -> None:
    events = events_of(client.post("/train?format=events", json=MOONS | {"watch": True}).text)
    assert [name for name, _ in events].count("examples") == 1
    assert (events[0][0], len(events[0][1]["points"])) == ("examples", 500)
    watched = [data["step"] for name, data in events if "boundary" in data and data["run"] == 1]
    assert watched == [*range(0, 200, 4), 199]
    lines = client.post("/train?format=jsonl", json=MOONS | {"watch": True}).text.splitlines()
    assert [(one.pop("event"), one) for one in map(json.loads, lines)] == events


LONG = MOONS | {"steps": 2000, "restarts": 10, "schemes": ["he_normal", "glorot_normal", "zeros"]}


def test_events_come_while_it_runs_and_a_client_that_leaves_ends_it(running: Server) -> None:
    start = time.perf_counter()
    with httpx.stream("POST", f"{running.url}/train?format=events", json=LONG, timeout=20.0) as stream:
        first = next(stream.iter_lines())
        assert first == "event: progress"
        assert time.perf_counter() - start < 2.0  # the whole takes many times as long
    wait_until(lambda: counters(running)["in_flight_bytes"] == 0)


def test_small_requests_are_answered_while_others_train_and_diagnose(running: Server) -> None:
    with (
        httpx.stream("POST", f"{running.url}/train?format=events", json=LONG, timeout=20.0),
        httpx.stream("POST", f"{running.url}/train?format=events", json=LONG, timeout=20.0),
    ):
        start = time.perf_counter()
        for _ in range(20):
            spec = {"seed": 1, "layers": [{"type": "dense", "shape": [100, 100]}]}
            assert httpx.post(f"{running.url}/init", json=spec, timeout=20.0).status_code == 200
        assert time.perf_counter() - start < 5.0
    wait_until(lambda: counters(running)["in_flight_bytes"] == 0)
