"""What was shown and why: a card with its call and every answer to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from cds_service.store.records import FeedbackRecord, MissingRecord, SuggestionRecord
from cds_service.store.tables import calls, cards, feedback, suggestions


@dataclass(frozen=True, slots=True)
class ShownCard:
    """One card as it was recorded.

    ``call_id`` is the request id that was logged and sent in ``X-Request-ID``. ``verdicts`` counts
    the rules of the call by verdict. ``missing`` is what the whole call could not know.
    """

    uuid: str
    at: datetime
    client: str
    tenant: str
    service_id: str
    hook: str
    hook_instance: str
    profile: str
    rulebook: str
    call_id: str
    milliseconds: int
    rule_id: str
    rule_version: str
    rule_hash: str
    indicator: str
    shown_as: str
    orders: tuple[str, ...]
    facts: tuple[str, ...]
    suggestions: tuple[SuggestionRecord, ...]
    verdicts: Mapping[str, int]
    missing: tuple[MissingRecord, ...]
    fetched: Mapping[str, str]
    feedback: tuple[FeedbackRecord, ...]


def shown_card(connection: Connection, uuid: str) -> ShownCard | None:
    """The card of this UUID with all that belongs to it; None when it is not on record."""
    card = connection.execute(select(cards).where(cards.c.uuid == uuid).limit(1)).one_or_none()
    if card is None:
        return None
    call = connection.execute(select(calls).where(calls.c.key == card.call)).one()
    return ShownCard(
        uuid=card.uuid,
        at=call.at,
        client=call.client,
        tenant=call.tenant,
        service_id=call.service_id,
        hook=call.hook,
        hook_instance=call.hook_instance,
        profile=call.profile,
        rulebook=call.rulebook,
        call_id=call.id,
        milliseconds=call.milliseconds,
        rule_id=card.rule_id,
        rule_version=card.rule_version,
        rule_hash=card.rule_hash,
        indicator=card.indicator,
        shown_as=card.shown_as,
        orders=tuple(json.loads(card.orders)),
        facts=tuple(json.loads(card.facts)),
        suggestions=_suggestions(connection, card),
        verdicts=dict(Counter(json.loads(call.verdicts).values())),
        missing=tuple(
            MissingRecord(what, reason, tuple(rules))
            for what, reason, rules in json.loads(call.missing)
        ),
        fetched=json.loads(call.fetched),
        feedback=feedback_on(connection, uuid),
    )


def feedback_on(connection: Connection, uuid: str) -> tuple[FeedbackRecord, ...]:
    """Every answer to a card, the earliest first; there may be some to a card not on record."""
    rows = connection.execute(
        select(feedback)
        .where(feedback.c.card == uuid)
        .order_by(feedback.c.at, feedback.c.received_at, feedback.c.digest)
    )
    return tuple(
        FeedbackRecord(
            card=row.card,
            client=row.client,
            service_id=row.service_id,
            outcome=row.outcome,
            outcome_at=row.outcome_at,
            received_at=row.received_at,
            accepted_suggestions=tuple(json.loads(row.accepted_suggestions)),
            reason_code=row.reason_code,
            reason_system=row.reason_system,
            reason_display=row.reason_display,
            comment=row.comment,
        )
        for row in rows
    )


def _suggestions(connection: Connection, card: Row[Any]) -> tuple[SuggestionRecord, ...]:
    rows = connection.execute(
        select(suggestions)
        .where(suggestions.c.call == card.call, suggestions.c.card == card.position)
        .order_by(suggestions.c.position)
    )
    return tuple(SuggestionRecord(row.uuid, tuple(json.loads(row.actions))) for row in rows)
