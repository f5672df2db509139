"""The writes that every hook call waits for, straight through the driver.

On SQLite a few statements in one transaction; on PostgreSQL one statement, which is a transaction
and costs one exchange with the server.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Table

from cds_service.store.database import Database
from cds_service.store.entries import Entry, Row
from cds_service.store.straight import as_sqlite
from cds_service.store.tables import calls, cards, suggestions


def _names(table: Table, before: str = "") -> str:
    return ", ".join(f"{before}{column.name}" for column in table.c)


def _insert(table: Table) -> str:
    places = ", ".join("?" for _ in table.c)
    return f"INSERT INTO {table.name} ({_names(table)}) VALUES ({places})"  # noqa: S608 - The names are those of our tables.


def _values(table: Table) -> Callable[[Row], tuple[Any, ...]]:
    """What a row holds for `_insert`; KeyError when it lacks a column."""
    return itemgetter(*table.c.keys())


_OF_CALL, _OF_CARD, _OF_SUGGESTION = map(_values, (calls, cards, suggestions))
_ADD_CALL = f"{_insert(calls)} ON CONFLICT DO NOTHING"
_ADD_CARD = _insert(cards)
_ADD_SUGGESTION = _insert(suggestions)
# Card and feedback may come in either order, so each looks for the other. Feedback is looked up by
# its card, and no other way (hence the plus): most of it may have no answer key.
_NAME_FEEDBACK = """
UPDATE feedback SET answer_key =
    (SELECT answer_key FROM cards WHERE call = :call AND uuid = feedback.card LIMIT 1)
WHERE card IN (SELECT uuid FROM cards WHERE call = :call) AND +answer_key = ''
    AND client = (SELECT client FROM calls WHERE key = :call)
"""

# The parts of one statement do not see each other's rows, so what is added is read from what came.
# Feedback is looked up by its card, and no other way: most of it may have no answer key.
_ADD_AT_ONCE = f"""
WITH added AS (
    INSERT INTO calls ({_names(calls)})
    SELECT {_names(calls)} FROM jsonb_populate_record(NULL::calls, %(entry)s::jsonb -> 'calls' -> 0)
    ON CONFLICT DO NOTHING RETURNING key, client
), said AS (
    SELECT card.*, added.client
    FROM added, jsonb_populate_recordset(NULL::cards, %(entry)s::jsonb -> 'cards') AS card
), shown AS (
    INSERT INTO cards ({_names(cards)}) SELECT {_names(cards)} FROM said
), offered AS (
    INSERT INTO suggestions ({_names(suggestions)})
    SELECT {_names(suggestions, "its.")}
    FROM added,
        jsonb_populate_recordset(NULL::suggestions, %(entry)s::jsonb -> 'suggestions') AS its
)
UPDATE feedback SET answer_key = said.answer_key FROM said
WHERE feedback.card = ANY (ARRAY(SELECT uuid FROM said))
    AND feedback.card = said.uuid AND feedback.client = said.client
    AND length(feedback.answer_key) = 0
"""  # noqa: S608 - The names are those of our tables.

# A token id is new when nobody saw it, or it was seen and has expired since.
_FIRST_USE = """
INSERT INTO token_ids (issuer, digest, until) VALUES ({issuer}, {digest}, {until})
ON CONFLICT (issuer, digest) DO UPDATE SET until = excluded.until WHERE token_ids.until <= {now}
"""
_TOKEN = ("issuer", "digest", "until", "now")
_FIRST_USE_ON_SQLITE = _FIRST_USE.format(**{name: f":{name}" for name in _TOKEN})
_FIRST_USE_ON_POSTGRESQL = _FIRST_USE.format(**{name: f"%({name})s" for name in _TOKEN})


def keep_call(database: Database, call: Entry) -> None:
    """Write a call, its cards and their suggestions; nothing when the call is there."""
    with database.writing_straight() as driver:
        if not database.is_sqlite:
            driver.execute(_ADD_AT_ONCE, {"entry": call.as_json()})
        elif driver.execute(_ADD_CALL, _OF_CALL(as_sqlite(call.rows["calls"][0]))).rowcount:
            card_rows = call.rows.get("cards", ())
            driver.executemany(_ADD_CARD, map(_OF_CARD, card_rows))
            driver.execute(_NAME_FEEDBACK, {"call": call.key})
            offers = map(_OF_SUGGESTION, call.rows.get("suggestions", ()))
            driver.executemany(_ADD_SUGGESTION, offers)


def is_first_use(database: Database, row: Row, now: datetime) -> bool:
    """Remember a token id; False when it is remembered already and has not expired."""
    values = {**row, "now": now}
    with database.writing_straight() as driver:
        if database.is_sqlite:
            return bool(driver.execute(_FIRST_USE_ON_SQLITE, as_sqlite(values)).rowcount)
        return bool(driver.execute(_FIRST_USE_ON_POSTGRESQL, values).rowcount)
