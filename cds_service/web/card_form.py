"""The wire form of cards: the keys of CDS Hooks 2.0.1, no other, and none without a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import field

from cds_service.cards.model import Action, Card, SuggestionOffer
from cds_service.strict_json import Shape, plain

RULE_SYSTEM = "urn:cds-service:rule"
EXTENSION = "cds-service.card"


class _Topic(Shape):
    system: str
    code: str
    display: str


class _Source(Shape, kw_only=True):
    label: str
    url: str = ""
    topic: _Topic


class _Action(Shape):
    type: str
    description: str
    resource: Any = None
    resource_id: str = ""


class _Suggestion(Shape):
    """A button. ``isRecommended`` is never sent: nothing is pre-selected."""

    label: str
    uuid: str
    actions: list[_Action] = field(default_factory=list)


class _Coding(Shape):
    code: str
    system: str
    display: str


class _Link(Shape):
    label: str
    url: str
    type: str


class _Rule(Shape):
    id: str
    version: str


class _About(Shape, kw_only=True):
    orders: tuple[str, ...] = ()
    rule: _Rule
    evaluated: str


class _Extension(Shape):
    about: _About = field(name=EXTENSION)


class _Card(Shape, kw_only=True):
    uuid: str
    summary: str
    detail: str = ""
    indicator: str
    source: _Source
    suggestions: list[_Suggestion] = field(default_factory=list)
    selection_behavior: str = ""
    override_reasons: list[_Coding] = field(default_factory=list)
    links: list[_Link] = field(default_factory=list)
    extension: _Extension | None = None


class Answer(Shape):
    """The answer to a hook call."""

    cards: list[_Card]


def as_sent(cards: Iterable[Card]) -> Answer:
    """The answer to a hook call; it may be without cards when everything was judged.

    Raises:
        ValueError: when a card lacks what the specification requires.
    """
    return Answer([_card(card) for card in cards])


def _card(card: Card) -> _Card:
    return _Card(
        uuid=_required("uuid", card.uuid),
        summary=_required("summary", card.summary),
        detail=card.detail,
        indicator=_required("indicator", card.indicator),
        source=_Source(
            label=card.source_label,
            url=card.source_url,
            topic=_Topic(RULE_SYSTEM, card.rule_id, card.rule_title),
        ),
        suggestions=[_suggestion(each) for each in card.suggestions],
        selection_behavior=card.selection_behavior if card.suggestions else "",
        override_reasons=[
            _Coding(each.code, each.system, each.display) for each in card.override_reasons
        ],
        links=[
            _Link(_required("label", each.label), _required("url", each.url), "absolute")
            for each in card.links
        ],
        extension=_Extension(_about(card)) if card.has_extension else None,
    )


def _suggestion(offer: SuggestionOffer) -> _Suggestion:
    return _Suggestion(
        _required("label", offer.label),
        _required("uuid", offer.uuid),
        [_action(each) for each in offer.actions],
    )


def _action(action: Action) -> _Action:
    return _Action(
        _required("type", action.type),
        _required("description", action.description),
        plain(action.resource) if action.resource else None,
        action.resource_id,
    )


def _about(card: Card) -> _About:
    rule = _Rule(card.rule_id, card.rule_version)
    return _About(orders=card.orders, rule=rule, evaluated=card.evaluated)


def _required(name: str, value: str) -> str:
    if not value:
        raise ValueError(f"what is sent lacks {name}")
    return value
