"""The tables of the card log, as SQLAlchemy knows them; `migrations/` makes them.

Times are UTC. Lists and maps are compact JSON text, so that both databases keep them alike.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

VERSION_TABLE = "cds_schema_version"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment. Kept in UTC, also where the database knows no time zone; read back with it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment as the database keeps it."""
        return None if value is None else in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment as it was put in, in UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC; at the two ends of the calendar, where UTC has no such year, as it reads."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


# `key` is ours and made when the record is taken in: it makes a replay add nothing, whatever ids
# the call brought along, and it sorts by time.
calls = Table(
    "calls",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("id", Text, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("client", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("service_id", Text, nullable=False),
    Column("hook", Text, nullable=False),
    Column("hook_instance", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("rulebook", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("verdicts", Text, nullable=False),
    Column("missing", Text, nullable=False),
    Column("fetched", Text, nullable=False),
    Index(None, "at"),
    Index(None, "id"),
)

cards = Table(
    "cards",
    metadata,
    Column("call", String(32), ForeignKey("calls.key", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("uuid", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("rule_hash", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("shown_as", Text, nullable=False),
    Column("answer_key", Text, nullable=False),
    Column("orders", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Index(None, "uuid"),
)

suggestions = Table(
    "suggestions",
    metadata,
    Column("call", String(32), primary_key=True),
    Column("card", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("uuid", Text, nullable=False),
    Column("actions", Text, nullable=False),
    ForeignKeyConstraint(["call", "card"], ["cards.call", "cards.position"], ondelete="CASCADE"),
)

# No foreign key to cards: feedback may come before its card (which waits in a spool), or without.
# `at` is when the answer counts from: the EHR's time, but never later than we heard of it.
# `answer_key` is that of the card, empty until the card is here: so the last answer is found among
# few, however often the same card was shown.
feedback = Table(
    "feedback",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("card", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("service_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("outcome_at", UTCDateTime, nullable=False),
    Column("received_at", UTCDateTime, nullable=False),
    Column("accepted_suggestions", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_system", Text, nullable=False),
    Column("reason_display", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("answer_key", Text, nullable=False),
    Index(None, "answer_key", "at"),
    Index(None, "card"),
    Index(None, "received_at"),
)

token_ids = Table(
    "token_ids",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("until", UTCDateTime, nullable=False),
    Index(None, "until"),
)
