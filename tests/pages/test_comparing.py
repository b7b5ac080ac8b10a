"""Two starts side by side: a start and its repair, two schemes, two seeds, two frameworks' streams."""

from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.pages.reader import (
    IN_CHROMIUM,
    PHONE,
    Reader,
    note,
    serious_violations,
    settle,
    shared,
    shoot,
    spec,
    verdict,
)

pytestmark = IN_CHROMIUM


def said(page: Page, side: str) -> Locator:
    return page.locator(f".side-{side} h4")


def choose(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    settle(page)


def test_a_start_stands_beside_its_repair(reader: Reader) -> None:
    page = reader.open()
    note(page, "σ = 1")
    expect(verdict(page)).to_have_text("Steep zone")
    page.get_by_role("button", name="Compare with the repair").click()
    settle(page)
    expect(said(page, "a")).to_have_text("Steep zone")
    expect(said(page, "b")).to_have_text("Normal zone")
    expect(page.locator(".side-b h3")).to_contain_text("The repair")
    expect(page.locator(".difference")).to_contain_text("Their numbers are not the same.")
    shoot(page, "compare-repair")
    again = reader.open(page.url)
    expect(said(again, "b")).to_have_text("Normal zone")
    again.go_back()
    note(page, "0")  # what is in view changes, and its repair with it at the next choice alone
    choose(page, "This start and its repair")
    expect(said(page, "a")).to_have_text("Dead")
    expect(said(page, "b")).to_have_text("Normal zone")


def test_pairs_of_one_button(reader: Reader) -> None:
    page = reader.open("/#compare")
    choose(page, "Glorot and He")
    assert [chosen(page, side, "scheme") for side in "ab"] == ["glorot_normal", "he_normal"]
    choose(page, "Two seeds")
    assert chosen(page, "a", "seed") != chosen(page, "b", "seed")
    expect(page.locator(".difference")).to_contain_text("Their numbers are not the same.")
    page.locator('[data-key="compare/b/seed"]').fill(chosen(page, "a", "seed"))
    expect(page.locator(".difference")).to_contain_text("Both start with the very same numbers.")


def chosen(page: Page, side: str, member: str) -> str:
    return page.locator(f'[data-key="compare/{side}/{member}"]').input_value()


def test_two_frameworks_streams(reader: Reader) -> None:
    """Each side shows what that framework draws, under Keras's names on both sides."""
    page = reader.open("/#compare")
    choose(page, "initserve and PyTorch")
    expect(page.locator(".difference")).to_contain_text("Their numbers are not the same.")
    asked = {**spec(page), "algorithm": "torch-cpu/1", "layout": "keras"}
    answer: dict[str, Any] = httpx.post(f"{reader.server}/init?include=statistics", json=asked).json()
    scheme = answer["layers"][0]["parameters"][0]["scheme"]["name"]
    expect(page.locator(".twin").first.locator(".note").last).to_contain_text(scheme)
    page.locator('[data-key="compare/a/algorithm"]').select_option("torch-cpu/1")
    expect(page.locator(".difference")).to_contain_text("Both start with the very same numbers.")
    page.locator('[data-key="compare/b/algorithm"]').select_option("keras-torch/1")
    expect(page.locator(".difference")).to_contain_text("Their numbers are not the same.")
    settle(page)
    assert shared(page)["compare"]["b"]["algorithm"] == "keras-torch/1"
    assert serious_violations(page) == []
    page.set_viewport_size(PHONE)
    settle(page)
    shoot(page, "compare-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
