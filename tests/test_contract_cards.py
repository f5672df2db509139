"""Cards under attack: whatever stands in a chart, the answer keeps to CDS Hooks without markup."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.story import (
    ICD,
    LOINC,
    RXNORM,
    Story,
    care_plan,
    condition,
    course,
    goal,
    liver,
    on_file,
    order,
    transplant_planned,
)
from tests.wire_rules import BARE_LINK, assert_conforms

JSON = dict[str, Any]
ATTACKS = {
    "image": "<img src=x onerror=alert(1)>",
    "script": "<script>alert(1)</script>",
    "comment": "<!-- x -->",
    "link": "[x](javascript:alert(1))",
    "picture": "![x](https://evil.example/x.png)",
    "bare address": "see https://evil.example/x www.evil.example a@evil.example",
    "autolink": "<https://evil.example>",
    "reference": "[x]: https://evil.example",
    "table": "| a | b |\n|---|---|\n| 1 | 2 |",
    "heading": "# a\n===\n",
    "fence": "```\na",
    "list": "- a\n1. b",
    "entities": "&#60;b&#62; &lt;b&gt;",
    "backslash": "\\<b>\\[x](y)",
    "template": "{{ 7 * 7 }}{% raw %}",
    "format": "%s %d {0} {x}",
    "controls": "a\x00\x07\u202e\u2028b",
    "endless": "Besponsa " * 600,
    "endless, unbroken": "A" * 5000,
    "outside the plane": "🧪" * 300,
}


def named(resource: JSON, text: str) -> JSON:
    """The same drug by its code, and this text wherever a person could have typed."""
    concept = resource["medicationCodeableConcept"]
    codings = [{**each, "display": text} for each in concept.get("coding", [])]
    words = [{"text": text}]
    more: JSON = {"dosageInstruction": words, "note": words, "reasonCode": words}
    return {**resource, "medicationCodeableConcept": {"coding": codings, "text": text}, **more}


def coded(system: str, code: str, text: str) -> JSON:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def charts(text: str) -> dict[str, list[JSON]]:
    """A bad chart, told with this text in one corner after the other."""
    bad = liver("3.0", "300")
    return {
        "drugs": [*bad, named(on_file("ondansetron"), text), named(on_file(text), text)],
        "results": [
            {**each, "code": coded(LOINC, each["code"]["coding"][0]["code"], text), "id": text}
            for each in bad
        ],
        "units": [
            {**each, "valueQuantity": {**each["valueQuantity"], "unit": text}} for each in bad
        ],
        "ranges": [{**each, "referenceRange": [{"text": text}]} for each in bad],
        "values in words": [
            {**{k: v for k, v in each.items() if k != "valueQuantity"}, "valueString": text}
            for each in bad
        ],
        "problems and plans": [
            *bad,
            *course(3),
            {**condition("K76.5"), "code": coded(ICD, "K76.5", text), "id": text},
            {**transplant_planned(20), "code": coded(ICD, "x", text)},
            care_plan(title=text, description=text),
            goal(text),
        ],
    }


def answered(client: FlaskClient, body: JSON) -> JSON:
    answer = Story(client).post(f"/cds-services/inotuzumab-{body['hook']}", body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: JSON = answer.get_json()
    return found


@pytest.mark.parametrize("corner", charts(""))
@pytest.mark.parametrize("attack", ATTACKS)
def test_text_of_the_chart_is_only_ever_text(client: FlaskClient, attack: str, corner: str) -> None:
    text = ATTACKS[attack]
    drafts = [named(order("inotuzumab"), text), named(order("thiotepa"), text)]
    body = Story(client).body(
        "order-sign", drafts, charts(text)[corner], userId=text, encounterId=text
    )

    answer = answered(client, body)

    assert answer["cards"]
    assert_conforms(answer, drafts)
    assert not any(BARE_LINK.search(card["detail"]) for card in answer["cards"])


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_draft_with_an_impossible_id_gets_its_card_without_an_action_on_it(
    client: FlaskClient, attack: str
) -> None:
    body = Story(client).body(
        "order-sign", [{**order("inotuzumab"), "id": ATTACKS[attack]}], liver("3.0", "300")
    )

    answer = answered(client, body)

    assert_conforms(answer)
    assert "INO-LIV-01" in {card["source"]["topic"]["code"] for card in answer["cards"]}


DRAFT = (
    '{"resourceType":"MedicationRequest","id":"ino-1","status":"draft","intent":"order",'
    '"subject":{"reference":"Patient/p-1"},"category":{"text":"an object"},'
    '"extension":[{"url":"https://ehr.example.org/x","valueDecimal":0.80}],'
    '"_status":{"extension":[{"url":"https://ehr.example.org/y","valueString":"é 😀"}]},'
    '"unknownToUs":{"a":[1,2.50,null,{"b":[]}],"e":""},'
    '"medicationCodeableConcept":{"coding":[{"system":"RXNORM","code":"1942950",'
    '"userSelected":true}],"text":"inotuzumab <b>"},'
    '"dosageInstruction":[{"doseAndRate":[{"doseQuantity":{"value":0.80,"unit":"mg/m2"}}]}]}'
).replace("RXNORM", RXNORM)


def test_an_order_put_on_hold_keeps_everything_else_to_the_last_digit(client: FlaskClient) -> None:
    body = Story(client).body("order-sign", [order("inotuzumab")], liver("3.0", "300"))
    body["context"]["draftOrders"]["entry"] = ["DRAFT"]
    sent = json.dumps(body).replace('"DRAFT"', f'{{"resource": {DRAFT}}}')

    answer = client.post(
        "/cds-services/inotuzumab-order-sign", data=sent, content_type="application/json"
    )

    (card, *_) = json.loads(answer.data, parse_float=str)["cards"]
    (held,) = (
        action["resource"]
        for suggestion in card["suggestions"]
        for action in suggestion.get("actions", [])
        if action["type"] == "update"
    )
    assert held.pop("statusReason")
    assert held == {**json.loads(DRAFT, parse_float=str), "status": "on-hold"}


@pytest.mark.parametrize(
    ("drafts", "chart"),
    [
        (["inotuzumab"], liver("3.0", "300")),
        (["inotuzumab"], [*liver(), condition("K76.5")]),
        (["inotuzumab"], [*liver(), *course(6)]),
        (["busulfan", "melphalan"], [*liver(), *course(2), transplant_planned(5)]),
    ],
    ids=["liver limits", "VOD", "seventh cycle", "two alkylators"],
)
@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
def test_a_critical_card_offers_to_hold_or_cancel_a_draft_and_pre_selects_nothing(
    client: FlaskClient, hook: str, drafts: list[str], chart: list[JSON]
) -> None:
    orders = [order(name) for name in drafts]
    named_as = [f"MedicationRequest/{each['id']}" for each in orders]
    selected = {"selections": named_as} if hook == "order-select" else {}
    answer = answered(client, Story(client).body(hook, orders, chart, **selected))

    assert_conforms(answer, orders)
    critical = [card for card in answer["cards"] if card["indicator"] == "critical"]
    assert critical
    for card in critical:
        actions = [a for s in card["suggestions"] for a in s.get("actions", [])]
        stopped = [a for a in actions if a["type"] in ("update", "delete")]
        assert stopped
        assert set(card["extension"]["cds-service.card"]["orders"]) <= set(named_as)


def test_numbers_are_told_as_the_laboratory_wrote_them(client: FlaskClient) -> None:
    body = Story(client).body("order-sign", [order("inotuzumab")], liver("3.0", "300"))
    sent = json.dumps(body).replace('"value": 3.0', '"value": 3.00')

    answer = client.post(
        "/cds-services/inotuzumab-order-sign", data=sent, content_type="application/json"
    )

    assert re.search(r"\b3\.00 mg/dL", answer.get_json()["cards"][0]["summary"])
