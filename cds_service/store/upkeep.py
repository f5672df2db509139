"""How much the card log holds, and how what is too old leaves it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select

from cds_service.store.database import Database
from cds_service.store.schema import revision_of
from cds_service.store.tables import calls, cards, feedback, metadata, suggestions, token_ids
from cds_service.store.writing import forget_expired

# So many calls leave in one transaction; the service may write between two.
_BATCH = 500
_PATIENCE_SECONDS = 60
_DAYS: Mapping[str, int] = {"d": 1, "w": 7, "m": 30, "y": 365}
_LONGEST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many rows the tables hold, by table, and the times of the first and the last call."""

    revision: str | None
    rows: Mapping[str, int]
    oldest: datetime | None
    newest: datetime | None


def holdings(connection: Connection) -> Holdings:
    """Count what the card log holds."""
    revision = revision_of(connection)
    if revision is None:
        return Holdings(None, {}, None, None)
    oldest, newest = connection.execute(select(func.min(calls.c.at), func.max(calls.c.at))).one()
    rows = {name: _count(connection, table) for name, table in sorted(metadata.tables.items())}
    return Holdings(revision, rows, oldest, newest)


def age(words: str) -> timedelta:
    """``90d``, ``12w``, ``18m`` (months of 30 days), ``10y`` (years of 365) or a number of days.

    Raises:
        ValueError: when it is none of these, or longer than a hundred years.
    """
    match = re.fullmatch(r"([0-9]{1,5})([dwmy]?)", words.strip().lower())
    if not match or not (days := int(match[1]) * _DAYS[match[2] or "d"]):
        raise ValueError("write an age such as 90d, 12w, 18m or 10y")
    if days > _LONGEST_DAYS:
        raise ValueError("no record is older than a hundred years")
    return timedelta(days=days)


def doomed(connection: Connection, before: datetime, now: datetime) -> Mapping[str, int]:
    """How many rows `purge` would delete, by table."""
    old = calls.c.at < before
    of_old = select(calls.c.key).where(old)
    return {
        "calls": _count(connection, calls, old),
        "cards": _count(connection, cards, cards.c.call.in_(of_old)),
        "suggestions": _count(connection, suggestions, suggestions.c.call.in_(of_old)),
        "feedback": _count(connection, feedback, feedback.c.received_at < before),
        "token_ids": _count(connection, token_ids, token_ids.c.until <= now),
    }


def purge(database: Database, before: datetime, now: datetime) -> Mapping[str, int]:
    """Delete calls made, and feedback received, before a moment, and token ids that have expired.

    Cards and suggestions go with their call. Works in small steps, so that the service can go on;
    a step that is done stays done. Returns how many rows went, by table.
    """
    gone = dict.fromkeys(("calls", "cards", "suggestions", "feedback", "token_ids"), 0)
    while keys := _old_calls(database, before):
        with database.writing() as connection:
            _overwrite(connection)
            for table, column in ((suggestions, "call"), (cards, "call"), (calls, "key")):
                chosen = delete(table).where(table.c[column].in_(keys))
                gone[table.name] += connection.execute(chosen).rowcount
    with database.writing() as connection:
        _overwrite(connection)
        old = feedback.c.received_at < before
        gone["feedback"] = connection.execute(delete(feedback).where(old)).rowcount
        gone["token_ids"] = forget_expired(connection, now)
    return gone


def compact(database: Database) -> None:
    """Give the room of deleted rows back, without keeping the service from writing for long."""
    if database.file:
        with closing(sqlite3.connect(database.file, timeout=_PATIENCE_SECONDS)) as connection:
            # Each step of the first frees one page, and only a script takes all steps.
            connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        with database.outside_transactions() as vacuum:
            vacuum.exec_driver_sql(f"VACUUM (ANALYZE) {', '.join(metadata.tables)}")


def _old_calls(database: Database, before: datetime) -> list[str]:
    with database.reading() as connection:
        chosen = select(calls.c.key).where(calls.c.at < before).order_by(calls.c.at).limit(_BATCH)
        return list(connection.scalars(chosen))


def _overwrite(connection: Connection) -> None:
    """SQLite leaves deleted text in the file unless told to write over it."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON").all()


def _count(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(table).where(*conditions)
    return int(connection.execute(counted).scalar_one())
