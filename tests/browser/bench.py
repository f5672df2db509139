"""The workbench as a person uses it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import Watch
from tests.servers import Served


@dataclass
class Bench:
    """One page of the service in a browser of its own."""

    page: Page
    watch: Watch
    service: Served

    def open(self, path: str = "/") -> Bench:
        """Go there and wait until everything has arrived."""
        self.page.goto(f"{self.service.url}{path}", wait_until="networkidle")
        return self

    def choose(self, name: str) -> Bench:
        """Click a synthetic patient, and wait for the request."""
        self.page.locator(f'#fixtures a[data-name="{name}"]').click()
        expect(self.body).not_to_have_value("")
        expect(self.page.locator(f'a[data-name="{name}"][aria-current]')).to_be_visible()
        return self

    def fire(self, name: str = "") -> Bench:
        """Fire what is in the text, or a synthetic patient, and wait for all that it brings."""
        if name:
            self.choose(name)
        self.page.locator("#fire").click()
        return self.answered()

    def answered(self) -> Bench:
        """Wait until cards, verdicts, picture and raw text are there."""
        expect(self.page.locator("#outcome")).not_to_contain_text("Waiting")
        self.page.wait_for_load_state("networkidle")
        for part in ("why", "course", "raw"):
            expect(self.page.locator(f"#{part} > *").first).to_be_attached()
        return self

    @property
    def body(self) -> Locator:
        """The text of the request."""
        return self.page.locator("#body")

    @property
    def request(self) -> Any:
        """The text of the request, read as JSON."""
        return json.loads(self.body.input_value())

    @property
    def cards(self) -> Locator:
        """The cards that are shown."""
        return self.page.locator("#cards article.card")

    @property
    def outcome(self) -> Locator:
        """What is said of the answer."""
        return self.page.locator("#outcome")

    @property
    def problem(self) -> Locator:
        """What is said beside the text."""
        return self.page.locator("#problem")

    def cards_by_wire(self, request: Any) -> list[dict[str, Any]]:
        """What the service answers to the same call without a browser."""
        path = f"/cds-services/inotuzumab-{request['hook']}"
        status, answer = self.service.ask("POST", path, request)
        assert status == 200
        cards: list[dict[str, Any]] = answer["cards"]
        return cards

    def fixture(self, name: str) -> Any:
        """The request of a synthetic patient."""
        return self.service.ask("GET", f"/fixtures/{name}")[1]

    def is_as_wide_as_its_window(self) -> bool:
        """Whether nobody must scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
