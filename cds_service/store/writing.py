"""Puts records into the tables, each exactly once however often it is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Insert, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from cds_service.store.database import Database
from cds_service.store.entries import Entry
from cds_service.store.straight_writing import keep_call
from cds_service.store.tables import calls, cards, feedback, token_ids


def _once(table: Table) -> Mapping[str, Insert]:
    """An insert that adds nothing when the row is there, by dialect."""
    return {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
    }


_KEY_OF_ITS_CARD = (
    select(cards.c.answer_key)
    .join(calls, calls.c.key == cards.c.call)
    .where(cards.c.uuid == feedback.c.card, calls.c.client == feedback.c.client)
    .limit(1)
    .scalar_subquery()
)

# Built once: SQLAlchemy then finds their compiled form at once.
_ADD_FEEDBACK = _once(feedback)
_ADD_TOKEN_ID = _once(token_ids)
# Card and feedback may come in either order, so each looks for the other.
_NAME_FEEDBACK = (
    update(feedback)
    .where(feedback.c.digest.in_(bindparam("chosen", expanding=True)))
    .where(feedback.c.answer_key == "")
    .values(answer_key=func.coalesce(_KEY_OF_ITS_CARD, ""))
)
_EXPIRED = delete(token_ids).where(
    token_ids.c.until <= bindparam("now", type_=token_ids.c.until.type)
)
_NOTHING = delete(token_ids).where(token_ids.c.issuer == "", token_ids.c.digest == "")


def keep(database: Database, entries: Sequence[Entry], *, durably: bool) -> None:
    """Write one call, or records of other kinds, all or none; what is there stays as it is."""
    match entries:
        case [Entry(kind="call") as call]:
            keep_call(database, call)
        case _:
            with database.writing(durably=durably) as connection:
                for entry in entries:
                    _write(connection, entry)


def _write(connection: Connection, entry: Entry) -> None:
    dialect = connection.dialect.name
    match entry.kind:
        case "feedback":
            rows = entry.rows["feedback"]
            connection.execute(_ADD_FEEDBACK[dialect], list(rows))
            connection.execute(_NAME_FEEDBACK, {"chosen": [row["digest"] for row in rows]})
        case "token":
            connection.execute(_ADD_TOKEN_ID[dialect], list(entry.rows["token_ids"]))


def forget_expired(connection: Connection, now: datetime) -> int:
    """Delete the token ids that have expired; returns how many."""
    return connection.execute(_EXPIRED, {"now": now}).rowcount


def write_nothing(connection: Connection) -> None:
    """Fails exactly when a write would: the database is away, read-only, or has no tables."""
    connection.execute(_NOTHING)
