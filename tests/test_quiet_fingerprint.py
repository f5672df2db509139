"""What a card's key depends on: everything it was read from, and not the time of day."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from cds_service.app import join_parts
from cds_service.cards.context import CardContext
from cds_service.cards.fingerprint import PASSING
from cds_service.cards.model import Card
from cds_service.cards.render import render_cards
from cds_service.clients import SANDBOX, Client
from cds_service.decide import Parts, judge_call
from cds_service.facts.vocabulary import KINDS
from cds_service.fhir.hook_call import HookCall
from cds_service.fixtures import load_fixture
from cds_service.settings import Settings
from cds_service.store.keyed_hash import KeyedHash
from cds_service.strict_json import dumps, parse
from cds_service.web.call_schema import Caller, hook_call
from tests.golden import FIXTURES, WRITTEN_FOR

JSON = Any
DATES = ("effectiveDateTime", "performedDateTime", "occurrenceDateTime", "onsetDateTime")
STEADY = {
    ("infusion", "minutes"),
    ("lab_since_hold", "days"),
    ("preparation", "hours_to_dilution"),
    ("preparation", "hours_to_end"),
}
"""Lengths of time between two things in the chart, which stay what they are."""


@cache
def parts() -> Parts:
    return join_parts(Settings())


@cache
def sent(name: str) -> JSON:
    return load_fixture(name, WRITTEN_FOR)


def call_of(name: str, body: JSON = None, client: Client = SANDBOX, tenant: str = "") -> HookCall:
    info = FIXTURES[name]
    service = parts().rulebook.service(info.service_id)
    assert service is not None
    caller = Caller(client, info.profile, tenant)
    return hook_call(sent(name) if body is None else body, service, caller)


def shown(call: HookCall, now: datetime = WRITTEN_FOR, key: bytes = b"k" * 32) -> dict[str, Card]:
    """The cards by what speaks: rule, indicator and summary would differ if another variant did."""
    joined = parts()
    verdicts = judge_call(call, joined, now).verdicts
    context = CardContext(joined.new_id, now, "http://x", joined.terminology, KeyedHash(key))
    speaking = {v.rule.id: v.speaking.variant.name for v in verdicts if v.speaking}
    cards = render_cards(verdicts, call, joined.rulebook, context)
    return {f"{card.rule_id} {speaking[card.rule_id]}": card for card in cards}


def keys(cards: dict[str, Card]) -> dict[str, str]:
    return {name: card.answer_key for name, card in cards.items()}


def resources(node: JSON) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("resourceType", "Bundle") != "Bundle":
            yield node
        else:
            for inner in node.values():
                yield from resources(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from resources(inner)


def reversed_lists(node: JSON) -> JSON:
    """The same Bundles, their entries from last to first."""
    if isinstance(node, dict) and node.get("resourceType", "Bundle") == "Bundle":
        return {
            name: inner[::-1] if name == "entry" else reversed_lists(inner)
            for name, inner in node.items()
        }
    return node


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("later", [timedelta(minutes=61), timedelta(hours=16)], ids=str)
def test_time_that_passes_changes_no_key(name: str, later: timedelta) -> None:
    """
    An hour later, and past midnight, whatever still says the same has the same key.
    """
    call = call_of(name)
    first, second = keys(shown(call)), keys(shown(call, WRITTEN_FOR + later))

    for said in first.keys() & second.keys():
        assert first[said] == second[said], said


@pytest.mark.parametrize("name", FIXTURES)
def test_the_order_in_which_resources_are_sent_changes_no_key(name: str) -> None:
    assert keys(shown(call_of(name, reversed_lists(sent(name))))) == keys(shown(call_of(name)))


@pytest.mark.parametrize("name", FIXTURES)
def test_whatever_changes_in_what_a_card_was_read_from_changes_its_key(name: str) -> None:
    """
    Each value and each date of each resource behind a card, one at a time.
    """
    before = shown(call_of(name))
    for reference in sorted({fact for card in before.values() for fact in card.facts}):
        for body in changed(sent(name), reference):
            after = shown(call_of(name, body))
            for said in before.keys() & after.keys():
                if reference in before[said].facts:
                    assert after[said].answer_key != before[said].answer_key, (said, reference)


def changed(body: JSON, reference: str) -> Iterator[JSON]:
    """The request with another value, and the request with another date."""
    for change in (raise_value, move_back):
        copied = deepcopy(body)
        named = [
            each
            for each in resources(copied)
            if f"{each['resourceType']}/{each.get('id')}" == reference
        ]
        if any([change(each) for each in named]):
            yield copied


def raise_value(resource: dict[str, Any]) -> bool:
    quantity = resource.get("valueQuantity")
    if not isinstance(quantity, dict) or "value" not in quantity:
        return False
    quantity["value"] = quantity["value"] * Decimal("1.01") + Decimal("0.001")
    return True


def move_back(resource: dict[str, Any]) -> bool:
    """A minute earlier, or a day where no time is written."""
    found = [name for name in DATES if isinstance(resource.get(name), str)]
    for name in found:
        written = datetime.fromisoformat(resource[name])
        has_time = "T" in resource[name]
        earlier = written - (timedelta(minutes=1) if has_time else timedelta(days=1))
        resource[name] = earlier.isoformat() if has_time else earlier.date().isoformat()
    return bool(found)


def test_a_changed_order_changes_every_key_about_it() -> None:
    name = "hugo-too-early-and-too-much"
    body = deepcopy(sent(name))
    for order in resources(body["context"]["draftOrders"]):
        order["note"] = [{"text": "given over two hours"}]
    before, after = shown(call_of(name)), shown(call_of(name, body))

    about_it = [said for said in before.keys() & after.keys() if before[said].orders]
    assert about_it
    for said in about_it:
        assert before[said].answer_key != after[said].answer_key, said


def test_an_order_that_is_merely_written_down_anew_is_the_same_order() -> None:
    """
    Between selecting and signing an EHR stamps a draft with another time and another status.
    """
    name = "hugo-too-early-and-too-much"
    body = deepcopy(sent(name))
    anew = {"authoredOn": WRITTEN_FOR.isoformat(), "status": "active", "meta": {"versionId": "2"}}
    for order in resources(body["context"]["draftOrders"]):
        order |= anew

    assert keys(shown(call_of(name, body))) == keys(shown(call_of(name)))


def test_what_was_not_assessed_is_known_by_what_is_missing() -> None:
    name = "kira-no-work-up"
    body = deepcopy(sent(name))
    body["prefetch"]["conditions"] = None

    def not_assessed(cards: dict[str, Card]) -> list[str]:
        return [card.answer_key for card in cards.values() if card.rule_id == "INO-DATA-01"]

    once, again, other = (
        not_assessed(shown(call_of(name))),
        not_assessed(shown(call_of(name), WRITTEN_FOR + timedelta(hours=1))),
        not_assessed(shown(call_of(name, body))),
    )

    assert once == again
    assert other != once


def test_every_caller_has_keys_of_its_own() -> None:
    """
    No key says anything to another client, tenant, patient or installation.
    """
    name = "ada-bilirubin-at-uln"
    call = call_of(name)
    of = [
        shown(call),
        shown(call_of(name, client=Client("General Hospital"))),
        shown(call_of(name, tenant="east")),
        shown(call_of(name, of_another_patient(sent(name), call.patient_id))),
        shown(call, key=b"j" * 32),
    ]
    found = [card.answer_key for cards in of for card in cards.values()]

    assert all(len(key) == 64 for key in found)
    assert len(found) == len(set(found))


def test_a_card_to_be_checked_by_hand_is_another_card() -> None:
    """
    Who answered it while both evaluators agreed did not answer that one of them fell silent.
    """
    joined, call = parts(), call_of("ada-bilirubin-at-uln")
    context = CardContext(joined.new_id, WRITTEN_FOR, "", joined.terminology, KeyedHash(b"k" * 32))
    agreed = judge_call(call, joined, WRITTEN_FOR).verdicts
    doubted = [replace(v, because="engines disagree") if v.speaking else v for v in agreed]

    before = {each.answer_key for each in render_cards(agreed, call, joined.rulebook, context)}
    after = {each.answer_key for each in render_cards(doubted, call, joined.rulebook, context)}
    assert before
    assert before.isdisjoint(after)


def of_another_patient(body: JSON, patient_id: str) -> JSON:
    """The same request with another patient's id in every place."""
    return parse(dumps(body).replace(patient_id.encode(), b"another-1"))


def test_without_a_hash_there_are_no_keys() -> None:
    joined, call = parts(), call_of("ada-bilirubin-at-uln")
    context = CardContext(joined.new_id, WRITTEN_FOR, "http://x", joined.terminology)
    verdicts = judge_call(call, joined, WRITTEN_FOR).verdicts

    cards = render_cards(verdicts, call, joined.rulebook, context)
    assert {card.answer_key for card in cards} == {""}


def test_every_word_that_passes_is_in_the_vocabulary() -> None:
    for kind, words in PASSING.items():
        assert words <= {*KINDS[kind].fields, *KINDS[kind].show}, kind


def test_every_length_of_time_is_decided() -> None:
    """
    A new field in days or years must be put down as passing or as steady.
    """
    lengths = {
        (kind.name, name)
        for kind in KINDS.values()
        for name, field in kind.fields.items()
        if field.unit in ("days", "hours", "minutes", "years") or "days" in name
    }
    passing = {(kind, word) for kind, words in PASSING.items() for word in words}

    assert lengths - passing == STEADY
