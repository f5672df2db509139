"""Puts records into the tables, each exactly once however often it is tried."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import (
    Connection,
    Insert,
    Table,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from cds_service.store.entries import Entry, Row
from cds_service.store.tables import calls, cards, feedback, suggestions, token_ids


def _once(table: Table) -> Mapping[str, Insert]:
    """An insert that adds nothing when the row is there, by dialect."""
    return {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
    }


def _first_use(new: sqlite.Insert | postgresql.Insert) -> Insert:
    """Takes a token id in when it is new, or was seen and has expired since."""
    return new.on_conflict_do_update(
        index_elements=[token_ids.c.issuer, token_ids.c.digest],
        set_={"until": new.excluded.until},
        where=token_ids.c.until <= bindparam("now", type_=token_ids.c.until.type),
    )


def _named_by_its_card(column: str) -> Update:
    """Gives feedback, chosen by a column, the answer key of its card, if that client was shown it.

    Card and feedback may come in either order, so each looks for the other.
    """
    key = (
        select(cards.c.answer_key)
        .join(calls, calls.c.key == cards.c.call)
        .where(cards.c.uuid == feedback.c.card, calls.c.client == feedback.c.client)
        .limit(1)
        .scalar_subquery()
    )
    return (
        update(feedback)
        .where(feedback.c[column].in_(bindparam("chosen", expanding=True)))
        .where(feedback.c.answer_key == "")
        .values(answer_key=func.coalesce(key, ""))
    )


# Without being told, SQLAlchemy does not say how many rows an insert really added.
_COUNTED = {"preserve_rowcount": True}

# Built once: SQLAlchemy then finds their compiled form at once.
_ADD_CALL = _once(calls)
_ADD_FEEDBACK = _once(feedback)
_ADD_CARDS = insert(cards)
_ADD_SUGGESTIONS = insert(suggestions)
_NAME_NEW_FEEDBACK = _named_by_its_card("digest")
_NAME_FEEDBACK_ON = _named_by_its_card("card")
_ADD_TOKEN_ID = _once(token_ids)
_FIRST_USE: Mapping[str, Insert] = {
    "sqlite": _first_use(sqlite.insert(token_ids)),
    "postgresql": _first_use(postgresql.insert(token_ids)),
}
_EXPIRED = delete(token_ids).where(
    token_ids.c.until <= bindparam("now", type_=token_ids.c.until.type)
)
_NOTHING = delete(token_ids).where(token_ids.c.issuer == "", token_ids.c.digest == "")


def write(connection: Connection, entry: Entry) -> None:
    """Write one record in the transaction of this connection; one that is there stays as it is."""
    dialect = connection.dialect.name
    match entry.kind:
        case "call":
            _write_call(connection, entry)
        case "feedback":
            rows = entry.rows["feedback"]
            connection.execute(_ADD_FEEDBACK[dialect], list(rows))
            connection.execute(_NAME_NEW_FEEDBACK, {"chosen": [row["digest"] for row in rows]})
        case "token":
            connection.execute(_ADD_TOKEN_ID[dialect], list(entry.rows["token_ids"]))


def _write_call(connection: Connection, entry: Entry) -> None:
    statement, row = _ADD_CALL[connection.dialect.name], entry.rows["calls"][0]
    added = connection.execute(statement, row, execution_options=_COUNTED)
    if not added.rowcount:
        return
    if card_rows := entry.rows.get("cards"):
        connection.execute(_ADD_CARDS, list(card_rows))
        connection.execute(_NAME_FEEDBACK_ON, {"chosen": [row["uuid"] for row in card_rows]})
    if suggestion_rows := entry.rows.get("suggestions"):
        connection.execute(_ADD_SUGGESTIONS, list(suggestion_rows))


def write_first_use(connection: Connection, row: Row, now: datetime) -> bool:
    """Remember a token id; False when it is remembered already and has not expired."""
    statement = _FIRST_USE[connection.dialect.name]
    moment = {**row, "now": now}
    return bool(connection.execute(statement, moment, execution_options=_COUNTED).rowcount)


def forget_expired(connection: Connection, now: datetime) -> int:
    """Delete the token ids that have expired; returns how many."""
    return connection.execute(_EXPIRED, {"now": now}).rowcount


def write_nothing(connection: Connection) -> None:
    """Fails exactly when a write would: the database is away, read-only, or has no tables."""
    connection.execute(_NOTHING)
