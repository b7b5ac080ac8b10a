"""The three starts: what is said of a ball is what becomes of it."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.pages.reader import IN_CHROMIUM, Reader, show

pytestmark = IN_CHROMIUM
ALL = """async () => {
  const { descend, fateOf } = await import('/starts/curves.js');
  const found = [];
  for (const curve of ['valleys', 'bowl'])
    for (let rate = 0.02; rate < 1.001; rate += 0.07)
      for (let start = -1.5; start <= 8.35; start += 0.05) {
        const path = descend(curve, start, rate);
        found.push({ curve, rate, path, fate: fateOf(curve, path) });
      }
  return found;
}"""
FLOORS = {"valleys": (4.1, 6.4), "bowl": (4.6,)}


def at_rest(path: list[float]) -> bool:
    return abs(path[-1] - path[-2]) < 0.01


def test_every_ball_does_what_is_said_of_it(reader: Reader) -> None:
    page = reader.open()
    for one in page.evaluate(ALL):
        path, fate = one["path"], one["fate"]
        floor = next((place for place in FLOORS[one["curve"]] if abs(path[-1] - place) < 0.35), None)
        jumps = [abs(after - before) for before, after in pairwise(path)]
        assert -1.5 <= min(path) <= max(path) <= 8.35  # nothing has to stop it at the picture's edge
        if fate == "swings":
            assert not at_rest(path)
            assert (path[-1] - path[-2]) * (path[-2] - path[-3]) < 0
        elif fate in ("nearest", "thrown"):
            assert at_rest(path)
            assert floor is not None
        elif fate == "stays":
            assert max(jumps) < 0.01
        elif fate == "stranded":
            assert at_rest(path)
            assert floor is None
            assert max(jumps) > 1.0
        else:
            assert fate == "on-its-way"
        if one["curve"] == "bowl":
            assert fate in ("nearest", "on-its-way")


def accounts(page: Page) -> list[str]:
    found: list[str] = page.locator(".account p").all_inner_texts()
    return found


def settings(page: Page, curve: str, rate: float) -> None:
    show(page, "starts")
    page.locator('[data-key="starts/curve"]').select_option(curve)
    page.locator('[data-key="starts/rate"]').fill(f"{rate}")
    page.get_by_role("button", name="Let go").click()


def test_at_a_large_rate_the_swinging_ball_is_said_to_swing(reader: Reader) -> None:
    page = reader.open(reduced_motion="reduce")
    settings(page, "valleys", 1)
    expect(page.locator(".account").nth(1)).to_contain_text("swings from side to side")
    assert "nearest local minimum" not in "".join(accounts(page))
    expect(page.locator(".account").nth(2)).to_contain_text("thrown out onto the plain")


def test_in_a_bowl_each_ball_has_words_and_a_colour_of_its_own(reader: Reader) -> None:
    page = reader.open(reduced_motion="reduce")
    settings(page, "bowl", 0.4)
    assert len(set(accounts(page))) == 3
    expect(page.locator(".landscape-card > .note")).to_contain_text("A bowl has one minimum")
    for what, name in ((".ball .body", "fill"), ("path[class*='of-']:not(.sample path)", "stroke")):
        found: list[Any] = page.locator(f"#panel {what}").evaluate_all(
            "(drawn, name) => drawn.map((one) => getComputedStyle(one)[name])", name
        )
        assert len(set(found)) == 3


@pytest.mark.parametrize(("gap", "apart"), [(0.3, False), (0.0, True)])
def test_balls_are_stacked_only_where_they_share_a_place(reader: Reader, gap: float, apart: bool) -> None:
    page = reader.open(reduced_motion="reduce")
    show(page, "starts")
    balls = page.locator(".ball")
    balls.nth(1).focus()
    page.keyboard.press("Home")
    balls.nth(0).focus()
    page.keyboard.press("Home")
    for _ in range(round(gap / 0.1)):
        page.keyboard.press("ArrowRight")
    expect(balls.nth(0)).to_have_attribute("aria-valuenow", f"{-1.5 + gap:.2f}")
    low, high = sorted(balls.nth(place).bounding_box()["y"] for place in (0, 1))  # type: ignore[index]
    assert (high - low > 15) == apart
