"""An operator asks what was shown and why, and lets old records go."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from cds_service.cli import main
from cds_service.store.card_log import DatabaseLog
from cds_service.store.entries import Entry, call_entry
from cds_service.store.spool import Spool
from cds_service.store.upkeep import age
from tests.store_builders import NOW, Place, answer, call, card, rows

Run = Callable[..., Result]


@pytest.fixture
def run(place: Place) -> Run:
    """The command line with the settings of this place."""
    return runner(place)


def runner(place: Place) -> Run:
    environment = {"CDS_DATABASE_URL": place.url, "CDS_VAR_DIR": str(place.var_dir)}

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words, env=environment)

    return run


def test_log_show_tells_what_was_shown_and_why(run: Run, card_log: DatabaseLog) -> None:
    made = card()
    card_log.record(call(made, id="request-1", fetched={"labs": "fetched"}))
    card_log.keep_feedback(
        [
            replace(answer(made.uuid), accepted_suggestions=(made.suggestions[0].uuid,)),
            answer(
                *(made.uuid, "overridden"),
                at=NOW + timedelta(minutes=10),
                reason_code="benefit-outweighs-risk",
                reason_display="Benefit outweighs risk",
                comment="see note",
            ),
        ]
    )

    told = run("log", "show", made.uuid)

    assert told.exit_code == 0
    for words in (
        *(made.uuid, made.rule_id, made.rule_version, made.rule_hash, made.indicator, "ab" * 32),
        *("2026-11-19 09:30:00 UTC", "General Hospital / ward", "request-1", "order-sign", "US"),
        *("MedicationRequest/draft", "Observation/bilirubin", "MedicationAdministration/dose-1"),
        *("1 fires, 1 silent, 1 unknown", "QTc (nothing found), for INO-QT-01", "labs: fetched"),
        *("update MedicationRequest", made.suggestions[0].uuid, "accepted", "overridden"),
        *("2026-11-19 09:40:00 UTC", "benefit-outweighs-risk Benefit outweighs risk", "see note"),
    ):
        assert words in told.output


def test_log_show_speaks_json(run: Run, card_log: DatabaseLog) -> None:
    made = card()
    card_log.record(call(made))
    told = json.loads(run("log", "show", made.uuid, "--json").output)
    assert (told["uuid"], told["rule_id"]) == (made.uuid, "INO-VOD-12")
    assert told["at"] == "2026-11-19T09:30:00+00:00"
    assert told["feedback"] == []


def test_log_show_says_that_nobody_answered(run: Run, card_log: DatabaseLog) -> None:
    made = card()
    card_log.record(call(made))
    assert "none on record" in run("log", "show", made.uuid).output


def test_log_show_gives_a_terminal_no_orders(run: Run, card_log: DatabaseLog) -> None:
    made = card()
    orders = "red \x1b[31m, bell \a, line\nbreak, tab\t, right-to-left \u202e, \u0085"
    card_log.record(call(made, tenant=orders))
    card_log.keep_feedback([answer(made.uuid, "overridden", comment=orders)])
    told = run("log", "show", made.uuid)
    assert all(character.isprintable() or character == "\n" for character in told.output)
    assert told.output.count("red \\u001b[31m, bell \\u0007, line\\u000abreak") == 2


def test_log_show_of_an_unknown_card_says_so(run: Run, card_log: DatabaseLog, place: Place) -> None:
    card_log.keep_feedback([answer("orphan")])
    spool = Spool(place.var_dir)
    spool.add([call_entry(call())], durably=True)
    spool.close()

    unknown, orphan = run("log", "show", "no\x1bbody"), run("log", "show", "orphan")

    assert (unknown.exit_code, orphan.exit_code) == (1, 1)
    assert unknown.output.startswith("Error: no card no\\u001bbody is on record; 1 records")
    assert "no card orphan is on record, though 1 answers to it are" in orphan.output


def test_log_status_counts(run: Run, card_log: DatabaseLog, place: Place) -> None:
    card_log.record(call(card(), card(), at=NOW - timedelta(days=3)))
    card_log.record(call())
    spool = Spool(place.var_dir)
    spool.add([call_entry(call())], durably=True)
    spool.close()

    told = run("log", "status")
    counted = json.loads(run("log", "status", "--json").output)

    assert "2 calls" in told.output
    assert "2 cards" in told.output
    assert "from 2026-11-16 09:30:00 UTC to 2026-11-19 09:30:00 UTC" in told.output
    assert "1 records wait" in told.output
    assert (counted["rows"]["calls"], counted["spooled"], counted["set_aside"]) == (2, 1, 0)


def test_log_status_of_a_database_without_tables_says_what_to_do(empty_place: Place) -> None:
    if not empty_place.server:
        missing = runner(empty_place)("log", "status")
        assert missing.exit_code == 1
        assert "there is no card log yet" in missing.output
        assert not empty_place.var_dir.exists()
        empty_place.var_dir.mkdir()
        (empty_place.var_dir / "cds.sqlite").touch()
    told = runner(empty_place)("log", "status")
    assert told.exit_code == 0
    assert "run `cds-service store upgrade`" in told.output
    assert "store upgrade" in runner(empty_place)("log", "show", "card").output


def test_store_upgrade_makes_the_tables(empty_place: Place) -> None:
    done = runner(empty_place)("store", "upgrade")
    assert (done.exit_code, done.output) == (0, "The tables have revision 0001\n")
    assert rows(empty_place.url, "calls") == 0


def test_a_database_out_of_reach_is_told_in_a_sentence(run: Run, place: Place) -> None:
    if not place.server:
        return
    with place.away():
        told = run("log", "status")
    assert told.exit_code == 1
    assert told.output.startswith("Error: the card log's database cannot be used (Operational")
    assert len(told.output.splitlines()) == 1


def test_log_purge_lets_go_what_is_old_and_keeps_the_rest(
    run: Run, card_log: DatabaseLog, place: Place
) -> None:
    now = datetime.now(UTC)
    old, new = now - timedelta(days=91), now - timedelta(days=89)
    made = card()
    for _ in range(3):
        card_log.record(call(card(), card(), at=old))
    card_log.record(call(made, at=new))
    card_log.keep_feedback([answer("old", at=old), answer(made.uuid, at=new)])
    card_log.is_first_use("issuer", "expired", old, old)
    card_log.is_first_use("issuer", "alive", now + timedelta(hours=1), old)

    would = run("log", "purge", "--older-than", "90d", "--dry-run")
    assert would.output == (
        "Would delete 3 calls, 6 cards, 6 suggestions, 1 answers, 1 token ids\n"
    )
    assert rows(place.url, "calls") == 4

    done = run("log", "purge", "--older-than", "90d")
    assert done.exit_code == 0
    assert done.output == (
        "Deleted 3 calls, 6 cards, 6 suggestions, 1 answers, 1 token ids, 0 refused records\n"
    )
    left = ("calls", "cards", "suggestions", "feedback", "token_ids")
    assert [rows(place.url, table) for table in left] == [1, 1, 1, 1, 1]
    assert made.uuid in run("log", "show", made.uuid).output


def test_what_was_purged_is_gone_from_the_file_too(
    run: Run, card_log: DatabaseLog, place: Place
) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    many = [answer(str(number), at=old, comment="a secret " * 400) for number in range(300)]
    card_log.keep_feedback(many)
    card_log.close()
    run("log", "purge", "--older-than", "1y")
    if place.server:
        assert rows(place.url, "feedback") == 0
        return
    file = place.var_dir / "cds.sqlite"
    assert b"a secret" not in file.read_bytes()
    assert file.stat().st_size < 300_000


def test_log_purge_forgets_refused_records_of_that_age(run: Run, place: Place) -> None:
    spool = Spool(place.var_dir)
    spool.set_aside("key", "call", "{}", "DataError")
    assert "0 refused" in run("log", "purge", "--older-than", "1d").output
    assert spool.forget_aside(datetime.now(UTC) + timedelta(days=1)) == 1
    spool.close()


def test_log_retry_queues_what_was_refused(run: Run, card_log: DatabaseLog, place: Place) -> None:
    entry: Entry = call_entry(call())
    spool = Spool(place.var_dir)
    spool.set_aside(entry.key, entry.kind, entry.as_json(), "DataError")
    spool.close()
    assert run("log", "retry").output.startswith("1 records")
    assert (card_log.replay(), rows(place.url, "calls")) == (1, 1)


@pytest.mark.parametrize(
    ("words", "days"),
    [("90d", 90), ("12w", 84), ("18m", 540), ("10y", 3650), ("7", 7), (" 1D ", 1)],
)
def test_an_age_is_written_in_days_weeks_months_or_years(words: str, days: int) -> None:
    assert age(words) == timedelta(days=days)


@pytest.mark.parametrize("words", ["", "0", "0d", "-1d", "90h", "1.5y", "d", "101y", "٣d"])
def test_what_is_no_age_is_refused(words: str, run: Run) -> None:
    refused = run("log", "purge", "--older-than", words)
    assert refused.exit_code == 2
    assert "--older-than" in refused.output
