"""What clinicians answered to cards that said the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from cds_service.store.records import Answered
from cds_service.store.tables import calls, cards, feedback

_ANSWERS = (
    select(
        cards.c.answer_key,
        calls.c.client.label("shown_to"),
        feedback.c.client,
        feedback.c.card,
        feedback.c.outcome,
        feedback.c.at,
        feedback.c.reason_code,
        feedback.c.reason_display,
        feedback.c.comment,
    )
    .select_from(cards)
    .join(calls, calls.c.key == cards.c.call)
    .join(feedback, feedback.c.card == cards.c.uuid)
    .where(
        cards.c.answer_key.in_(bindparam("keys", expanding=True)),
        feedback.c.at >= bindparam("since", type_=feedback.c.at.type),
    )
    .order_by(feedback.c.at, feedback.c.received_at, feedback.c.digest)
)


def last_answers(
    connection: Connection, keys: Sequence[str], since: datetime
) -> Mapping[str, Answered]:
    """By answer key the last answer given since a moment: accepted, or overridden with a reason.

    Of several answers to one card only the last counts: a reason taken back is none.
    """
    # Whose feedback it is, is not asked in the join: with few clients PostgreSQL would pair all
    # feedback of a client with all its calls before it looks for the cards.
    rows = connection.execute(_ANSWERS, {"keys": keys, "since": since})
    final = {row.card: row for row in rows if row.client == row.shown_to}
    return {
        row.answer_key: Answered(
            row.answer_key, row.outcome, row.at, row.reason_code, row.reason_display
        )
        for row in sorted(final.values(), key=lambda row: row.at)
        if _is_answer(row)
    }


def _is_answer(row: Row[*tuple[Any, ...]]) -> bool:
    reasons = (row.reason_code, row.reason_display, row.comment.strip())
    return row.outcome == "accepted" or any(reasons)
