"""What SQLite holds in its journal comes to the file soon, and no call has to see to it."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cds_service.store.card_log import open_card_log
from cds_service.store.database import Database
from cds_service.store.schema import upgrade_store
from cds_service.store.settling import Settling
from tests.store_builders import call, card


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A card log in SQLite, with its tables."""
    made = f"sqlite:///{tmp_path / 'var' / 'cds.sqlite'}"
    upgrade_store(made)
    return made


def calls_without_the_journal(url: str, elsewhere: Path) -> int:
    """What a power cut leaves that takes the whole journal along."""
    shutil.copy(url.removeprefix("sqlite:///"), elsewhere)
    with closing(sqlite3.connect(elsewhere)) as connection:
        return int(connection.execute("SELECT count(*) FROM calls").fetchone()[0])


def test_what_is_settled_needs_no_journal(url: str, tmp_path: Path) -> None:
    database = Database(url, patience=60)
    log = open_card_log(url, tmp_path / "var", in_background=False)
    log.record(call(card()))
    before = calls_without_the_journal(url, tmp_path / "before.sqlite")

    Settling(database).settle()

    assert (before, calls_without_the_journal(url, tmp_path / "after.sqlite")) == (0, 1)
    log.close()
    database.close()


def test_a_call_is_settled_without_anybody_waiting_for_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled_by: list[str] = []
    is_settled = threading.Event()

    def settle(_: Settling) -> None:
        settled_by.append(threading.current_thread().name)
        is_settled.set()

    monkeypatch.setattr("cds_service.store.settling._PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(Settling, "settle", settle)
    log = open_card_log(url, tmp_path / "var", clock=lambda: datetime.now(UTC))
    log.record(call(card()))

    assert is_settled.wait(60)
    assert set(settled_by) == {"card-log-settling"}
    log.close()


def test_a_file_that_cannot_be_used_is_told_and_is_no_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "cds.sqlite"
    file.mkdir()
    Settling(Database(f"sqlite:///{file}", patience=60)).settle()
    assert "journal not settled" in caplog.text
