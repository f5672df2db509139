"""A hook call made of a Bundle, or of a FHIR server and a patient, for the workbench."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.fixtures import load_fixture
from cds_service.strict_json import dumps, parse
from tests.golden import FIXTURES, WRITTEN_FOR, bench, kept
from tests.hospital import told
from tests.test_transports import ANOTHER_STORY

JSON = dict[str, Any]
PATH = "/workbench/request"
every_patient = pytest.mark.parametrize("name", FIXTURES)


def entries_of(request: JSON) -> list[JSON]:
    """Every resource of a request once, the drafts first, as a Bundle holds it."""
    values = [request["context"].get("draftOrders"), *request["prefetch"].values()]
    entries: dict[str, JSON] = {}
    for value in filter(None, values):
        lone = [{"resource": value}]
        for entry in value.get("entry", ()) if value["resourceType"] == "Bundle" else lone:
            resource = entry["resource"]
            if resource["resourceType"] not in ("OperationOutcome", "Bundle"):
                entries.setdefault(f"{resource['resourceType']}/{resource.get('id')}", entry)
    return list(entries.values())


def bundle(*entries: JSON, **changes: Any) -> JSON:
    return {"resourceType": "Bundle", "type": "collection", "entry": list(entries), **changes}


def entry(resource_type: str, id_: str = "1", **elements: Any) -> JSON:
    return {"resource": {"resourceType": resource_type, "id": id_, **elements}}


PATIENT = entry("Patient", "p-1")
DRAFT = entry("MedicationRequest", "m-1", status="draft", intent="order")


def ask(**sent: Any) -> tuple[int, JSON]:
    answer = bench("US").post(PATH, dumps(sent))
    return answer.status_code, parse(answer.data)


def made(**sent: Any) -> JSON:
    status, answer = ask(**sent)
    assert status == 200, answer
    return answer


def refusal(**sent: Any) -> tuple[str, str]:
    """The place and the words of the only issue."""
    status, answer = ask(**sent)
    assert status == 400
    (issue,) = answer["issue"]
    return issue.get("expression", [""])[0], issue["diagnostics"]


def made_in_place_of(fixture: JSON, chart: JSON) -> JSON:
    """The call made of a chart, with what no Bundle says: who orders where, what is selected."""
    request: JSON = made(bundle=chart, hook=fixture["hook"])["request"]
    unsaid = ("userId", "encounterId", "selections")
    told = {name: fixture["context"][name] for name in unsaid if name in fixture["context"]}
    return {**request, "context": {**request["context"], **told}}


def cards_of(request: JSON, name: str) -> list[JSON]:
    profile = FIXTURES[name].profile
    path = f"/cds-services/{FIXTURES[name].service_id}?profile={profile}"
    answer = bench("US").post(path, dumps(request))
    assert answer.status_code == 200, answer.text
    return told(parse(answer.data))


@every_patient
def test_a_bundle_of_a_chart_is_told_what_the_chart_is_told(name: str) -> None:
    """
    A story about data that did not come is another story once it is all there.
    """
    fixture = load_fixture(name, WRITTEN_FOR)
    request = made_in_place_of(fixture, bundle(*entries_of(fixture)))

    cards = cards_of(request, name)

    if name in ANOTHER_STORY:
        rules = [card["source"]["topic"]["code"] for card in cards]
        assert rules == ANOTHER_STORY[name].cards.split()
    else:
        assert cards == told(kept(name))


@settings(max_examples=15)
@given(st.sampled_from([n for n in FIXTURES if n not in ANOTHER_STORY]), st.randoms())
def test_the_order_of_a_bundle_and_bundles_in_it_change_nothing(name: str, random: Any) -> None:
    fixture = load_fixture(name, WRITTEN_FOR)
    entries = entries_of(fixture)
    drafts = [each for each in entries if each["resource"].get("status") == "draft"]
    on_file = [each for each in entries if each not in drafts]
    random.shuffle(on_file)
    inner = {"resource": bundle(*on_file[:5])}
    request = made_in_place_of(fixture, bundle(inner, *drafts, *on_file[5:]))

    assert sorted(map(_rule, cards_of(request, name))) == sorted(map(_rule, told(kept(name))))


def _rule(card: JSON) -> tuple[str, str]:
    return card["source"]["topic"]["code"], card["indicator"]


def test_each_key_holds_what_its_template_searches() -> None:
    coded = entry("Observation", "coded", code={"coding": [_loinc("1975-2")]})
    by_oid = entry(
        "Observation", "oid", code={"coding": [_loinc("1975-2", "urn:oid:2.16.840.1.113883.6.1")]}
    )
    part = entry("Observation", "part", component=[{"code": {"coding": [_loinc("1975-2")]}}])
    words = entry("Observation", "words", code={"text": "MRD negative"})
    chart = bundle(PATIENT, coded, by_oid, part, words, entry("Goal"), entry("Claim"))

    prefetch = made(bundle=chart, hook="order-sign")["request"]["prefetch"]

    assert prefetch["patient"] == PATIENT["resource"]
    assert ids(prefetch["observations"]) == ["coded", "oid", "part"]
    assert ids(prefetch["recentObservations"]) == ["coded", "oid", "part", "words"]
    assert ids(prefetch["goals"]) == ["1"]
    assert ids(prefetch["conditions"]) == []
    services = bench("US").get("/cds-services").get_json()["services"]
    (templates,) = (one["prefetch"] for one in services if one["hook"] == "order-sign")
    assert set(prefetch) == set(templates)


def _loinc(code: str, system: str = "http://loinc.org") -> JSON:
    return {"system": system, "code": code}


def ids(searchset: JSON) -> list[str]:
    return [each["resource"].get("id", "") for each in searchset["entry"]]


def test_draft_orders_become_the_drafts_of_the_call() -> None:
    on_file = entry("MedicationRequest", "m-2", status="active")
    chart = bundle(PATIENT, on_file, DRAFT, entry("CarePlan", status="draft"))

    request = made(bundle=chart, hook="order-select")["request"]

    assert request["context"]["draftOrders"]["entry"] == [DRAFT]
    assert request["context"]["selections"] == ["MedicationRequest/m-1"]
    assert ids(request["prefetch"]["medicationRequests"]) == ["m-2"]
    assert ids(request["prefetch"]["carePlans"]) == ["1"]


def test_when_a_chart_is_opened_a_draft_is_on_file() -> None:
    request = made(bundle=bundle(PATIENT, DRAFT), hook="patient-view")["request"]

    assert "draftOrders" not in request["context"]
    assert ids(request["prefetch"]["medicationRequests"]) == ["m-1"]


def test_a_bundle_without_a_draft_may_get_one_to_be_filled_in() -> None:
    without = made(bundle=bundle(PATIENT), hook="order-sign")
    filled = made(bundle=bundle(PATIENT), hook="order-sign", order=True)["request"]

    assert without["request"]["context"]["draftOrders"]["entry"] == []
    assert any("none" in note for note in without["notes"])
    (draft,) = filled["context"]["draftOrders"]["entry"]
    assert draft["resource"]["medicationCodeableConcept"]["text"] == "inotuzumab ozogamicin"
    assert draft["resource"]["subject"] == {"reference": "Patient/p-1"}
    assert "dosageInstruction" not in draft["resource"]


def test_references_to_addresses_of_the_bundle_still_lead_somewhere() -> None:
    by_address = {"reference": "urn:uuid:aaaa"}
    patient = {"fullUrl": "urn:uuid:aaaa", **PATIENT}
    condition = entry("Condition", subject=by_address)

    prefetch = made(bundle=bundle(patient, condition), hook="order-sign")["request"]["prefetch"]

    assert prefetch["patient"]["entry"] == [patient]


@pytest.mark.parametrize(
    ("flaw", "word"),
    [
        ({"link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}, "pages"),
        ({"type": "searchset", "total": 500}, "pages"),
    ],
)
def test_a_bundle_that_is_not_whole_says_nothing_is_absent(flaw: JSON, word: str) -> None:
    answer = made(bundle=bundle(PATIENT, DRAFT, **flaw), hook="order-sign")

    assert any(word in note for note in answer["notes"])
    assert not_assessed(answer["request"], "more pages")


@pytest.mark.parametrize(("code", "words"), [("exception", "failed"), ("forbidden", "not allowed")])
def test_a_search_that_failed_says_nothing_is_absent(code: str, words: str) -> None:
    outcome = {
        "resource": {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": code}],
        }
    }
    page = {"resource": bundle(outcome, type="searchset")}

    answer = made(bundle=bundle(PATIENT, DRAFT, page), hook="order-sign", order=True)

    assert any(words in note for note in answer["notes"])
    assert not_assessed(answer["request"], words)


def not_assessed(request: JSON, words: str) -> bool:
    """Whether the card about what could not be assessed says so in these words."""
    request = deepcopy(request)
    request["context"]["draftOrders"]["entry"] = [
        entries_of(load_fixture("rosa-nothing-arrived", WRITTEN_FOR))[0]
    ]
    request["context"]["draftOrders"]["entry"][0]["resource"]["subject"] = {
        "reference": "Patient/p-1"
    }
    answer = bench("US").post("/cds-services/inotuzumab-order-sign", dumps(request))
    cards = parse(answer.data)["cards"]
    return any(words in card["detail"] for card in cards if _rule(card)[0] == "INO-DATA-01")


def test_digits_are_the_ones_that_were_sent() -> None:
    result = entry("Observation", valueQuantity={"value": Decimal("0.80")})
    sent = dumps({"hook": "order-sign", "bundle": bundle(PATIENT, result)})

    assert '"value":0.80' in bench("US").post(PATH, sent).text


@pytest.mark.parametrize(
    ("sent", "place", "words"),
    [
        ({}, "hook", "hook must be one of"),
        ({"hook": "order-dispatch", "bundle": bundle(PATIENT)}, "hook", "order-sign"),
        ({"hook": ["order-sign"], "bundle": bundle(PATIENT)}, "hook", "order-sign"),
        ({"hook": "order-sign"}, "", "a bundle, or a server and a patient"),
        ({"hook": "order-sign", "bundle": None}, "bundle.resourceType", "must be Bundle"),
        ({"hook": "order-sign", "bundle": PATIENT["resource"]}, "bundle.resourceType", "Bundle"),
        ({"hook": "order-sign", "bundle": bundle(entry=None)}, "bundle.entry", "an array"),
        ({"hook": "order-sign", "bundle": bundle()}, "bundle.entry", "holds no Patient"),
        ({"hook": "order-sign", "bundle": bundle(DRAFT)}, "bundle.entry", "holds no Patient"),
        (
            {"hook": "order-sign", "bundle": bundle(PATIENT, entry("Patient", "p-2"))},
            "bundle.entry",
            "2 patients",
        ),
        (
            {"hook": "order-sign", "bundle": bundle({"resource": {"resourceType": "Patient"}})},
            "bundle.entry",
            "has no id",
        ),
        ({"hook": "order-sign", "server": ""}, "server", "is missing"),
        ({"hook": "order-sign", "server": 8080, "patient": "1"}, "server", "is missing"),
        ({"hook": "order-sign", "server": "localhost", "patient": "1"}, "server", "plain URL"),
        (
            {"hook": "order-sign", "server": "http://192.168.1.4/fhir", "patient": "1"},
            "server",
            "on this machine",
        ),
        (
            {"hook": "order-sign", "server": "https://fhir.example.org", "patient": "1"},
            "server",
            "on this machine",
        ),
        ({"hook": "order-sign", "server": "http://127.0.0.1:1/fhir"}, "patient", "the FHIR id"),
        (
            {"hook": "order-sign", "server": "http://127.0.0.1:1/fhir", "patient": "1&_count=9"},
            "patient",
            "the FHIR id",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_place(sent: JSON, place: str, words: str) -> None:
    told_place, told_words = refusal(**sent)

    assert (told_place, words in told_words) == (place, True)


def test_a_refusal_repeats_nothing_of_the_bundle() -> None:
    markup = entry("<img src=x onerror=alert(1)>", "<script>")

    assert "<" not in json.dumps(ask(bundle=bundle(markup), hook="order-sign")[1])


def test_a_server_is_named_in_the_call_and_asked_when_it_is_fired() -> None:
    answer = made(
        server=" http://localhost:8090/fhir/ ", patient="Patient/p-1", hook="order-sign", order=True
    )

    request = answer["request"]
    assert request["fhirServer"] == "http://localhost:8090/fhir"
    assert request["context"]["patientId"] == "p-1"
    assert "prefetch" not in request
    assert len(request["context"]["draftOrders"]["entry"]) == 1
    fired = bench("US").post("/cds-services/inotuzumab-order-sign", dumps(request))
    assert fired.status_code == 412  # nobody fetches in this test


@pytest.mark.parametrize("hook", ["order-sign", "order-select", "patient-view"])
def test_every_call_is_new_and_of_its_hook(hook: str) -> None:
    request = made(bundle=bundle(PATIENT, DRAFT), hook=hook)["request"]

    assert request["hook"] == hook
    assert request["hookInstance"]
    answer = bench("US").post(f"/cds-services/inotuzumab-{hook}", dumps(request))
    assert answer.status_code == 200
