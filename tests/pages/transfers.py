"""What a browser loads over the network: bytes as they came, and what its cache already had."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page


@dataclass
class Transfers:
    """Every request of a page from now on: its path, its status, the bytes that came for it, head and body."""

    page: Page
    paths: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)  # paths that the cache had

    def __post_init__(self) -> None:
        self.session = self.page.context.new_cdp_session(self.page)
        self.session.send("Network.enable")
        for event, note in (
            ("Network.requestWillBeSent", self._asked),
            ("Network.responseReceived", self._answered),
            ("Network.requestServedFromCache", self._known),
            ("Network.loadingFinished", self._finished),
        ):
            self.session.on(event, note)

    def _asked(self, event: dict[str, Any]) -> None:
        url = event["request"]["url"]
        if url.startswith("http"):
            self.paths[event["requestId"]] = "/" + url.split("/", 3)[3].partition("#")[0]

    def _answered(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self.paths:
            path = self.paths[event["requestId"]]
            self.statuses[path] = event["response"]["status"]
            if event["response"].get("fromDiskCache"):
                self.kept.add(path)

    def _known(self, event: dict[str, Any]) -> None:
        self.kept.add(self.paths.get(event["requestId"], ""))

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self.paths:
            self.bytes[self.paths[event["requestId"]]] = event["encodedDataLength"]

    def fetched(self) -> dict[str, int]:
        """Return the bytes that came for each path which the cache did not have."""
        return {path: size for path, size in self.bytes.items() if path not in self.kept}
