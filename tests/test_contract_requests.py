"""Bodies as clients of every kind send them: answered or refused as the contract settled it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.story import Story, drug, liver, order
from tests.wire_rules import assert_conforms

JSON = dict[str, Any]
SIGN = "/cds-services/inotuzumab-order-sign"


def body(client: FlaskClient) -> JSON:
    return Story(client).body("order-sign", [order("inotuzumab")], liver("3.0", "300"))


def begun_with(member: str) -> Callable[[str], bytes]:
    """The same body with another member in front."""
    return lambda text: ("{" + member + "," + text[1:]).encode()


REFUSED: dict[str, Callable[[str], bytes]] = {
    "a key twice": begun_with('"hook": "order-sign"'),
    "NaN": begun_with('"extension": NaN'),
    "Infinity": begun_with('"extension": -Infinity'),
    "not UTF-8": lambda text: b'{"extension": "\xfc",' + text[1:].encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "a comma too many": lambda text: text[:-1].encode() + b",}",
    "two bodies": lambda text: text.encode() * 2,
    "nothing": lambda _: b"",
}
NEVER_A_FAILURE: dict[str, Callable[[str], bytes]] = {
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "deep arrays": begun_with('"extension": ' + "[" * 50_000 + "]" * 50_000),
    "deep objects": begun_with('"extension": ' + '{"a":' * 5000 + "1" + "}" * 5000),
    "a huge exponent": begun_with('"extension": 1e999999999'),
    "a huge integer": begun_with('"extension": ' + "9" * 20_000),
    "half a character": begun_with('"extension": "\\ud800"'),
}
IGNORED: dict[str, JSON] = {
    "an extension": {"extension": {"com.epic.cdshooks.request.bpa-trigger-action": "23"}},
    "an extension as FHIR has it": {"extension": [{"url": "x"}]},
    "no token but a server": {"fhirServer": "https://ehr.example.org/fhir"},
    "a null for the token": {"fhirAuthorization": None},
    "a constant instance": {"hookInstance": "always the same"},
    "fields of before 1.0": {"user": "Practitioner/1", "redirect": "https://ehr.example.org"},
}


def posted(client: FlaskClient, data: bytes, **headers: str) -> tuple[int, JSON]:
    answer = client.post(SIGN, data=data, content_type="application/json", headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    found: JSON = answer.get_json()
    return answer.status_code, found


@pytest.mark.parametrize("way", REFUSED)
def test_what_is_no_single_json_object_is_refused_without_a_word_of_it(
    client: FlaskClient, way: str
) -> None:
    status, answer = posted(client, REFUSED[way](json.dumps(body(client))))

    assert status == 400
    assert answer["resourceType"] == "OperationOutcome"
    assert "p-1" not in str(answer)


@pytest.mark.parametrize("way", NEVER_A_FAILURE)
def test_an_odd_but_possible_body_is_answered_or_refused(client: FlaskClient, way: str) -> None:
    status, answer = posted(client, NEVER_A_FAILURE[way](json.dumps(body(client))))

    assert status in (200, 400)
    assert answer.get("cards") or answer["resourceType"] == "OperationOutcome"


def cards(answer: JSON) -> list[tuple[str, str]]:
    return [(card["source"]["topic"]["code"], card["summary"]) for card in answer["cards"]]


@pytest.mark.parametrize("way", IGNORED)
def test_what_the_service_does_not_read_changes_nothing(client: FlaskClient, way: str) -> None:
    plain = body(client)

    expected = posted(client, json.dumps(plain).encode())[1]
    status, answer = posted(client, json.dumps(plain | IGNORED[way]).encode())

    assert status == 200
    assert cards(answer) == cards(expected)


def sprinkled(node: Any) -> Any:
    """The same JSON with a member nobody knows in every object."""
    if isinstance(node, dict):
        known = {name: sprinkled(value) for name, value in node.items()}
        return {**known, "unknownToUs": {"a": [1, {"b": None}]}}
    return [sprinkled(each) for each in node] if isinstance(node, list) else node


def test_unknown_members_anywhere_change_nothing(client: FlaskClient) -> None:
    plain = body(client)

    expected = posted(client, json.dumps(plain).encode())[1]
    status, answer = posted(client, json.dumps(sprinkled(plain)).encode())

    assert (status, cards(answer)) == (200, cards(expected))


@pytest.mark.parametrize("authorization", ["Bearer junk", "Bearer  a.b.c", "Basic eDp5", ""])
def test_a_token_nobody_asked_for_changes_nothing(client: FlaskClient, authorization: str) -> None:
    status, _ = posted(client, json.dumps(body(client)).encode(), Authorization=authorization)

    assert status == 200


def test_the_first_call_of_a_selection_may_know_neither_drug_nor_intent(
    client: FlaskClient,
) -> None:
    bare = {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "status": "draft",
        "category": {"coding": [{"code": "inpatient"}]},
        "subject": {"reference": "Patient/p-1"},
        "dosageInstruction": [{"doseAndRate": [{}]}],
    }

    found = Story(client).select([bare], [], liver("3.0", "300"))

    assert found
    assert_conforms({"cards": list(found.values())}, [bare])
    assert not {card["indicator"] for card in found.values()} & {"critical"}


def test_the_drug_of_an_order_is_found_among_the_drafts_by_its_absolute_address(
    client: FlaskClient,
) -> None:
    address = "https://ehr.example.org/fhir/Medication/m1"
    by_reference = order("inotuzumab", medicationReference={"reference": address})
    del by_reference["medicationCodeableConcept"]
    call = Story(client).body("order-sign", [by_reference], liver("3.0", "300"))
    coding = {**drug("inotuzumab")["coding"][0], "system": "urn:oid:2.16.840.1.113883.6.88"}
    medication = {"resourceType": "Medication", "id": "m1", "code": {"coding": [coding]}}
    call["context"]["draftOrders"]["entry"].append({"fullUrl": address, "resource": medication})

    _, answer = posted(client, json.dumps(call).encode())

    assert "INO-LIV-01" in dict(cards(answer))


BACKGROUND = [[], ["MedicationRequest/none"], ["MedicationRequest/other"]]


@pytest.mark.parametrize("selections", BACKGROUND, ids=["none", "one that is not there", "another"])
def test_a_draft_in_the_background_raises_no_card_about_ordering(
    client: FlaskClient, selections: list[str]
) -> None:
    drafts = [order("inotuzumab"), {**order("fludarabine"), "id": "other"}]
    told = Story(client)

    found = told.cards(
        told.body("order-select", drafts, liver("3.0", "300"), selections=selections)
    )

    assert not {card["source"]["topic"]["code"] for card in found} - {"INO-DATA-01"}
