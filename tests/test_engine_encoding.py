"""Numbers keep their order beside every limit when they become integers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.engine.encoding import (
    GREATEST_LIMIT,
    INFINITE,
    encode,
    encode_lower,
    encode_upper,
    is_exact_limit,
)
from cds_service.facts.interval import Interval
from tests.engine_builders import number

limits = st.integers(-4_000_000, 4_000_000).map(lambda millionths: Fraction(millionths, 10**6))
near = st.builds(
    lambda limit, hair: limit + hair,
    limits,
    st.sampled_from([0, Fraction(1, 10**9), Fraction(-1, 7)]),
)


@given(near, limits)
def test_a_number_stands_to_a_limit_as_before(value, limit):
    assert (encode(value) > encode(limit)) is (value > limit)
    assert (encode(value) < encode(limit)) is (value < limit)
    assert (encode(value) == encode(limit)) is (value == limit)


@given(near, near, st.booleans(), st.booleans(), limits)
def test_the_bounds_of_an_interval_decide_as_the_interval_does(a, b, lo_open, hi_open, limit):
    lo, hi = sorted((a, b))
    if lo == hi:
        lo_open = hi_open = False
    interval = Interval(lo, hi, lo_open, hi_open)
    lower, upper, at = encode_lower(interval), encode_upper(interval), encode(limit)

    assert (lower > at) is (interval.compare("gt", limit) is True)
    assert (lower >= at) is (interval.compare("gte", limit) is True)
    assert (upper < at) is (interval.compare("lt", limit) is True)
    assert (upper <= at) is (interval.compare("lte", limit) is True)
    assert (lower >= at and upper <= at) is (interval.compare("eq", limit) is True)


def test_an_infinite_bound_lies_beyond_every_number():
    nothing_known = Interval(None, None)

    assert encode_lower(nothing_known) < encode(Fraction(-(10**30)))
    assert encode_upper(nothing_known) > encode(Fraction(10**30))
    assert INFINITE < 2**63


@pytest.mark.parametrize("far", [Fraction(10**12) + Fraction(1, 3), Fraction(10**40)])
def test_a_number_beyond_the_greatest_limit_is_still_greater(far):
    assert encode(far) > encode(Fraction(GREATEST_LIMIT))
    assert encode(-far) < encode(Fraction(-GREATEST_LIMIT))


@pytest.mark.parametrize(
    ("limit", "exact"),
    [
        (number("1.5"), True),
        (number("0.000001"), True),
        (number("0.0000001"), False),
        (Fraction(1, 3), False),
        (Fraction(10**12), True),
        (Fraction(10**12 + 1), False),
    ],
)
def test_a_limit_has_at_most_six_decimals(limit, exact):
    assert is_exact_limit(limit) is exact
