"""How an EHR wants what a card offers: which buttons, and what must stand in the text as well.

The standard form is the specification's own. What Epic documents differs: a suggestion has one
action, an action creates or deletes a MedicationRequest or a ServiceRequest, its description is the
text shown, and the details of a created order are not taken over.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cds_service import clients
from cds_service.cards.model import Action, SelectionBehavior, SuggestionOffer
from cds_service.cards.text import clipped, escaped
from cds_service.terminology.systems import RXNORM

Offers = tuple[SuggestionOffer, ...]

LABEL_LIMIT = 100
EPIC_RXNORM = "urn:oid:2.16.840.1.113883.6.88"
"""How Epic spells RxNorm where a created MedicationRequest names its drug."""

_EPIC_TYPES = ("MedicationRequest", "ServiceRequest")
_STOPPING_FIRST = ("delete", "update", "create")
"""In which order actions stand alone: an order is stopped before anything new is made."""
_REMOVED = " (remove the draft)"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is done to the offers of a card.

    ``buttons`` makes the suggestions that are sent, with a source of random UUIDs for new ones.
    ``advice`` is the paragraph in which the same stands in words, empty where buttons say enough.
    """

    selection_behavior: SelectionBehavior
    buttons: Callable[[Offers, Callable[[], str]], Offers]
    advice: Callable[[Offers], str]


def dialect_of(client: clients.Client) -> Dialect:
    """The dialect that a client is served in."""
    return _DIALECTS[client.dialect]


def _as_offered(offers: Offers, new_id: Callable[[], str]) -> Offers:
    return offers


def _no_words(offers: Offers) -> str:
    return ""


def _for_epic(offers: Offers, new_id: Callable[[], str]) -> Offers:
    """One action each, of a kind that Epic documents, with a description that reads alone."""
    deleted = {action.resource_id for offer in offers for action in offer.actions}
    return tuple(
        button
        for offer in offers
        for single in _single(offer, new_id)
        for action in single.actions
        for button in _BUTTONS[action.type](single, action, deleted)
        if _kind(action) in _EPIC_TYPES
    )


def _single(offer: SuggestionOffer, new_id: Callable[[], str]) -> Iterator[SuggestionOffer]:
    """The offer if it has one action at most, else an offer for each of them."""
    if len(offer.actions) <= 1:
        yield offer
        return
    for action in sorted(offer.actions, key=lambda each: _STOPPING_FIRST.index(each.type)):
        yield SuggestionOffer(new_id(), clipped(action.description, LABEL_LIMIT), (action,))


def _kind(action: Action) -> object:
    """The resource type it acts on."""
    return (action.resource or {}).get("resourceType") or action.resource_id.partition("/")[0]


def _deletion(
    offer: SuggestionOffer, action: Action, deleted: Container[str]
) -> Iterator[SuggestionOffer]:
    yield replace(offer, actions=(_alone(action, offer.label),))


def _creation(
    offer: SuggestionOffer, action: Action, deleted: Container[str]
) -> Iterator[SuggestionOffer]:
    spelled = replace(action, resource=_spelled(action.resource or {}))
    yield replace(offer, actions=(_alone(spelled, offer.label),))


def _removal(
    offer: SuggestionOffer, hold: Action, deleted: Container[str]
) -> Iterator[SuggestionOffer]:
    """An unsigned order is held by taking it out of the session, unless that is offered anyway."""
    held = hold.resource or {}
    reference = f"{held.get('resourceType')}/{held.get('id')}"
    if reference in deleted:
        return
    said = f"Remove the draft order {hold.about}; it cannot be put on hold here"
    removal = Action("delete", said, resource_id=reference, about=hold.about)
    label = clipped(offer.label, LABEL_LIMIT - len(_REMOVED)) + _REMOVED
    yield replace(offer, label=label, actions=(_alone(removal, offer.label),))


def _alone(action: Action, label: str) -> Action:
    """With the label in its description, because the description is all that is shown."""
    said = action.description
    if label in said:
        return action
    return replace(action, description=f"{label} ({said[:1].lower()}{said[1:]})")


def _spelled(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """With an RxNorm code a second time, as Epic spells the system."""
    concept = resource.get("medicationCodeableConcept", {})
    codings = concept.get("coding", [])
    again = [{**each, "system": EPIC_RXNORM} for each in codings if each.get("system") == RXNORM]
    if not again:
        return resource
    return {**resource, "medicationCodeableConcept": {**concept, "coding": [*codings, *again]}}


def _in_words(offers: Offers) -> str:
    """Every offer as a line: some are no buttons, and of others not everything is applied."""
    if not offers:
        return ""
    labels = dict.fromkeys(offer.label for offer in offers)
    return "\n".join(["**What can be done**", "", *(f"- {escaped(label)}" for label in labels)])


_BUTTONS = {"delete": _deletion, "create": _creation, "update": _removal}
_DIALECTS: Mapping[clients.Dialect, Dialect] = {
    "standard": Dialect("at-most-one", _as_offered, _no_words),
    "epic": Dialect("any", _for_epic, _in_words),
}
