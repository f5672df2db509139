"""The wire form of cards: the keys of CDS Hooks 2.0.1, no other, and none without a value."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_dump

from cds_service.cards.model import Card
from cds_service.rulebook.model import OverrideReason

RULE_SYSTEM = "urn:cds-service:rule"
EXTENSION = "cds-service.card"


class _Strict(Schema):
    """Leaves out an optional key without a value; a required one must have one."""

    @post_dump
    def _without_empty(self, dumped: dict[str, Any], **_: Any) -> dict[str, Any]:
        kept = {name: value for name, value in dumped.items() if value not in (None, "", [], {})}
        for name, field in self.dump_fields.items():
            if field.required and name not in kept:
                raise ValueError(f"{type(self).__name__} without {name}")
        return kept


class ActionSchema(_Strict):
    """A suggested change."""

    type = fields.String(required=True)
    description = fields.String(required=True)
    resource = fields.Raw()
    resource_id = fields.String(data_key="resourceId")


class SuggestionSchema(_Strict):
    """A button. ``isRecommended`` is never sent: nothing is pre-selected."""

    label = fields.String(required=True)
    uuid = fields.String(required=True)
    actions = fields.List(fields.Nested(ActionSchema))


class LinkSchema(_Strict):
    """A link of type absolute."""

    label = fields.String(required=True)
    url = fields.String(required=True)
    type = fields.Constant("absolute")


class CardSchema(_Strict):
    """One card."""

    uuid = fields.String(required=True)
    summary = fields.String(required=True)
    detail = fields.String()
    indicator = fields.String(required=True)
    source = fields.Function(lambda card: _source(card), required=True)
    suggestions = fields.List(fields.Nested(SuggestionSchema))
    selection_behavior = fields.Function(
        lambda card: card.selection_behavior if card.suggestions else None,
        data_key="selectionBehavior",
    )
    override_reasons = fields.Function(
        lambda card: [_coding(reason) for reason in card.override_reasons],
        data_key="overrideReasons",
    )
    links = fields.List(fields.Nested(LinkSchema))
    extension = fields.Function(
        lambda card: {EXTENSION: _about(card)} if card.has_extension else None
    )


class AnswerSchema(Schema):
    """The answer to a hook call; ``cards`` may be empty when everything was judged."""

    cards = fields.List(fields.Nested(CardSchema), required=True)


def _source(card: Card) -> dict[str, Any]:
    topic = {"system": RULE_SYSTEM, "code": card.rule_id, "display": card.rule_title}
    url = {"url": card.source_url} if card.source_url else {}
    return {"label": card.source_label, **url, "topic": topic}


def _coding(reason: OverrideReason) -> dict[str, str]:
    return {"code": reason.code, "system": reason.system, "display": reason.display}


def _about(card: Card) -> dict[str, Any]:
    orders = {"orders": list(card.orders)} if card.orders else {}
    rule = {"id": card.rule_id, "version": card.rule_version}
    return {**orders, "rule": rule, "evaluated": card.evaluated}
