"""Take it along: figures that stand alone, programs that end in arrays, addresses, and the link in the header."""

import base64
import re
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.pages.reader import IN_CHROMIUM, PHONE, Reader, clipboard, serious_violations, settle, shoot, spec
from tests.pages.test_links import link
from tests.pages.test_streams import LAYERS, streams

pytestmark = IN_CHROMIUM
SVG = "{http://www.w3.org/2000/svg}"
NETWORK = {"seed": "42", "layers": LAYERS}


def saved(page: Page, figure: Any, form: str, folder: Path) -> Path:
    """Save a figure by its button."""
    figure.locator(".save > summary").click()
    with page.expect_download() as download:
        figure.locator(".save").get_by_role("button", name=form.upper()).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def stand_on_pixels(chart: Any) -> None:
    """Move the page so that a chart begins where a pixel does, as it will where it stands alone."""
    chart.evaluate(
        """(chart) => {
          const { left, top } = chart.getBoundingClientRect();
          const { style } = document.body;
          style.position = "relative";
          style.left = `${(parseFloat(style.left) || 0) - (left % 1)}px`;
          style.top = `${(parseFloat(style.top) || 0) - (top % 1)}px`;
        }"""
    )


def different(page: Page, one: bytes, other: bytes) -> float:
    """Return the share of places in which two pictures differ by a tenth of the range or more.

    A place is 4 × 4 pixels, and one picture may stand a pixel beside the other: what falls between two pixels is drawn
    otherwise where a picture begins elsewhere.
    """
    share: float = page.evaluate(
        """async (pictures) => {
          const [a, b] = await Promise.all(pictures.map(async (data) => {
            const picture = new Image();
            picture.src = `data:image/png;base64,${data}`;
            await picture.decode();
            const pen = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
            pen.drawImage(picture, 0, 0);
            return pen.getImageData(0, 0, picture.width, picture.height);
          }));
          const [width, height] = ["width", "height"].map((side) => Math.min(a[side], b[side]) - 2);
          const mean = ({ width, data }, x, y, part) => {
            let sum = 0;
            for (let i = 0; i < 16; i += 1) sum += data[4 * ((y + (i >> 2)) * width + x + (i & 3)) + part];
            return sum / 16;
          };
          const apart = (dx, dy) => {
            let [count, all] = [0, 0];
            for (let y = 1; y + 4 <= height; y += 4)
              for (let x = 1; x + 4 <= width; x += 4, all += 1)
                if ([0, 1, 2].some((part) => Math.abs(mean(a, x, y, part) - mean(b, x + dx, y + dy, part)) > 26))
                  count += 1;
            return count / all;
          };
          return Math.min(...[-1, 0, 1].flatMap((dx) => [-1, 0, 1].map((dy) => apart(dx, dy))));
        }""",
        [base64.b64encode(data).decode() for data in (one, other)],
    )
    return share


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_figure_stands_alone_and_looks_as_it_did(reader: Reader, scheme: Any, tmp_path: Path) -> None:
    view = "diagnosis" if scheme == "light" else "streams"
    page = reader.open(link({"view": view, "spec": NETWORK}), color_scheme=scheme)
    page.evaluate("document.fonts.ready")
    figures = page.locator("#panel figure")
    figures.first.wait_for()
    for place in sorted({0, figures.count() // 2, figures.count() - 1}):
        figure = figures.nth(place)
        title = figure.locator("figcaption").inner_text()
        chart = figure.locator("svg.chart")
        chart.scroll_into_view_if_needed()
        page.mouse.move(0, 0)
        stand_on_pixels(chart)
        seen = chart.screenshot()
        path = saved(page, figure, "svg", tmp_path)
        assert re.fullmatch(r"initserve-[a-z0-9-]+-seed-42\.svg", path.name)
        root = ElementTree.parse(path).getroot()
        assert_alone(root, title)
        within = root.find(f"{SVG}svg")
        assert within is not None
        clip = {name: float(within.get(name, "0")) for name in ("x", "y", "width", "height")}
        alone = reader.window(color_scheme="light")
        alone.goto(path.as_uri())
        shown = alone.screenshot(clip=clip)  # type: ignore[arg-type]
        # Of a heat map of small cells of chance, some fall on another pixel.
        tolerance = 0.08 if within.find(f"{SVG}image") is not None else 0.01
        assert different(page, seen, shown) < tolerance, title
        picture = saved(page, figure, "png", tmp_path).read_bytes()
        size = [int(float(root.get(name, "0"))) for name in ("width", "height")]
        assert list(struct.unpack(">II", picture[16:24])) == [2 * side for side in size]
        alone.close()
    reader.requests[:] = [request for request in reader.requests if not request.url.startswith("file:")]


def assert_alone(root: ElementTree.Element, title: str) -> None:
    """Assert that a picture needs nothing outside it: no sheet of styles, no file, no font; links lead away only."""
    text = ElementTree.tostring(root, encoding="unicode")
    assert root.findtext(f"{SVG}title") == title
    assert "var(" not in text
    assert "color-mix" not in text
    assert "@font-face" in text
    assert "url(" not in re.sub(r'url\((?:"|&quot;)?(?:data:font/woff2;base64,|#)', "", text)
    for element in root.iter():
        assert not {"class", "style"} & set(element.attrib)
        for name, value in element.attrib.items():
            if name.endswith("href"):
                assert value.startswith(("data:", "#")) or element.tag == f"{SVG}a"
    (source,) = root.findall(f"{SVG}a")
    assert "/#" in source.get("href", "")
    assert "seed 42" in "".join(source.itertext())
    words = "".join("".join(each.itertext()) for each in root.iter(f"{SVG}text"))
    assert title.split()[0] in words


def test_a_figures_source_leads_back_to_it(reader: Reader, tmp_path: Path) -> None:
    page = reader.open(streams(), locale="es-ES")
    path = saved(page, page.locator("figure").last, "svg", tmp_path)
    (source,) = ElementTree.parse(path).getroot().findall(f"{SVG}a")
    assert "semilla 42" in "".join(source.itertext())
    other = reader.open(source.get("href", ""), locale="en-GB")
    expect(other.locator("html")).to_have_attribute("lang", "es")
    assert spec(other) == spec(page)


def test_the_choices_are_closed_by_escape_and_reached_by_keyboard(reader: Reader) -> None:
    page = reader.open(streams())
    summary = page.locator("figure .save > summary").last
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "SVG"
    assert serious_violations(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("figure .save[open]")).to_have_count(0)
    expect(summary).to_be_focused()


def test_a_program_is_chosen_once_and_its_language_remembered(reader: Reader) -> None:
    page = reader.open(link({"view": "diagnosis", "spec": NETWORK}))
    code = page.locator('[data-key="code"]')
    expect(code).to_contain_text("model.load_state_dict(weights)")
    expect(code).to_contain_text('"fc1": torch.nn.Linear(784, 128),')
    page.locator('[data-key="program-keras"]').click()
    expect(code).to_contain_text("model.set_weights([")
    page.locator('[data-key="copy-code"]').click()
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert clipboard(page) == code.inner_text()
    address = re.search(r'"(http[^"]+\.safetensors)"', clipboard(page))
    assert address
    posted = httpx.post(f"{reader.server}/init?format=safetensors", json=spec(page)).content
    assert httpx.get(address[1]).content == posted
    page.reload()
    settle(page)
    expect(page.locator('[data-key="program-keras"]')).to_have_attribute("aria-pressed", "true")
    expect(code).to_contain_text("set_weights")


def test_a_language_without_the_type_of_number_says_so(reader: Reader) -> None:
    page = reader.open(link({"view": "diagnosis", "spec": {**NETWORK, "dtype": "bfloat16"}}))
    page.locator('[data-key="program-r"]').click()
    expect(page.locator("#take")).to_contain_text("This language has no bfloat16 of its own.")
    page.locator('[data-key="program-pytorch"]').click()
    expect(page.locator('[data-key="code"]')).to_contain_text("dtype=torch.bfloat16")


def test_a_picture_at_the_service_is_taken_as_html(reader: Reader) -> None:
    page = reader.open(link({"view": "diagnosis", "spec": NETWORK}))
    page.locator('[data-key="embed"]').click()
    expect(page.locator("#toast")).to_contain_text("Copied")
    source = re.fullmatch(r'<img src="([^"]+)" alt="[^"]+">', clipboard(page))
    assert source
    assert httpx.get(source[1]).headers["content-type"].startswith("image/svg+xml")


def test_the_link_in_the_header_is_copied_with_a_mouse_and_shared_on_a_phone(reader: Reader) -> None:
    page = reader.open(streams(), locale="es-ES")
    page.evaluate("scrollTo(0, 0)")
    page.locator('.top [data-key="copy-link"]').click()
    expect(page.locator("#toast")).to_contain_text("Copiado")
    copied = clipboard(page)
    phone = reader.window(viewport=PHONE, is_mobile=True, has_touch=True)
    phone.add_init_script("navigator.share = async (what) => { window.shared = what; }")
    phone.goto(copied)
    settle(phone)
    expect(phone.locator("html")).to_have_attribute("lang", "es")
    phone.locator('.top [data-key="copy-link"]').tap()
    phone.wait_for_function("window.shared")
    assert phone.evaluate("window.shared.url") == phone.url
    shoot(phone, "taking-phone")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_trainings_request_is_a_program_too(reader: Reader) -> None:
    page = reader.open(link({"view": "train", "spec": NETWORK}))
    page.locator('[data-key="program-training"]').click()
    expect(page.locator('[data-key="code"]')).to_contain_text("/train")
    expect(page.locator('[data-key="code"]')).to_contain_text('"schemes"')
