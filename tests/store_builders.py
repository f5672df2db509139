"""Calls, cards and answers as a test needs them; and the two databases, whole or broken."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from cds_service.store.card_log import DatabaseLog, open_card_log
from cds_service.store.database import Database
from cds_service.store.reading import ShownCard, shown_card
from cds_service.store.records import (
    CallRecord,
    CardRecord,
    FeedbackOutcome,
    FeedbackRecord,
    MissingRecord,
    SuggestionRecord,
)
from cds_service.store.schema import upgrade_store
from cds_service.store.tables import metadata
from tests.postgres import PostgresServer, running_server

NOW = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)
CLIENT = "General Hospital"


def card(uuid: str = "", *, answer_key: str = "key", **said: object) -> CardRecord:
    whole = CardRecord(
        uuid=uuid or str(uuid4()),
        rule_id="INO-VOD-12",
        rule_version="1.0.0",
        rule_hash="5e" * 32,
        indicator="warning",
        orders=("MedicationRequest/draft",),
        facts=("Observation/bilirubin", "MedicationAdministration/dose-1"),
        suggestions=(SuggestionRecord(str(uuid4()), ("update MedicationRequest",)),),
        answer_key=answer_key,
    )
    return whole._replace(**said)  # type: ignore[arg-type]  # a builder takes any field by name


def call(*cards: CardRecord, at: datetime = NOW, **said: object) -> CallRecord:
    whole = CallRecord(
        id=str(uuid4()),
        at=at,
        client=CLIENT,
        tenant="ward",
        service_id="inotuzumab-order-sign",
        hook="order-sign",
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        profile="US",
        rulebook="ab" * 32,
        status=200,
        milliseconds=25,
        verdicts={"INO-VOD-12": "fires", "INO-QT-01": "unknown", "INO-LIV-01": "silent"},
        missing=(MissingRecord("QTc", "nothing found", ("INO-QT-01",)),),
        cards=cards,
    )
    return replace(whole, **said)  # type: ignore[arg-type]  # a builder takes any field by name


def answer(
    card_uuid: str,
    outcome: FeedbackOutcome = "accepted",
    *,
    at: datetime = NOW,
    received_at: datetime | None = None,
    client: str = CLIENT,
    **said: str,
) -> FeedbackRecord:
    return FeedbackRecord(
        card=card_uuid,
        client=client,
        service_id="inotuzumab-order-sign",
        outcome=outcome,
        outcome_at=at,
        received_at=received_at or at + timedelta(seconds=2),
        **said,  # type: ignore[arg-type]  # reasons and comments, by name
    )


def rows(url: str, table: str) -> int:
    """How many rows a table holds."""
    database = Database(url)
    with database.reading() as connection:
        counted = select(func.count()).select_from(metadata.tables[table])
        return int(connection.execute(counted).scalar_one())


def shown(url: str, uuid: str) -> ShownCard | None:
    with Database(url).reading() as connection:
        return shown_card(connection, uuid)


@dataclass(frozen=True)
class Place:
    """A database that a test may take away, and the folder of the spool beside it."""

    url: str
    var_dir: Path
    server: PostgresServer | None

    def open_log(self, *, patience: float = 60, name: str = "var") -> DatabaseLog:
        """As a worker opens it, only that nothing happens by itself, and that it can wait.

        ``name``: of the folder with the spool; another one is another machine.
        """
        return open_card_log(
            self.url,
            self.var_dir.with_name(name),
            clock=lambda: NOW,
            in_background=False,
            patience=patience,
        )

    @contextmanager
    def away(self) -> Iterator[None]:
        """PostgreSQL is stopped; an SQLite file is locked by somebody who does not let go."""
        if self.server:
            self.server.stop()
            try:
                yield
            finally:
                self.server.start()
        else:
            with sqlite3.connect(self.url.removeprefix("sqlite:///")) as other:
                other.isolation_level = None
                other.execute("BEGIN EXCLUSIVE")
                yield
                other.execute("ROLLBACK")
            other.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole run."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A database without tables, of both kinds in turn."""
    var_dir = tmp_path / "var"
    if request.param == "sqlite":
        return Place(f"sqlite:///{var_dir / 'cds.sqlite'}", var_dir, None)
    server: PostgresServer = request.getfixturevalue("postgres")
    return Place(server.new_database(), var_dir, server)


@pytest.fixture
def place(empty_place: Place) -> Place:
    """A database with its tables, of both kinds in turn."""
    upgrade_store(empty_place.url)
    return empty_place


@pytest.fixture
def card_log(place: Place) -> Iterator[DatabaseLog]:
    """The card log as a worker has it, in both databases in turn."""
    opened = place.open_log()
    yield opened
    opened.close()
