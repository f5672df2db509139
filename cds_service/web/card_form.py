"""The wire form of cards: the keys of CDS Hooks 2.0.1, no other, and none without a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cds_service.cards.model import Action, Card, Link, SuggestionOffer
from cds_service.rulebook.model import OverrideReason

RULE_SYSTEM = "urn:cds-service:rule"
EXTENSION = "cds-service.card"


def as_sent(cards: Iterable[Card]) -> dict[str, Any]:
    """The answer to a hook call; it may be without cards when everything was judged.

    Raises:
        ValueError: when a card lacks what the specification requires.
    """
    return {"cards": list(map(_card, cards))}


def _card(card: Card) -> dict[str, Any]:
    told = {
        "uuid": card.uuid,
        "summary": card.summary,
        "detail": card.detail,
        "indicator": card.indicator,
        "source": _source(card),
        "suggestions": list(map(_suggestion, card.suggestions)),
        "selectionBehavior": card.selection_behavior if card.suggestions else "",
        "overrideReasons": list(map(_coding, card.override_reasons)),
        "links": list(map(_link, card.links)),
        "extension": {EXTENSION: _about(card)} if card.has_extension else {},
    }
    return _said(told, "uuid", "summary", "indicator", "source")


def _source(card: Card) -> dict[str, Any]:
    topic = {"system": RULE_SYSTEM, "code": card.rule_id, "display": card.rule_title}
    url = {"url": card.source_url} if card.source_url else {}
    return {"label": card.source_label, **url, "topic": topic}


def _suggestion(offer: SuggestionOffer) -> dict[str, Any]:
    """A button. ``isRecommended`` is never sent: nothing is pre-selected."""
    actions = list(map(_action, offer.actions))
    return _said({"label": offer.label, "uuid": offer.uuid, "actions": actions}, "label", "uuid")


def _action(action: Action) -> dict[str, Any]:
    told = {
        "type": action.type,
        "description": action.description,
        "resource": action.resource,
        "resourceId": action.resource_id,
    }
    return _said(told, "type", "description")


def _coding(reason: OverrideReason) -> dict[str, str]:
    return {"code": reason.code, "system": reason.system, "display": reason.display}


def _link(link: Link) -> dict[str, Any]:
    return _said({"label": link.label, "url": link.url, "type": "absolute"}, "label", "url")


def _about(card: Card) -> dict[str, Any]:
    orders = {"orders": list(card.orders)} if card.orders else {}
    rule = {"id": card.rule_id, "version": card.rule_version}
    return {**orders, "rule": rule, "evaluated": card.evaluated}


def _said(told: dict[str, Any], *required: str) -> dict[str, Any]:
    """Leaves out an optional key without a value; a required one must have one."""
    for name in required:
        if not told[name]:
            raise ValueError(f"what is sent lacks {name}")
    return {name: value for name, value in told.items() if value}
