"""The checker of responses finds every breach it is there to find."""

import copy
from typing import Any

import pytest

from tests.rule_builders import HEPATIC_PANEL, order
from tests.wire_rules import assert_conforms, complaints

DRAFT = order("1", unheardOf={"kept": None})

SOUND: dict[str, Any] = {
    "cards": [
        {
            "uuid": "00000000-0000-4000-8000-000000000001",
            "summary": "Bilirubin 1.9 mg/dL on 2026-11-19: above 1.5 × ULN",
            "detail": "Hold **inotuzumab** until [recovery](https://example.org/).\n\n- one",
            "indicator": "critical",
            "source": {
                "label": "Label",
                "url": "https://example.org/label",
                "topic": {"system": "urn:x", "code": "INO-LIV-01", "display": "Both limits"},
            },
            "suggestions": [
                {
                    "label": "Act",
                    "uuid": "00000000-0000-4000-8000-000000000002",
                    "actions": [
                        {"type": "update", "description": "Hold", "resource": DRAFT},
                        {
                            "type": "delete",
                            "description": "Cancel",
                            "resourceId": "MedicationRequest/1",
                        },
                        {
                            "type": "create",
                            "description": "Order",
                            "resource": {**HEPATIC_PANEL, "subject": {"reference": "Patient/1"}},
                        },
                    ],
                }
            ],
            "selectionBehavior": "at-most-one",
            "overrideReasons": [{"system": "urn:x", "code": "a", "display": "Reason"}],
            "links": [{"label": "Rule", "url": "https://example.org/r", "type": "absolute"}],
            "extension": {
                "cds-service.card": {
                    "orders": ["MedicationRequest/1"],
                    "rule": {"id": "INO-LIV-01", "version": "1.0.0"},
                    "evaluated": "2026-11-20T10:00:00+00:00",
                }
            },
        }
    ]
}

GONE = object()

BREACHES = [
    ("systemActions", [], "unknown key"),
    ("cards.0.uuid", "00000000-0000-4000-8000-00000000000A", "UUID"),
    ("cards.0.uuid", "00000000-0000-4000-8000-000000000002", "used twice"),
    ("cards.0.summary", "x" * 140, "140 code points"),
    ("cards.0.summary", "\U0001f600" * 70, "140 UTF-16 units"),
    ("cards.0.summary", "two\nlines", "line break"),
    ("cards.0.summary", "<img src=x>", "markup"),
    ("cards.0.summary", GONE, "summary is missing"),
    ("cards.0.detail", "a <b>c</b>", "raw HTML"),
    ("cards.0.detail", "<div>\n", "raw HTML"),
    ("cards.0.detail", "| a |\n|---|\n| b |", "table"),
    ("cards.0.detail", "[x](ftp://a.b)", "http"),
    ("cards.0.detail", "![x](https://a.b)", "image"),
    ("cards.0.detail", "  ", "blank"),
    ("cards.0.indicator", "hard-stop", "indicator"),
    ("cards.0.source.label", GONE, "label is missing"),
    ("cards.0.source.url", "/relative", "http"),
    ("cards.0.source.topic.display", None, "null"),
    ("cards.0.source.topic.system", GONE, "system is missing"),
    ("cards.0.selectionBehavior", GONE, "neither at-most-one nor any"),
    ("cards.0.suggestions", GONE, "without suggestions"),
    ("cards.0.suggestions", [], "empty"),
    ("cards.0.suggestions.0.isRecommended", True, "pre-selected"),
    ("cards.0.suggestions.0.actions.0.resource.intent", "plan", "intent: changed"),
    ("cards.0.suggestions.0.actions.0.resource.id", "2", "no draft"),
    ("cards.0.suggestions.0.actions.0.resource", "{}", "not an object"),
    ("cards.0.suggestions.0.actions.1.resourceId", "1", "relative reference"),
    ("cards.0.suggestions.0.actions.1.resourceId", "MedicationRequest/9", "no draft"),
    ("cards.0.suggestions.0.actions.1.resource", {"a": 1}, "a delete has none"),
    ("cards.0.suggestions.0.actions.1.type", "Delete", "create, update, delete"),
    ("cards.0.suggestions.0.actions.2.description", GONE, "description is missing"),
    ("cards.0.suggestions.0.actions.2.resource.intent", "nonsense", "FHIR"),
    ("cards.0.suggestions.0.actions.2.resourceId", "A/1", "only a delete"),
    ("cards.0.overrideReasons.0.display", " ", "blank"),
    ("cards.0.links.0.appContext", "x", "smart"),
    ("cards.0.links.0.url", "rules/x", "http"),
    ("cards.0.extension", {"other": {"a": 1}}, "unknown key"),
]


def changed(path: str, value: object) -> dict[str, Any]:
    """The sound response with one place changed, or taken out."""
    response = copy.deepcopy(SOUND)
    *steps, last = path.split(".")
    place: Any = response
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return response


def test_a_sound_response_conforms():
    assert_conforms(SOUND, [DRAFT])
    assert_conforms({"cards": []})


@pytest.mark.parametrize(("path", "value", "complaint"), BREACHES)
def test_a_breach_is_found(path, value, complaint):
    found = list(complaints(changed(path, value), [DRAFT]))

    assert any(complaint in each for each in found), found


def test_cards_must_come_most_urgent_first():
    info = {**copy.deepcopy(SOUND["cards"][0]), "indicator": "info"}

    found = list(complaints({"cards": [info, *SOUND["cards"]]}, [DRAFT]))

    assert "cards: not most urgent first" in found


@pytest.mark.parametrize("response", [[], {}, {"cards": None}, {"cards": ["x"]}, {"cards": [None]}])
def test_what_is_no_response_is_found(response):
    assert list(complaints(response))


def test_an_update_without_its_draft_is_validated_as_fhir():
    assert any("FHIR" in each for each in complaints(SOUND))
