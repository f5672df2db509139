"""Doses, the cycles they make up, and where the next one belongs."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.answers import Source
from cds_service.facts.course import Dose, cumulative, cycles, dose_history, place_next
from cds_service.facts.interval import Interval
from tests.builders import (
    INO,
    NOW,
    TODAY,
    claim,
    dose,
    doses,
    measured,
    on,
    order_on_file,
    regimens,
    source,
)

REGIMEN = regimens()[INO]
DAYS = st.lists(st.integers(0, 200), unique=True, max_size=25)


def on_days(*days: int) -> list[Dose]:
    """Doses on numbered days of a calendar of their own."""
    return [
        Dose(TODAY + timedelta(days=each), Source("MedicationAdministration/1")) for each in days
    ]


def numbers(*days: int) -> list[int]:
    """The cycle each dose is placed in."""
    return [each.number for each in cycles(on_days(*days), REGIMEN) for _ in each.doses]


def history(*uses, now: datetime = NOW):
    return dose_history(uses, INO, now, REGIMEN)


def days_of(*uses) -> list[int]:
    """The days of the doses found, as days before today."""
    return [(TODAY - each.day).days for each in history(*uses).doses]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([0, 7, 14, 21, 28, 35], [1, 1, 1, 2, 2, 2]),
        ([0, 7, 14, 28, 35, 42], [1, 1, 1, 2, 2, 2]),
        ([0, 7, 21, 28], [1, 1, 2, 2]),
        ([0, 20], [1, 1]),
        ([0, 21], [1, 2]),
        ([0, 7, 14, 15], [1, 1, 1, 2]),
        ([0, 120], [1, 2]),
    ],
    ids=["21-day", "28-day", "one-left-out", "day-21", "day-22", "fourth-dose", "long-pause"],
)
def test_doses_fall_into_cycles(days, expected):
    assert numbers(*days) == expected


@given(DAYS)
def test_no_cycle_holds_more_doses_than_the_regimen(days):
    assert all(len(each.doses) <= 3 for each in cycles(on_days(*days), REGIMEN))


@given(DAYS)
def test_no_cycle_spans_the_days_that_open_a_new_one(days):
    for each in cycles(on_days(*days), REGIMEN):
        assert (each.last_day - each.day1).days < 21


@given(DAYS)
def test_cycle_numbers_count_up_with_time_and_keep_every_dose(days):
    found = cycles(on_days(*days), REGIMEN)

    assert [each.number for each in found] == list(range(1, len(found) + 1))
    assert [dose.day for each in found for dose in each.doses] == sorted(
        each.day for each in on_days(*days)
    )


@given(DAYS, st.randoms())
def test_the_order_doses_are_listed_in_does_not_matter(days, random):
    shuffled = on_days(*days)
    random.shuffle(shuffled)

    assert cycles(shuffled, REGIMEN) == cycles(on_days(*days), REGIMEN)


@given(DAYS, st.integers(0, 200))
def test_one_more_dose_never_lowers_the_number_of_cycles(days, extra):
    assert len(cycles(on_days(*{*days, extra}), REGIMEN)) >= len(cycles(on_days(*days), REGIMEN))


def test_the_first_dose_opens_cycle_one():
    assert place_next(TODAY, None, REGIMEN).cycle == 1
    assert place_next(TODAY, None, REGIMEN).opens_cycle


def test_day_eight_belongs_to_the_running_cycle():
    place = place_next(TODAY + timedelta(days=7), cycles(on_days(0), REGIMEN)[-1], REGIMEN)

    assert (place.cycle, place.day, place.opens_cycle) == (1, 8, False)


def test_after_three_doses_the_next_opens_a_cycle_although_only_a_week_has_passed():
    place = place_next(TODAY + timedelta(days=21), cycles(on_days(0, 7, 14), REGIMEN)[-1], REGIMEN)

    assert (place.cycle, place.day) == (2, 1)


def test_a_day_before_the_last_dose_never_reads_as_day_one_of_the_running_cycle():
    assert not place_next(TODAY, cycles(on_days(3), REGIMEN)[-1], REGIMEN).opens_cycle


def test_one_dose_per_calendar_day():
    assert days_of(*doses(8, 8, 1)) == [8, 1]


def test_an_administration_a_claim_and_an_order_of_the_same_day_are_one_dose():
    order = order_on_file(INO, when=8, status="completed")

    assert days_of(dose(8), claim(8), order) == [8]


def test_an_order_written_the_day_before_its_dose_is_not_a_second_dose():
    assert days_of(dose(8), order_on_file(INO, when=9, status="completed")) == [8]


def test_doses_of_another_hospital_known_from_claims_count_beside_our_own():
    assert days_of(claim(29), dose(8), dose(1)) == [29, 8, 1]


def test_an_infusion_that_has_begun_counts_and_one_not_done_does_not():
    assert days_of(dose(8, status="not-done"), dose(0, status="in-progress")) == [0]


def test_active_orders_and_other_drugs_are_no_doses():
    assert days_of(order_on_file(INO, when=8), dose(8, "busulfan")) == []


def test_a_dose_later_than_now_is_not_given_yet():
    assert days_of(dose(-1), dose("2026-11-22T13:00:00+00:00")) == []
    assert history(dose(-1)).undated == ()


def test_a_dose_given_where_it_is_tomorrow_already_counts():
    east = dose("2026-11-23T02:00:00+15:00")

    assert len(history(east).doses) == 1


def test_a_dose_of_an_unknown_day_is_kept_apart():
    assert len(history(dose("2026-10"), dose(1)).undated) == 1


def test_an_undated_order_says_nothing_when_administrations_are_recorded():
    order = order_on_file(INO, status="completed")

    assert history(dose(1), order).undated == ()
    assert len(history(order).undated) == 1


def test_a_dose_is_over_when_its_infusion_ends():
    given_ = dose("2026-11-20T09:00:00+00:00", days=(), end=on("2026-11-20T10:00:00+00:00"))

    assert history(given_).doses[0].at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_amounts_add_up_and_one_missing_amount_leaves_the_sum_unknown():
    found = history(dose(15, amount="1.5 mg"), dose(8, amount="0.9 mg")).doses

    assert cumulative(found) == Interval.exactly(Fraction("2.4"))
    assert cumulative([*found, *on_days(1)]) is None
    assert cumulative([Dose(TODAY, source("Procedure"), per_m2=measured("0.8 mg/m2"))], per_m2=True)
