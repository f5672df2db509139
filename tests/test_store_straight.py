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
from cds_service.store.entries import _compact, _of_texts, _texts
from cds_service.store.schema import upgrade_store
from cds_service.store.straight import as_sqlite, from_sqlite
from cds_service.store.straight_writing import _NAME_FEEDBACK
from cds_service.store.tables import in_utc
from tests.postgres import PostgresServer
from tests.store_builders import NOW, Place, answer, call, card, rows

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# What `PRAGMA synchronous` tells.
NORMAL, FULL = 1, 2
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


@given(
    st.recursive(
        st.text(st.characters()),
        lambda each: st.lists(each) | st.dictionaries(st.text(st.characters()), each),
    )
)
def test_lists_and_maps_of_any_text_are_the_same_json(value: object) -> None:
    assert _of_texts(value) == _compact(value)


@given(st.lists(st.text(st.characters(codec="ascii"))))
def test_every_plain_text_is_the_same_json(texts: list[str]) -> None:
    assert _of_texts(texts) == _compact(texts)


def test_a_text_of_another_class_is_the_same_json() -> None:
    other = type("Other", (str,), {})
    assert _of_texts({other("a"): [other("b")]}) == '{"a":["b"]}'


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


def test_only_what_is_written_durably_waits_for_the_disk(tmp_path: Path) -> None:
    """
    Also after a durable write that failed, and however the connection is used next.
    """
    database = Database(f"sqlite:///{tmp_path / 'cds.sqlite'}", patience=60)
    upgrade_store(f"sqlite:///{tmp_path / 'cds.sqlite'}")
    for is_broken in (False, True, False):
        with suppress(ZeroDivisionError), database.writing(durably=True) as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == FULL
            _ = 1 / (not is_broken)
        with database.writing() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == NORMAL
        with database.writing_straight() as driver:
            assert driver.execute("PRAGMA synchronous", ()).fetchall() == [(NORMAL,)]
    database.close()


def test_a_call_looks_for_its_feedback_by_card_and_for_no_other(tmp_path: Path) -> None:
    """
    Most feedback may have no answer key: a call that looked through all of that would be slow.
    """
    upgrade_store(f"sqlite:///{tmp_path / 'cds.sqlite'}")
    database = Database(f"sqlite:///{tmp_path / 'cds.sqlite'}", patience=60)
    with database.reading_straight() as driver:
        steps = driver.execute(f"EXPLAIN QUERY PLAN {_NAME_FEEDBACK}", {"call": ""}).fetchall()
    told = [detail for *_, detail in steps]
    assert "SEARCH feedback USING INDEX ix_feedback_card (card=?)" in told
    assert not [each for each in told if each.startswith("SCAN")]
    database.close()
