"""What goes straight to the driver is what SQLAlchemy would have given it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import DateTime
from sqlalchemy.dialects import sqlite

from cds_service.store.database import Database
from cds_service.store.entries import _compact, _texts
from cds_service.store.schema import upgrade_store
from cds_service.store.straight import as_sqlite, from_sqlite
from cds_service.store.tables import in_utc
from tests.postgres import PostgresServer
from tests.store_builders import NOW, Place, answer, call, card, rows

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
KEEP = DateTime(timezone=True).dialect_impl(sqlite.dialect()).bind_processor(sqlite.dialect())


@given(st.datetimes(timezones=st.none() | offsets))
def test_any_moment_is_kept_as_the_library_keeps_it_and_read_again(moment: datetime) -> None:
    kept = as_sqlite({"at": moment, "key": "x"})
    assert KEEP
    assert kept == {"at": KEEP(in_utc(moment)), "key": "x"}
    assert from_sqlite(kept["at"]) == in_utc(moment)


@given(st.lists(st.text(st.characters())))
def test_short_lists_of_any_text_are_the_same_json(texts: list[str]) -> None:
    assert _texts(texts) == _compact(texts)


def test_no_call_waits_in_the_spool_because_the_server_was_restarted(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """
    Every connection that was kept is dead, and the next call finds out before it writes.
    """
    place = Place(postgres.new_database(), tmp_path / "var", postgres)
    upgrade_store(place.url)
    card_log = place.open_log()
    for _ in range(3):
        card_log.record(call(card()))
    postgres.stop()
    postgres.start()

    made = card(answer_key="key")
    card_log.record(call(made))
    card_log.keep_feedback([answer(made.uuid)])

    assert (card_log.spooled, rows(place.url, "calls")) == (0, 4)
    assert list(card_log.answered(["key"], NOW - timedelta(days=1))) == ["key"]
    card_log.close()


def test_a_connection_that_idled_is_asked_whether_it_lives(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Something on the way may have forgotten it without a word.
    """
    monkeypatch.setattr("cds_service.store.database._IDLE_SECONDS", -1.0)
    log = place.open_log()
    log.record(call(card()))
    log.record(call(card()))
    assert (rows(place.url, "calls"), log.spooled) == (2, 0)
    log.close()


def test_what_is_begun_straight_and_not_ended_is_undone(place: Place) -> None:
    database = Database(place.url, patience=60)
    with suppress(ZeroDivisionError), database.writing_straight() as driver:
        if database.is_sqlite:
            driver.execute("INSERT INTO token_ids VALUES (?, ?, ?)", ("a", "b", "c"))
        _ = 1 / 0
    with database.writing() as connection:  # nobody holds a lock
        assert connection.exec_driver_sql("SELECT count(*) FROM token_ids").scalar_one() == 0
    database.close()
