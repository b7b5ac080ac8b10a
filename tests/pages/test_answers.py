"""An answer is shown, and can be acted on, only while it answers the network in view."""

import threading

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages.reader import IN_CHROMIUM, Reader, begin_with, chip, drawn, focused, note, settle, show, spec, verdict

pytestmark = IN_CHROMIUM


def hold(page: Page, path: str) -> threading.Event:
    """Keep the page's questions to a path waiting until the event that is returned is set."""
    go = threading.Event()
    held: list[Route] = []

    def keep(route: Route) -> None:
        if go.is_set():
            route.continue_()
        else:
            held.append(route)

    page.route(f"**/{path}*", keep)
    page.evaluate("0")
    page.held = held  # type: ignore[attr-defined]
    return go


def let_go(page: Page, go: threading.Event) -> None:
    go.set()
    for route in page.held:  # type: ignore[attr-defined]
        route.continue_()


@pytest.mark.parametrize("path", ["diagnose", "init"])
def test_what_was_said_of_another_network_is_gone_while_a_question_runs(reader: Reader, path: str) -> None:
    page = reader.open()
    begin_with(page, "tanh20")
    note(page, "0")
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    go = hold(page, path)
    page.locator('[data-key="preset"]').select_option("lenet5")
    drawn(page)
    expect(page.locator("#panel .spinner")).to_be_visible()
    for told in ("#panel .verdict", "#panel .remedy", "#panel .warnings", "#stack .mark", "#panel .reasons"):
        expect(page.locator(f"{told}:visible")).to_have_count(0)
    assert page.locator("#panel .mark-in-chart").count() > page.locator("#panel .mark-in-chart:visible").count() == 0
    captions = page.locator("#panel figcaption:not([inert] *)").all_inner_texts()  # of the new network, drawn here
    assert [text for text in captions if "conv1/kernel" in text]
    assert not [text for text in captions if "fc7" in text]
    measured = page.locator("#panel :is(.spreads, .depths) svg.chart").count()
    assert measured == page.locator("#panel [inert] :is(.spreads, .depths) svg.chart").count() > 0
    expect(page.locator('[data-key="layer-fc1"]')).to_contain_text("tanh · auto")
    let_go(page, go)
    expect(verdict(page)).to_have_text("Normal zone")
    expect(page.locator("#panel [inert]")).to_have_count(0)
    assert [layer["name"] for layer in spec(page)["layers"]][:3] == ["conv1", "pool1", "conv2"]


def test_a_slow_answer_to_an_earlier_question_is_thrown_away(reader: Reader) -> None:
    page = reader.open()
    go = hold(page, "diagnose")
    chip(page, "0").click()
    page.wait_for_timeout(500)  # it has been asked
    chip(page, "auto").click()
    expect(verdict(page)).to_have_text("Normal zone")
    let_go(page, go)
    settle(page)
    expect(verdict(page)).to_have_text("Normal zone")
    expect(page.get_by_role("button", name="Apply")).to_have_count(0)


def test_two_sides_tell_no_verdict_while_a_question_runs(reader: Reader) -> None:
    page = reader.open()
    show(page, "compare")
    go = hold(page, "diagnose")
    page.locator('[data-key="compare/b/scheme"]').select_option("zeros")
    drawn(page)
    expect(page.locator(".side-a .side-verdict")).to_be_visible()
    expect(page.locator(".side-b .side-verdict")).to_have_count(0)
    expect(page.locator(".side-b .spinner")).to_be_visible()
    let_go(page, go)
    expect(page.locator(".side-b .side-verdict")).to_be_visible()


def test_pictures_stay_when_a_field_is_wrong(reader: Reader) -> None:
    page = reader.open()
    page.locator('[data-key="layer-fc2"]').click()
    page.locator('[data-key="/layers/1/shape/1"]').fill("0")
    expect(page.locator("#panel .problem")).to_be_visible()
    assert page.locator("#panel .past svg.chart").count() > 2
    expect(page.locator("#panel .verdict")).to_have_count(0)
    reader.forgive(422)


def test_after_apply_the_verdict_has_the_focus(reader: Reader) -> None:
    page = reader.open()
    note(page, "σ = 1")
    page.get_by_role("button", name="Apply").focus()
    page.keyboard.press("Enter")
    assert focused(page) == "verdict"
    expect(verdict(page)).to_have_text("Normal zone")
    assert focused(page) == "verdict"


def test_after_a_warning_is_heeded_the_verdict_has_the_focus(reader: Reader) -> None:
    page = reader.open()
    note(page, "5")
    page.get_by_role("button", name="Use scheme: he_normal").focus()
    page.keyboard.press("Enter")
    settle(page)
    assert focused(page) == "verdict"
