"""FHIR's written dates keep their precision and their offset."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.dates import moment, moment_of_any_form
from cds_service.facts.model import Moment


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-11-19", date(2026, 11, 19), date(2026, 11, 19)),
    ],
)
def test_a_vague_date_spans_the_days_it_may_be(text: str, first: date, last: date) -> None:
    read = moment(text)

    assert (read.first, read.last, read.at) == (first, last, None)
    assert str(read) == text


def test_a_time_keeps_its_offset_and_the_day_that_was_written() -> None:
    read = moment("2026-11-19T23:30:00-05:00")

    assert read.day == date(2026, 11, 19)
    assert read.at is not None
    assert read.at.utcoffset() == timedelta(hours=-5)


def test_a_leap_second_is_the_same_minute() -> None:
    read = moment("2026-12-31T23:59:60Z")

    assert read.at is not None
    assert read.at.minute == 59


def test_more_digits_than_a_clock_has_are_cut() -> None:
    read = moment("2026-11-19T08:00:00.123456789Z")

    assert read.at is not None
    assert read.at.microsecond == 123456


@pytest.mark.parametrize(
    "text",
    ["", "2026-13", "2026-02-30", "0000", "19.11.2026", "2026-11-19T08:00:00", "2026-11-19T08:00Z",
     "2026-11-19T25:00:00Z", "2026-11-19 08:00:00Z", "٢٠٢٦", "2026-11-19\n"],
)  # fmt: skip
def test_what_is_no_fhir_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment(text)


def test_a_refusal_never_repeats_the_text() -> None:
    with pytest.raises(ValueError, match="not a FHIR date") as refused:
        moment("Ada Lovelace")

    assert "Ada" not in str(refused.value)


@given(st.text())
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    with suppress(ValueError):
        assert moment(text).first <= moment(text).last


@given(st.dates(min_value=date(1, 1, 1)))
def test_every_day_reads_as_itself(day: date) -> None:
    assert moment(day.isoformat()).day == day


_PLACES = ["2026", "0000", "-02", "-11", "-13", "-28", "-30", "T", " ", "08:00", "24:00", ":00",
           ":60", ".123", ".123456789", ",5", "Z", "z", "+01:00", "-23:59", "+24:00", "+0100",
           "-00:00", "٢", "W47", "\n"]  # fmt: skip
_usual = st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat())


@given(st.lists(st.sampled_from(_PLACES), max_size=8).map("".join) | _usual | st.text())
def test_the_short_way_reads_what_the_long_way_reads(text: str) -> None:
    def read(way: Callable[[str], Moment]) -> tuple[Moment, object] | type[ValueError]:
        try:
            found = way(text)
        except ValueError:
            return ValueError
        return found, found.at and found.at.utcoffset()

    assert read(moment) == read(moment_of_any_form)
