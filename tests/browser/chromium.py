"""Debian's Chromium, driven by Playwright: found, started, and watched on every page.

Playwright's own browsers are not downloaded.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

EXECUTABLE = os.environ.get("CDS_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
NOT_FOUND = "no Chromium: install Debian's chromium, or name a browser in CDS_CHROMIUM"

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-lcd-text",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI}`));
"""
# The browser says so of every answer that is no 2xx; which of them are due, each test says.
_REFUSED = "Failed to load resource"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that is gone afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(_QUIET))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """What must not happen on a page: errors, dialogs, broken policy, other hosts, failures.

    ``expected`` are the HTTP statuses that a test means to cause. ``bytes`` are those that came
    over the wire, by address; what was answered to a POST is no part of a page.
    """

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    refused: list[int] = field(default_factory=list)
    _loaded: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(_TELL_VIOLATIONS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", self._see)
        self.page.on("response", self._check)
        self.page.on("requestfinished", self._count)

    @property
    def bytes(self) -> dict[str, int]:
        """How many bytes each file of the page has cost."""
        files = [each for each in self._loaded if each.method == "GET"]
        return {urlsplit(each.url).path: _size(each) for each in files}

    def verdict(self) -> list[str]:
        """Everything that went wrong."""
        unexpected = [f"HTTP {each}" for each in self.refused if each not in self.expected]
        return self.problems + unexpected

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_REFUSED):
            self.problems.append(f"console: {message.text}")

    def _dismiss(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _see(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.problems.append(f"another host was asked: {request.url}")

    def _count(self, request: Request) -> None:
        self._loaded.append(request)

    def _check(self, response: Response) -> None:
        if response.status >= 400:
            self.refused.append(response.status)


def _size(request: Request) -> int:
    sizes = request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]
