"""Links: what was sent is what is seen; where that cannot be, the page says so for as long as it takes."""

import base64
import json
import zlib
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.reader import IN_CHROMIUM, Reader, note, settle, spec, verdict

pytestmark = IN_CHROMIUM


def link(shared: Any) -> str:
    """Return an address as the page writes it: JSON, deflated, in base64url."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(json.dumps(shared).encode()) + packer.flush()
    return "/#" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


DENSE = {"name": "fc1", "type": "dense", "shape": [8, 4], "activation": "relu"}
WHOLE = link({"spec": {"seed": "1", "layers": [DENSE] * 9}})


@pytest.mark.parametrize(
    "address",
    ["/#nonsense", WHOLE[: len(WHOLE) // 2], WHOLE[:-1], link([]), link({"spec": {"layers": [1]}}), link({"spec": 5})],
)
def test_a_link_that_cannot_be_read_is_said_until_it_is_read(reader: Reader, address: str) -> None:
    page = reader.open(address)
    expect(verdict(page)).to_have_text("Normal zone")
    page.wait_for_timeout(3000)
    said = page.get_by_role("alert").filter(has_text="This link cannot be read")
    expect(said).to_contain_text("not the network that was sent")
    said.get_by_role("button", name="Close").click()
    expect(said).to_have_count(0)


def test_a_link_to_a_recipe_is_shown(reader: Reader) -> None:
    recipe = {"seed": "1", "recipe": "actor_critic", "size": "cartpole", "rules": []}
    page = reader.open(link({"spec": recipe}))
    expect(page.get_by_role("alert").filter(has_text="cannot be read")).to_have_count(0)
    expect(page.locator('[data-key="preset"]')).to_have_value("recipe actor_critic")
    expect(page.locator("#stack")).to_contain_text('"rules":[]')
    assert spec(page) == recipe


def test_a_link_to_a_layer_without_a_shape_is_shown(reader: Reader) -> None:
    layers = [DENSE, {"type": "dropout"}, {"name": "out", "type": "dense", "shape": [4, 2]}]
    page = reader.open(link({"spec": {"seed": "1", "layers": layers}}))
    expect(page.locator('[data-key="layer-dropout_1"]')).to_be_visible()
    assert spec(page)["layers"] == layers
    expect(page.locator("#panel .weights svg.chart .ridge-row")).to_have_count(2)
    page.locator('[data-key="layer-dropout_1"]').click()
    expect(page.locator('[data-key="/layers/1/type"]')).to_have_value("dropout")
    reader.forgive(422)


def test_a_change_after_a_broken_link_makes_a_link_that_works(reader: Reader) -> None:
    page = reader.open("/#nonsense")
    note(page, "0")
    page.reload()
    settle(page)
    expect(page.get_by_role("alert").filter(has_text="cannot be read")).to_have_count(0)
    assert spec(page)["layers"][0]["scheme"] == "zeros"


@pytest.mark.parametrize(
    "other",
    [
        {"view": "nonsense"},
        {"view": "constructor", "language": "constructor"},
        {"view": "train", "train": {"task": "mnist", "schemes": "zeros", "steps": [1]}},
        {"view": "compare", "compare": {"a": None, "b": 5}},
        {"view": "starts", "starts": {"curve": "toString", "positions": [1, "x"], "learning_rate": {}}},
        {"train": None, "compare": [], "starts": 1},
    ],
)
def test_what_a_link_holds_that_cannot_be_is_left_as_it_starts(reader: Reader, other: dict[str, Any]) -> None:
    page = reader.open(link({"spec": {"seed": "1", "layers": [DENSE]}, **other}))
    for view in ("train", "compare", "starts", "diagnosis"):
        page.locator(f"#tab-{view}").click()
        expect(page.locator("body")).to_have_attribute("data-view", view)
    expect(verdict(page)).to_be_visible()
