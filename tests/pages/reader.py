"""Somebody who opens the pages in Chromium, and what they do on the playground."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, ViewportSize, expect

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
AXE = Path(__file__).parent / "axe" / "axe.min.js"
SCREENSHOTS = Path(__file__).parents[2] / "artefacts" / "screenshots"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE: ViewportSize = {"width": 1440, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}
SETTLED = 600  # milliseconds: the address follows the last change
PATIENCE = 30_000  # milliseconds: a first diagnosis may compile
IN_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; make browser installs it"),
]


@dataclass
class Reader:
    """Somebody who opens pages; what they ask for and what their console complains of is kept."""

    browser: Browser
    server: str
    contexts: list[BrowserContext] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def window(self, **about: Any) -> Page:
        """Return an empty window of its own: its size, language, colours."""
        context = self.browser.new_context(**{"viewport": WIDE, "locale": "en-GB", **about})
        context.set_default_timeout(PATIENCE)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self.requests.append(request))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def open(self, address: str = "/#diagnosis", **about: Any) -> Page:
        """Open the playground in a window of its own and wait for what it has to show."""
        page = self.window(**about)
        page.goto(address if address.startswith("http") else self.server + address)
        settle(page)
        return page

    def forgive(self, status: int) -> None:
        """Drop the browser's own lines on requests that were refused with this status."""
        self.complaints[:] = [text for text in self.complaints if f"status of {status}" not in text]


def settle(page: Page) -> None:
    """Wait until the panel has its answers, and the address has followed."""
    answers = "#panel :is(.verdict, .problem, .side, .lead, .lesson, .lesson-handout)"
    page.locator(f"[data-view=home] .home-slider, {answers}").first.wait_for()
    page.wait_for_timeout(SETTLED)
    page.locator("#panel:not(.asking)").wait_for(state="attached")
    expect(page.locator("#panel .part[aria-busy]")).to_have_count(0)  # all parts have come


def show(page: Page, view: str) -> None:
    page.locator(f"#tab-{view}").click()
    settle(page)


def begin_with(page: Page, preset: str) -> None:
    page.locator('[data-key="preset"]').select_option(preset)
    settle(page)


def chip(page: Page, label: str) -> Locator:
    """Return one of the course notes' starts, for all layers."""
    return page.locator(f'[data-key="note-{label}"]')


def note(page: Page, label: str) -> None:
    chip(page, label).click()
    settle(page)


def way(page: Page, name: str) -> None:
    """Show the network's parts in one of the ways: `layers` as a list, `drawn`, as `text`."""
    chosen = page.locator(f'[data-key="way-{name}"]')
    if not chosen.is_visible():
        page.locator('[data-key="layers-summary"]').click()
    chosen.click()
    drawn(page)


def verdict(page: Page) -> Locator:
    return page.locator("#verdict-title")


def drawn(page: Page) -> None:
    """Wait until the page shows its present state."""
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def module(page: Page, path: str, expression: str) -> Any:
    """Return what an expression comes to, whose `m` is a module of the page: the very one that the page itself uses."""
    source = "document.querySelector('script[type=module]').src"
    return page.evaluate(f"async () => {{ const m = await import(new URL('{path}', {source})); return {expression}; }}")


def shared(page: Page) -> dict[str, Any]:
    """Return what a link to the page would hold."""
    held: dict[str, Any] = module(page, "frame/state.js", "m.state.shared")
    return held


def spec(page: Page) -> dict[str, Any]:
    """Return the spec in view, once it is drawn."""
    drawn(page)
    asked: dict[str, Any] = shared(page)["spec"]
    return asked


def focused(page: Page) -> str | None:
    """Return the data-key of the focused element; its tag where it has none."""
    found: str | None = page.evaluate("document.activeElement.dataset.key ?? document.activeElement.tagName")
    return found


def colour(locator: Locator, name: str) -> str:
    """Return a property of an element as the browser computed it."""
    found: str = locator.evaluate("(element, name) => getComputedStyle(element).getPropertyValue(name)", name)
    return found


def clipboard(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def shoot(page: Page, name: str) -> None:
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def serious_violations(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe-core finds that keeps somebody out: each rule's name, and the beginnings of what breaks it."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (violation["id"], [node["html"][:120] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
