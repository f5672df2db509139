"""What a card offers, and that a request's own orders come back as they were sent."""

import copy
import logging
from dataclasses import replace
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.suggestions import filled_in, is_valid
from cds_service.data import rules_dir
from tests.rule_builders import (
    HEPATIC_PANEL,
    call,
    context,
    every_offer,
    fires,
    order,
    reading,
    rule,
    suggestion,
    the_card,
)
from tests.wire_rules import UUID, fhir_faults

DRAFT = reading("MedicationRequest/1", reference="MedicationRequest/1", label="inotuzumab C1D1")
ODD_DRAFT = order(
    "1",
    category={"text": "sent as an object"},
    dosageInstruction=[
        {"doseAndRate": [{"doseQuantity": {"value": Decimal("1.40"), "unit": "mg"}}]}
    ],
    statusReason={"coding": [{"code": "x"}]},
    extension=[{"url": "https://ehr.example/x", "valueString": "<b>kept</b>"}],
    unheardOf={"deep": [None, {"a": "[x](y)"}]},
)

TEMPLATES = yaml.safe_load((rules_dir() / "suggestions.yaml").read_text("utf-8"))["resources"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["entry", "resource", "resourceType", "id", "statusReason"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def acting_on(*suggestions, **more):
    return fires(rule(suggestions=suggestions), order=DRAFT, **more)


def the_action(verdict, to=None, **resources):
    ((action,),) = [offer.actions for offer in the_card(verdict, to=to, **resources).suggestions]
    return action


def test_cancelling_deletes_the_draft_of_the_request():
    action = the_action(acting_on(suggestion("delete", "order")))

    assert (action.type, action.resource_id, action.resource) == (
        "delete",
        "MedicationRequest/1",
        None,
    )
    assert action.description == "Delete the draft order inotuzumab C1D1"


@pytest.mark.parametrize(
    ("missing", "offered"), [("total bilirubin", 1), ("whether a transplant was done", 0)]
)
def test_what_fills_a_gap_is_offered_only_for_that_gap(missing, offered):
    panel = replace(suggestion("none"), when_missing=("alt", "total-bilirubin"))
    gap = reading(items=[{"what": missing, "reason": "nothing found"}])

    card = the_card(fires(rule(suggestions=(panel,)), open=gap))

    assert len(card.suggestions) == offered


def test_holding_changes_the_status_and_its_reason_and_nothing_else():
    sent = copy.deepcopy(ODD_DRAFT)

    action = the_action(acting_on(suggestion("hold", "order")), to=call(ODD_DRAFT))

    assert action.type == "update"
    assert sent == ODD_DRAFT
    assert action.resource == {
        **sent,
        "status": "on-hold",
        "statusReason": {
            "coding": [{"code": "x"}],
            "text": "Both liver limits exceeded (INO-LIV-01 1.0.0)",
        },
    }
    assert list(action.resource) == list(sent)
    dose = action.resource["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"]
    assert str(dose) == "1.40"


def test_a_held_order_is_valid_when_the_draft_was():
    assert is_valid(the_action(acting_on(suggestion("hold", "order"))).resource)


def test_an_order_without_a_reason_element_gets_no_reason():
    referral = {**HEPATIC_PANEL, "id": "1", "subject": {"reference": "Patient/ada"}}
    draft = reading("ServiceRequest/1", reference="ServiceRequest/1")

    held = the_action(
        fires(rule(suggestions=[suggestion("hold", "order")]), order=draft), to=call(referral)
    ).resource

    assert held == {**referral, "status": "on-hold"}
    assert is_valid(held)


def test_each_of_several_drafts_has_its_own_offer():
    drafts = [
        reading(reference="MedicationRequest/1", label="busulfan"),
        reading(reference="MedicationRequest/2", label="<b>thiotepa</b>"),
    ]
    verdict = fires(rule(suggestions=[suggestion("delete", "agents")]), agents=drafts)

    card = the_card(verdict, to=call(order("1"), order("2")))

    assert list(every_offer(card)) == [
        ("Cancel this order: busulfan", "delete"),
        ("Cancel this order: <b>thiotepa</b>", "delete"),
    ]
    assert [offer.actions[0].resource_id for offer in card.suggestions] == [
        "MedicationRequest/1",
        "MedicationRequest/2",
    ]


def test_drafts_found_among_sources_are_named_by_their_own_text():
    agents = reading("MedicationRequest/1", "MedicationRequest/2", "MedicationRequest/3")
    drafts = [
        order("1", medicationCodeableConcept={"text": "busulfan"}),
        order("2", medicationCodeableConcept={"coding": [{"display": "thiotepa"}]}),
        order("3", medicationCodeableConcept={"coding": "?"}),
    ]
    verdict = fires(rule(suggestions=[suggestion("delete", "agents")]), agents=agents)

    assert [label for label, _ in every_offer(the_card(verdict, to=call(*drafts)))] == [
        "Cancel this order: busulfan",
        "Cancel this order: thiotepa",
        "Cancel this order: MedicationRequest/3",
    ]


def test_only_the_clause_named_decides_which_draft():
    other = reading("MedicationRequest/2", reference="MedicationRequest/2")
    verdict = acting_on(suggestion("delete", "order"), other=other)

    assert the_action(verdict, to=call(order("1"), order("2"))).resource_id == "MedicationRequest/1"


@pytest.mark.parametrize(
    "drafts",
    [[order(None)], [order("9")], [order("1"), order("1", status="active")], [order("bad id")]],
)
def test_a_draft_that_cannot_be_named_leaves_advice(drafts):
    card = the_card(
        acting_on(suggestion("delete", "order"), suggestion("hold", "order")), to=call(*drafts)
    )

    assert list(every_offer(card)) == [
        ("Cancel this order", "advice"),
        ("Hold this order", "advice"),
    ]
    assert card.orders == ()


def test_where_no_order_is_placed_none_is_offered_to_hold():
    card = the_card(
        acting_on(suggestion("hold", "order"), suggestion("none")), to=call(hook="patient-view")
    )

    assert list(every_offer(card)) == [("Discuss with the transplant physician", "advice")]


def test_a_missing_test_can_be_ordered_as_valid_fhir():
    request = call(order(), encounter_id="e1", user_id="PractitionerRole/7")
    verdict = acting_on(suggestion("create", resource="hepatic-panel"))

    action = the_action(verdict, to=request, hepatic_panel=HEPATIC_PANEL)

    assert action.type == "create"
    assert action.resource == {
        **HEPATIC_PANEL,
        "subject": {"reference": "Patient/ada"},
        "encounter": {"reference": "Encounter/e1"},
        "requester": {"reference": "PractitionerRole/7"},
        "authoredOn": "2026-11-20T10:00:00+00:00",
    }
    assert is_valid(action.resource)


@pytest.mark.parametrize("user", ["", "Patient/ada", "RelatedPerson/1"])
def test_who_may_not_request_is_not_named_as_requester(user):
    verdict = acting_on(suggestion("create", resource="hepatic-panel"))

    resource = the_action(
        verdict, to=call(order(), user_id=user), hepatic_panel=HEPATIC_PANEL
    ).resource

    assert "requester" not in resource
    assert "encounter" not in resource


@pytest.mark.parametrize(
    "template", [{**HEPATIC_PANEL, "status": 7}, {"resourceType": "Nothing"}, {}, {"code": "x"}]
)
def test_a_template_that_is_not_fhir_costs_the_action_but_not_the_advice(template, caplog):
    verdict = acting_on(suggestion("create", resource="hepatic-panel"))

    with caplog.at_level(logging.ERROR):
        card = the_card(verdict, hepatic_panel=template)

    assert list(every_offer(card)) == [("Repeat hepatic panel", "advice")]
    assert [record.__dict__["rule"] for record in caplog.records] == ["INO-LIV-01"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_resource_our_rules_create_is_valid_fhir(name):
    resource = {**TEMPLATES[name], **filled_in(call(order(), encounter_id="e1"), context())}

    assert is_valid(resource)
    assert not list(fhir_faults(name, resource))


def test_every_card_and_offer_has_its_own_lower_case_uuid():
    card = the_card(acting_on(suggestion("hold", "order"), suggestion("delete", "order")))

    found = [card.uuid, *(offer.uuid for offer in card.suggestions)]

    assert len(set(found)) == 3
    assert all(UUID.fullmatch(each) for each in found)


@given(JSON)
def test_no_shape_of_draft_orders_costs_the_card(bundle):
    verdict = acting_on(suggestion("hold", "order"), suggestion("delete", "order"))

    card = the_card(verdict, to=call(draft_orders=bundle))

    assert card.rule_id == "INO-LIV-01"
