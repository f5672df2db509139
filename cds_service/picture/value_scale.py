"""From values to places on the paper: by even steps, or by factors where they lie far apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from cds_service.facts.derive.numbers import plain
from cds_service.facts.interval import Interval

_FACTORS_FROM = 6
"""Values more than so many times the lowest limit are drawn by factors."""
_MOST_TICKS = 5
_LEAST = Fraction(1, 1000)
_LONG = 6


class ValueScale:
    """Values between the bottom and the top of a panel; what lies outside is put on its edge."""

    def __init__(
        self,
        values: Iterable[Interval],
        limits: Iterable[Fraction],
        edges: tuple[int, int],
        *,
        from_zero: bool = True,
    ) -> None:
        """Take the ``edges`` as bottom and top; without ``from_zero`` the axis begins nearby."""
        self._bottom, self._top = edges
        lines = sorted(limits)
        ends = [end for value in values for end in (value.lo, value.hi) if end is not None]
        highest = max((*ends, *lines), default=Fraction(1))
        self.by_factors = bool(
            from_zero and lines and lines[0] > 0 and highest > _FACTORS_FROM * lines[0]
        )
        if self.by_factors:
            above_zero = [end for end in ends if end > 0]
            least = min((*above_zero, lines[0] / 2))
            self._low = max(least, lines[0] * _LEAST) * Fraction(4, 5)
            self._high = highest * Fraction(5, 4)
        elif from_zero:
            self._low, self._high = Fraction(0), max(highest * Fraction(11, 10), _LEAST)
        else:
            lowest = min((*ends, *lines), default=Fraction(0))
            room = max((highest - lowest) / 8, Fraction(10))
            self._low, self._high = lowest - room, highest + room

    def y(self, value: Fraction) -> Fraction:
        """The place of a value."""
        kept = min(max(value, self._low), self._high)
        if self.by_factors:
            part = _ln(kept / self._low) / _ln(self._high / self._low)
        else:
            part = (kept - self._low) / (self._high - self._low)
        return self._bottom + (self._top - self._bottom) * part

    def holds(self, value: Fraction) -> bool:
        """Whether a value has a place of its own, not only the edge."""
        return self._low <= value <= self._high

    def ticks(self) -> tuple[tuple[Fraction, str], ...]:
        """Round values with their words, from the lowest."""
        found = self._factors() if self.by_factors else self._even()
        return tuple((value, tick_words(value)) for value in found)

    def _even(self) -> Iterator[Fraction]:
        step = _round_step((self._high - self._low) / (_MOST_TICKS - 1))
        at = -(-self._low // step) * step
        while at <= self._high:
            yield at
            at += step

    def _factors(self) -> Iterator[Fraction]:
        power = _power(self._low)
        decades = _power(self._high) - power + 1
        parts = (1, 2, 5) if decades <= 2 else (1,)
        every = max(1, -(-decades // _MOST_TICKS))
        for exponent in range(power, power + decades + 1, every):
            for part in parts:
                value = part * Fraction(10) ** exponent
                if self.holds(value):
                    yield value


def tick_words(value: Fraction) -> str:
    """A round value: ``0.5``, ``200``, ``1e12``."""
    text = plain(value) if value >= Fraction(1, 100) or value <= 0 else ""
    if text and len(text) <= _LONG:
        return text
    power = _power(abs(value))
    return f"{plain(value / Fraction(10) ** power)}e{power}"


def _round_step(about: Fraction) -> Fraction:
    """The round number (1, 2 or 5 of some power of ten) not below the one given."""
    power = Fraction(10) ** _power(about)
    return next((part * power for part in (1, 2, 5) if part * power >= about), 10 * power)


def _power(value: Fraction) -> int:
    """The exponent of the power of ten at or below a positive value."""
    power = len(str(value.numerator)) - len(str(value.denominator))
    return power if Fraction(10) ** power <= value else power - 1


def _ln(value: Fraction) -> Fraction:
    """The natural logarithm, near enough for a place on paper and the same on every machine."""
    return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).ln())
