"""The API's page: errors that differ, types to read, a way back, the reader's theme."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.answered.requests import SMALL
from tests.pages.reader import (
    IN_CHROMIUM,
    PHONE,
    WIDE,
    Reader,
    colour,
    drawn,
    serious_violations,
    settle,
    shoot,
    show,
)
from tests.verification import file_of, planned

pytestmark = IN_CHROMIUM
STATUSES = ("400", "401", "403", "406", "408", "413", "415", "422", "429", "503")


def opened(reader: Reader, **about: Any) -> Page:
    page = reader.window(**about)
    page.goto(f"{reader.server}/docs/")
    page.locator("#operations-weights-init .opblock-summary-control").click()
    page.locator("#operations-weights-init .responses-wrapper .response").last.wait_for()
    return page


def test_every_status_shows_its_own_problem(reader: Reader) -> None:
    page = opened(reader)
    for status in STATUSES:
        shown = page.locator(f'#operations-weights-init .response[data-code="{status}"] pre.example')
        assert json.loads(shown.inner_text())["status"] == int(status)
    answer = json.loads(page.locator('#operations-weights-init .response[data-code="200"] pre.example').inner_text())
    assert answer["layers"][0]["parameters"][0]["npy"].startswith("k05VTVBZ")  # a .npy file in base64
    operation = page.locator("#operations-weights-init").bounding_box()
    assert operation is not None
    assert operation["height"] < 450 * (1 + len(STATUSES))


def test_types_are_short_and_schemas_stand_folded(reader: Reader) -> None:
    page = opened(reader)
    page.locator("#operations-weights-init .opblock-section-request-body").get_by_role("tab", name="Schema").click()
    layers = page.locator("#operations-weights-init .opblock-section-request-body [data-json-schema-level='1']")
    layers = layers.filter(has_text="layers").first
    expect(layers).to_contain_text("array<object>")
    assert "object | object" not in page.locator("#operations-weights-init").inner_text()
    assert page.locator("section.models.is-open").count() == 0


def test_there_is_a_way_back(reader: Reader) -> None:
    page = opened(reader)
    expect(page.get_by_role("link", name="Problems", exact=True)).to_have_attribute("href", "../problems")
    page.get_by_role("link", name="Playground").click()
    page.wait_for_url(f"{reader.server}/")


@pytest.mark.parametrize("chosen", [None, "light", "dark"])
@pytest.mark.parametrize("system", ["light", "dark"])
def test_it_is_as_dark_as_the_playground(reader: Reader, system: str, chosen: str | None) -> None:
    page = reader.window(color_scheme=system)
    page.goto(f"{reader.server}/")
    if chosen:
        page.evaluate(f"localStorage.setItem('initserve-theme', '{chosen}')")
    page.goto(f"{reader.server}/docs/")
    page.locator(".opblock").first.wait_for()
    dark = colour(page.locator("body"), "background-color") == "rgb(28, 32, 34)"
    assert dark == ((chosen or system) == "dark")
    page.emulate_media(color_scheme="dark" if system == "light" else "light")  # switched while it is open
    dark = (chosen or ("dark" if system == "light" else "light")) == "dark"
    expect(page.locator("html.dark-mode")).to_have_count(int(dark))


def test_a_theme_chosen_in_another_window_is_followed(reader: Reader) -> None:
    page = reader.window(color_scheme="light")
    page.goto(f"{reader.server}/docs/")
    page.locator(".opblock").first.wait_for()
    other = page.context.new_page()
    other.goto(f"{reader.server}/livez")
    other.evaluate("localStorage.setItem('initserve-theme', 'dark')")
    expect(page.locator("html.dark-mode")).to_be_attached()


def test_the_way_back_leads_to_the_network_that_was_left_in_its_language(reader: Reader) -> None:
    page = reader.open("/", locale="es-ES")
    show(page, "train")
    left = page.url
    page.locator("header.top a[href='docs/']").click()
    block = page.locator("#operations-catalogue-list_schemes .opblock-summary-control")
    block.click()  # the address follows what is opened
    block.click()
    page.get_by_role("link", name="Volver a la página").click()
    page.wait_for_url(left)
    settle(page)


def test_an_example_of_a_file_leads_to_the_file(reader: Reader) -> None:
    page = opened(reader)
    answer = page.locator('#operations-weights-init .response[data-code="200"]')
    answer.locator("select.content-type").select_option("application/x-npz")
    expect(answer.locator("pre.example")).to_have_text("(a file)")
    led = answer.get_by_role("link", name="the file").evaluate("link => link.href")
    asked = httpx.post(f"{reader.server}/init?format=npz", json=SMALL)
    assert httpx.get(led).content == asked.content
    assert not [request.url for request in reader.requests if "/weights/" in request.url]  # unless it is followed


@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_nobody_is_kept_out_and_an_open_operation_has_bounds(
    reader: Reader, viewport: dict[str, int], scheme: str
) -> None:
    page = opened(reader, viewport=viewport, color_scheme=scheme)
    drawn(page)
    shoot(page, f"docs-{viewport['width']}-{scheme}")
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    box = page.locator("#operations-weights-init").bounding_box()
    assert box is not None
    assert box["height"] < 490 * (1 + len(STATUSES))


def tried(page: Page, operation: str) -> Locator:
    """Try an operation out with what it shows as its example; return the answer that came."""
    block = page.locator(f"#operations-{operation}")
    if block.locator(".try-out").count() == 0:
        block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    answer.wait_for()
    return answer


def test_query_can_be_tried_out(reader: Reader) -> None:
    page = opened(reader)
    answer = tried(page, "weights-query_init")
    expect(answer.locator(".response-col_status")).to_contain_text("200")
    expect(answer).to_contain_text("content-location")
    (asked,) = [request for request in reader.requests if request.method == "QUERY"]
    assert asked.url.startswith(f"{reader.server}/init")


def test_an_address_can_be_tried_out(reader: Reader) -> None:
    answer = tried(opened(reader), "addresses-weights_json")
    expect(answer.locator(".response-col_status")).to_contain_text("200")
    expect(answer).to_contain_text("immutable")


def test_a_file_can_be_chosen_and_verified(reader: Reader, tmp_path: Path) -> None:
    """As a field of a form, its spec left to it or written beside it; and as the body itself."""
    plan = planned(layers=[{"name": "w", "type": "dense", "shape": [8, 4]}])
    files = {format: tmp_path / f"w.{format}" for format in ("safetensors", "npz")}
    for format, path in files.items():
        path.write_bytes(file_of(plan, format))
    page = opened(reader)
    block = page.locator("#operations-weights-verify")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    answer = block.locator(".live-responses-table .response")

    def execute(format: str) -> None:
        block.locator("input[type=file]").set_input_files(files[format])
        with page.expect_response(lambda response: response.url.endswith("/verify")) as found:
            block.get_by_role("button", name="Execute").click()
        assert found.value.status == 200
        expect(answer).to_contain_text("all 2 parameters are equal")

    execute("safetensors")
    block.locator(".opblock-section-request-body input[placeholder=spec]").fill(plan.canonical_json())
    execute("npz")
    block.locator(".opblock-section-request-body select").first.select_option("application/octet-stream")
    execute("safetensors")
