"""Where heavy work takes a key: the pages say so, take one, and keep none unless they are asked to."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from service.api.door.keys import new_key
from tests.conftest import Server, serving
from tests.pages.reader import IN_CHROMIUM, Reader, settle

pytestmark = IN_CHROMIUM
KEY, LINE = new_key("reader", ["heavy", "weights"])


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(LINE)
    with serving(INITSERVE_API_KEYS_FILE=str(file), INITSERVE_OPEN_SCOPES="read,weights") as server:
        yield server


@pytest.fixture
def visitor(browser: Browser, keyed: Server) -> Iterator[Reader]:
    visitor = Reader(browser, keyed.url)
    yield visitor
    for context in visitor.contexts:
        context.close()
    visitor.forgive(401)
    assert visitor.complaints == []


@pytest.mark.parametrize("kept", [False, True])
def test_the_playground_says_what_a_key_is_needed_for_and_keeps_none_unless_asked(visitor: Reader, kept: bool) -> None:
    page = visitor.open()
    box = page.locator("#panel .problem")
    expect(box).to_have_count(1)
    expect(box).to_contain_text("Diagnoses and trainings are for those who have a key")
    box.get_by_label("Key", exact=True).fill("initserve_replaced")
    box.get_by_role("button", name="Use this key").click()
    expect(box).to_contain_text("does not know the key")
    box.get_by_label("Key", exact=True).fill(f" {KEY}")
    if kept:
        box.get_by_label("Keep it in this browser").check()
    box.get_by_role("button", name="Use this key").click()
    expect(box).to_have_count(0)
    expect(page.locator("#panel .verdict").first).to_be_visible()
    assert KEY not in page.url
    held = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert (KEY in held) == kept
    page.reload()
    settle(page)
    expect(box).to_have_count(0 if kept else 1)


def test_the_playground_tells_it_in_spanish_too(visitor: Reader) -> None:
    page = visitor.open(locale="es-ES")
    expect(page.locator("#panel .problem")).to_contain_text("Para esto hace falta una clave")


def test_swagger_ui_sends_the_key_that_it_was_given(visitor: Reader) -> None:
    page = visitor.window()
    page.goto(f"{visitor.server}/docs/")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator("section.modal-ux input, .dialog-ux input").first.fill(KEY)
    page.locator(".dialog-ux button.authorize").click()
    page.locator(".dialog-ux button.btn-done").click()
    operation = page.locator("#operations-analysis-diagnose")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/diagnose*") as answered:
        operation.get_by_role("button", name="Execute").click()
    assert answered.value.status == 200
    assert answered.value.request.headers["authorization"] == f"Bearer {KEY}"
