"""Comparing numbers as far as they are known, beside the plainest way to say the same."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown

numbers = st.fractions(-1000, 1000, max_denominator=7) | st.integers(-500, 500).map(Fraction)
STEPS = [Fraction(1, 1000), Fraction(1, 3), Fraction(1), Fraction(10**6)]


@st.composite
def intervals(draw):
    lo, hi = draw(st.none() | numbers), draw(st.none() | numbers)
    if lo is not None and hi is not None and hi < lo:
        lo, hi = hi, lo
    if lo is not None and lo == hi:
        return Interval(lo, hi)
    return Interval(lo, hi, draw(st.booleans()), draw(st.booleans()))


def some_of(interval: Interval) -> list[Fraction]:
    """Numbers of an interval: its bounds where they belong to it, and some near and between."""
    lo, hi = interval.lo, interval.hi
    near = [lo + step for step in STEPS if lo is not None]
    near += [hi - step for step in STEPS if hi is not None]
    if lo is not None and hi is not None:
        near.append((lo + hi) / 2)
    if lo is None and hi is None:
        near.append(Fraction(0))
    inside = [each for each in near if (lo is None or each > lo) and (hi is None or each < hi)]
    inside += [lo] if lo is not None and not interval.lo_open else []
    return inside + ([hi] if hi is not None and not interval.hi_open else [])


COMPARED = {
    "gt": lambda number, limit: number > limit,
    "gte": lambda number, limit: number >= limit,
    "lt": lambda number, limit: number < limit,
    "lte": lambda number, limit: number <= limit,
    "eq": lambda number, limit: number == limit,
}


@given(intervals(), numbers, st.sampled_from(sorted(COMPARED)))
def test_what_is_said_of_an_interval_holds_for_each_of_its_numbers(interval, limit, op):
    said = interval.compare(op, limit)
    truths = {COMPARED[op](number, limit) for number in some_of(interval)}
    assert said is None or truths <= {said}


@given(numbers, numbers, st.sampled_from(sorted(COMPARED)))
def test_an_exact_number_compares_as_fractions_do(number, limit, op):
    truth = COMPARED[op](number, limit)
    assert Interval.exactly(number).compare(op, limit) is truth
    assert Interval(number, Fraction(number.numerator, number.denominator)).compare(op, limit) is (
        truth
    )


@given(intervals(), st.sampled_from(sorted(COMPARED)))
def test_a_limit_inside_leaves_every_comparison_open(interval, op):
    lo, hi = interval.lo, interval.hi
    if lo is None or hi is None or lo == hi:
        return
    assert interval.compare(op, (lo + hi) / 2) is None


@given(intervals(), st.fractions(Fraction(1, 100), 100))
def test_scaling_scales_both_bounds(interval, factor):
    scaled = interval.scaled(factor)
    assert scaled.lo == (None if interval.lo is None else interval.lo * factor)
    assert scaled.hi == (None if interval.hi is None else interval.hi * factor)
    assert (scaled.lo_open, scaled.hi_open) == (interval.lo_open, interval.hi_open)


@given(st.fractions(0, 100), st.fractions(Fraction(1, 100), 100))
def test_an_exact_quotient_is_the_same_by_either_way_of_writing_the_number(number, divisor):
    apart = Interval(number, copy(number) + 0)
    exact = Interval.exactly(number)
    limit = Interval.exactly(divisor)
    assert exact.per(limit) == apart.per(Interval(divisor, divisor + 0))
    assert exact.per(limit).number == number / divisor


def test_nothing_is_divided_by_what_may_be_zero():
    for divisor in (Interval(None, Fraction(1)), Interval.exactly(0)):
        with pytest.raises(ValueError, match="above zero"):
            Interval.exactly(1).per(divisor)


def test_facts_compare_and_hash_by_what_they_hold():
    """Whole numbers made once stand for those made anew."""
    assert Interval.exactly(3) == Interval(Fraction(3), Fraction(3))
    assert hash(Interval.exactly(3)) == hash(Interval.between(3, 3))
    assert Interval.at_least(500) == Interval(Fraction(500), None)
    assert replace(Interval.exactly(3), hi=None) == Interval.at_least(3)
    one = Unknown("ALT", Reason.NOT_FOUND, plainly="a test")
    assert one == Unknown("ALT", Reason.NOT_FOUND)
    assert len({one, Unknown("ALT", Reason.NOT_FOUND)}) == 1
