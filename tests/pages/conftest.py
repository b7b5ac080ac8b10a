"""The browser, and a reader who opens pages in it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.pages.reader import CHROMIUM, PATIENCE, QUIET, SCREENSHOTS, Reader


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def reader(browser: Browser, server: str) -> Iterator[Reader]:
    """A reader whose pages must ask nobody but the server, and complain of nothing."""
    reader = Reader(browser, server)
    yield reader
    for context in reader.contexts:
        context.close()
    hosts = {request.url.split("/")[2] for request in reader.requests if request.url.startswith("http")}
    assert hosts == {server.removeprefix("http://")}
    assert reader.complaints == []
