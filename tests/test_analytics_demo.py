"""Demonstration traffic: made, told apart, removed, and kept out of the record of care."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from cds_service.cli import main
from cds_service.demo import CLIENT, make_traffic
from cds_service.settings import Settings
from cds_service.store.card_log import open_card_log
from cds_service.store.database import Database
from cds_service.store.port import NoLog
from cds_service.store.records import CallRecord, FeedbackRecord
from cds_service.store.schema import upgrade_store
from cds_service.store.tables import calls, feedback
from tests.store_builders import answer, call, card, rows

UNTIL = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Remembering(NoLog):
    def __init__(self) -> None:
        self.calls: list[CallRecord] = []
        self.answers: list[FeedbackRecord] = []

    def record(self, call: CallRecord) -> None:
        self.calls.append(call)

    def keep_feedback(self, items) -> None:
        self.answers.extend(items)


def made(seed: int = 1) -> Remembering:
    log = Remembering()
    make_traffic(Settings(), log, days=3, calls_per_day=12, seed=seed, until=UNTIL)
    return log


@pytest.fixture(scope="module")
def log() -> Remembering:
    return made()


def test_calls_come_in_order_within_the_days_and_before_the_moment(log):
    moments = [each.at for each in log.calls]

    assert len(moments) > 10
    assert moments == sorted(moments)
    assert moments[0] >= UNTIL.replace(hour=0) - timedelta(days=2)
    assert moments[-1] < UNTIL


def test_answers_come_after_their_card_and_by_the_moment(log):
    shown_at = {each.uuid: call.at for call in log.calls for each in call.cards}

    assert log.answers
    for each in log.answers:
        assert shown_at[each.card] < each.outcome_at <= UNTIL
        assert each.received_at == each.outcome_at


def test_all_of_it_is_marked(log):
    assert {each.client for each in (*log.calls, *log.answers)} == {CLIENT}


def test_many_patients_are_quiet_and_some_are_not(log):
    cards = [len(each.cards) for each in log.calls]

    assert 0 in cards
    assert max(cards) > 1


def test_the_same_seed_makes_the_same_and_another_does_not(log):
    again, other = made(), made(seed=2)

    assert told(again) == told(log)
    assert told(other) != told(log)


def told(log: Remembering) -> list[object]:
    cards = [(each.at, [card.rule_id for card in each.cards]) for each in log.calls]
    return [*cards, *log.answers]


class TestTheCommand:
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'var' / 'cds.sqlite'}"

    @pytest.fixture
    def run(self, tmp_path: Path, url: str):
        def run(*words: str, **environment: str) -> Result:
            named = {"CDS_DATABASE_URL": url, "CDS_VAR_DIR": str(tmp_path / "var"), **environment}
            small = ("--days", "2", "--calls-per-day", "6")
            return CliRunner().invoke(main, ["demo-traffic", *small, *words], env=named)

        return run

    @pytest.fixture
    def with_a_real_call(self, url: str, tmp_path: Path) -> None:
        upgrade_store(url)
        log = open_card_log(url, tmp_path / "var", in_background=False)
        log.record(call(card("real")))
        log.keep_feedback([answer("real")])
        log.close()

    def test_makes_the_tables_and_fills_them(self, run, url):
        done = run()

        assert done.exit_code == 0, done.output
        assert f"{rows(url, 'calls'):,} calls" in done.output
        assert clients(url) == {CLIENT}

    @pytest.mark.usefixtures("with_a_real_call")
    def test_stays_out_of_a_log_of_real_callers(self, run, url):
        done = run()

        assert done.exit_code == 1
        assert "records of real callers" in done.output
        assert "--force" in done.output
        assert rows(url, "calls") == 1

    def test_stays_out_of_a_log_that_real_callers_will_use(self, run, tmp_path):
        file = tmp_path / "clients.yaml"
        file.write_text("clients: [{name: A, issuer: a, keys: {jwks_url: https://a.example/}}]")

        done = run(CDS_CLIENTS=str(file))

        assert done.exit_code == 1
        assert "CDS_CLIENTS is set" in done.output

    @pytest.mark.usefixtures("with_a_real_call")
    def test_may_be_forced_in_and_taken_out_again(self, run, url):
        assert run("--force").exit_code == 0
        assert CLIENT in clients(url)

        removed = run("--remove")

        assert removed.exit_code == 0
        assert clients(url) == {"General Hospital"}
        assert (rows(url, "calls"), rows(url, "feedback")) == (1, 1)

    def test_says_what_is_wrong_with_the_settings(self, run):
        done = run(CDS_DATABASE_URL="nowhere")

        assert done.exit_code == 1
        assert "CDS_DATABASE_URL" in done.output
        assert "Traceback" not in done.output


def clients(url: str) -> set[str]:
    with Database(url).reading() as connection:
        return {
            name
            for table in (calls, feedback)
            for name in connection.scalars(select(table.c.client))
        }
