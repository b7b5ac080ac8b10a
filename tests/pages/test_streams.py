"""Streams: whose numbers a network begins with, the lines that give them, and how layouts turn its arrays."""

import json
import random
import struct
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.pages.reader import (
    IN_CHROMIUM,
    PHONE,
    WIDE,
    Reader,
    clipboard,
    drawn,
    module,
    serious_violations,
    settle,
    shoot,
    show,
    spec,
)
from tests.pages.test_links import link

pytestmark = IN_CHROMIUM

LAYERS = [
    {"name": "fc1", "type": "dense", "shape": [784, 128], "activation": "relu"},
    {"name": "fc2", "type": "dense", "shape": [128, 64], "activation": "relu"},
    {"name": "out", "type": "dense", "shape": [64, 10], "activation": "softmax"},
]
LINES = """import torch

torch.manual_seed(42)
fc1 = torch.nn.Linear(784, 128)
print(fc1.weight.flatten()[:5].tolist())"""
# What torch 2.13.0 printed for these lines.
PRINTED = (
    "[0.02730494923889637, 0.029643140733242035, -0.008366874419152737, 0.032807547599077225, -0.007825127802789211]"
)


def streams(**shared: Any) -> str:
    return link({"view": "streams", "spec": {"seed": "42", "layers": LAYERS}, **shared})


def choose(page: Page, field: str, value: str) -> None:
    page.locator(f'[data-key="{field}"]').select_option(value)
    settle(page)


def lines(page: Page) -> Any:
    return page.locator('[data-key="shown-lines"]')


def printed(page: Page) -> Any:
    return page.locator('[data-key="printed"]')


def test_torchs_own_lines_and_numbers_are_shown_and_a_link_carries_them(reader: Reader) -> None:
    page = reader.open(link({"view": "diagnosis", "spec": {"seed": "42", "layers": LAYERS}}))
    show(page, "streams")
    choose(page, "/algorithm", "torch-cpu/1")
    expect(lines(page)).to_have_text(LINES, use_inner_text=True)
    expect(printed(page)).to_have_text(PRINTED)
    expect(page.locator(".sure")).to_contain_text("torch 2.13.0")
    page.locator('[data-key="copy-shown-lines"]').click()
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert clipboard(page) == LINES
    told = httpx.post(f"{reader.server}/init", json=spec(page)).json()
    first = told["layers"][0]["parameters"][0]
    expect(page.locator('[data-key="digest-fc1.weight"]')).to_have_attribute("title", first["sha256"])
    page.locator('[data-key="digest-fc1.weight"]').click()
    assert clipboard(page) == first["sha256"]
    page.locator('[data-key="array-fc2.bias"]').focus()
    page.keyboard.press("Enter")
    settle(page)
    expect(lines(page)).to_contain_text("fc2 = torch.nn.Linear(128, 64)")
    expect(lines(page)).to_contain_text("print(fc2.bias.flatten()[:5].tolist())")
    other = reader.open(page.url)
    expect(printed(other)).to_have_text(printed(page).inner_text())
    page.go_back()
    settle(page)
    expect(printed(page)).to_have_text(PRINTED)


def test_what_is_printed_is_what_the_service_answers(reader: Reader) -> None:
    page = reader.open(streams())
    for algorithm in ("initserve/1", "keras-numpy/1", "flax-nnx/1", "jax-threefry/1", "numpy-mt19937/1"):
        choose(page, "/algorithm", algorithm)
        if algorithm == "numpy-mt19937/1":
            choose(page, "/defaults", "pytorch")
        answer = httpx.post(f"{reader.server}/init?format=npy", json=only(spec(page)), timeout=60)
        values = list(struct.unpack_from("<5f", answer.content, 10 + struct.unpack_from("<H", answer.content, 8)[0]))
        expect(printed(page)).to_have_text(str(values))


def only(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the spec with its first array alone, which has the same numbers: none is drawn before it."""
    return {**asked, "layers": [{**asked["layers"][0], "bias": None}]}


def test_a_layout_turns_the_arrays_and_keeps_the_frameworks_lines(reader: Reader) -> None:
    page = reader.open(streams(spec={"seed": "42", "algorithm": "torch-cpu/1", "layers": LAYERS}))
    choose(page, "/layout", "keras")
    row = page.locator(".arrays tbody tr").first
    expect(row).to_contain_text("fc1/kernel")
    expect(row).to_contain_text("784 × 128")
    expect(lines(page)).to_have_text(LINES, use_inner_text=True)
    expect(page.locator(".layout.own")).to_contain_text("fc1.weight 128 × 784")
    expect(page.locator(".layout").first).to_contain_text("fc1/kernel 784 × 128")
    cells = page.locator(".turn rect:not(.marked)").evaluate_all(
        "cells => cells.map((cell) => [cell.getAttribute('class'), cell.getAttribute('opacity')])"
    )
    links = httpx.post(f"{reader.server}/plan", json=spec(page)).json()["layers"][0]["parameters"][0]["links"]
    kernel = httpx.get(f"{reader.server}{links['raw']}?slice=0:8,0:5").content
    values = struct.unpack("<40f", kernel)
    signs = ["value-low" if values[column * 5 + row] < 0 else "value-high" for row in range(5) for column in range(8)]
    assert [kind for kind, _ in cells[::2]] == signs
    assert cells[::2] == cells[1::2]  # the same cell on both sides


def test_what_cannot_be_exact_is_said_with_the_services_reason(reader: Reader) -> None:
    lstm = {"name": "lstm", "type": "lstm", "shape": [8, 4]}
    page = reader.open(streams(spec={"seed": "1", "algorithm": "flax-linen/1", "layers": [lstm]}), locale="es-ES")
    problem = page.locator("#panel .problem").first
    expect(problem).to_contain_text("descomposición QR")
    reader.forgive(422)
    page = reader.open(
        streams(spec={"seed": "1", "algorithm": "flax-linen/1", "exact": False, "layers": [lstm]}),
    )
    expect(page.locator(".sure.not")).to_contain_text("QR decomposition")
    page.locator('[data-key="exactness-summary"]').click()
    expect(page.locator(".exactness")).to_contain_text("GPUs and TPUs compute other last bits")
    reader.forgive(422)


def test_every_reason_is_told_in_spanish(reader: Reader) -> None:
    page = reader.open(streams(), locale="es-ES")
    page.locator('[data-key="exactness-summary"]').click()
    names = [each["name"] for each in httpx.get(f"{reader.server}/algorithms").json()["algorithms"]]
    for name in names:
        page.locator('[data-key="/algorithm"]').select_option(name)
        drawn(page)
        expect(page.locator(".exactness [lang=en]")).to_have_count(0)
    page.wait_for_timeout(500)
    reader.forgive(422)


def test_initserves_own_numbers_have_lines_in_four_languages(reader: Reader) -> None:
    page = reader.open(streams())
    seen = set()
    for client, word in {"python": "np.load", "r": "readBin", "julia": "reinterpret", "javascript": "fetch"}.items():
        page.locator(f'[data-key="client-{client}"]').click()
        expect(lines(page)).to_contain_text(word)
        expect(lines(page)).to_contain_text("/fc1/kernel.")
        text = printed(page).inner_text()
        seen.add(tuple(f"{float(value):.6g}" for value in text.strip("[]").split(",")))
    assert len(seen) == 1
    settle(page)
    expect(lines(reader.open(page.url))).to_contain_text("fetch")


def test_a_deep_network_is_asked_for_a_part_at_a_time(reader: Reader) -> None:
    deep = [{"name": f"fc{number}", "type": "dense", "shape": [8, 8]} for number in range(200)]
    page = reader.open(streams(spec={"seed": "1", "layers": deep}))
    rows = page.locator(".arrays tbody tr")
    expect(rows).to_have_count(20)
    page.locator('[data-key="more-arrays"]').click()
    expect(rows).to_have_count(60)
    asked = [request for request in reader.requests if request.url.endswith(".raw")]
    assert len(asked) <= 70


def test_a_double_is_written_as_python_writes_it(reader: Reader) -> None:
    page = reader.open(streams())
    chance = random.Random(1)
    patterns = [chance.getrandbits(64).to_bytes(8, "little") for _ in range(300)]
    doubles = [struct.unpack("<d", pattern)[0] for pattern in patterns]
    doubles = [value for value in doubles if abs(value) < 1e308 and value == value]
    doubles += [chance.uniform(-1, 1) * 10.0**power for power in range(-8, 20)]
    doubles += [0.0, -0.0, 1.0, 1e16, 1e15, 123456.0, 1e-4, 1e-5, 9007199254740993.0, 5e-324]
    found = module(page, "streams/python.js", f"{json.dumps(doubles)}.map((value) => m.float(value))")
    assert found == [repr(value) for value in doubles]


@pytest.mark.parametrize(("viewport", "locale", "scheme"), [(WIDE, "en-GB", "light"), (PHONE, "es-ES", "dark")])
def test_the_view_is_whole_for_everybody(reader: Reader, viewport: Any, locale: str, scheme: Any) -> None:
    page = reader.open(
        streams(spec={"seed": "42", "algorithm": "torch-cpu/1", "layers": LAYERS}),
        viewport=viewport,
        locale=locale,
        color_scheme=scheme,
    )
    page.locator(".turn").wait_for()
    shoot(page, f"streams-{locale}-{scheme}")
    assert serious_violations(page) == []
    assert page.locator("#panel [lang=en]").count() == 0 or locale == "en-GB"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
