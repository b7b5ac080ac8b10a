"""The pages where no script runs: they say in two languages what this is, what they need, and what answers without."""

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.pages.reader import AXE, IN_CHROMIUM, PHONE, WIDE, Reader, shoot

pytestmark = IN_CHROMIUM


def opened(reader: Reader, address: str, **about: object) -> Page:
    page = reader.window(java_script_enabled=False, **about)
    page.goto(reader.server + address)
    return page


@pytest.mark.parametrize("address", ["/", "/docs/"])
@pytest.mark.parametrize(("name", "viewport"), [("wide", WIDE), ("phone", PHONE)])
def test_a_page_without_script_says_what_it_is_and_leads_on(
    reader: Reader, address: str, name: str, viewport: ViewportSize
) -> None:
    page = opened(reader, address, viewport=viewport, color_scheme="dark" if name == "phone" else "light")
    expect(page.locator("h1:visible")).to_contain_text(
        re.compile("the same initial weights, everywhere", re.IGNORECASE)
    )
    expect(page.locator("[lang=es] h2")).to_contain_text(re.compile("los mismos pesos iniciales", re.IGNORECASE))
    for part in page.locator(".plain").all():
        expect(part).to_contain_text("JavaScript")
    shoot(page, f"without-script{address.replace('/', '-')}{name}")
    text = page.locator("body").inner_text()
    assert "\n\n\n\n" not in text  # no empty boxes between
    for link in page.locator("a:visible").all():
        assert link.inner_text().strip()
        assert page.request.get(link.evaluate("link => link.href")).status == 200


def test_what_stands_there_without_script_keeps_nobody_out(reader: Reader) -> None:
    """axe needs a script, so it looks at the same words on a page that has one."""
    content = re.sub("<noscript><link.*?</noscript>", "", opened(reader, "/").content())  # which hides all else
    content = re.sub("(</?)noscript>", r"\1div>", content)
    page = reader.window()
    page.route("**/without", lambda route: route.fulfill(body=content, content_type="text/html"))
    page.goto(f"{reader.server}/without")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run('div:has(> .plain)', { runOnly: ['wcag2a', 'wcag2aa'] })")
    assert found["passes"]
    assert [violation["id"] for violation in found["violations"]] == []
