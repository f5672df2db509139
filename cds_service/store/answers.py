"""What clinicians answered to cards that said the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from cds_service.store.database import Database
from cds_service.store.records import Answered, FeedbackOutcome
from cds_service.store.straight import as_sqlite, from_sqlite


class _Row(NamedTuple):
    """Columns of the table of feedback."""

    answer_key: str
    card: str
    outcome: FeedbackOutcome
    at: datetime
    received_at: datetime
    digest: str
    reason_code: str
    reason_display: str
    comment: str


_COLUMNS = ", ".join(f"feedback.{name}" for name in _Row._fields)

# Whoever answers the same again and again must not slow every later call. The newest so many hold
# the last answer to any card among them; if none of those is an answer, the card speaks.
_NEWEST = "ORDER BY at DESC, received_at DESC, digest DESC LIMIT 8"

# One statement however many keys are asked for, so that each database plans it once. Each is
# written so that the keys come first, and never all feedback. SQLite makes room for the newest
# before it looks for them, and most keys have no answer: so it is to see first if any is there.
_ON_SQLITE = f"""
SELECT {_COLUMNS} FROM json_each(:keys) AS wanted CROSS JOIN feedback
WHERE EXISTS (
    SELECT 1 FROM feedback AS any WHERE any.answer_key = wanted.value AND any.at >= :since
) AND feedback.rowid IN (
    SELECT rowid FROM feedback WHERE answer_key = wanted.value AND at >= :since {_NEWEST}
)
"""  # noqa: S608 - The names are those of our columns.
_ON_POSTGRESQL = f"""
SELECT {_COLUMNS} FROM unnest(%(keys)s::text[]) AS wanted CROSS JOIN LATERAL (
    SELECT * FROM feedback WHERE answer_key = wanted AND at >= %(since)s::timestamptz {_NEWEST}
) AS feedback
"""  # noqa: S608 - The names are those of our columns.


def last_answers(
    database: Database, keys: Sequence[str], since: datetime
) -> Mapping[str, Answered]:
    """By answer key the last answer given since a moment: accepted, or overridden with a reason.

    Of several answers to one card only the last counts: a reason taken back is none.
    """
    in_turn = sorted(
        _newest(database, keys, since), key=lambda row: (row.at, row.received_at, row.digest)
    )
    final = {row.card: row for row in in_turn}
    return {
        row.answer_key: Answered(
            row.answer_key, row.outcome, row.at, row.reason_code, row.reason_display
        )
        for row in sorted(final.values(), key=lambda row: row.at)
        if _is_answer(row)
    }


def _newest(database: Database, keys: Sequence[str], since: datetime) -> list[_Row]:
    with database.reading_straight() as driver:
        if not database.is_sqlite:
            asked = {"keys": list(keys), "since": since}
            return [_Row(*row) for row in driver.execute(_ON_POSTGRESQL, asked).fetchall()]
        asked = {"keys": json.dumps(keys), "since": since}
        return list(map(_from_sqlite, driver.execute(_ON_SQLITE, as_sqlite(asked)).fetchall()))


def _from_sqlite(row: Sequence[Any]) -> _Row:
    key, card, outcome, at, received_at, *others = row
    return _Row(key, card, outcome, from_sqlite(at), from_sqlite(received_at), *others)


def _is_answer(row: _Row) -> bool:
    return row.outcome == "accepted" or any(
        (row.reason_code, row.reason_display, row.comment.strip())
    )
