"""From days to places on the paper. Long stretches without anything are cut short, and said so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_CUT_FROM = 28
"""Days; a shorter stretch is never cut."""
_CUT_TO = Fraction(1, 7)
"""What a cut stretch takes, as a part of all the rest."""
_MARGIN = Fraction(1, 30)
_DAY_STEPS = (1, 2, 7, 14, 28)
_MONTH_STEPS = (2, 3, 6)
_YEAR_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch without anything between two places: how many days it leaves out."""

    begin: Fraction
    end: Fraction
    days: int

    @property
    def words(self) -> str:
        """``10 weeks``, ``22 months``, ``3 years``."""
        for unit, length, most in (("weeks", 7, 14), ("months", 30, 24), ("years", 365, 99999)):
            if self.days // length <= most:
                return f"{self.days // length} {unit}"
        return f"{self.days} days"


@dataclass(frozen=True, slots=True)
class Tick:
    """A day that is named under the axis."""

    day: date
    x: Fraction
    names_year: bool

    @property
    def words(self) -> str:
        """``22 Nov``."""
        return f"{self.day.day} {MONTHS[self.day.month - 1]}"


class TimeScale:
    """Days from the first to the last of what is drawn, between two places of the paper."""

    def __init__(self, days: Iterable[date], today: date, left: int, right: int) -> None:
        """Take the days, with today among them, and the edges of the plot."""
        self._today = today
        known = sorted({*days, today})
        self._runs = tuple(_runs(known, _cut_gaps(known)))
        lengths = [_length(run) * _stretch(run, self._runs, today) for run in self._runs]
        shown = sum(lengths, Fraction(0))
        # A single day still gets some room, so that nothing is divided by nothing.
        cut = max(shown * _CUT_TO, Fraction(2))
        cuts = cut * (len(self._runs) - 1)
        total = max(shown + cuts, Fraction(2))
        margin = (right - left) * _MARGIN
        unit = (right - left - 2 * margin) / total
        self._starts: list[Fraction] = []
        self._units: list[Fraction] = []
        at = left + margin + (total - shown - cuts) * unit / 2
        for run, length in zip(self._runs, lengths, strict=True):
            self._starts.append(at)
            self._units.append(length * unit / _length(run) if _length(run) else unit)
            at += (length + cut) * unit

    def x(self, day: date) -> Fraction:
        """The place of a day; one within a cut is put at its end."""
        runs = zip(self._runs, self._starts, self._units, strict=True)
        for (first, last), start, unit in runs:
            if day <= last:
                return start + max((day - first).days, 0) * unit
        return start + _length((first, last)) * unit

    @property
    def now(self) -> Fraction:
        """The place of today."""
        return self.x(self._today)

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """The stretches that were cut short, from left to right."""
        ends = pairwise(self._runs)
        return tuple(
            Cut(self.x(one[1]), self.x(other[0]), (other[0] - one[1]).days) for one, other in ends
        )

    def ticks(self, gap: int, today: date) -> tuple[Tick, ...]:
        """Days to name, at least ``gap`` apart; today is always among them."""
        kept = [today]
        for day in (*self._ends(), *self._regular(gap, today)):
            if all(abs(self.x(day) - self.x(other)) >= gap for other in kept):
                kept.append(day)
        ticks = []
        year = 0
        for day in sorted(kept):
            ticks.append(Tick(day, self.x(day), day.year != year))
            year = day.year
        return tuple(ticks)

    def _ends(self) -> Iterator[date]:
        """Where something begins after a cut, and the days that stand alone."""
        for number, (first, last) in enumerate(self._runs):
            if first == last or number:
                yield first

    def _regular(self, gap: int, today: date) -> Iterator[date]:
        for first, last in self._runs:
            room = (self.x(last) - self.x(first)) // gap
            yield from _steps(first, last, int(room), today)


def _length(run: tuple[date, date]) -> Fraction:
    return Fraction((run[1] - run[0]).days)


def _stretch(run: tuple[date, date], runs: tuple[tuple[date, date], ...], today: date) -> Fraction:
    """What runs up to today is drawn larger when what lies apart from it would push it aside."""
    length = _length(run)
    if not run[0] <= today <= run[1] or not length:
        return Fraction(1)
    others = sum(map(_length, runs), Fraction(0)) - length
    return max(Fraction(1), others / length / 2)


def _cut_gaps(days: list[date]) -> frozenset[date]:
    """The days after which a stretch is cut: each longer than half of all that is left."""
    gaps = sorted((((later - day).days, day) for day, later in pairwise(days)), reverse=True)
    rest = sum(length for length, _ in gaps)
    cut = set()
    for length, day in gaps:
        rest -= length
        if length <= _CUT_FROM or length * 2 <= rest:
            break
        cut.add(day)
    return frozenset(cut)


def _runs(days: list[date], cut: frozenset[date]) -> Iterator[tuple[date, date]]:
    first = days[0]
    for day, later in pairwise(days):
        if day in cut:
            yield first, day
            first = later
    yield first, days[-1]


def _steps(first: date, last: date, room: int, today: date) -> Iterator[date]:
    """Evenly spread days: so many days from today, else first days of months or years."""
    length = (last - first).days
    if room < 1:
        return
    for step in _DAY_STEPS:
        if length <= step * room:
            begin = first + timedelta((today - first).days % step)
            yield from (begin + timedelta(each) for each in range(0, (last - begin).days + 1, step))
            return
    for months in _MONTH_STEPS:
        if length <= months * 30 * room:
            yield from _month_starts(first, last, months)
            return
    step = next((years for years in _YEAR_STEPS if length <= years * 365 * room), 10_000)
    yield from (date(year, 1, 1) for year in range(first.year + 1, last.year + 1, step))


def _month_starts(first: date, last: date, step: int) -> Iterator[date]:
    for month in range(first.year * 12 + first.month, last.year * 12 + last.month):
        if month % step == 0:
            yield date(month // 12, month % 12 + 1, 1)
