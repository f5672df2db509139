"""What clinicians answered to cards that said the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Row, bindparam, select, union_all

from cds_service.store.records import Answered
from cds_service.store.tables import feedback

# Whoever answers the same again and again must not slow every later call. The newest so many hold
# the last answer to any card among them; if none of those is an answer, the card speaks.
_NEWEST = 8


@cache
def _newest(keys: int) -> CompoundSelect[Any]:
    """The newest feedback under each of so many keys."""
    since = bindparam("since", type_=feedback.c.at.type)
    each = (
        select(
            feedback.c.answer_key,
            feedback.c.card,
            feedback.c.outcome,
            feedback.c.at,
            feedback.c.received_at,
            feedback.c.digest,
            feedback.c.reason_code,
            feedback.c.reason_display,
            feedback.c.comment,
        )
        .where(feedback.c.answer_key == bindparam(f"key{number}"), feedback.c.at >= since)
        .order_by(feedback.c.at.desc(), feedback.c.received_at.desc(), feedback.c.digest.desc())
        .limit(_NEWEST)
        .subquery()
        for number in range(keys)
    )
    return union_all(*(select(newest) for newest in each))


def last_answers(
    connection: Connection, keys: Sequence[str], since: datetime
) -> Mapping[str, Answered]:
    """By answer key the last answer given since a moment: accepted, or overridden with a reason.

    Of several answers to one card only the last counts: a reason taken back is none.
    """
    wanted = {f"key{number}": key for number, key in enumerate(keys)}
    rows = connection.execute(_newest(len(wanted)), {**wanted, "since": since}).all()
    in_turn = sorted(rows, key=lambda row: (row.at, row.received_at, row.digest))
    final = {row.card: row for row in in_turn}
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
