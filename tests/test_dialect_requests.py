"""Requests as known clients send them, fired through the whole service.

Where each sentence of what is on record is held (here, unless a file is named):

Epic
  request extensions, trigger actions, versions 1.0 and 1.1 .. test_nothing_in_epics_extensions...
  userId PractitionerRole or Practitioner .................... test_who_orders_is_named_as...
  encounterId only in an encounter ........................... test_an_encounter_is_named_bare...
  hookInstance is a UUID of version 1, scopes of its own ..... test_a_call_of_epic_is_judged...
  draftOrders only with the right scope ...................... test_web_call.py (400, by name)
  Medication as a further entry, before 2024 not at all ...... test_a_drug_is_found..., ..._in_words
  RxNorm as urn:oid, GPI and other systems ................... test_codes_of_systems_we_do_not_know
  absolute references, category an object .................... test_a_call_of_epic_is_judged...
  several dose types ......................................... test_the_ordered_dose_is_judged...
  an empty search with outcome 4101 .......................... test_an_empty_search_of_epic...
  what it is answered ........................................ test_dialect_cards.py
  JWT, aud, nbf, jku ......................................... test_authentication*.py
  overrideReasons, batches ................................... test_feedback*.py
CDS Hooks Sandbox
  server without token, no encounter, no Bundle type ......... test_a_call_of_the_sandbox...
  order-select fires again on every change ................... test_an_order_being_written...
  first call without drug or intent .......................... there, and test_contract_requests.py
  a failed prefetch leaves the key out ....................... test_contract_absence.py ("missing")
  unresolved tokens, parameters given twice .................. test_contract_discovery.py
  one id per hook ............................................ test_contract_discovery.py
  applies the first action, and only a drug with text and code test_what_the_sandbox_can_apply
  raw HTML rendered .......................................... wire_rules.py, on every answer
  412 and 500 read as all clear .............................. test_contract_absence.py
Da Vinci CRD request generator
  one hookInstance for ever .................................. test_calls_of_one_instance...
  empty access_token, own keys, collections, its extension ... test_a_call_of_the_crd_generator...
  RS256, 128-character jti, jku that is no JWK Set ........... test_authentication*.py
  no tables, no HTML ......................................... wire_rules.py
Inferno: a topic with code and system ........................ test_every_card_has_a_topic
Oracle Health (Cerner): patient-view as of CDS Hooks 1.0 ..... test_a_call_of_cerner...
Any client
  Accept and Content-Type .................................... test_no_header..., test_json_by...
  unknown fields at any level ................................ test_members_nobody_knows...
  extension as FHIR writes it ................................ test_an_array_of_extensions...
  other hooks ................................................ test_a_hook_of_another_kind...
  STU3 and DSTU2 ............................................. test_contract_absence.py
  Bundles without type, total or entry; other types .......... test_fhir_bundles.py
  an HTML page, a number, an array as prefetch ............... test_contract_absence.py
  blanks around ids, references and codes .................... test_blanks_around...
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.clients import SANDBOX
from cds_service.data import rules_dir
from cds_service.fixtures import load_fixture
from cds_service.rulebook.loader import load_rulebook
from cds_service.terminology import Terminology
from tests import dialects
from tests.dialects import (
    EPIC_SERVER,
    GPI,
    LOCAL_DRUGS,
    answered,
    cerner_call,
    crd_generator_call,
    epic_call,
    fired,
    sandbox_call,
    typed_doses,
)
from tests.golden import FIXTURES, WRITTEN_FOR
from tests.story import (
    Story,
    by_rule,
    course,
    dosed,
    liver,
    milligrams,
    on_file,
    order,
    transplant_planned,
    whole_chart,
)
from tests.wire_rules import assert_conforms

JSON = dict[str, Any]
BAD_LIVER = liver("3.0", "300")
CHARTS = {
    "bad liver tests": BAD_LIVER,
    "a drug that prolongs QT": [*liver(), on_file("ondansetron")],
    "a transplant planned": [*liver(), *course(2), transplant_planned()],
    "nothing": [],
}
every_chart = pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)


@pytest.fixture
def told(client: FlaskClient) -> Story:
    return Story(client)


def entries(body: JSON) -> list[JSON]:
    found: list[JSON] = body["context"]["draftOrders"]["entry"]
    return found


def created(cards: list[JSON]) -> list[JSON]:
    """The resources that the suggestions of these cards would create."""
    return [
        action["resource"]
        for card in cards
        for suggestion in card.get("suggestions", [])
        for action in suggestion.get("actions", [])
        if action["type"] == "create"
    ]


# ---------------------------------------------------------------------------- Epic


@every_chart
def test_a_call_of_epic_is_judged_as_the_same_call_of_anybody(
    told: Story, chart: list[JSON]
) -> None:
    drafts = [order("inotuzumab"), order("fluconazole")]

    of_epic = epic_call(told, "order-sign", drafts, chart)

    plain = told.verdicts(told.body("order-sign", drafts, chart))
    assert "fires" in plain.values()
    assert told.verdicts(of_epic) == plain
    assert_conforms({"cards": told.cards(of_epic)}, [each["resource"] for each in entries(of_epic)])


@pytest.mark.parametrize("hook", ["order-select", "patient-view"])
@every_chart
def test_so_are_its_other_hooks(told: Story, chart: list[JSON], hook: str) -> None:
    drafts = [order("inotuzumab")]
    selected = {"selections": [f"MedicationRequest/{drafts[0]['id']}"]}
    chosen = selected if hook == "order-select" else {}

    of_epic = told.verdicts(epic_call(told, hook, drafts, chart))

    assert of_epic == told.verdicts(told.body(hook, drafts, chart, **chosen))


@pytest.mark.parametrize("action", ["5", "6", "7", "18", "23", "26", "27", "29", "60"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_nothing_in_epics_extensions_changes_the_answer(
    told: Story, action: str, version: str
) -> None:
    body = epic_call(told, "patient-view", [], CHARTS["a transplant planned"])
    prefix = "com.epic.cdshooks.request."
    other = {
        f"{prefix}bpa-trigger-action": action,
        f"{prefix}cds-hooks-specification-version": version,
    }

    verdicts = told.verdicts({**body, "extension": {**body["extension"], **other}})

    assert verdicts == told.verdicts({**body, "extension": {}})


@pytest.mark.parametrize(
    ("user", "named"),
    [
        ("PractitionerRole/eRole1", "PractitionerRole/eRole1"),
        ("Practitioner/eDoc1", "Practitioner/eDoc1"),
        (f"{EPIC_SERVER}/Practitioner/eDoc1", "Practitioner/eDoc1"),
        ("Patient/p-1", None),
        ("", None),
    ],
)
def test_who_orders_is_named_as_requester_of_what_a_card_would_create(
    told: Story, user: str, named: str | None
) -> None:
    body = epic_call(told, "order-sign", [order("inotuzumab")], BAD_LIVER)
    body["context"]["userId"] = user

    made = created(told.cards(body))

    assert made
    assert {each.get("requester", {}).get("reference") for each in made} == {named}


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({}, None),
        ({"encounterId": None}, None),
        ({"encounterId": "e-77"}, "Encounter/e-77"),
        ({"encounterId": "Encounter/e-77"}, "Encounter/e-77"),
        ({"encounterId": f" {EPIC_SERVER}/Encounter/e-77 "}, "Encounter/e-77"),
    ],
    ids=str,
)
def test_an_encounter_is_named_bare_and_only_where_there_is_one(
    told: Story, sent: JSON, named: str | None
) -> None:
    body = epic_call(told, "order-sign", [order("inotuzumab")], BAD_LIVER)
    body["context"] |= sent

    made = created(told.cards(body))

    assert made
    assert {each.get("encounter", {}).get("reference") for each in made} == {named}


def relative(body: JSON) -> None:
    reference = entries(body)[0]["resource"]["medicationReference"]
    reference["reference"] = reference["reference"].removeprefix(f"{EPIC_SERVER}/")


def addressed(body: JSON) -> None:
    for entry in entries(body):
        resource = entry["resource"]
        entry["fullUrl"] = f"{EPIC_SERVER}/{resource['resourceType']}/{resource['id']}"


def medication_first(body: JSON) -> None:
    entries(body).reverse()


def without_words(body: JSON) -> None:
    del entries(body)[0]["resource"]["medicationReference"]["display"]
    del entries(body)[1]["resource"]["code"]["text"]


WAYS: dict[str, Callable[[JSON], None]] = {
    "a relative reference": relative,
    "entries with their addresses": addressed,
    "the Medication before its order": medication_first,
    "codes alone": without_words,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_drug_is_found_in_a_further_entry_by_any_reference_to_it(told: Story, way: str) -> None:
    body = epic_call(told, "order-sign", [order("inotuzumab")], BAD_LIVER)
    WAYS[way](body)

    cards = by_rule(told.cards(body))

    assert "INO-LIV-01" in cards
    assert "INO-DATA-02" not in cards


def test_a_drug_whose_entry_is_not_sent_is_known_in_words_and_that_is_said(told: Story) -> None:
    """
    Before February 2024 Epic sent no Medication; without a token only its name is left.
    """
    body = epic_call(told, "order-sign", [order("inotuzumab")], BAD_LIVER)
    del entries(body)[1]

    cards = by_rule(told.cards(body))

    assert "INO-LIV-01" in cards
    assert "INOTUZUMAB" in cards["INO-DATA-02"]["summary"]


def test_a_drug_without_entry_and_name_is_never_passed_over(told: Story) -> None:
    body = epic_call(told, "order-sign", [order("inotuzumab")], BAD_LIVER)
    del entries(body)[1]
    del entries(body)[0]["resource"]["medicationReference"]["display"]

    cards = by_rule(told.cards(body))

    assert {"INO-DATA-01", "INO-DATA-02"} & cards.keys()


@pytest.mark.parametrize("system", [GPI, LOCAL_DRUGS, "urn:oid:1.2.3"])
def test_codes_of_systems_we_do_not_know_leave_a_drug_to_its_name(told: Story, system: str) -> None:
    body = epic_call(told, "order-sign", [order("inotuzumab")], BAD_LIVER)
    entries(body)[1]["resource"]["code"]["coding"] = [{"system": system, "code": "1942950"}]

    cards = by_rule(told.cards(body))

    assert {"INO-LIV-01", "INO-DATA-02"} <= cards.keys()


RIGHT, TWICE = milligrams(0.5)["value"], milligrams(1.0)["value"]
DOSES: dict[str, tuple[JSON, str]] = {
    "the ordered one is right": (
        typed_doses(calculated=(TWICE, "mg"), admin_amount=(4, "mL"), ordered=(RIGHT, "mg")),
        "silent",
    ),
    "the ordered one is too high": (
        typed_doses(calculated=(RIGHT, "mg"), admin_amount=(4, "mL"), ordered=(TWICE, "mg")),
        "fires",
    ),
    "ordered per surface, calculated right": (
        typed_doses(ordered=(0.5, "mg/m2"), calculated=(RIGHT, "mg")),
        "silent",
    ),
    "ordered per surface, calculated too high": (
        typed_doses(ordered=(0.5, "mg/m2"), calculated=(TWICE, "mg")),
        "fires",
    ),
    "ordered per surface alone, too high": (typed_doses(ordered=(1.0, "mg/m2")), "fires"),
    "an amount of fluid alone": (typed_doses(admin_amount=(4, "mL")), "unknown"),
}


@pytest.mark.parametrize("doses", DOSES)
def test_the_ordered_dose_is_judged_then_the_calculated_and_no_amount_of_fluid(
    told: Story, doses: str
) -> None:
    """
    What the clinician ordered is what will be signed; a calculated dose follows from it, and an
    amount in millilitres says nothing without a concentration.
    """
    dosage, verdict = DOSES[doses]
    draft = dosed(21)
    (instruction,) = draft["dosageInstruction"]
    instruction["text"] = dosage["text"]
    instruction["doseAndRate"] = dosage["doseAndRate"]

    verdicts = told.verdicts(epic_call(told, "order-sign", [draft], whole_chart(21)))

    assert verdicts["INO-DOSE-01"] == verdict


def test_a_dose_beside_its_types_is_read_as_epics_own_example_has_it(told: Story) -> None:
    draft = dosed(21)
    (instruction,) = draft["dosageInstruction"]
    del instruction["doseAndRate"]
    instruction |= {"text": "IV over 1 hour", "doseQuantity": {"value": TWICE, "unit": "mg"}}

    verdicts = told.verdicts(epic_call(told, "order-sign", [draft], whole_chart(21)))

    assert verdicts["INO-DOSE-01"] == "fires"


def test_an_empty_search_of_epic_found_nothing_and_did_not_fail(told: Story) -> None:
    cards = by_rule(told.cards(epic_call(told, "order-sign", [order("inotuzumab")], [])))

    assert "no total bilirubin" in cards["INO-LIV-05"]["summary"]
    assert "search failed" not in str(cards)
    assert "4101" not in str(cards)


def test_a_token_of_epic_is_in_no_answer(told: Story) -> None:
    body = epic_call(told, "order-sign", [order("inotuzumab")], [])

    assert "an-epic-token" not in str(told.cards(body))


# ---------------------------------------------------------------------------- CDS Hooks Sandbox


@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
@every_chart
def test_a_call_of_the_sandbox_is_judged_as_the_same_call_of_anybody(
    told: Story, chart: list[JSON], hook: str
) -> None:
    drafts = [order("inotuzumab")]
    body = sandbox_call(told, hook, drafts, chart)
    chosen = {"selections": body["context"].get("selections")} if hook == "order-select" else {}

    assert told.verdicts(body) == told.verdicts(told.body(hook, drafts, chart, **chosen))


def test_an_order_being_written_is_judged_anew_at_every_change(told: Story) -> None:
    """
    The first call knows neither drug nor intent; each later one knows a little more.
    """
    bare = {"id": "request-123", "dosageInstruction": [{"doseAndRate": [{}]}]}
    chosen = order("inotuzumab", **bare)
    dosed_too = {**chosen, "dosageInstruction": dosed(21)["dosageInstruction"]}
    first = {
        key: value
        for key, value in chosen.items()
        if key not in ("intent", "medicationCodeableConcept")
    }
    told_each_time = []
    for draft in (first, chosen, dosed_too, dosed_too):
        body = sandbox_call(told, "order-select", [draft], BAD_LIVER)
        cards = told.cards(body)
        assert_conforms({"cards": cards}, [each["resource"] for each in entries(body)])
        told_each_time.append(by_rule(cards))

    before, named, complete, again = told_each_time
    assert "INO-LIV-01" not in before
    assert before
    assert "INO-LIV-01" in named
    assert [(rule, card["summary"]) for rule, card in complete.items()] == [
        (rule, card["summary"]) for rule, card in again.items()
    ]
    assert not {card["uuid"] for card in complete.values()} & {c["uuid"] for c in again.values()}


def test_what_the_sandbox_can_apply_is_what_the_standard_dialect_offers() -> None:
    """
    It applies the first action of a suggestion, and a drug only by its text and first code.
    """
    for name in FIXTURES:
        for card in fired(name, SANDBOX).sent["cards"]:
            assert all(len(each.get("actions", [])) <= 1 for each in card.get("suggestions", []))
    rulebook = load_rulebook(rules_dir(), Terminology.load(rules_dir() / "valuesets"))
    for resource in rulebook.resources.values():
        if resource["resourceType"] == "MedicationRequest":
            concept: Any = resource["medicationCodeableConcept"]
            assert concept["text"]
            assert concept["coding"][0]["code"]


# ---------------------------------------------------------------------------- CRD, Inferno, Cerner


def test_a_call_of_the_crd_generator_is_read_under_its_own_keys(told: Story) -> None:
    body = crd_generator_call(told, [order("inotuzumab")], BAD_LIVER)

    cards = by_rule(told.cards(body))

    assert "INO-LIV-01" in cards
    assert "not sent by the EHR" in cards["INO-DATA-01"]["detail"]
    assert_conforms({"cards": list(cards.values())}, [each["resource"] for each in entries(body)])


def test_calls_of_one_instance_are_told_apart(told: Story) -> None:
    bad = crd_generator_call(told, [order("inotuzumab")], BAD_LIVER)
    good = crd_generator_call(told, [order("inotuzumab")], liver())
    assert bad["hookInstance"] == good["hookInstance"]

    first, between, again = told.cards(bad), told.cards(good), told.cards(bad)

    assert "INO-LIV-01" in by_rule(first)
    assert "INO-LIV-01" not in by_rule(between)
    assert by_rule(first).keys() == by_rule(again).keys()
    assert not {card["uuid"] for card in first} & {card["uuid"] for card in again}


@pytest.mark.parametrize("name", FIXTURES)
def test_every_card_has_a_topic_with_code_and_system(name: str) -> None:
    for card in fired(name, SANDBOX).sent["cards"]:
        assert card["source"]["topic"].keys() >= {"code", "system"}


@every_chart
def test_a_call_of_cerner_is_judged_as_the_same_call_of_anybody(
    told: Story, chart: list[JSON]
) -> None:
    body = cerner_call(told, chart)

    assert told.verdicts(body) == told.verdicts(told.body("patient-view", [], chart))
    assert_conforms({"cards": told.cards(body)})


# ---------------------------------------------------------------------------- any client


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "*/*",
        "application/fhir+json, */*; q=0.1",
        "application/json+fhir",
        "text/html",
        "nonsense",
    ],
)
@pytest.mark.parametrize("path", ["cds-services", "explain"])
def test_no_header_asks_for_what_we_do_not_have(told: Story, path: str, accept: str) -> None:
    body = told.body("order-sign", [order("inotuzumab")], BAD_LIVER)

    answer = told.client.post(
        f"/{path}/inotuzumab-order-sign",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Accept": accept},
    )

    assert answer.status_code == 200
    assert answer.content_type == "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json; charset=utf-8",
        "application/json+fhir",
        "application/json;charset=UTF-8",
    ],
)
def test_json_by_any_of_its_names_is_answered_with_cards(told: Story, content_type: str) -> None:
    body = told.body("order-sign", [order("inotuzumab")], BAD_LIVER)

    answer = told.client.post(
        "/cds-services/inotuzumab-order-sign", data=json.dumps(body), content_type=content_type
    )

    assert "INO-LIV-01" in by_rule(answer.get_json()["cards"])


FHIR_STYLE = [{"url": "https://ehr.example.org/x", "valueString": "y"}]


@pytest.mark.parametrize("place", ["", "context", "fhirAuthorization", "prefetch", "patient"])
def test_an_array_of_extensions_as_fhir_writes_it_changes_nothing(told: Story, place: str) -> None:
    plain = epic_call(told, "order-sign", [order("inotuzumab")], BAD_LIVER)
    body = copy.deepcopy(plain)
    objects = {**body, "": body, "patient": body["prefetch"]["patient"]}
    objects[place]["extension"] = FHIR_STYLE

    assert told.verdicts(body) == told.verdicts(plain)


@pytest.mark.parametrize(
    "hook",
    ["appointment-book", "order-dispatch", "medication-prescribe", "order-review", "patient-view"],
)
def test_a_hook_of_another_kind_is_refused_and_not_guessed(told: Story, hook: str) -> None:
    body = {**told.body("order-sign", [order("inotuzumab")], []), "hook": hook}

    answer = told.post("/cds-services/inotuzumab-order-sign", body)

    assert answer.status_code == 400
    assert answer.get_json()["issue"][0]["expression"] == ["hook"]


def blanks_in_ids(body: JSON) -> None:
    context = body["context"]
    context["patientId"] = f" {context['patientId']} "
    context["userId"] += " "
    context["selections"] = [f" {each} " for each in context["selections"]]


def blanks_in_codes(body: JSON) -> None:
    for coding in entries(body)[1]["resource"]["code"]["coding"]:
        coding["system"] += " "
        coding["code"] = f" {coding['code']} "


def blanks_in_references(body: JSON) -> None:
    for element in ("subject", "medicationReference"):
        reference = entries(body)[0]["resource"][element]
        reference["reference"] = f" {reference['reference']} "


def ids_alone(body: JSON) -> None:
    context = body["context"]
    context["selections"] = [each.partition("/")[2] for each in context["selections"]]


SLOPPY = {
    "ids": blanks_in_ids,
    "codes": blanks_in_codes,
    "references": blanks_in_references,
    "selections by id alone": ids_alone,
}


@pytest.mark.parametrize("way", SLOPPY)
def test_blanks_around_ids_references_and_codes_change_nothing(told: Story, way: str) -> None:
    plain = epic_call(told, "order-select", [order("inotuzumab")], BAD_LIVER)
    body = copy.deepcopy(plain)
    SLOPPY[way](body)

    cards = by_rule(told.cards(body))

    assert told.verdicts(body) == told.verdicts(plain)
    held = [s["actions"][0]["type"] for s in cards["INO-LIV-01"]["suggestions"] if "actions" in s]
    assert "update" in held


def places(node: Any) -> list[JSON]:
    """Every object in a JSON value."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [*([node] if isinstance(node, dict) else []), *(p for n in inner for p in places(n))]


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just([{"a": None}])
UNKNOWN = st.dictionaries(
    st.text(st.characters(categories=["L"]), min_size=1, max_size=8).map(lambda name: f"x-{name}"),
    VALUES,
    min_size=1,
    max_size=3,
)


@settings(max_examples=25)
@given(st.data())
def test_members_nobody_knows_change_nothing_wherever_they_stand(data: st.DataObject) -> None:
    request = load_fixture("nadia-qt-three-drugs", WRITTEN_FOR)
    plain = answered(request, dialects.EPIC).sent
    found = places(request)
    chosen = data.draw(st.lists(st.sampled_from(range(len(found))), min_size=1, max_size=30))
    for number in set(chosen):
        found[number].update(data.draw(UNKNOWN))

    assert answered(request, dialects.EPIC).sent == plain
