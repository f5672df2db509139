"""Cards as Epic wants them, and cards without our extension; every other client gets the standard.

What is held here, by sentence of what is on record about Epic's answers:

* only ``selectionBehavior`` any; one action per suggestion; nothing pre-selected; no systemActions,
  no autolaunch; actions create or delete MedicationRequest and ServiceRequest; the topic's code is
  static and up to 100 characters: ``tests/wire_rules.py`` with dialect epic, over every fixture.
* ``action.description`` is the text shown; order details are not applied: the same, and by hand.
* feedback needs the uuids that were sent: the record names them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.app import create_app
from cds_service.cards.dialect import EPIC_RXNORM, dialect_of
from cds_service.cards.model import Action, SuggestionOffer
from cds_service.clients import SANDBOX, Client, Dialect
from cds_service.data import rules_dir
from cds_service.fixtures import load_fixture
from cds_service.rulebook.loader import load_rulebook
from cds_service.strict_json import dumps
from cds_service.terminology import Terminology
from tests import tokens
from tests.dialects import EPIC, KEPT_FOR_EPIC, fired, golden_file
from tests.golden import FIXTURES, WRITTEN_FOR
from tests.rule_builders import HEPATIC_PANEL, call, cards, fires, order, reading, rule, suggestion
from tests.wire_rules import EPIC_ACTIONS, assert_conforms, complaints

PLAIN = Client("Plain hospital")
DRAFT = reading("MedicationRequest/1", reference="MedicationRequest/1", label="inotuzumab C1D1")
HOLD = Action("update", "Put it on hold", {"resourceType": "MedicationRequest", "id": "1"}, "", "x")
CANCEL = Action("delete", "Delete the draft order x", None, "MedicationRequest/1", "x")
PANEL = Action("create", "Create an order: hepatic panel", HEPATIC_PANEL)

every_fixture = pytest.mark.parametrize("name", FIXTURES)


def drafts_in(name: str) -> list[dict[str, Any]]:
    entries = load_fixture(name, WRITTEN_FOR)["context"].get("draftOrders", {}).get("entry", [])
    return [each["resource"] for each in entries if "id" in each["resource"]]


def buttons(*offers: SuggestionOffer, client: Client = EPIC) -> tuple[SuggestionOffer, ...]:
    numbers = count(1)
    return dialect_of(client).buttons(offers, lambda: f"new-{next(numbers)}")


def offer(*actions: Action, label: str = "Hold this order") -> SuggestionOffer:
    return SuggestionOffer("sent", label, actions)


# ------------------------------------------------------------------ every fixture


@every_fixture
def test_an_answer_to_epic_keeps_to_cds_hooks_and_to_what_epic_documents(name: str) -> None:
    assert_conforms(fired(name).sent, drafts_in(name), "epic")


@every_fixture
def test_a_dialect_changes_how_a_card_is_offered_and_nothing_of_what_it_says(name: str) -> None:
    plain, epic = fired(name, PLAIN).cards, fired(name).cards

    assert list(plain) == list(epic)
    for rule_id, card in plain.items():
        same = ("summary", "indicator", "source", "overrideReasons", "links", "extension")
        assert [card.get(key) for key in same] == [epic[rule_id].get(key) for key in same]
        for paragraph in card["detail"].split("\n\n"):
            assert paragraph in epic[rule_id]["detail"]


@every_fixture
def test_a_critical_card_about_an_order_keeps_a_button_to_stop_it(name: str) -> None:
    for card in fired(name).sent["cards"]:
        if card["indicator"] == "critical" and card["extension"]["cds-service.card"].get("orders"):
            stopped = [
                a for s in card["suggestions"] for a in s["actions"] if a["type"] == "delete"
            ]
            assert stopped


@every_fixture
@pytest.mark.parametrize("client", [PLAIN, EPIC], ids=["standard", "epic"])
def test_the_record_names_the_suggestions_that_were_sent(name: str, client: Client) -> None:
    answer = fired(name, client)

    sent = {c["uuid"]: [s["uuid"] for s in c.get("suggestions", [])] for c in answer.sent["cards"]}
    assert {c.uuid: [s.uuid for s in c.suggestions] for c in answer.kept.cards} == sent


@pytest.mark.parametrize("name", KEPT_FOR_EPIC)
def test_the_whole_answer_to_epic_is_the_one_that_was_kept(name: str) -> None:
    kept = json.loads(golden_file(name).read_text("utf-8"), parse_float=Decimal)
    assert fired(name).sent == kept


@every_fixture
def test_a_client_may_be_spared_our_extension_in_any_dialect(name: str) -> None:
    for client in (PLAIN, EPIC):
        bare = fired(name, replace(client, card_extension=False)).sent
        with_it = fired(name, client).sent

        assert_conforms(bare, drafts_in(name), client.dialect)
        assert all("extension" in card for card in with_it["cards"])
        for card in with_it["cards"]:
            del card["extension"]
        assert bare == with_it


# ------------------------------------------------------------------ chosen by the clients file


@pytest.mark.parametrize("name", ["nadia-qt-three-drugs", "dmitri-vod-now"])
@pytest.mark.parametrize("dialect", ["standard", "epic"])
def test_the_client_that_called_is_answered_in_its_dialect(
    tmp_path: Path, name: str, dialect: Dialect
) -> None:
    hospital = tokens.client(tmp_path, dialect=dialect, card_extension=False)
    app = create_app(
        tokens.settings(hospital), clock=lambda: tokens.NOW, card_log=tokens.TokenMemory()
    )

    answer = app.test_client().post(
        tokens.SERVICE_PATH,
        data=dumps(load_fixture(name, tokens.NOW)),
        content_type="application/json",
        headers={"Authorization": tokens.bearer()},
    )

    told = answer.get_json()
    assert_conforms(told, dialect=dialect)
    behaviours = {card["selectionBehavior"] for card in told["cards"] if "suggestions" in card}
    assert behaviours == {"any" if dialect == "epic" else "at-most-one"}
    assert not any("extension" in card for card in told["cards"])


# ------------------------------------------------------------------ every rule


def test_no_rule_of_ours_has_a_topic_that_epic_could_not_keep() -> None:
    rulebook = load_rulebook(rules_dir(), Terminology.load(rules_dir() / "valuesets"))
    for rule_id in rulebook.rules:
        assert rule_id.replace("-", "").isalnum()
        assert rule_id.isascii()
        assert len(rule_id) <= 100


def test_whatever_our_rules_create_is_of_a_kind_that_epic_documents() -> None:
    rulebook = load_rulebook(rules_dir(), Terminology.load(rules_dir() / "valuesets"))
    made = {("create", str(each["resourceType"])) for each in rulebook.resources.values()}
    assert made <= EPIC_ACTIONS


# ------------------------------------------------------------------ one suggestion at a time


def test_the_standard_dialect_leaves_the_offers_alone() -> None:
    offers = (offer(PANEL, CANCEL), offer())

    assert buttons(*offers, client=SANDBOX) == offers
    assert dialect_of(SANDBOX).advice(offers) == ""


def test_a_suggestion_of_several_actions_becomes_several_of_one() -> None:
    split = buttons(offer(PANEL, CANCEL, label="Cancel and repeat the panel"))

    assert [[each.type for each in one.actions] for one in split] == [["delete"], ["create"]]
    assert [one.label for one in split] == [CANCEL.description, PANEL.description]
    assert [one.actions[0].description for one in split] == [one.label for one in split]
    assert [one.uuid for one in split] == ["new-1", "new-2"]


@given(st.lists(st.sampled_from([HOLD, CANCEL, PANEL]), min_size=2, max_size=5))
def test_whatever_is_split_is_applied_deletes_first(actions: list[Action]) -> None:
    split = buttons(offer(*actions))

    kinds = [each.type for one in split for each in one.actions]
    assert kinds == sorted(kinds, key=["delete", "create"].index)
    assert all(len(one.actions) == 1 for one in split)
    assert len({one.uuid for one in split}) == len(split)


def test_one_action_keeps_its_uuid_and_says_the_label_in_its_description() -> None:
    (button,) = buttons(offer(CANCEL, label="Cancel this third cycle"))

    assert (button.uuid, button.label) == ("sent", "Cancel this third cycle")
    assert button.actions[0].description == "Cancel this third cycle (delete the draft order x)"


def test_a_label_the_description_holds_is_not_said_twice() -> None:
    (button,) = buttons(offer(PANEL, label="hepatic panel"))

    assert button.actions == (PANEL,)


def test_a_hold_is_offered_as_taking_the_draft_out_of_the_session() -> None:
    (button,) = buttons(offer(HOLD, label="Hold this order until liver tests recover"))

    assert button.label == "Hold this order until liver tests recover (remove the draft)"
    assert button.actions == (
        Action(
            "delete",
            "Hold this order until liver tests recover (remove the draft order x; "
            "it cannot be put on hold here)",
            None,
            "MedicationRequest/1",
            "x",
        ),
    )


def test_a_draft_that_can_be_cancelled_is_not_removed_by_a_second_button() -> None:
    hold, cancel = offer(HOLD), offer(CANCEL, label="Cancel this order")

    (button,) = buttons(hold, cancel)

    assert button.label == "Cancel this order"
    assert "- Hold this order\n- Cancel this order" in dialect_of(EPIC).advice((hold, cancel))


def test_advice_without_an_action_is_told_and_is_no_button() -> None:
    advice = offer(label="Hydrate & consider a *urate-lowering* drug")

    assert buttons(advice) == ()
    assert dialect_of(EPIC).advice((advice,)) == (
        "**What can be done**\n\n- Hydrate & consider a \\*urate-lowering\\* drug"
    )


@pytest.mark.parametrize(
    "action",
    [
        Action("delete", "Delete it", resource_id="DeviceRequest/1"),
        Action("update", "Hold it", {"resourceType": "NutritionOrder", "id": "1"}),
        Action("create", "Tell them", {"resourceType": "CommunicationRequest"}),
    ],
    ids=lambda action: str(action.type),
)
def test_an_action_epic_does_not_document_stays_advice(action: Action) -> None:
    assert buttons(offer(action)) == ()


def test_a_created_drug_is_also_named_as_epic_spells_rxnorm() -> None:
    coding = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "11065"}
    ursodiol: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "medicationCodeableConcept": {"text": "Ursodiol", "coding": [coding]},
    }

    (button,) = buttons(offer(Action("create", "Order ursodiol", ursodiol)))

    made = button.actions[0].resource or {}
    assert made["medicationCodeableConcept"] == {
        "text": "Ursodiol",
        "coding": [coding, {"system": EPIC_RXNORM, "code": "11065"}],
    }
    assert ursodiol["medicationCodeableConcept"]["coding"] == [coding]


def test_a_card_that_only_holds_still_stops_the_order_and_says_so_in_words() -> None:
    verdict = fires(rule(suggestions=[suggestion("hold", "order")]), order=DRAFT)

    (card,) = cards(verdict, to=call(order("1"), client=EPIC))

    assert [each.actions[0].resource_id for each in card.suggestions] == ["MedicationRequest/1"]
    assert "**What can be done**\n\n- Hold this order\n\nSource:" in card.detail


def test_a_card_without_offers_has_no_such_paragraph() -> None:
    (card,) = cards(fires(rule(), order=DRAFT), to=call(order("1"), client=EPIC))

    assert "What can be done" not in card.detail
    assert card.suggestions == ()


# ------------------------------------------------------------------ the checker itself


SOUND: dict[str, Any] = {
    "uuid": "00000000-0000-4000-8000-000000000001",
    "summary": "Bilirubin 1.9 mg/dL",
    "detail": "**What can be done**\n\n- Cancel this order",
    "indicator": "critical",
    "source": {"label": "Label", "topic": {"system": "u:x", "code": "A-1", "display": "A"}},
    "selectionBehavior": "any",
    "suggestions": [
        {
            "label": "Cancel this order",
            "uuid": "00000000-0000-4000-8000-000000000002",
            "actions": [
                {
                    "type": "delete",
                    "description": "Cancel this order (delete the draft x)",
                    "resourceId": "MedicationRequest/1",
                }
            ],
        }
    ],
}
ACTION: dict[str, Any] = SOUND["suggestions"][0]["actions"][0]
BREACHES: dict[str, dict[str, Any]] = {
    "not any": {"selectionBehavior": "at-most-one"},
    "letters, digits": {
        "source": {"label": "L", "topic": {"system": "u:x", "code": "a b", "display": "A"}}
    },
    "2 instead of one": {"suggestions": [{"actions": [ACTION, ACTION]}]},
    "0 instead of one": {"suggestions": [{"actions": []}]},
    "documents no update": {
        "suggestions": [{"actions": [{"type": "update", "description": "Cancel this order"}]}]
    },
    "less than the label": {"suggestions": [{"actions": [{**ACTION, "description": "Delete it"}]}]},
    "pre-selects": {"suggestions": [{"isRecommended": False}]},
    "does not stand in the detail": {"detail": "Nothing"},
}


@pytest.mark.parametrize("complaint", BREACHES)
def test_the_checker_finds_each_breach_of_what_epic_documents(complaint: str) -> None:
    change = dict(BREACHES[complaint])
    if "suggestions" in change:
        change["suggestions"] = [{**SOUND["suggestions"][0], **change["suggestions"][0]}]

    found = list(complaints({"cards": [{**SOUND, **change}]}, dialect="epic"))

    assert not list(complaints({"cards": [SOUND]}, dialect="epic"))
    assert any(complaint in each for each in found), found
