"""The analytics page and its CSV files, through the whole app."""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.store.card_log import DatabaseLog
from cds_service.store.counts import CallCount, Statistics
from cds_service.store.port import CardLog, NoLog
from cds_service.store.records import MissingRecord
from cds_service.web.analytics_tables import NAMES, pieces
from cds_service.web.date_range import WrongDates, date_range
from cds_service.web.tables import Column, Table, as_csv
from tests.store_builders import answer, call, card

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
YESTERDAY = NOW - timedelta(days=1)


@cache
def service() -> Flask:
    return create_app(Settings(), clock=lambda: NOW)


def served(log: CardLog) -> FlaskClient:
    app = service()
    app.extensions["cds_service"] = replace(app.extensions["cds_service"], card_log=log)
    return app.test_client()


@pytest.fixture
def page(card_log: DatabaseLog):
    """Text of the page for a query, which must be answered."""
    client = served(card_log)

    def text(query: str = "") -> str:
        told = client.get(f"/analytics{query}")
        assert told.status_code == 200
        assert told.headers["Cache-Control"] == "no-store"
        return told.text

    return text


@pytest.fixture
def rows(card_log: DatabaseLog):
    """The rows of a CSV file, by their headings."""
    client = served(card_log)

    def read(table: str, query: str = "") -> list[dict[str, str]]:
        told = client.get(f"/analytics/{table}.csv{query}")
        assert told.status_code == 200
        return list(csv.DictReader(StringIO(told.data.decode("utf-8"))))

    return read


class TestThePage:
    def test_tells_what_came_of_the_cards(self, card_log, page):
        card_log.record(call(card("c1"), card("c2"), card("c3"), at=YESTERDAY))
        card_log.record(call(at=YESTERDAY, status=412, missing=()))
        card_log.keep_feedback(
            [answer("c1", "overridden", at=YESTERDAY), answer("c2", at=YESTERDAY)]
        )

        text = page()

        assert totals(text) == {
            "Calls": "2",
            "Cards shown": "3",
            "Accepted": "1",
            "Overridden": "1",
            "No answer": "1",
        }
        assert "1 not judged" in text
        assert '<a href="rules/INO-VOD-12">INO-VOD-12</a>' in text
        assert "1 of 2" in text

    def test_tells_of_the_last_thirty_days_unless_asked(self, card_log, page):
        card_log.record(call(at=NOW - timedelta(days=29)))
        card_log.record(call(at=NOW - timedelta(days=30)))

        assert totals(page())["Calls"] == "1"
        assert totals(page("?from=2026-10-23"))["Calls"] == "2"
        assert totals(page("?from=2026-10-23&to=2026-10-23"))["Calls"] == "1"

    def test_has_a_caption_for_every_table_and_words_beside_every_picture(self, card_log, page):
        card_log.record(call(card("c1"), at=YESTERDAY))
        card_log.keep_feedback([answer("c1", "overridden", at=YESTERDAY)])

        text = page()

        assert text.count("<table") == text.count("<caption>") > 5
        pictures = re.findall(r"<svg[^>]*>", text)
        assert len(pictures) > 3
        assert all('aria-hidden="true"' in each for each in pictures)
        assert text.count('class="beside"') >= len(pictures) - 1  # and a caption beside the bars

    def test_needs_no_script_and_no_style_of_its_own(self, card_log, page):
        card_log.record(call(card("c1"), at=YESTERDAY))

        text = page()

        assert "<script" not in text
        assert "<style" not in text
        assert " style=" not in text

    def test_draws_within_its_pictures(self, card_log, page):
        for days in range(20):
            card_log.record(call(card(), at=NOW - timedelta(days=days)))
            card_log.record(call(at=NOW - timedelta(days=days), status=412))

        for query in ("", "?from=2025-12-01", "?from=2026-11-22"):
            sizes = re.findall(r' (?:x|y|width|height)="([^"]*)"', page(query))
            assert len(sizes) >= 20
            assert all(re.fullmatch(r"\d+(\.\d+)?", size) for size in sizes)

    def test_shows_markup_in_a_reason_as_text(self, card_log, page):
        card_log.record(call(card("c1"), at=YESTERDAY))
        hostile = "<script>alert(1)</script><b>because</b>"
        card_log.keep_feedback(
            [answer("c1", "overridden", at=YESTERDAY, reason_code="x", reason_display=hostile)]
        )

        text = page()

        assert "<script" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text

    def test_never_shows_a_comment(self, card_log, page):
        card_log.record(call(card("c1"), at=YESTERDAY))
        card_log.keep_feedback(
            [answer("c1", "overridden", at=YESTERDAY, comment="seen with her sister")]
        )

        text = page()

        assert "sister" not in text
        assert "in a comment only" in text

    def test_says_our_reasons_in_our_words(self, card_log, page):
        card_log.record(call(card("c1"), at=YESTERDAY))
        card_log.keep_feedback(
            [answer("c1", "overridden", at=YESTERDAY, reason_code="repeat-pending")]
        )

        assert "Repeat test ordered, result pending" in section(page(), "reasons")

    def test_keeps_a_rule_that_has_left_the_rulebook(self, card_log, page):
        card_log.record(call(card(rule_id="INO-OLD-01"), at=YESTERDAY))

        text = page()

        assert "No longer in the rulebook" in text
        assert "rules/INO-OLD-01" not in text

    def test_of_many_rows_shows_the_first_and_says_how_many_follow(self, card_log, page, rows):
        missing = tuple(
            MissingRecord(f"thing {number}", "nothing found", ("INO-QT-01",))
            for number in range(50)
        )
        card_log.record(call(at=YESTERDAY, missing=missing))

        assert "And 30 more rows" in page()
        assert len(rows("unknowns")) == 50

    def test_tells_of_answers_to_cards_that_are_not_on_record(self, card_log, page):
        card_log.record(call(card("c1"), at=YESTERDAY))
        card_log.keep_feedback([answer("never-shown", at=YESTERDAY)])

        assert "1 answers came to cards that are not on record" in page()

    def test_weighs_little_however_much_happened(self, card_log, page):
        rules = [f"INO-LONG-{number:03}" for number in range(120)]
        for days in range(4):
            many = [card(f"c{days}-{rule}", rule_id=rule) for rule in rules]
            card_log.record(call(*many, at=NOW - timedelta(days=days)))
            card_log.keep_feedback([answer(each.uuid, "overridden", at=YESTERDAY) for each in many])

        assert len(page("?from=2025-12-01").encode()) < 75_000


class TestAnEmptyStore:
    def test_says_so(self, page):
        text = page()

        assert "No call is on record" in text
        assert "The card log is empty" in text
        assert "<table" not in text

    def test_is_not_one_that_holds_other_days(self, card_log, page):
        card_log.record(call(at=NOW - timedelta(days=200)))

        text = page()

        assert "No call is on record" in text
        assert "empty" not in text
        assert '<a href="analytics?to=2026-05-06">' in text


class TestABrokenStore:
    def test_says_so_and_shows_no_number(self, place):
        log = place.open_log(patience=0.05)
        with place.away():
            told = served(log).get("/analytics")
            file = served(log).get("/analytics/rules.csv")
        log.close()

        assert (told.status_code, file.status_code) == (503, 503)
        assert "The card log cannot tell now" in told.text
        assert "This does not mean that nothing was shown" in told.text
        assert "<table" not in told.text
        assert "<dl" not in told.text

    def test_that_keeps_nothing_says_so(self):
        told = served(NoLog()).get("/analytics")

        assert told.status_code == 503
        assert "this process keeps no card log" in told.text

    def test_that_lags_says_how_many_records_wait(self):
        text = served(Lagging()).get("/analytics").text

        assert "3 records wait on this machine for the database" in text
        assert totals(text)["Calls"] == "7"


class Lagging(NoLog):
    """A log whose spool is not empty."""

    spooled = 3

    def statistics(self, since: datetime, until: datetime) -> Statistics:
        calls = (CallCount(TODAY, "inotuzumab-order-sign", 200, 7),)
        return Statistics(calls, {}, (), (), (), (), {}, 0, 0)


WRONG = [
    ("from=2026-11-31", "First day is no day of the calendar"),
    ("from=20261101", "First day must be written as year-month-day"),
    ("to=tomorrow", "Last day must be written as year-month-day"),
    ("to=0001-01-01", "Last day must lie in the years"),
    ("from=9999-12-31", "First day must lie in the years"),
    ("from=2026-11-02&to=2026-11-01", "First day is after the last day"),
    ("from=2025-11-21&to=2026-11-22", "First day is more than 366 days before"),
]


class TestDates:
    @pytest.mark.parametrize(("query", "said"), WRONG)
    def test_that_are_wrong_are_told_at_the_place(self, query, said):
        told = served(NoLog()).get(f"/analytics?{query}")

        assert told.status_code == 400
        assert said in told.text
        assert "aria-invalid" in told.text
        assert "<table" not in told.text

    @pytest.mark.parametrize(("query", "_"), WRONG)
    def test_that_are_wrong_make_no_file(self, query, _):
        told = served(NoLog()).get(f"/analytics/rules.csv?{query}")

        assert told.status_code == 400
        assert told.get_json()["issue"][0]["expression"][0] in ("from", "to")

    def test_that_are_wrong_stay_as_they_were_typed(self):
        told = served(NoLog()).get('/analytics?from=<b>"soon"&to=2026-11-01')

        assert 'value="&lt;b&gt;&#34;soon&#34;"' in told.text
        assert 'value="2026-11-01"' in told.text

    def test_may_reach_over_a_leap_year(self):
        assert len(date_range({"from": "2028-01-01", "to": "2028-12-31"}, TODAY).days) == 366

    @given(st.text(max_size=12), st.text(max_size=12))
    def test_are_days_or_refused_whatever_is_asked(self, first, last):
        with suppress(WrongDates):
            found = date_range({"from": first, "to": last}, TODAY)
            assert found.first <= found.last
            assert found.since < found.until


class TestFiles:
    @pytest.mark.parametrize("name", NAMES)
    def test_have_headings_also_when_nothing_happened(self, card_log, name):
        told = served(card_log).get(f"/analytics/{name}.csv")

        assert told.content_type == "text/csv; charset=utf-8; header=present"
        assert told.headers["Content-Disposition"] == (
            f'attachment; filename="{name}-2026-10-24-to-2026-11-22.csv"'
        )
        heading = told.text.splitlines()[0].split(",")
        assert len(heading) > 1
        assert all(heading)

    def test_hold_what_the_page_tells(self, card_log, rows):
        card_log.record(call(card("c1"), card("c2"), at=YESTERDAY))
        card_log.keep_feedback([answer("c1", "overridden", at=YESTERDAY, reason_code="=1+1")])

        (rule,) = rows("rules")
        assert (rule["Rule"], rule["Shown"], rule["No answer"]) == ("INO-VOD-12", "2", "1")
        assert (rule["Override rate, %"], rule["At least, %"]) == ("100.0", "20.7")
        (reason,) = rows("reasons")
        assert (reason["Code"], reason["Cards"]) == ("'=1+1", "1")
        assert rows("cards-by-day")[0]["Day"] == "2026-11-21"
        assert rows("days", "?from=2026-11-21&to=2026-11-22") == [
            {"Day": "2026-11-22", "Calls": "0", "of them not judged": "0", "Cards shown": "0"},
            {"Day": "2026-11-21", "Calls": "1", "of them not judged": "0", "Cards shown": "2"},
        ]

    def test_of_another_name_are_not_there(self):
        assert served(NoLog()).get("/analytics/patients.csv").status_code == 404

    @pytest.mark.parametrize(
        "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "|cmd", "%0A"]
    )
    def test_hold_no_formula(self, text):
        assert cells(text) == [f"'{text}"]

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n")))
    def test_give_every_text_back(self, text):
        assert cells(text)[0] in (text, f"'{text}")


def cells(text: str) -> list[str]:
    table = Table("t", "T", "", "", (Column("Text", "text"),), ((text,),))
    heading, row = csv.reader(StringIO(as_csv(table), newline=""))
    assert heading == ["Text"]
    return row


@given(st.lists(st.integers(0, 9), min_size=1, max_size=400), st.integers(1, 100))
def test_pieces_add_up_and_are_not_too_many(counts, most):
    found = pieces(counts, most)

    assert sum(found) == sum(counts)
    assert 1 <= len(found) <= most


def totals(text: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", text))


def section(text: str, name: str) -> str:
    found = re.search(rf'<section aria-labelledby="{name}">.*?</section>', text, re.DOTALL)
    assert found
    return found[0]
