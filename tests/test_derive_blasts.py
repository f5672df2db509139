"""Blasts in the blood, counted or computed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import OBSERVATIONS
from tests.builders import ask, chart, lab, with_gaps


def blasts(value, at=1, **more):
    return lab("blasts-absolute", value, at=at, **more)


def share(value="60 %", at=1):
    return lab("blasts-percent", value, at=at)


def wbc(value="20 10*9/L", at=1):
    return lab("wbc", value, at=at)


def asked(*facts, gaps=()):
    return ask(
        with_gaps(chart(*facts), *gaps),
        "blasts",
        analyte="blasts-absolute",
        percent="blasts-percent",
        leukocytes="wbc",
        differential=["neutrophil-percent"],
        within=7,
        hours_apart=24,
    )


def counts(*facts):
    return [reading.fields["count"] for reading in asked(*facts).readings]


def test_the_count_is_read_in_any_unit():
    assert counts(blasts("12000 /uL")) == [Interval.exactly(12)]


def test_leukocytes_times_their_share_say_how():
    (reading,) = asked(wbc(), share()).readings

    assert reading.fields["count"] == Interval.exactly(12)
    assert reading.show["text"] == "12.00 10*9/L"
    assert reading.show["how"] == "WBC 20 10*9/L (2026-11-21) × 60 % blasts"


def test_a_counted_result_of_the_same_draw_is_preferred():
    assert counts(blasts("9 10*9/L"), wbc(), share()) == [Interval.exactly(9)]


def test_a_newer_share_stands_beside_an_older_count():
    found = counts(blasts("9 10*9/L", at=3), wbc(), share())

    assert found == [Interval.exactly(9), Interval.exactly(12)]


def test_the_leukocytes_nearest_in_time_are_taken():
    near, far = wbc(at="2026-11-21T07:00:00Z"), wbc("50 10*9/L", at="2026-11-20T20:00:00Z")

    assert counts(far, near, share(at="2026-11-21T08:00:00Z")) == [Interval.exactly(12)]


@pytest.mark.parametrize(
    ("at", "known"),
    [
        ("2026-11-20T08:00:00Z", True),
        ("2026-11-20T07:59:59Z", False),
        ("2026-11-22T08:00:00Z", True),
        ("2026-11-22T08:00:01Z", False),
    ],
)
def test_samples_belong_together_up_to_24_hours_apart(at, known):
    (found,) = counts(wbc(at=at), share(at="2026-11-21T08:00:00Z"))

    assert isinstance(found, Interval) is known


def test_days_alone_belong_together_only_when_they_are_the_same():
    assert isinstance(counts(wbc(at=1), share(at=1))[0], Interval)
    assert counts(wbc(at=2), share(at=1))[0].reason is Reason.NO_DATE
    assert counts(wbc(at=3), share(at=1))[0].reason is Reason.NOT_FOUND


def test_vague_numbers_stay_vague():
    (found,) = counts(wbc(">20 10*9/L"), share())

    assert found.compare("gt", Fraction(10)) is True
    assert asked(wbc(">20 10*9/L"), share()).readings[0].show["text"] == "above 12.00 10*9/L"
    assert asked(wbc("<20 10*9/L"), share()).readings[0].show["text"] == "0.00 to 12.00 10*9/L"


@given(st.integers(0, 300), st.integers(0, 100))
def test_the_product_is_exact(leukocytes, percent):
    (found,) = counts(wbc(f"{leukocytes} 10*9/L"), share(f"{percent} %"))

    assert found == Interval.exactly(Fraction(leukocytes * percent, 100))


@pytest.mark.parametrize(
    ("facts", "reported"),
    [
        ((), False),
        ((wbc(),), False),
        ((blasts("1 10*9/L", at=8),), False),
        ((blasts("1 10*9/L"),), True),
        ((share(),), True),
        ((lab("neutrophil-percent", "60 %"),), True),
    ],
)
def test_a_differential_is_reported_when_any_part_of_it_is(facts, reported):
    assert {reading.fields["reported"] for reading in asked(*facts).readings} == {reported}


def test_nothing_found_is_said_with_its_topic():
    (reading,) = asked().readings

    assert reading.fields["count"].reason is Reason.NOT_FOUND
    assert reading.show["topics"] == {"reported": (reading.fields["count"],)}


def test_an_unread_search_leaves_everything_open():
    answer = asked(gaps=[OBSERVATIONS])

    assert isinstance(answer.readings[0].fields["reported"], Unknown)
    assert answer.gaps


def test_a_unit_that_is_not_understood_is_said():
    assert counts(blasts("12 cells"))[0].reason is Reason.UNIT
    assert counts(wbc(), share("60 cells"))[0].reason is Reason.UNIT
