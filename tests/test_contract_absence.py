"""Whatever goes wrong with a prefetch key or a draft, no answer is "all clear" because of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import story
from tests.story import Story, by_rule, drug, liver, on_file, order, transplant_planned
from tests.wire_rules import assert_conforms

MISSING = object()
JSON = dict[str, Any]


def outcome(severity: str, code: str) -> JSON:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


def searchset(*resources: JSON, **more: Any) -> JSON:
    entries = [{"resource": each} for each in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


NEXT = [{"relation": "next", "url": "https://elsewhere.example.org/fhir?page=2"}]
REASON_OF: dict[str, tuple[object, str]] = {
    "missing": (MISSING, "not sent by the EHR"),
    "null": (None, "sent as null, without an answer"),
    "failed": (outcome("error", "exception"), "search failed"),
    "failed inside": (searchset(outcome("fatal", "timeout")), "search failed"),
    "forbidden": (outcome("error", "forbidden"), "not allowed"),
    "next page": (searchset(link=NEXT), "more pages unread"),
    "more found than sent": (searchset(total=3), "more pages unread"),
    "a page of HTML": ("<html>Bad gateway</html>", "unreadable resource"),
    "a number": (5, "unreadable resource"),
    "an array": ([], "unreadable resource"),
    "another type": (searchset({"resourceType": "Practitioner", "id": "x"}), "unreadable resource"),
    "another patient": (
        searchset(
            {
                "resourceType": "Observation",
                "id": "x",
                "status": "final",
                "code": {"coding": [{"system": story.LOINC, "code": "1975-2"}]},
                "subject": {"reference": "https://ehr.example.org/fhir/Patient/other"},
            }
        ),
        "other patient's data",
    ),
}


@pytest.fixture
def told(client: FlaskClient) -> Story:
    return Story(client)


def with_key(body: JSON, key: str, value: object) -> JSON:
    prefetch = {name: found for name, found in body["prefetch"].items() if name != key}
    return {**body, "prefetch": prefetch if value is MISSING else {**prefetch, key: value}}


def signing(told: Story, chart: list[JSON], hook: str = "order-sign") -> JSON:
    draft = order("inotuzumab")
    selected = {"selections": [f"MedicationRequest/{draft['id']}"]}
    return told.body(hook, [draft], chart, **(selected if hook == "order-select" else {}))


def without_every_result(body: JSON, value: object) -> JSON:
    return with_key(with_key(body, "observations", value), "recentObservations", value)


@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
@pytest.mark.parametrize("way", REASON_OF)
def test_results_that_did_not_come_are_named_with_their_own_reason(
    told: Story, way: str, hook: str
) -> None:
    value, reason = REASON_OF[way]

    cards = by_rule(told.cards(without_every_result(signing(told, liver(), hook), value)))

    told_apart = cards["INO-DATA-01"]
    assert told_apart["indicator"] == "warning"
    line = next(
        line for line in told_apart["detail"].splitlines() if line.startswith(f"- {reason}")
    )
    assert "total bilirubin" in line


def test_results_that_were_looked_for_and_not_there_are_missing_not_failed(told: Story) -> None:
    cards = by_rule(told.cards(without_every_result(signing(told, []), searchset(total=0))))

    assert "no total bilirubin" in cards["INO-LIV-05"]["summary"]
    assert "search failed" not in str(cards)


@pytest.mark.parametrize("way", REASON_OF)
@pytest.mark.parametrize(
    "key",
    [
        *("conditions", "procedures", "medicationRequests", "medicationStatements"),
        *("medicationAdministrations", "serviceRequests", "carePlans", "goals"),
    ],
)
def test_an_order_is_never_all_clear_with_a_key_unanswered(told: Story, key: str, way: str) -> None:
    body = with_key(signing(told, liver()), key, REASON_OF[way][0])

    cards = told.cards(body)

    assert "INO-DATA-01" in by_rule(cards)
    assert_conforms({"cards": cards})


@pytest.mark.parametrize(
    ("value", "status"),
    [(MISSING, 412), (None, 412), ("123", 412), (outcome("error", "forbidden"), 412)],
    ids=["missing", "null", "text", "forbidden"],
)
def test_without_the_patient_there_is_no_answer(told: Story, value: object, status: int) -> None:
    answer = told.post(
        "/cds-services/inotuzumab-order-sign", with_key(signing(told, liver()), "patient", value)
    )

    assert answer.status_code == status
    assert answer.get_json()["resourceType"] == "OperationOutcome"


OTHERS = {"reference": "Patient/other"}
STRANGERS: dict[str, JSON] = {
    "inotuzumab of another patient": order("inotuzumab", subject=OTHERS),
    "an alkylator of another patient": order("busulfan", subject=OTHERS),
    "a drug nobody knows, of another patient": order("infusion 4711", subject=OTHERS),
    "an order of DSTU2": {
        "resourceType": "MedicationOrder",
        "id": "old",
        "medicationCodeableConcept": drug("inotuzumab"),
    },
    "an order of STU3": {"resourceType": "ProcedureRequest", "id": "old", "code": {"text": "x"}},
}


@pytest.mark.parametrize("own", ["inotuzumab", "fludarabine"])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_draft_that_must_not_be_used_is_said_beside_any_other(
    told: Story, stranger: str, own: str
) -> None:
    quiet = [*liver(), transplant_planned(60), on_file("ursodiol")]

    cards = told.sign([order(own), STRANGERS[stranger]], quiet)

    assert "INO-DATA-01" in cards


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_call_of_nothing_but_such_drafts_is_refused(told: Story, stranger: str) -> None:
    body = told.body("order-sign", [STRANGERS[stranger]], liver())

    answer = told.post("/cds-services/inotuzumab-order-sign", body)

    assert answer.status_code == 412
    assert "other" not in json.dumps(answer.get_json()).replace("other patient's data", "")


@pytest.mark.parametrize("status", ["draft", "active", "on-hold", "unknown", "new-code", None])
def test_an_order_being_signed_is_judged_unless_it_has_ended(
    told: Story, status: str | None
) -> None:
    assert "INO-LIV-01" in told.sign([order("inotuzumab", status=status)], liver("3.0", "300"))


@pytest.mark.parametrize("status", ["cancelled", "stopped", "entered-in-error"])
def test_an_order_that_ended_raises_no_advice(told: Story, status: str) -> None:
    assert not told.sign([order("inotuzumab", status=status)], liver("3.0", "300"))


def test_the_card_about_gaps_says_which_order_it_is_about(told: Story) -> None:
    draft = order("inotuzumab")

    card = told.sign([draft, order("fludarabine")], [])["INO-DATA-01"]

    told_orders = card["extension"]["cds-service.card"]["orders"]
    assert told_orders == [f"MedicationRequest/{draft['id']}"]
