"""What leaves the service: discovery, cards and explanations, exactly."""

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from web_parts import (
    app,
    bare_card,
    bilirubin_rule,
    card,
    deciding,
    parts,
    post,
    request_body,
    verdict,
)

from cds_service.cards.model import SuggestionOffer
from cds_service.facts.answers import Reading, Source
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.web.card_form import as_sent
from cds_service.web.found import found
from cds_service.web.words import number


@pytest.fixture
def client():
    return app().test_client()


def test_a_whole_card_has_the_keys_of_the_specification_and_no_other(client, monkeypatch):
    deciding(monkeypatch, card())

    (sent,) = post(client, request_body()).json["cards"]

    assert sent == {
        "uuid": card().uuid,
        "summary": card().summary,
        "detail": card().detail,
        "indicator": "warning",
        "source": {
            "label": "BESPONSA US prescribing information",
            "url": "https://dailymed.nlm.nih.gov/",
            "topic": {
                "system": "urn:cds-service:rule",
                "code": "INO-LIV-02",
                "display": "One liver limit exceeded",
            },
        },
        "suggestions": [
            {
                "label": "Hold this order",
                "uuid": card().suggestions[0].uuid,
                "actions": [
                    {
                        "type": "update",
                        "description": "Put the order on hold",
                        "resource": {"resourceType": "MedicationRequest", "dose": 0.8},
                    },
                    {
                        "type": "delete",
                        "description": "Remove it",
                        "resourceId": "MedicationRequest/1",
                    },
                ],
            }
        ],
        "selectionBehavior": "at-most-one",
        "overrideReasons": [
            {
                "code": "repeat-pending",
                "system": "urn:cds-service:override",
                "display": "A repeat is pending",
            }
        ],
        "links": [
            {
                "label": "About this rule",
                "url": "https://cds.example.org/rules/INO-LIV-02",
                "type": "absolute",
            }
        ],
        "extension": {
            "cds-service.card": {
                "orders": ["MedicationRequest/1"],
                "rule": {"id": "INO-LIV-02", "version": "1.0.0"},
                "evaluated": "2026-11-20T10:00:00+00:00",
            }
        },
    }


def test_a_dose_in_a_suggestion_keeps_its_digits(client, monkeypatch):
    deciding(monkeypatch, card())

    assert b'"dose":0.80' in post(client, request_body()).data


def test_a_bare_card_has_no_key_without_a_value(client, monkeypatch):
    deciding(monkeypatch, bare_card())

    (sent,) = post(client, request_body()).json["cards"]

    assert set(sent) == {"uuid", "summary", "indicator", "source", "extension"}
    assert set(sent["source"]) == {"label", "topic"}
    assert set(sent["extension"]["cds-service.card"]) == {"rule", "evaluated"}


@pytest.mark.parametrize("lacking", ["uuid", "summary", "indicator"])
def test_a_card_that_lacks_what_the_specification_requires_is_never_sent(lacking):
    with pytest.raises(ValueError, match=f"lacks {lacking}"):
        as_sent([card(**{lacking: ""})])


def test_a_suggestion_without_a_label_is_never_sent():
    with pytest.raises(ValueError, match="lacks label"):
        as_sent([card(suggestions=(SuggestionOffer("7", ""),))])


def test_nothing_to_say_is_an_empty_list(client, monkeypatch):
    deciding(monkeypatch)

    assert post(client, request_body()).json == {"cards": []}


def test_cards_keep_the_order_of_the_decision(client, monkeypatch):
    deciding(monkeypatch, card(indicator="critical"), card(indicator="info"))

    sent = post(client, request_body()).json["cards"]

    assert [each["indicator"] for each in sent] == ["critical", "info"]


def test_an_answer_about_a_patient_is_not_stored(client, monkeypatch):
    deciding(monkeypatch)

    assert post(client, request_body()).headers["Cache-Control"] == "no-store"


def test_discovery_names_every_service_with_its_prefetch(client):
    services = client.get("/cds-services").json["services"]

    assert [each["hook"] for each in services] == ["order-sign", "order-select", "patient-view"]
    assert services[0] == {
        "hook": "order-sign",
        "id": "inotuzumab-order-sign",
        "title": "At order-sign",
        "description": "Checks orders",
        "prefetch": {"patient": "Patient/{{context.patientId}}"},
        "usageRequirements": "Not reviewed",
    }


def test_a_service_without_prefetch_does_not_send_an_empty_one():
    joined = replace(parts(), plans={})

    (first, *_) = app(joined).test_client().get("/cds-services").json["services"]

    assert "prefetch" not in first


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "*/*",
        "application/fhir+json, */*; q=0.1",
        "application/json+fhir",
        "x/y",
    ],
)
def test_discovery_is_answered_whatever_the_client_accepts(client, accept):
    answer = client.get("/cds-services", headers={"Accept": accept})

    assert (answer.status_code, answer.mimetype) == (200, "application/json")


def test_explain_tells_a_rule_that_fires_clause_by_clause(client, monkeypatch):
    deciding(monkeypatch, verdicts=[verdict("fires")])

    (rule,) = post(client, request_body(), "/explain/inotuzumab-order-sign").json["rules"]

    assert rule == {
        "id": "INO-LIV-02",
        "title": "One liver limit exceeded",
        "version": "1.0.0",
        "status": "active",
        "verdict": "fires",
        "indicator": "warning",
        "variants": [
            {
                "name": "bilirubin",
                "outcome": "fires",
                "clauses": [
                    {
                        "name": "bilirubin",
                        "asks": "lab (analyte total-bilirubin, within 7 days): "
                        "times ULN > 1.5 x ULN",
                        "truth": "true",
                        "found": ["total bilirubin; date 2026-11-19; 1.9 mg/dL (Observation/1)"],
                        "facts": [
                            {
                                "text": "total bilirubin; date 2026-11-19; 1.9 mg/dL",
                                "value": "1.9",
                                "date": "2026-11-19",
                                "holds": True,
                                "sources": [
                                    {"reference": "Observation/1", "element": "valueQuantity"}
                                ],
                            }
                        ],
                        "missing": [],
                    }
                ],
            }
        ],
    }


def test_explain_tells_what_kept_a_rule_from_an_answer(client, monkeypatch):
    deciding(monkeypatch, verdicts=[verdict("unknown")])

    (rule,) = post(client, request_body(), "/explain/inotuzumab-order-sign").json["rules"]
    ((clause,),) = [variant["clauses"] for variant in rule["variants"]]

    assert "indicator" not in rule
    assert clause["truth"] == "unknown"
    assert clause["missing"] == ["total bilirubin: search failed"]


def test_explain_says_why_a_rule_whose_clauses_hold_is_silent(client, monkeypatch):
    silent = replace(verdict("fires"), outcome="silent", speaking=None, because="INO-LIV-01 fires")
    deciding(monkeypatch, verdicts=[silent])

    (rule,) = post(client, request_body(), "/explain/inotuzumab-order-sign").json["rules"]

    assert rule["because"] == "INO-LIV-01 fires"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Fraction(7), "7"),
        (Fraction(3, 2), "1.5"),
        (Fraction(1, 3), "0.333333"),
        (Fraction(1, 10**7), "0.0000001"),
        (Fraction(100), "100"),
        (Fraction(10**60), "1" + "0" * 60),
    ],
)
def test_numbers_are_told_in_digits(value, words):
    assert number(value) == words


def test_a_reading_without_words_is_told_by_the_fields_that_are_known():
    at_least = Interval.at_least(Decimal("2"))
    gap = Unknown("cycle", Reason.NOT_RECORDED)
    reading = Reading(
        {"exposed": True, "doses": at_least, "cycles": gap, "days_since_last": None},
        sources=(Source("MedicationAdministration/1"), Source("MedicationAdministration/1")),
    )

    assert found("exposure", reading) == ("exposed: yes; doses: ≥ 2 (MedicationAdministration/1)")


def test_lists_shown_by_a_reading_are_joined():
    reading = Reading({}, {"names": ["amiodarone", "ondansetron"], "count": Fraction(2)})

    assert found("drugs", reading) == "amiodarone, ondansetron; count 2"


def test_the_same_call_gives_the_same_bytes(client, monkeypatch):
    deciding(monkeypatch, card())

    assert post(client, request_body()).data == post(client, request_body()).data


def test_a_rule_page_is_where_the_card_link_points(client):
    assert client.get(f"/rules/{bilirubin_rule().id}").status_code == 200
    assert json.loads(client.get("/health/ready").data)["status"] == "ready"
