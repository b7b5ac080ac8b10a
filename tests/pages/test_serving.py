"""What pages cost to load: few bytes at a first visit, next to none at a second, none at addresses of others."""

import re

from playwright.sync_api import Page

from tests.pages.reader import IN_CHROMIUM, Reader, settle
from tests.pages.transfers import Transfers

pytestmark = IN_CHROMIUM
KEPT = re.compile(r"(/docs)?/page/[0-9a-f]{16}/")
FIRST_VISIT = 400_000  # bytes of files and of what the service is asked: two seconds at 1.6 Mbit/s
FIRST_VISIT_OF_THE_API = 700_000  # most of it Swagger UI's own code


def loaded(page: Page, reader: Reader, address: str, shown: str) -> Transfers:
    transfers = Transfers(page)
    page.goto(reader.server + address)
    page.locator(shown).first.wait_for()
    page.wait_for_load_state("networkidle")
    return transfers


def test_a_first_visit_is_small_and_a_second_fetches_the_html_alone(reader: Reader) -> None:
    page = reader.window()
    first = loaded(page, reader, "/", ".home-slider").fetched()
    assert sum(first.values()) < FIRST_VISIT, sorted(first.items(), key=lambda item: -item[1])[:10]
    files = {path for path in first if KEPT.match(path)}
    assert len(files) > 30
    assert not {path for path in first if path.endswith((".js", ".css", ".svg"))} - files
    page.goto("about:blank")
    again = loaded(page, reader, "/", ".home-slider")
    assert not {path for path in again.fetched() if KEPT.match(path)}
    assert again.fetched()["/"] < 1000  # its headers: it is as it was


def test_the_api_s_page_is_compressed_and_kept(reader: Reader) -> None:
    page = reader.window()
    first = loaded(page, reader, "/docs/", ".opblock").fetched()
    assert sum(first.values()) < FIRST_VISIT_OF_THE_API, first
    page.goto("about:blank")
    again = loaded(page, reader, "/docs/", ".opblock")
    assert not {path for path in again.fetched() if KEPT.match(path)}
    assert again.fetched()["/docs/"] < 1000


def test_modules_that_are_told_are_those_that_a_first_visit_uses(reader: Reader) -> None:
    page = reader.window()
    loaded(page, reader, "/", ".home-slider")
    told = set(page.locator("link[rel=modulepreload]").evaluate_all("links => links.map((link) => link.href)"))
    scripts = {request.url for request in reader.requests if request.url.endswith(".js")} - {
        page.locator("script[src*=theme]").evaluate("script => script.src")
    }
    assert told <= scripts
    assert len(told) > 10


def test_pages_work_behind_a_prefix(reader: Reader) -> None:
    page = reader.window()

    def strip(route, request) -> None:  # type: ignore[no-untyped-def]
        route.fulfill(response=route.fetch(url=request.url.replace("/behind/a/proxy/", "/")))

    page.route("**/behind/a/proxy/**", strip)
    page.goto(f"{reader.server}/behind/a/proxy/")
    settle(page)
    page.locator("header.top").get_by_role("link", name="API").first.click()
    page.locator(".opblock").first.wait_for()
    page.get_by_role("link", name="Playground").click()
    settle(page)
    outside = [request.url for request in reader.requests if "/behind/a/proxy/" not in request.url]
    assert outside == []
