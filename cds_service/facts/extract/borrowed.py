"""Limits for results that came without any (terminology notes, section 7.1, item 3)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Protocol

from cds_service.facts.extract.limits import Limits
from cds_service.facts.interval import Interval
from cds_service.facts.model import Measured, Moment, Patient
from cds_service.facts.quantity import converted

LENDING = timedelta(days=90)
"""How far apart two results of one laboratory may lie for one to lend the other its range."""

ADULT = 18

# Published upper limits of total bilirubin in adults differ; between the two ends we do not know.
_BANDS = {
    "mg/dL": Measured(Interval(Fraction("1.0"), Fraction("1.3")), "mg/dL", "1.0 to 1.3 mg/dL"),
    "umol/L": Measured(Interval(Fraction(17), Fraction(22)), "umol/L", "17 to 22 umol/L"),
}


class _Lender(Protocol):
    """A result that may lend its limits, or borrow another's; ``own`` are those it came with."""

    @property
    def analyte(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def performer(self) -> str: ...
    @property
    def when(self) -> Moment | None: ...
    @property
    def own(self) -> Limits: ...


class _Shelf:
    """The results of one code and one laboratory that have limits: of each day the newest."""

    def __init__(self) -> None:
        self._newest: dict[date, tuple[tuple[int, float, int], _Lender]] = {}
        self._days: list[date] = []

    def put(self, lender: _Lender, when: Moment, place: int) -> None:
        # Of two equally new ones the first of the chart counts.
        key = (when.last.toordinal(), when.at.timestamp() if when.at else 0.0, -place)
        known = self._newest.get(when.first)
        if known is None or known[0] < key:
            self._newest[when.first] = key, lender

    def sort(self) -> None:
        self._days = sorted(self._newest)

    def newest_near(self, day: date) -> _Lender | None:
        """Of those within the lending time; there are no more days than that has."""
        first = bisect_left(self._days, _moved(day, -LENDING))
        last = bisect_right(self._days, _moved(day, LENDING))
        near = (self._newest[each] for each in self._days[first:last])
        return max(near, key=lambda found: found[0], default=(None, None))[1]


def _moved(day: date, by: timedelta) -> date:
    """A day earlier or later, or the end of the calendar."""
    try:
        return day + by
    except OverflowError:
        return date.min if by < timedelta(0) else date.max


class Lenders:
    """All results of a chart, for those among them that came without limits.

    Nothing is looked at before one asks. Then each of the ``results`` of its analyte is read, once.
    """

    def __init__(self) -> None:
        """Start without results; all are added before one asks."""
        self.results: list[tuple[str, Callable[[], _Lender]]] = []
        self._shelves: dict[str, Mapping[tuple[str, str], _Shelf]] = {}

    def limits_for(self, result: _Lender, amount: Measured, patient: Patient) -> Limits:
        """The limits of a result with this value that has no upper one of its own.

        That of the newest result with the same code and performer within 90 days; else, for the
        total bilirubin of an adult, a band. No band for anything or anybody else.
        """
        own, lender = result.own, self._newest_near(result)
        if lender is not None and (uln := _in_unit_of(amount, lender.own.uln, result)) is not None:
            lln = own.lln or _in_unit_of(amount, lender.own.lln, result)
            return Limits(uln, lln, own.note, f"range of {lender.when}")
        band = _BANDS.get(amount.unit)
        if band and result.analyte == "total-bilirubin" and _is_adult(patient, result.when):
            usual = "usual adult limits, none came with the result"
            return Limits(band, own.lln, own.note, usual)
        return own

    def _newest_near(self, result: _Lender) -> _Lender | None:
        when = result.when
        if result.performer == "" or when is None:
            return None
        if result.analyte not in self._shelves:
            same = (read() for analyte, read in self.results if analyte == result.analyte)
            self._shelves[result.analyte] = _shelves(same)
        shelf = self._shelves[result.analyte].get((result.code, result.performer))
        return shelf.newest_near(when.first) if shelf else None


def _shelves(results: Iterable[_Lender]) -> Mapping[tuple[str, str], _Shelf]:
    shelves: dict[tuple[str, str], _Shelf] = defaultdict(_Shelf)
    for place, each in enumerate(results):
        if each.own.uln is not None and (when := each.when) is not None:
            shelves[each.code, each.performer].put(each, when, place)
    for shelf in shelves.values():
        shelf.sort()
    return shelves


def _in_unit_of(amount: Measured, limit: Measured | None, result: _Lender) -> Measured | None:
    return None if limit is None else converted(result.analyte, limit, amount.unit)


def _is_adult(patient: Patient, when: Moment | None) -> bool:
    if patient.birth is None or when is None:
        return False
    years = when.first.year - patient.birth.last.year
    had_birthday = (when.first.month, when.first.day) >= (
        patient.birth.last.month,
        patient.birth.last.day,
    )
    return years - (not had_birthday) >= ADULT
