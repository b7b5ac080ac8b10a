"""A page on a mid phone, and what somebody who holds it notices: jumps, waits, and when the first picture is there."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page

LATENCY, BYTES_PER_SECOND = 150, 200_000  # milliseconds; 1.6 Mbit/s
SLOWER = 4  # times, than this machine's processor
# Kept from the first moment on. What moves right after a reader's own click is expected to (hadRecentInput), and counts
# for nothing in the Layout Instability API's sum; it is kept beside the rest, marked.
WATCH = """
window.noticed = { jumps: [], waits: [], picture: null };
const place = ({ y, height }) => `${Math.round(y)}+${Math.round(height)}`;
const name = (node) => node ? `${node.nodeName.toLowerCase()}#${node.id}.${node.getAttribute?.("class")}` : "(gone)";
const moved = ({ node, previousRect, currentRect }) => `${name(node)} ${place(previousRect)} to ${place(currentRect)}`;
new PerformanceObserver((list) => {
  for (const { value, startTime, hadRecentInput, sources } of list.getEntries())
    noticed.jumps.push({ value, startTime, hadRecentInput, moved: sources.map(moved) });
}).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => {
  for (const { duration, startTime } of list.getEntries()) noticed.waits.push({ duration, startTime });
}).observe({ type: "longtask", buffered: true });
// A picture is there with the frame after the one in which it has its place.
const look = () => {
  for (const picture of document.querySelectorAll("main svg")) {
    const { width, height, top, bottom } = picture.getBoundingClientRect();
    if (width < 120 || height < 60 || top > innerHeight - 40 || bottom < 0) continue;
    requestAnimationFrame((time) => { noticed.picture = time; });
    return;
  }
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@dataclass
class Noticed:
    """What has been noticed since the page was loaded, or since it was last forgotten."""

    page: Page

    def __post_init__(self) -> None:
        self.page.add_init_script(WATCH)

    def forget(self) -> None:
        self.page.evaluate("noticed.jumps.length = noticed.waits.length = 0")

    def jumps(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate("noticed.jumps")
        return found

    def shift(self) -> float:
        """Return how much the page jumped, all together, as the Layout Instability API counts it."""
        return float(sum(jump["value"] for jump in self.jumps() if not jump["hadRecentInput"]))

    def largest(self) -> str:
        """Return what jumped most, in words."""
        ordered = sorted(self.jumps(), key=lambda jump: -jump["value"])[:3]
        return "; ".join(f"{jump['value']:.3f} at {jump['startTime']:.0f} ms: {jump['moved']}" for jump in ordered)

    def waits(self) -> list[int]:
        """Return the milliseconds of all tasks that were longer than 50."""
        found: list[int] = self.page.evaluate("noticed.waits.map(({ duration }) => Math.round(duration))")
        return found

    def picture(self) -> float | None:
        """Return when the first picture was painted, in milliseconds since the visit began."""
        found: float | None = self.page.evaluate("noticed.picture")
        return found


def as_on_a_phone(page: Page) -> CDPSession:
    """Make a page's processor and network those of a mid phone."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY,
            "downloadThroughput": BYTES_PER_SECOND,
            "uploadThroughput": BYTES_PER_SECOND,
        },
    )
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return session
