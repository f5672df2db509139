"""Numbers as far as they are known: exact, or somewhere between two bounds.

A laboratory that prints ``< 0.2`` or a patient whose ULN lies in a band gives an interval.
A comparison with a threshold then has three answers: yes, no, or it depends (``None``).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from cds_service.facts.cheap import cheap_dataclass

Truth = bool | None
"""Three-valued truth: ``None`` is "cannot be known", never "no"."""

Comparison = Literal["gt", "gte", "lt", "lte", "eq"]


@cheap_dataclass(frozen=True, slots=True)
class Interval:
    """All numbers from ``lo`` to ``hi``; a bound of None is infinite, an open bound is left out."""

    lo: Fraction | None
    hi: Fraction | None
    lo_open: bool = False
    hi_open: bool = False

    @classmethod
    def exactly(cls, number: Fraction | Decimal | int) -> Interval:
        """The one number."""
        if isinstance(number, int):
            return _EXACTLY[number]
        value = _fraction(number)
        return cls(value, value)

    @classmethod
    def at_least(cls, number: Fraction | Decimal | int) -> Interval:
        """The number or any greater one: how a count reads when more pages are unread."""
        return cls(_fraction(number), None)

    @classmethod
    def between(cls, least: int, most: int) -> Interval:
        """From one whole number to another, such as days of which only the month is known."""
        return _EXACTLY[least] if least == most else cls(_WHOLE[least], _WHOLE[most])

    @property
    def number(self) -> Fraction | None:
        """The number itself when it is exact, else None."""
        lo = self.lo
        return lo if lo is self.hi or (lo is not None and lo == self.hi) else None

    def compare(self, op: Comparison, threshold: Fraction) -> Truth:
        """Whether every, no, or only some number of the interval stands so to the threshold."""
        if op == "gt":
            return self._above(threshold, strict=True)
        if op == "gte":
            return self._above(threshold, strict=False)
        if op == "lt":
            return _negate(self._above(threshold, strict=False))
        if op == "lte":
            return _negate(self._above(threshold, strict=True))
        return self._equals(threshold)

    def _above(self, threshold: Fraction, *, strict: bool) -> Truth:
        """Greater than the threshold (or equal to it when not strict)."""
        lo, hi = self.lo, self.hi
        apart = 0
        if lo is not None:
            apart = _apart(lo, threshold)
            if apart > 0 or (apart == 0 and (self.lo_open or not strict)):
                return True
        if hi is not None:
            apart = apart if hi is lo else _apart(hi, threshold)
            if apart < 0 or (apart == 0 and (self.hi_open or strict)):
                return False
        return None

    def _equals(self, threshold: Fraction) -> Truth:
        if self.number is not None:
            return self.number == threshold
        at_least = self._above(threshold, strict=False)
        above = self._above(threshold, strict=True)
        return False if at_least is False or above is True else None

    def scaled(self, factor: Fraction | Decimal | int) -> Interval:
        """The interval in another unit; the factor is positive."""
        times, lo, hi = _fraction(factor), self.lo, self.hi
        low = None if lo is None else lo * times
        if hi is lo:
            return Interval(low, low, self.lo_open, self.hi_open)
        return Interval(low, None if hi is None else hi * times, self.lo_open, self.hi_open)

    def per(self, divisor: Interval) -> Interval:
        """The quotient of two non-negative intervals, for example a result as multiples of ULN.

        Raises:
            ValueError: when the divisor can be zero or less.
        """
        if divisor.lo is None or divisor.lo.numerator <= 0:
            raise ValueError("a divisor must be above zero")
        hi = None if self.hi is None else _quotient(self.hi, divisor.lo)
        if self.lo is self.hi and divisor.lo is divisor.hi:
            lo = hi
        else:
            lo = None if self.lo is None else _WHOLE[0]
            if self.lo is not None and divisor.hi:
                lo = _quotient(self.lo, divisor.hi)
        return Interval(
            lo,
            hi,
            self.lo_open or (divisor.hi_open and self.lo != 0),
            self.hi_open or divisor.lo_open,
        )


def _apart(one: Fraction, other: Fraction) -> int:
    """Above zero when one is the greater, zero when they are equal.

    Cross-multiplied as fractions compare, without asking first what it is that is compared.
    """
    above, below = one.as_integer_ratio()
    others_above, others_below = other.as_integer_ratio()
    return above * others_below - others_above * below


def _quotient(one: Fraction, other: Fraction) -> Fraction:
    above, below = one.as_integer_ratio()
    others_above, others_below = other.as_integer_ratio()
    return Fraction(above * others_below, below * others_above)


class _Whole(dict[int, Fraction]):
    """Whole numbers as fractions: counts and days are made once, others when asked for."""

    def __missing__(self, number: int) -> Fraction:
        return Fraction(number)


_WHOLE = _Whole((number, Fraction(number)) for number in range(400))


class _Exactly(dict[int, Interval]):
    """Intervals of one whole number, made once like the number."""

    def __missing__(self, number: int) -> Interval:
        value = _WHOLE[number]
        return Interval(value, value)


_EXACTLY = _Exactly((number, Interval(value, value)) for number, value in _WHOLE.items())


def _fraction(number: Fraction | Decimal | int) -> Fraction:
    if isinstance(number, int):
        return _WHOLE[number]
    return number if isinstance(number, Fraction) else Fraction(number)


def _negate(truth: Truth) -> Truth:
    return None if truth is None else not truth
