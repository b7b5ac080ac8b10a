"""Swagger UI in a real browser: nothing is fetched from elsewhere, and "Try it out" works."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ARTEFACTS = Path(__file__).parents[2] / "artefacts"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; make browser installs it")
def test_swagger_ui_works_without_the_world(server: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            try_it_out(browser.new_page(viewport={"width": 1200, "height": 1600}), server)
        finally:
            browser.close()


def try_it_out(page: Page, server: str) -> None:
    requests: list[Request] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{server}/docs")
    operation = page.locator("#operations-weights-init")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    page.screenshot(path=ARTEFACTS / "swagger-operation.png")
    with page.expect_response(lambda response: "/init" in response.url) as answer:
        operation.get_by_role("button", name="Execute").click()
    assert answer.value.status == 200
    live = operation.locator(".live-responses-table tbody .response-col_status")
    live.first.wait_for()
    assert "200" in live.first.inner_text()
    live.first.scroll_into_view_if_needed()
    page.screenshot(path=ARTEFACTS / "swagger-answer.png")
    assert {request.url.split("/")[2] for request in requests if not request.url.startswith("data:")} == {
        server.removeprefix("http://")
    }
    assert complaints == []
