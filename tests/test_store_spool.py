"""When the database is away, nothing is lost, nothing comes twice, and nobody waits for it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cds_service.store.card_log import DatabaseLog, open_card_log
from cds_service.store.entries import Entry, call_entry, feedback_entry
from cds_service.store.port import StoreUnavailable
from cds_service.store.replay import Replay
from cds_service.store.spool import Spool
from tests.postgres import PostgresServer
from tests.store_builders import NOW, Place, answer, call, card, rows, shown

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def hasty(place: Place) -> Iterator[DatabaseLog]:
    """A card log that soon gives a silent database up."""
    opened = place.open_log(patience=0.2)
    yield opened
    opened.close()


def test_what_is_recorded_while_the_database_is_away_is_there_when_it_is_back(
    hasty: DatabaseLog, place: Place
) -> None:
    before, during, after = card(), card(), card()
    hasty.record(call(before))
    with place.away():
        hasty.record(call(during))
        hasty.keep_feedback([answer(before.uuid), answer(during.uuid)])
        assert hasty.spooled == 3
        assert hasty.replay() == 0

    assert hasty.replay() == 3
    hasty.record(call(after))

    assert hasty.spooled == 0
    assert not hasty.problems()
    assert [rows(place.url, table) for table in ("calls", "cards", "feedback")] == [3, 3, 2]
    found = shown(place.url, during.uuid)
    assert found
    assert found.at == NOW
    assert len(found.feedback) == 1


def test_the_reasons_not_to_be_ready_say_since_when_and_how_much_and_no_password(
    hasty: DatabaseLog, place: Place
) -> None:
    with place.away():
        hasty.record(call())
        away, waiting = hasty.problems()
    assert "away since 2026-11-19T09:30:00+00:00" in away
    assert waiting == "1 records wait in the spool for the database"
    assert "tester" not in away
    assert str(place.var_dir) not in away


def test_readiness_notices_by_itself_that_the_database_went_away(
    hasty: DatabaseLog, place: Place
) -> None:
    assert not hasty.problems()
    with place.away():
        assert hasty.problems()
    hasty.replay()
    assert not hasty.problems()


def test_after_the_first_failure_nobody_asks_the_database_again(
    hasty: DatabaseLog, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.away():
        hasty.record(call())
        monkeypatch.setattr("cds_service.store.database.Database.writing", refuse_to_be_asked)
        monkeypatch.setattr("cds_service.store.database.Database.reading", refuse_to_be_asked)
        monkeypatch.setattr("cds_service.store.database.Database._straight", refuse_to_be_asked)
        hasty.record(call())
        hasty.keep_feedback([answer("card")])
        assert not hasty.answered(["key"], NOW)
        assert hasty.is_first_use("issuer", "id", LATER, NOW)
        monkeypatch.undo()
    assert hasty.replay() == 4


def refuse_to_be_asked(*_: object, **__: object) -> None:
    raise AssertionError("the database was asked")


def test_what_went_over_before_a_worker_died_does_not_come_twice(place: Place) -> None:
    """
    The database had the records, and the worker died before it took them out of the spool.
    """
    spool = Spool(place.var_dir)
    entries = [call_entry(call(card(), card())), feedback_entry(answer("card"))]
    for _ in range(2):
        spool.add(entries, durably=True)
        log = place.open_log()
        assert log.replay() == 2
        log.close()
    spool.close()
    assert [rows(place.url, table) for table in ("calls", "cards", "feedback")] == [1, 2, 1]


def test_records_go_over_in_the_order_in_which_they_came(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(place.var_dir)
    entries = [call_entry(call(card())) for _ in range(230)]
    for entry in entries:
        spool.add([entry], durably=False)
    spool.close()
    written: list[str] = []
    monkeypatch.setattr(
        "cds_service.store.replay.keep",
        lambda _, entries, durably: written.extend(each.key for each in entries),
    )
    log = place.open_log()
    assert log.replay() == 230
    log.close()
    assert written == [entry.key for entry in entries]


def test_a_record_that_the_database_refuses_goes_aside_and_holds_up_nobody(
    place: Place, card_log: DatabaseLog
) -> None:
    spool = Spool(place.var_dir)
    good, bad = call_entry(call(card())), call_entry(call(card(), card()))
    second = bad.rows["cards"][1]
    refused = replace(bad, rows={**bad.rows, "cards": [second, second]})
    garbled = Entry("call", "garbled", {"no such table": [{"a": 1}]})
    spool.add([refused, garbled, good], durably=True)

    assert card_log.replay() == 1

    assert (card_log.spooled, card_log.set_aside) == (0, 2)
    assert rows(place.url, "calls") == 1
    assert not card_log.problems()
    assert (spool.put_back(), spool.waiting(), spool.aside()) == (2, 2, 0)
    spool.close()


def test_a_call_that_the_database_refuses_at_once_goes_aside_too(
    card_log: DatabaseLog, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_a_card_twice(made: object) -> Entry:
        entry = call_entry(call(card()))
        return replace(entry, rows={**entry.rows, "cards": [*entry.rows["cards"]] * 2})

    monkeypatch.setattr("cds_service.store.card_log.call_entry", with_a_card_twice)
    card_log.record(call())
    monkeypatch.undo()
    assert (card_log.spooled, card_log.replay(), card_log.set_aside) == (1, 0, 1)
    card_log.record(call())
    assert rows(place.url, "calls") == 1


def test_only_one_process_of_a_machine_replays(place: Place, card_log: DatabaseLog) -> None:
    spool = Spool(place.var_dir)
    spool.add([call_entry(call())], durably=True)
    with spool.sole_replayer() as is_mine:
        assert is_mine
        assert card_log.replay() == 0
    assert card_log.replay() == 1
    spool.close()


@pytest.fixture
def blocked(place: Place) -> Iterator[DatabaseLog]:
    """A card log whose folder is a file, so that nothing can be kept in it."""
    (place.var_dir.with_name("blocked")).write_text("in the way")
    opened = place.open_log(patience=0.2, name="blocked")
    yield opened
    opened.close()


def test_with_a_database_the_service_works_without_a_spool_and_says_so(
    blocked: DatabaseLog, place: Place
) -> None:
    blocked.record(call())
    blocked.keep_feedback([answer("card")])
    uses = [blocked.is_first_use("issuer", "id", LATER, NOW) for _ in range(2)]
    assert uses == [True, False]
    assert rows(place.url, "calls") == 1
    (problem,) = blocked.problems()
    assert "spool" in problem
    assert (blocked.spooled, blocked.set_aside) == (0, 0)


def test_what_can_be_kept_nowhere_is_not_acknowledged(blocked: DatabaseLog, place: Place) -> None:
    with place.away():
        with pytest.raises(StoreUnavailable):
            blocked.keep_feedback([answer("card")])
        with pytest.raises(StoreUnavailable):
            blocked.is_first_use("issuer", "id", LATER, NOW)
        blocked.record(call())
        assert blocked.lost == 1
        assert "1 calls could be kept nowhere" in blocked.problems()


def test_a_token_used_while_the_database_is_away_is_refused_everywhere_afterwards(
    hasty: DatabaseLog, place: Place
) -> None:
    assert hasty.is_first_use("issuer", "before", LATER, NOW)
    with place.away():
        uses = [hasty.is_first_use("issuer", "during", LATER, NOW) for _ in range(2)]
        assert uses == [True, False]
        assert not hasty.is_first_use("issuer", "before", LATER, NOW)
    hasty.replay()
    other = place.open_log(name="other-machine")
    assert not other.is_first_use("issuer", "during", LATER, NOW)
    assert not other.is_first_use("issuer", "before", LATER, NOW)
    other.close()


def test_a_database_that_was_away_at_the_start_gets_its_tables_later(empty_place: Place) -> None:
    log = empty_place.open_log()
    log.record(call(card()))
    assert log.spooled == 1
    assert log.replay() == 1
    assert rows(empty_place.url, "cards") == 1
    log.close()


def test_a_server_that_hangs_without_closing_a_connection_holds_nobody_up(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    place = Place(postgres.new_database(), tmp_path / "var", postgres)
    log = place.open_log(patience=0.2)
    log.replay()
    log.record(call())
    log.replay()
    postgres.freeze()
    try:
        log.record(call())
        assert log.spooled == 1
    finally:
        postgres.thaw()
    assert log.replay() == 1
    assert rows(place.url, "calls") == 2
    log.close()


def test_a_server_that_was_started_anew_is_found_without_a_failed_call(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    place = Place(postgres.new_database(), tmp_path / "var", postgres)
    log = place.open_log()
    log.record(call())
    log.replay()
    log.record(call())
    postgres.stop()
    postgres.start()
    log.record(call())
    assert log.spooled == 0
    assert rows(place.url, "calls") == 3
    log.close()


def test_a_worker_looks_after_what_another_left_behind(place: Place) -> None:
    """
    Nobody calls; a worker that starts finds the records of one that died.
    """
    spool = Spool(place.var_dir)
    spool.add([call_entry(call(card()))], durably=True)
    spool.close()
    is_done = threading.Event()
    log = open_card_log(place.url, place.var_dir, patience=60)
    with told_when_replayed(log, is_done.set):
        log.start()
        assert is_done.wait(30)
    log.close()
    assert rows(place.url, "cards") == 1


def test_a_round_that_fails_is_not_the_last(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(place.var_dir)
    spool.add([call_entry(call())], durably=True)
    spool.close()
    has_failed, is_done = threading.Event(), threading.Event()
    drain = Replay._drain

    def fail_once(replay: Replay) -> int:
        if not has_failed.is_set():
            has_failed.set()
            raise RuntimeError("a mistake of ours")
        moved = drain(replay)
        is_done.set()
        return moved

    monkeypatch.setattr(Replay, "_drain", fail_once)
    log = open_card_log(place.url, place.var_dir, patience=60)
    log.start()
    assert has_failed.wait(30)
    log.start()
    assert is_done.wait(30)
    log.close()
    assert rows(place.url, "calls") == 1


@contextmanager
def told_when_replayed(log: DatabaseLog, tell: Callable[[], None]) -> Iterator[None]:
    """Say when a round of the replay has moved something."""
    replay = log._replay.get()  # the thread has no other ear
    run_once = replay.run_once

    def run_and_tell() -> int:
        if moved := run_once():
            tell()
        return moved

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "run_once", run_and_tell)
        yield


def worker(job: str, place: Place) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store_worker", job, place.url, str(place.var_dir)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_worker_that_is_killed_takes_no_acknowledged_record_with_it(place: Place) -> None:
    with worker("write", place) as process:
        assert process.stdout
        first = [process.stdout.readline().strip() for _ in range(20)]
        process.kill()
        rest = [line.strip() for line in process.stdout if line.endswith("\n")]
    log = place.open_log()
    log.replay()
    log.close()
    for uuid in [*first, *rest]:
        found = shown(place.url, uuid)
        assert found
        assert len(found.feedback) == 1


def test_two_workers_fill_the_spool_at_once_and_one_is_killed(place: Place) -> None:
    """
    The database has no place for them yet, so both spool; all that they acknowledged arrives once.
    """
    unready = replace(place, url=place.url.replace("cds.sqlite", "missing/cds.sqlite"))
    if place.server:
        unready = replace(place, url=f"{place.url}&port=1")
    else:
        place.var_dir.joinpath("missing").write_text("in the way of a folder")
    with worker("spool", unready) as lasting, worker("write", unready) as killed:
        assert lasting.stdin
        assert lasting.stdout
        assert killed.stdout
        lasting.stdin.write("30\n")
        lasting.stdin.flush()
        uuids = [killed.stdout.readline().strip() for _ in range(10)]
        killed.kill()
        uuids += [line.strip() for line in killed.stdout if line.endswith("\n")]
        uuids += [line.strip() for line in lasting.stdout]
    log = place.open_log()
    assert log.spooled >= 2 * len(uuids)
    log.replay()
    assert (log.spooled, log.set_aside) == (0, 0)
    log.close()
    for uuid in uuids:
        found = shown(place.url, uuid)
        assert found
        assert len(found.feedback) == 1
    assert rows(place.url, "calls") == rows(place.url, "cards")


def test_of_three_processes_one_is_the_first_to_use_a_token(place: Place) -> None:
    ids = [f"token-{number}" for number in range(40)]
    processes = [worker("use", place) for _ in range(3)]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n".join(ids) + "\n")
        process.stdin.close()
    passed = []
    for process in processes:
        assert process.stdout
        passed += process.stdout.read().split()
        process.stdout.close()
        assert process.wait() == 0
    assert sorted(passed) == sorted(ids)


def test_what_was_opened_before_a_fork_is_not_used_after_it(place: Place) -> None:
    with worker("fork", place) as process:
        said, _ = process.communicate()
    assert said == "[0, 0] 0\n"
    assert rows(place.url, "calls") == 4


def test_a_file_that_is_no_database_is_a_database_that_is_away(tmp_path: Path) -> None:
    file = tmp_path / "var" / "cds.sqlite"
    file.parent.mkdir()
    file.write_bytes(b"no database " * 1000)
    place = Place(f"sqlite:///{file}", file.parent, None)
    log = place.open_log()
    log.record(call())
    assert log.replay() == 0
    assert (log.spooled, log.set_aside) == (1, 0)
    assert "DatabaseError" in log.problems()[0]
    log.close()


def test_records_that_went_over_leave_no_trace_in_the_spool(place: Place) -> None:
    spool = Spool(place.var_dir)
    spool.add([feedback_entry(answer("card", comment="a secret"))], durably=True)
    log = place.open_log()
    assert log.replay() == 1
    log.close()
    spool.close()
    assert b"a secret" not in (place.var_dir / "spool.sqlite").read_bytes()
