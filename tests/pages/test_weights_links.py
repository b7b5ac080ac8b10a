"""The addresses that the playground shows: of the network in view, for a browser, a shell and a keyboard."""

import random
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.conftest import Server, serving
from tests.pages.reader import IN_CHROMIUM, PHONE, Reader, begin_with, chip, clipboard, note, settle, shoot, show, spec
from tests.pages.test_links import DENSE, link
from tests.told import logged

pytestmark = IN_CHROMIUM


def addresses(page: Page) -> Locator:
    return page.locator("#take .addresses")


def linked(page: Page) -> dict[str, str]:
    """Return the links that are shown, by what they are called."""
    return {
        (each.get_attribute("aria-label") or "").partition(", ")[2]: each.evaluate("link => link.href")
        for each in addresses(page).get_by_role("link").all()
    }


def token(page: Page) -> str:
    found = re.search(r"/weights/([\w-]+)\.npz", linked(page)["All weights: npz"])
    assert found
    return found[1]


def test_every_link_gives_what_the_network_in_view_gives(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "lenet5")
    posted = {
        f"All weights: {name}": f"/init?{query}"
        for name, query in [
            ("safetensors", "format=safetensors"),
            ("npz", "format=npz"),
            ("JSON", ""),
            ("statistics", "include=statistics"),
            ("histograms", "include=statistics&format=svg"),
        ]
    }
    found = linked(page)
    assert list(found) == [*posted, *(f"conv1/kernel: {form}" for form in ("npy", "raw bytes", "statistics"))]
    for name, path in posted.items():
        assert httpx.get(found[name]).content == httpx.post(reader.server + path, json=spec(page)).content, name
    told = httpx.post(f"{reader.server}/init?include=statistics", json=spec(page)).json()
    page.get_by_label("One parameter").select_option("fc1/bias")
    expect(addresses(page).get_by_role("link", name="fc1/bias: npy")).to_be_visible()
    found = linked(page)
    assert httpx.get(found["fc1/bias: raw bytes"]).content == bytes(84 * 4)
    assert httpx.get(found["fc1/bias: npy"]).content[:6] == b"\x93NUMPY"
    assert httpx.get(found["fc1/bias: statistics"]).json() == told["layers"][3]["parameters"][1]


def test_addresses_follow_the_network_and_the_seed_and_come_back(reader: Reader) -> None:
    page = reader.open()
    first = token(page)
    note(page, "σ = 1")
    second = token(page)
    page.get_by_label("Seed", exact=True).fill("43")
    settle(page)
    assert len({first, second, token(page)}) == 3
    page.get_by_label("Seed", exact=True).fill("42")
    note(page, "auto")
    assert token(page) == first
    for view in ("compare", "train"):
        show(page, view)
        assert token(page) == first


def test_addresses_of_the_network_before_cannot_be_taken_for_those_of_this_one(reader: Reader) -> None:
    page = reader.open()
    page.route("**/init?include=statistics", lambda route: None)  # never answered
    height = addresses(page).bounding_box()
    chip(page, "5").click()
    expect(addresses(page)).to_have_attribute("inert", "")
    first = addresses(page).get_by_role("link").first
    first.focus()
    assert first.evaluate("link => document.activeElement !== link && link.closest('[inert]') !== null")
    now = addresses(page).bounding_box()
    assert height
    assert now
    assert height["height"] == now["height"]
    page.unroute_all(behavior="ignoreErrors")


def test_the_commands_do_what_they_say(reader: Reader, tmp_path: Path) -> None:
    page = reader.open(locale="es-ES")
    begin_with(page, "lenet5")
    page.get_by_label("Un parámetro").select_option("fc1/kernel")
    page.locator('[data-key="commands-summary"]').click()
    page.get_by_role("button", name="Copiar: Órdenes").click()
    expect(page.locator("#toast")).to_contain_text("Copiado")
    lines = clipboard(page).replace("curl -C", "truncate -s 1000 weights.safetensors && curl -fsS -C")
    subprocess.run(["bash", "-ec", lines.replace("curl -o", "curl -fsS -o")], cwd=tmp_path, check=True)
    posted = httpx.post(f"{reader.server}/init?format=safetensors", json=spec(page)).content
    assert (tmp_path / "weights.safetensors").read_bytes() == posted
    kernel = np.load(tmp_path / "fc1.kernel.npy")
    assert kernel.shape == (120, 84)
    assert np.array_equal(np.load(tmp_path / "fc1.kernel.part.npy"), kernel[:2])


def long_names() -> dict[str, Any]:
    """Return a spec whose names cannot be packed into 6,000 characters."""
    letters = random.Random(1)
    names = ["".join(letters.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=60)) for _ in range(150)]
    return {"seed": "1", "layers": [{**DENSE, "name": name, "shape": [4, 4]} for name in names]}


@pytest.mark.parametrize(
    ("locale", "words"), [("en-GB", "more than 6,000"), ("es-ES", "y este servicio no guarda redes")]
)
def test_weights_without_an_address_are_taken_as_before(reader: Reader, locale: str, words: str) -> None:
    page = reader.open(link({"spec": long_names()}), locale=locale)
    expect(addresses(page)).to_contain_text(words)
    expect(addresses(page).locator("[lang]")).to_have_count(0)
    assert addresses(page).get_by_role("link").count() == 0
    with page.expect_download() as download:
        addresses(page).get_by_role("button").filter(has_text="safetensors").click()
    assert download.value.suggested_filename == "weights.safetensors"


def test_a_network_that_the_service_keeps_is_told_from_one_that_its_address_holds(
    browser: Browser, tmp_path: Path
) -> None:
    with serving(INITSERVE_SPECS=str(tmp_path)) as keeping:
        reader = Reader(browser, keeping.url)
        page = reader.open(link({"spec": long_names()}))
        expect(addresses(page)).to_contain_text("this service keeps it")
        found = linked(page)["All weights: safetensors"]
        assert re.search(r"/weights/sha256-[0-9a-f]{64}\.safetensors$", found)
        posted = httpx.post(f"{keeping.url}/init?format=safetensors", json=spec(page))
        assert httpx.get(found).content == posted.content
        begin_with(page, "lenet5")
        expect(addresses(page)).to_contain_text("An address holds the whole network")
        assert reader.complaints == []
        reader.contexts[0].close()


def test_a_network_that_is_too_large_to_be_had_at_once_has_addresses(reader: Reader) -> None:
    page = reader.open(link({"spec": {"seed": "1", "layers": [{**DENSE, "shape": [800_000, 800_000]}]}}))
    kernel = linked(page)["fc1/kernel: raw bytes"]
    assert httpx.get(kernel).status_code == 422
    assert len(httpx.get(kernel, headers={"range": "bytes=-1000"}).content) == 1000
    reader.forgive(422)


def test_a_network_that_cannot_be_has_no_addresses(reader: Reader) -> None:
    page = reader.open(link({"spec": {"seed": "1", "layers": [{**DENSE, "shape": [8, 0]}]}}))
    expect(page.locator("#panel .problem")).to_be_visible()
    expect(addresses(page)).to_have_count(0)
    reader.forgive(422)


def test_addresses_are_reached_by_keyboard_and_the_chosen_parameter_keeps_the_focus(reader: Reader) -> None:
    page = reader.open(viewport=PHONE)
    page.locator('[data-key="All weights: statistics"]').focus()
    heard = []
    for _ in range(4):
        page.keyboard.press("Tab")
        heard.append(page.evaluate("document.activeElement.dataset.key"))
    assert heard == ["embed", "address-All weights-svg", "All weights: svg", "take-parameter"]
    page.keyboard.press("ArrowDown")
    expect(addresses(page).get_by_role("link", name="fc1/bias: npy")).to_be_visible()
    assert page.evaluate("document.activeElement.dataset.key") == "take-parameter"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, "addresses-phone")


def test_a_browser_that_has_an_address_never_asks_for_it_again(reader: Reader, running: Server) -> None:
    page = reader.open(link({"spec": {"seed": "1001", "layers": [DENSE]}}))
    found = linked(page)
    picture, numbers = (found[f"All weights: {name}"] for name in ("histograms", "statistics"))
    fetched = "async (url) => (await fetch(url)).text()"
    texts = {page.evaluate(fetched, numbers) for _ in range(3)}
    page.reload()
    settle(page)
    texts |= {page.evaluate(fetched, numbers), page.context.new_page().goto(numbers).text()}  # type: ignore[union-attr]
    assert texts == {httpx.get(numbers).text}
    assert answered(running, numbers) == [200, 200]  # the browser once, and the line above
    page.goto(picture)
    page.goto(numbers)
    page.goto(picture)
    assert answered(running, picture) == [200]
    page.reload()  # asks whether it is still so
    assert answered(running, picture) in ([200], [200, 304])


def answered(server: Server, url: str) -> list[int]:
    """Return the statuses with which a server answered for something, as its log has them."""
    path = re.escape(url.removeprefix(server.url))
    return [int(status) for status in re.findall(rf'"GET {path} HTTP/1.1" (\d+)', logged(server))]
