"""Exact numbers and words as the small integers that an engine without decimals can compare.

A number becomes twice its count of millionths, rounded down, plus one when it is not a whole
number of millionths. A limit is a whole number of millionths, hence even; so whatever is truly
greater than a limit is encoded greater, and whatever equals it is encoded equal. The odd numbers
between two even ones stand for "just above" and "just below" as well: an open bound at a limit.
"""

from __future__ import annotations

from fractions import Fraction

from cds_service.facts.interval import Interval

PLACES = 6
_MILLIONTHS: int = 10**PLACES

GREATEST_LIMIT = 10**12
"""A limit lies between its negative and itself; numbers beyond compare like the outermost."""

_OUTERMOST = 2 * GREATEST_LIMIT * _MILLIONTHS + 1
# Twice the outermost, and still within the 64 bits that the engine compares exactly.
INFINITE = 2 * _OUTERMOST


def is_exact_limit(limit: Fraction) -> bool:
    """Whether a limit can be encoded: at most six decimals, and not beyond the greatest."""
    return abs(limit) <= GREATEST_LIMIT and (limit * _MILLIONTHS).denominator == 1


def encode(number: Fraction) -> int:
    """The number as an integer of the same order as all limits; see the head of this file."""
    numerator, denominator = number.as_integer_ratio()
    encoded = 2 * _MILLIONTHS * numerator
    if denominator != 1:
        whole, rest = divmod(numerator * _MILLIONTHS, denominator)
        encoded = 2 * whole + (rest != 0)
    if -_OUTERMOST <= encoded <= _OUTERMOST:
        return encoded
    return _OUTERMOST if encoded > 0 else -_OUTERMOST


def encode_lower(interval: Interval) -> int:
    """The lower bound; an open one lies just above its number."""
    if interval.lo is None:
        return -INFINITE
    return encode(interval.lo) | interval.lo_open


def encode_upper(interval: Interval) -> int:
    """The upper bound; an open one lies just below its number."""
    if interval.hi is None:
        return INFINITE
    encoded = encode(interval.hi)
    return encoded - (interval.hi_open and encoded % 2 == 0)


def encode_bounds(interval: Interval) -> tuple[int, int]:
    """Both bounds; those of one exact number, as most are, are the same."""
    number = interval.lo
    if number is None or number is not interval.hi or interval.lo_open or interval.hi_open:
        return encode_lower(interval), encode_upper(interval)
    encoded = encode(number)
    return encoded, encoded
