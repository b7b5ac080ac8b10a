"""The API's page: errors that differ, types to read, a way back, the reader's theme."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.reader import IN_CHROMIUM, Reader, colour, settle
from tests.verification import file_of, planned

pytestmark = IN_CHROMIUM
STATUSES = ("400", "406", "408", "413", "415", "422", "503")


def opened(reader: Reader, **about: str) -> Page:
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
    assert operation["height"] < 3400


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
    settle(page)
    expect(page.locator("#verdict-title")).to_be_visible()


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
