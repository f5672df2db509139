"""What could not be assessed is said once, at the right urgency, whatever shape the gap has."""

from __future__ import annotations

import pytest

from tests.story import (
    Story,
    by_rule,
    condition,
    course,
    dosed,
    lab,
    liver,
    on_file,
    only,
    order,
    premedication,
    transplant_planned,
    whole_chart,
)

FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
FORBIDDEN = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "forbidden"}],
}
NOT_PLANNED = transplant_planned(None, doNotPerform=True)


@pytest.fixture
def story(client) -> Story:
    return Story(client)


def ino():
    return order("inotuzumab")


def sign_with(story, key, value, chart=()):
    body = story.body("order-sign", [ino()], [NOT_PLANNED, *liver(), *chart])
    if value == "missing":
        del body["prefetch"][key]
    else:
        body["prefetch"][key] = value
    return by_rule(story.cards(body))


def key_of(story, kind):
    templates = story.templates["order-sign"]
    return [key for key, template in templates.items() if template.startswith(f"{kind}?")]


class TestGaps:
    @pytest.mark.parametrize("broken", ["missing", None, FAILED, FORBIDDEN])
    def test_labs_that_could_not_be_fetched_are_a_warning(self, story, broken):
        for key in key_of(story, "Observation")[:1]:
            card = sign_with(story, key, broken)["INO-DATA-01"]
            assert card["indicator"] == "warning"
            assert "total bilirubin" in card["detail"]

    def test_why_is_told_apart(self, story):
        key = key_of(story, "Condition")[0]
        details = {
            sign_with(story, key, broken)["INO-DATA-01"]["detail"].split("Source:")[0]
            for broken in (FAILED, FORBIDDEN)
        }
        assert len(details) == 2

    def test_more_pages_are_said(self, story):
        body = story.body("order-sign", [ino()], [NOT_PLANNED, *liver()])
        key = key_of(story, "Condition")[0]
        body["prefetch"][key]["link"] = [{"relation": "next", "url": "http://ehr.invalid/fhir?p=2"}]
        assert "INO-DATA-01" in by_rule(story.cards(body))

    def test_a_bundle_that_counts_more_than_it_holds_is_said(self, story):
        body = story.body("order-sign", [ino()], [NOT_PLANNED, *liver()])
        key = key_of(story, "Condition")[0]
        body["prefetch"][key]["total"] = 40
        assert "INO-DATA-01" in by_rule(story.cards(body))

    def test_an_outcome_among_the_entries_is_said(self, story):
        body = story.body("order-sign", [ino()], [NOT_PLANNED, *liver()])
        key = key_of(story, "Condition")[0]
        body["prefetch"][key]["entry"].append({"resource": FAILED, "search": {"mode": "outcome"}})
        assert "INO-DATA-01" in by_rule(story.cards(body))

    def test_what_was_found_speaks_although_more_is_unread(self, story):
        body = story.body("order-sign", [ino()], [NOT_PLANNED, condition("K76.5"), *liver()])
        key = key_of(story, "Condition")[0]
        body["prefetch"][key]["link"] = [{"relation": "next", "url": "http://ehr.invalid/fhir?p=2"}]
        assert "INO-VOD-01" in by_rule(story.cards(body))

    def test_a_whole_chart_leaves_nothing_to_say(self, story):
        assert story.sign([dosed(), *premedication()], whole_chart()) == {}

    def test_an_unrelated_order_is_left_in_peace_whatever_fails(self, story):
        body = story.body("order-sign", [order("fludarabine")], [])
        for key in key_of(story, "Condition"):
            body["prefetch"][key] = None
        assert set(by_rule(story.cards(body))) <= {"INO-DATA-01"}

    @pytest.mark.parametrize(
        "broken",
        [
            {"valueQuantity": {"value": "abc", "unit": "mg/dL"}},
            {"valueQuantity": "1.9 mg/dL"},
            {"status": 7},
            {"effectiveDateTime": "yesterday"},
            {"referenceRange": "0.2-1.2"},
        ],
    )
    def test_an_unreadable_result_is_said(self, story, broken):
        body = story.body("order-sign", [ino()], [NOT_PLANNED, *liver()[1:]])
        result = lab("bilirubin", "1.9 mg/dL", "1.2") | broken
        for key in key_of(story, "Observation"):
            body["prefetch"][key]["entry"].insert(0, {"resource": result})
        cards = by_rule(story.cards(body))
        said = [
            cards.get(rule, {}).get("detail", "")
            for rule in ("INO-DATA-01", "INO-LIV-05", "INO-LIV-02")
        ]
        assert "bilirubin" in "".join(said)

    def test_a_stray_element_costs_nothing(self, story):
        result = lab("bilirubin", "1.9 mg/dL", "1.2", category={"text": "an object, not a list"})
        chart = whole_chart(panel=[result, *liver()[1:]])
        assert set(story.sign([dosed(), *premedication()], chart)) == {"INO-LIV-02"}

    def test_each_missing_thing_stands_once(self, story):
        body = story.body("order-sign", [ino()], [])
        body["prefetch"] = {"patient": body["prefetch"]["patient"]}
        card = by_rule(story.cards(body))["INO-DATA-01"]
        lines = [line for line in card["detail"].splitlines() if line.startswith("- ")]
        assert len(lines) == len(set(lines))

    def test_what_other_cards_say_is_missing_is_not_repeated(self, story):
        cards = story.sign([ino()], course(2))
        for chapter, said, word in (
            ("INO-CYC", ["INO-CYC-06", "INO-CYC-07"], "response"),
            ("INO-LIV", ["INO-LIV-05"], "bilirubin"),
            ("INO-HEM", ["INO-HEM-06"], "ANC (none in the last 7 days)"),
            ("INO-DOSE", ["INO-DOSE-07"], "weight"),
        ):
            assert sorted(only(chapter, cards)) == said
            assert word not in cards["INO-DATA-01"]["detail"]

    def test_the_summary_is_short_whatever_is_missing(self, story):
        body = story.body("order-sign", [ino()], [])
        body["prefetch"] = {"patient": body["prefetch"]["patient"]}
        for card in story.cards(body):
            assert len(card["summary"]) < 140
            assert "|" not in card["detail"]


class TestUnidentified:
    @pytest.mark.parametrize("status", ["stopped", "cancelled", "completed", "entered-in-error"])
    def test_only_what_is_in_force_is_listed(self, story, status):
        strange = on_file("x", medicationCodeableConcept={"text": "Study drug 17"}, status=status)
        assert "INO-DATA-02" not in story.sign([ino()], [NOT_PLANNED, strange, *liver()])

    def test_it_is_said_once(self, story):
        strange = on_file("x", medicationCodeableConcept={"text": "Study drug 17"})
        cards = story.sign([ino()], [NOT_PLANNED, strange, *liver()])
        assert cards["INO-DATA-02"]["indicator"] == "info"
        assert "Study drug 17" not in cards.get("INO-DATA-01", {}).get("detail", "")

    def test_words_that_would_be_markup_are_escaped(self, story):
        strange = on_file("x", medicationCodeableConcept={"text": "<b>[x](http://evil)</b>"})
        detail = story.sign([ino()], [NOT_PLANNED, strange, *liver()])["INO-DATA-02"]["detail"]
        assert "<b>" not in detail
        assert "](http" not in detail

    def test_a_medication_nobody_can_find(self, story):
        lost = on_file("x", medicationReference={"reference": "Medication/gone"})
        del lost["medicationCodeableConcept"]
        assert "INO-DATA-02" in story.sign([ino()], [NOT_PLANNED, lost, *liver()])


class TestEveryCard:
    CHARTS = (
        [condition("K76.5"), *liver("1.9", "120")],
        [*course(6), transplant_planned(20), on_file("ondansetron"), on_file("busulfan")],
        [*course(3), on_file("voriconazole"), *liver("1.3")],
        [],
    )

    @pytest.mark.parametrize("chart", CHARTS)
    def test_shape(self, story, chart):
        drafts = [ino(), order("melphalan")]
        cards = story.cards(story.body("order-sign", drafts, chart))
        ranks = {"critical": 0, "warning": 1, "info": 2}
        assert [ranks[card["indicator"]] for card in cards] == sorted(
            ranks[card["indicator"]] for card in cards
        )
        for card in cards:
            assert len(card["summary"]) < 140
            assert "{" not in card["summary"] + card["detail"]
            assert "None" not in card["summary"] + card["detail"]
            actions = [a for s in card.get("suggestions", []) for a in s.get("actions", [])]
            if card["indicator"] == "critical":
                assert any(action["type"] in ("delete", "update") for action in actions)
            for suggestion in card.get("suggestions", []):
                assert suggestion.get("isRecommended") is not True
