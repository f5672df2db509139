"""Every page, wide and narrow, light and dark: open to everybody, of little weight."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.bench import Bench
from tests.browser.chromium import PHONE, WIDE

PAGES = ["/", "/rules", "/rules/INO-LIV-02", "/analytics"]
BRUNO = "bruno-both-liver-limits"
HEAVIEST = 100_000
"""Bytes that a page may cost, with everything it loads."""

EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# All that the dark scheme changes is colours.
RULES = {"light": EVERYTHING, "dark": ["color-contrast"]}


def findings(bench: Bench, scheme: str) -> list[str]:
    """What axe finds, of whatever weight."""
    options = {"runOnly": RULES[scheme], "resultTypes": ["violations"]}
    found = Axe().run(bench.page, options=options).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        for node in each["nodes"][:3]
    ]


def in_both_schemes(bench: Bench) -> Iterator[str]:
    """Light, then dark."""
    for scheme in ("light", "dark"):
        bench.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # Both are literals.
        yield scheme


@pytest.mark.parametrize("width", ["wide", "phone"])
class TestEveryPage:
    @pytest.fixture
    def size(self, width: str) -> dict[str, int]:
        return WIDE if width == "wide" else PHONE

    @pytest.mark.parametrize("path", PAGES)
    def test_keeps_nobody_out_and_needs_no_sideways_scrolling(self, opening, path, size):
        bench = opening(path, viewport=size)

        for scheme in in_both_schemes(bench):
            assert findings(bench, scheme) == [], scheme
        assert bench.is_as_wide_as_its_window()

    def test_so_does_a_workbench_that_has_fired(self, opening, size):
        bench = opening(viewport=size).fire(BRUNO)
        for part in ("#cards", "#course", "#raw", "#why li:nth-child(-n+3)"):
            for summary in bench.page.locator(f"{part} summary:visible").all():
                summary.click()

        for scheme in in_both_schemes(bench):
            assert findings(bench, scheme) == [], scheme
        assert bench.is_as_wide_as_its_window()


def test_dark_is_dark_and_light_is_light(bench):
    seen = {}
    for scheme in in_both_schemes(bench):
        colour = bench.page.evaluate("getComputedStyle(document.body).backgroundColor")
        seen[scheme] = sum(map(int, colour[colour.index("(") + 1 : -1].split(",")[:3]))

    assert seen["dark"] < 200 < 600 < seen["light"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light(opening, path):
    bench = opening(path)

    assert sum(bench.watch.bytes.values()) < HEAVIEST, bench.watch.bytes


def test_a_workbench_that_has_shown_everything_is_light_beside_the_chart_itself(opening):
    bench = opening().fire(BRUNO)
    cost = {path: size for path, size in bench.watch.bytes.items() if "/fixtures/" not in path}

    assert sum(cost.values()) < HEAVIEST, cost
    assert any(path.endswith("why.js") for path in cost)


class TestWithoutScript:
    @pytest.fixture
    def open_plain(self, opening):
        return lambda path: opening(path, java_script_enabled=False).page

    def test_a_story_is_read_and_the_way_to_fire_it_told(self, open_plain):
        page = open_plain("/")
        page.locator(f'#fixtures a[data-name="{BRUNO}"]').click()

        assert '"hook": "order-sign"' in page.locator("#body").input_value()
        expect(page.locator(".failure")).to_contain_text("curl")
        expect(page.locator(".failure")).to_contain_text("/cds-services/inotuzumab-order-sign")
        expect(page.locator("#fire")).to_be_disabled()

    def test_stories_and_rules_are_found(self, open_plain):
        page = open_plain("/")
        page.locator("#words").fill("QT")
        page.get_by_role("button", name="Find").click()
        assert 0 < page.locator("#fixtures li").count() < 20

        page = open_plain("/rules?q=bilirubin")
        assert 0 < page.locator("ul.rules li").count() < 88

    def test_the_analytics_are_counted_by_the_service(self, open_plain):
        page = open_plain("/analytics")

        expect(page.locator("table").first).to_be_visible()
        page.get_by_role("button").first.click()
        expect(page.locator("table").first).to_be_visible()


def test_in_print_nothing_is_told_by_colour_alone(opening):
    bench = opening().fire(BRUNO)
    bench.page.emulate_media(media="print")

    told = " ".join(bench.cards.locator("p.indicator").all_inner_texts())
    assert {"critical", "info"} <= set(told.casefold().split())
    expect(bench.page.locator("#course svg:visible")).to_have_count(1)
