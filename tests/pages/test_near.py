"""What the page shows by itself: weights as a heat map, pictures before the service's answer, and all without one."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.pages.reader import IN_CHROMIUM, WIDE, Reader, chip, serious_violations, settle

pytestmark = IN_CHROMIUM
PAGE = Path(__file__).parents[2] / "service" / "pages" / "playground"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """The address of a plain file server of the page's folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(PAGE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def heat(page: Page) -> str:
    return page.locator(".heat figure > .note").inner_text()


def figure_of(page: Page, rows: list[list[float]]) -> dict[str, Any]:
    """Draw a matrix, a row a unit, as a heat map; return what is said of it, and its rows of pixels."""
    found: dict[str, Any] = page.evaluate(
        """async (rows) => {
          const { heatFigure } = await import('/live/heat.js');
          const [units, inputs] = [rows.length, rows[0].length];
          const at = (place) => rows[place % units][Math.floor(place / units)];
          const data = Float32Array.from({ length: units * inputs }, (_, place) => at(place));
          const about = { width: 400, key: 'k', title: 'T', name: 'a/kernel' };
          const made = heatFigure({ shape: [inputs, units], data }, about);
          const picture = new Image();
          picture.src = made.querySelector('image').getAttribute('href');
          await picture.decode();
          const canvas = new OffscreenCanvas(picture.width, picture.height);
          const context = canvas.getContext('2d');
          context.drawImage(picture, 0, 0);
          const row = (y) => [...context.getImageData(0, y, picture.width, 1).data].join(' ');
          return {
            said: made.querySelector('.note').textContent,
            pixels: Array.from({ length: picture.height }, (_, y) => row(y)),
          };
        }""",
        rows,
    )
    return found


def test_equal_units_are_equal_stripes_and_are_told(reader: Reader) -> None:
    page = reader.open()
    some = figure_of(page, [[1.0, -2.0, 0.5], [0.0, 1.0, 2.0], [1.0, -2.0, 0.5], [1.0, -2.0, 0.25]])
    assert some["said"] == "Of 4 rows, 3 are different."
    first, second, third, fourth = some["pixels"]
    assert first == third
    assert len({first, second, fourth}) == 3
    assert figure_of(page, [[0.0, 0.0]] * 5)["said"] == "All weights are 0, so that all 5 rows are the same."
    wide = figure_of(page, [[float(unit * column) for column in range(300)] for unit in range(200)])
    assert wide["said"] == (
        "All 200 rows are different. Shown are the first 128 of 200 rows and the first 128 of 300 columns."
    )


def test_the_weights_of_every_layer_are_seen_drawn_here_or_fetched(reader: Reader) -> None:
    page = reader.open()
    assert heat(page).startswith("All 128 rows are different.")
    chart = page.locator(".heat .chart")
    chart.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    value = page.evaluate(
        """async () => {
          const { arrays } = await import('/live/live.js');
          const layers = [{ name: 'fc1', type: 'dense', shape: [784, 128], activation: 'relu' }];
          return arrays({ seed: '42', layers }).get('fc1/kernel').data[2 * 128 + 1];
        }"""
    )
    expect(page.locator(".reading strong")).to_have_text("unit 2, input 3")
    assert float(page.locator(".reading span").inner_text().replace("−", "-")) == pytest.approx(value, rel=1e-3)
    expect(page.locator(".heat .proof")).to_contain_text("the service returns the very same: sha256 ")
    chip(page, "5").click()
    expect(page.locator(".heat figure > .note")).to_contain_text("All 128 rows are the same")
    settle(page)
    page.locator('[data-key="heat-array"]').select_option("out/kernel")
    expect(page.locator(".heat figcaption")).to_have_text("Weights of out/kernel")
    assert heat(page).startswith("All 10 rows are the same")
    page.locator('[data-key="preset"]').select_option("transformer")
    settle(page)
    attention = page.locator('[data-key="heat-array"] option', has_text="query").first.get_attribute("value")
    page.locator('[data-key="heat-array"]').select_option(attention)
    expect(page.locator(".heat image").first).to_be_visible()
    assert any(".npy?slice=" in request.url for request in reader.requests)
    assert serious_violations(page) == []


def table_of(page: Page, key: str) -> list[str]:
    found: list[str] = page.locator(
        f'#panel :not([inert]) > * [data-key="numbers-{key}"] td:nth-child(2)'
    ).evaluate_all("(cells) => cells.map((cell) => cell.textContent)")
    return found


def test_pictures_come_before_the_service_answers_and_do_not_jump(reader: Reader) -> None:
    page = reader.open()
    held: list[Route] = []
    for route in ("**/diagnose", "**/init?include=statistics"):
        page.route(route, lambda asked: held.append(asked))
    chip(page, "σ = 1").click()
    expect(page.locator("#panel.asking")).to_be_attached()
    expect(page.locator("#panel .depths:not(.past *)")).to_be_visible()
    expect(page.locator("#panel .weights:not(.past *)")).to_be_visible()
    expect(page.locator("#panel .verdict")).to_have_count(0)
    keys = ("forward", "backward")
    for key in keys:
        page.locator(f'[data-key="summary-numbers-{key}"]').click()
    near = [table_of(page, key) for key in keys]
    assert all(len(column) >= 8 for column in near)
    page.wait_for_timeout(500)
    for one in held:
        one.continue_()
    expect(page.locator("#panel .verdict")).to_be_visible()
    settle(page)
    assert [table_of(page, key) for key in keys] == near


def test_a_plain_file_server_is_enough_for_pictures_and_trainings(files: str, browser: Browser) -> None:
    page = browser.new_context(viewport=WIDE, locale="en-GB").new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{files}/#diagnosis")
    expect(page.locator("#panel .offline")).to_contain_text("draws the pictures by itself")
    for place in (".depths .chart", ".spreads .chart", ".weights .chart", ".heat image"):
        expect(page.locator(f"#panel {place}").first).to_be_visible()
    expect(page.locator("#panel .problem")).to_have_count(0)
    chip(page, "5").click()
    expect(page.locator(".heat figure > .note")).to_contain_text("All 128 rows are the same")
    page.locator('[data-key="all"]').select_option("random_uniform")
    expect(page.locator(".heat figure > .note")).to_contain_text("All 128 rows are different")
    assert serious_violations(page) == []
    page.locator("#tab-train").click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#panel .chart").first).to_be_visible()
    expect(page.locator("#panel .problem")).to_have_count(0)
    assert errors == []
    page.context.close()
