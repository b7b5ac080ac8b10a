"""On a mid phone: nothing jumps while the page comes, and the first picture needs little and no script."""

import pytest

from tests.pages.phone import Noticed, as_on_a_phone
from tests.pages.reader import IN_CHROMIUM, PHONE, WIDE, Reader, settle
from tests.pages.transfers import Transfers

pytestmark = IN_CHROMIUM
JUMP = 0.05  # of the window, all together: up to a tenth counts as good
# Of what is needed before a picture: HTML, styles and fonts. At 1.6 Mbit/s that is half a second, beside two ways there
# and back of 150 ms each.
BEFORE_A_PICTURE = 100_000


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("address", ["/", "/#diagnosis"])
def test_nothing_jumps_while_a_page_comes(reader: Reader, viewport: dict[str, int], address: str) -> None:
    page = reader.window(viewport=viewport)
    noticed = Noticed(page)
    as_on_a_phone(page)
    page.goto(reader.server + address)
    settle(page)
    assert noticed.shift() < JUMP, noticed.largest()


def test_the_first_picture_stands_in_the_page_itself(reader: Reader) -> None:
    page = reader.window(viewport=PHONE, java_script_enabled=False)
    transfers = Transfers(page)
    page.goto(reader.server)
    pictures = page.locator("main svg").evaluate_all(
        "all => all.map((svg) => svg.getBoundingClientRect()).filter((box) => box.width > 120 && box.height > 60)"
        ".map((box) => box.bottom)"
    )
    assert min(pictures) < PHONE["height"]
    needed = sum(size for path, size in transfers.fetched().items() if not path.endswith(".js"))
    assert needed < BEFORE_A_PICTURE, transfers.fetched()
