"""Fire, change, accept, override, look why: the workbench as a person uses it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.bench import Bench
from tests.browser.chromium import PHONE
from tests.servers import Served

ADA, BRUNO, OSCAR, ALL_WELL = (
    "ada-bilirubin-at-uln",
    "bruno-both-liver-limits",
    "oscar-new-qt-drug",
    "quentin-all-well",
)


def test_a_story_is_chosen_and_fired(bench):
    bench.fire(BRUNO)

    expect(bench.cards).to_have_count(2)
    expect(bench.cards.first).to_have_class(re.compile("critical"))
    expect(bench.outcome).to_contain_text(re.compile(r"2 cards, most urgent first, in \d+ ms"))


def test_the_cards_are_those_an_ehr_gets(bench):
    bench.fire(BRUNO)

    told = [card["summary"] for card in bench.cards_by_wire(bench.request)]
    assert bench.cards.locator("h3").all_inner_texts() == told


def test_no_card_is_said_in_words(bench):
    bench.fire(ALL_WELL)

    expect(bench.cards).to_have_count(0)
    expect(bench.outcome).to_contain_text("without a card")


def test_the_list_of_stories_can_be_narrowed(bench):
    bench.page.locator("#words").fill("INO-QT oscar")

    expect(bench.page.locator("#fixtures li:visible")).to_have_count(1)
    expect(bench.page.locator("#found")).to_have_text("1 story.")


def test_the_whole_way_can_be_gone_by_keyboard(opening):
    bench: Bench = opening()
    page = bench.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.name") == ADA:
            break
    page.keyboard.press("Enter")
    expect(bench.body).not_to_have_value("")
    page.locator("#body").focus()
    page.keyboard.press("Control+Enter")
    bench.answered()
    expect(bench.cards).to_have_count(2)

    page.locator("#fire").focus()
    page.keyboard.press("Enter")
    bench.answered()

    assert page.evaluate("document.activeElement.id") == "answer-heading"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.answer') !== null")


def test_an_accepted_suggestion_changes_the_draft_and_the_card_goes(bench):
    bench.fire(OSCAR)
    drafts = len(bench.request["context"]["draftOrders"]["entry"])
    summary = bench.cards.locator("h3").first.inner_text()

    bench.cards.first.get_by_role("button", name="Remove this draft").click()

    expect(bench.cards.first.locator(".done")).to_contain_text("Stored: accepted")
    assert len(bench.request["context"]["draftOrders"]["entry"]) == drafts - 1
    bench.page.get_by_role("button", name="Fire again").click()
    bench.answered()
    expect(bench.page.locator("#cards h3", has_text=summary)).to_have_count(0)


def test_an_accepted_update_changes_the_order_and_what_is_said_of_it(bench):
    bench.fire(BRUNO)
    before = bench.body.input_value()

    bench.cards.first.get_by_role("button", name="Hold this inotuzumab order").click()
    expect(bench.cards.first.locator(".changes")).to_contain_text("status")

    assert "on-hold" in bench.body.input_value()
    expect(bench.outcome).to_contain_text("The request was changed after this answer")
    bench.page.locator("#undo").click()
    assert bench.body.input_value() == before


def test_an_override_is_stored_with_its_reason_and_the_card_is_softer_next_time(bench, service):
    bench.fire(ADA)
    shown = bench.cards.first
    assert "warning" in str(shown.get_attribute("class"))
    shown.locator(".override summary").click()
    shown.get_by_role("button", name="Override").click()
    expect(shown.locator(".problem")).to_have_text("Choose a reason first.")
    choice = shown.locator(".override select")
    reason = choice.locator("option").nth(1).inner_text()
    choice.select_option(index=1)
    shown.locator(".override input").fill("seen <b>today</b>")
    shown.get_by_role("button", name="Override").click()
    expect(shown.locator(".done")).to_contain_text("Stored: overridden")

    card = str(choice.get_attribute("id")).removeprefix("reason-")
    (answer,) = on_record(service, card)["feedback"]
    assert (answer["outcome"], answer["comment"]) == ("overridden", "seen <b>today</b>")
    assert answer["reason_display"] == reason
    bench.page.get_by_role("button", name="Fire again").click()
    bench.answered()
    expect(bench.cards.first).to_have_class(re.compile("info"))
    expect(bench.cards.first).to_contain_text(reason)


def test_the_call_can_be_taken_along_as_curl(opening):
    bench: Bench = opening(permissions=["clipboard-read", "clipboard-write"])
    bench.fire(ADA)
    raw = bench.page.locator("#raw details")

    raw.last.locator("summary").click()
    raw.last.get_by_role("button", name="Copy").click()

    expect(raw.last).to_contain_text("Copied.")
    command = bench.page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("curl -sS -X POST")
    sent = command.split("<<'REQUEST'\n")[1].rpartition("\nREQUEST")[0]
    assert json.loads(sent) == bench.request


def test_cards_are_shown_as_in_a_side_bar(bench):
    bench.fire(BRUNO)
    wide = bench.cards.first.bounding_box()["width"]

    bench.page.get_by_label("as a side bar").check()

    assert bench.cards.first.bounding_box()["width"] < wide
    expect(bench.cards.first.locator(".fold")).not_to_have_attribute("open", "")


def test_on_a_phone_one_lands_at_what_one_asked_for(opening):
    bench: Bench = opening(viewport=PHONE)

    bench.fire(BRUNO)

    expect(bench.page.locator("#answer-heading")).to_be_in_viewport()


class TestWhy:
    @pytest.fixture
    def why(self, bench: Bench):
        bench.fire(BRUNO)
        return bench.page.locator("#why")

    def test_the_verdicts_can_be_narrowed(self, why):
        rules = why.locator("ul.why > li")
        everything = rules.count()
        visible = why.locator("ul.why > li:visible")
        why.get_by_role("button", name=re.compile("unknown")).click()
        why.get_by_label("Search rules").fill("INO-LIV")

        for rule in visible.all():
            assert re.match(r"INO-LIV-\d+ . ?fires", " ".join(rule.inner_text().split()))
        assert 0 < visible.count() < everything

    def test_a_firing_rule_tells_its_own_reason_and_not_that_there_is_an_order(self, why):
        reasons = why.locator("ul.why > li.fires", has_text="INO-LIV").first.locator("ul.told")

        expect(reasons.locator("li")).not_to_have_count(0)
        assert "order" not in reasons.locator("strong").all_inner_texts()

    def test_a_silent_rule_says_by_how_much(self, why):
        why.get_by_role("button", name=re.compile("silent")).click()

        expect(why.locator("ul.why > li.silent").first).to_be_visible()
        expect(why).to_contain_text("fires ")

    def test_a_fact_leads_to_its_resource(self, why, bench):
        fired = why.locator("ul.why > li.fires", has_text="INO-LIV").first
        fired.locator("summary").first.click()
        fact = fired.get_by_role("button", name=re.compile("^Observation.")).first
        reference = fact.inner_text()
        fact.click()

        shown = bench.page.locator("dialog.resource")
        expect(shown.locator("h3")).to_have_text(reference)
        expect(shown.locator("pre")).to_contain_text(f'"id": "{reference.split("/")[1]}"')
        expect(shown.locator("mark")).to_be_visible()
        bench.page.keyboard.press("Escape")
        expect(shown).to_be_hidden()


class TestTheCourse:
    def test_it_is_drawn_with_its_words_beside_it(self, bench):
        bench.fire(BRUNO)
        course = bench.page.locator("#course")

        drawn = course.locator("svg:visible")
        expect(drawn).to_have_count(1)
        expect(drawn).to_have_attribute("role", "img")
        assert drawn.get_attribute("aria-label") or drawn.get_attribute("aria-labelledby")
        course.locator("details.course-words summary").click()
        expect(course.locator("table").first).to_be_visible()

    def test_what_raised_a_card_is_marked(self, bench):
        bench.fire(BRUNO)
        course = bench.page.locator("#course")

        assert course.locator("svg:visible .course-ring").count() > 0
        course.locator("details.course-words summary").click()
        expect(course.locator("td", has_text="INO-LIV").first).to_be_visible()

    def test_a_phone_gets_a_picture_of_its_own(self, opening):
        bench: Bench = opening(viewport=PHONE)
        bench.fire(BRUNO)

        drawn = bench.page.locator("#course svg:visible")
        expect(drawn).to_have_count(1)
        assert drawn.bounding_box()["width"] <= PHONE["width"]


class TestRules:
    def test_they_are_found_by_words(self, opening):
        page = opening("/rules").page
        page.get_by_label("Words").fill("bilirubin")
        page.get_by_role("button", name="Show").click()

        expect(page.get_by_role("status")).to_contain_text(re.compile(r"^\d+ of \d+ rules"))
        assert 0 < page.locator("ul.rules li").count() < 88
        page.locator("ul.rules a").first.click()
        expect(page.locator("h1")).to_contain_text("INO-")

    def test_each_card_leads_to_its_rule(self, bench):
        bench.fire(BRUNO)
        link = bench.cards.first.get_by_role("link", name="Rule, sources and limits")

        address = str(link.get_attribute("href"))
        bench.open(address[address.index("/rules/") :])

        expect(bench.page.locator("h1")).to_contain_text("INO-")


class TestAnalytics:
    def test_it_counts_what_was_shown_and_answered(self, opening):
        page = opening("/analytics").page

        expect(page.locator("table").first).to_be_visible()
        assert page.get_by_role("link", name=re.compile("^INO-")).count() > 3
        expect(page.locator("main")).to_contain_text("overridden")

    def test_days_are_chosen_and_a_wrong_one_is_said_so(self, opening):
        bench: Bench = opening("/analytics?from=2026-13-01")
        bench.watch.expected = {400}

        expect(bench.page.locator(".problem").first).to_be_visible()
        expect(bench.page.locator("[aria-invalid]").first).to_have_value("2026-13-01")

    def test_a_table_comes_as_csv(self, opening):
        page = opening("/analytics").page

        with page.expect_download() as coming:
            page.get_by_role("link", name=re.compile("as CSV")).first.click()

        lines = coming.value.path().read_text("utf-8-sig").splitlines()
        assert len(lines) > 3


def on_record(service: Served, card: str) -> Any:
    """What the card log tells of a card."""
    told = subprocess.run(
        [sys.executable, "-m", "cds_service", "log", "show", card, "--json"],
        cwd=service.folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(told.stdout)
