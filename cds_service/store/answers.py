"""What clinicians answered to cards that said the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from cds_service.store.records import Answered
from cds_service.store.tables import calls, cards, feedback

# The feedback of another client than the one the card was shown to does not count.
_ANSWERS = (
    select(
        cards.c.answer_key,
        feedback.c.card,
        feedback.c.outcome,
        feedback.c.at,
        feedback.c.reason_code,
        feedback.c.reason_display,
        feedback.c.comment,
    )
    .select_from(cards)
    .join(calls, calls.c.key == cards.c.call)
    .join(feedback, (feedback.c.card == cards.c.uuid) & (feedback.c.client == calls.c.client))
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
    final = {row.card: row for row in connection.execute(_ANSWERS, {"keys": keys, "since": since})}
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
