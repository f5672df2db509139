"""Numbers as far as they are known: exact, or somewhere between two bounds.

A laboratory that prints ``< 0.2`` or a patient whose ULN lies in a band gives an interval.
A comparison with a threshold then has three answers: yes, no, or it depends (``None``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

Truth = bool | None
"""Three-valued truth: ``None`` is "cannot be known", never "no"."""

Comparison = Literal["gt", "gte", "lt", "lte", "eq"]


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers from ``lo`` to ``hi``; a bound of None is infinite, an open bound is left out."""

    lo: Fraction | None
    hi: Fraction | None
    lo_open: bool = False
    hi_open: bool = False

    @classmethod
    def exactly(cls, number: Fraction | Decimal | int) -> Interval:
        """The one number."""
        value = Fraction(number)
        return cls(value, value)

    @classmethod
    def at_least(cls, number: Fraction | Decimal | int) -> Interval:
        """The number or any greater one: how a count reads when more pages are unread."""
        return cls(Fraction(number), None)

    @property
    def number(self) -> Fraction | None:
        """The number itself when it is exact, else None."""
        return self.lo if self.lo is not None and self.lo == self.hi else None

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
        if self.lo is not None and (
            self.lo > threshold or (self.lo == threshold and (self.lo_open or not strict))
        ):
            return True
        if self.hi is not None and (
            self.hi < threshold or (self.hi == threshold and (self.hi_open or strict))
        ):
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
        times = Fraction(factor)
        return Interval(
            None if self.lo is None else self.lo * times,
            None if self.hi is None else self.hi * times,
            self.lo_open,
            self.hi_open,
        )

    def per(self, divisor: Interval) -> Interval:
        """The quotient of two non-negative intervals, for example a result as multiples of ULN.

        Raises:
            ValueError: when the divisor can be zero or less.
        """
        if divisor.lo is None or divisor.lo <= 0:
            raise ValueError("a divisor must be above zero")
        lo = None if self.lo is None else (self.lo / divisor.hi if divisor.hi else Fraction(0))
        hi = None if self.hi is None else self.hi / divisor.lo
        return Interval(
            lo,
            hi,
            self.lo_open or (divisor.hi_open and self.lo != 0),
            self.hi_open or divisor.lo_open,
        )


def _negate(truth: Truth) -> Truth:
    return None if truth is None else not truth
