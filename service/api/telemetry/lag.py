"""How late the event loop comes to what is due: everybody who is served waits for that long, whatever they ask."""

import asyncio

from prometheus_client import Histogram

INTERVAL = 0.02  # seconds: what holds the loop for longer is seen but for these


async def watch(lag: Histogram) -> None:
    """Observe the lag again and again, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL
        await asyncio.sleep(INTERVAL)
        lag.observe(max(0.0, loop.time() - due))
