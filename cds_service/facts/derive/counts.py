"""Blood counts at the days that matter for a cycle: now, at the start of a cycle, before the first.

A count of the day of a dose is taken to have been drawn before the dose, unless both times are
recorded and say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

from cds_service.facts.answers import Question
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.course import Dose
from cds_service.facts.derive.lab import Window, find, recency, results_of
from cds_service.facts.derive.results import Usable
from cds_service.facts.derive.transfused import NOT_ASKED, Transfusion, Transfusions
from cds_service.facts.derive.truths import Flag, either
from cds_service.facts.derive.view import View
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import LabResult, Moment
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import OBSERVATIONS


@cheap_dataclass(frozen=True, slots=True)
class Count:
    """One result of an analyte with what it may be without the transfusion it depends on."""

    name: str
    one: Usable
    value: Interval | Unknown
    transfusion: Transfusion | None = None

    @property
    def day(self) -> str:
        """The day it was measured."""
        return str(self.one.when)

    @property
    def text(self) -> str:
        """As the laboratory printed it."""
        return self.one.value.printed

    def below(self, limit: Fraction) -> Truth:
        """Whether it is below a limit; None when that cannot be told."""
        return None if isinstance(self.value, Unknown) else self.value.compare("lt", limit)

    def below_count(self, other: Interval) -> Truth:
        """Whether it is below another count; None when that cannot be told."""
        if isinstance(self.value, Unknown):
            return None
        mine, theirs = self.value, other
        if mine.hi is not None and theirs.lo is not None and mine.hi < theirs.lo:
            return True
        certain = mine.lo is not None and theirs.hi is not None and mine.lo >= theirs.hi
        return False if certain else None


@cheap_dataclass(frozen=True, slots=True)
class Latest:
    """The counts to be judged now, and why they may not be everything."""

    name: str
    counts: tuple[Count, ...]
    gaps: tuple[Unknown, ...]

    def below(self, limit: Fraction) -> Flag:
        """Whether one is below a limit: the worst speaks, and gaps keep the others from it."""
        return self._judged(tuple(each.below(limit) for each in self.counts))

    def below_count(self, other: Count | Unknown) -> Flag:
        """Whether one is below an earlier count."""
        if isinstance(other, Unknown):
            return other
        value = other.value
        if isinstance(value, Unknown):
            return value
        return self._judged(tuple(each.below_count(value) for each in self.counts))

    def _judged(self, truths: tuple[Truth, ...]) -> Flag:
        if True in truths:
            return True
        if self.gaps:
            return self.gaps[0]
        vague = Unknown(self.name, Reason.AMBIGUOUS, self.counts[0].text if self.counts else "")
        return either(vague if each is None else each for each in truths)


def latest(view: View, analyte: str, window: Window, given: Transfusions) -> Latest:
    """The latest count, with every result that may be as late and worse."""
    key = ("latest count", analyte, window, id(given))
    return view.once(key, lambda: _latest(view, analyte, window, given))


def _latest(view: View, analyte: str, window: Window, given: Transfusions) -> Latest:
    found = find(view, analyte, window)
    counts = tuple(counted(view, each, given) for each in found.results)
    gaps = dict.fromkeys((*found.gaps, *given.gaps, *_because_of(counts)))
    return Latest(view.name(analyte), counts, tuple(gaps))


def counted(view: View, one: Usable, given: Transfusions = NOT_ASKED) -> Count:
    """A result as a count; after a transfusion it is at most what was measured."""
    name = view.name(one.result.analyte)
    value: Interval | Unknown = one.result.canonical or Unknown(
        name, Reason.UNIT, f"result of {one.when}", one.result.source.reference
    )
    transfusion = given.before(one.when, view)
    if transfusion and isinstance(value, Interval):
        value = Interval(Fraction(0), value.hi, hi_open=value.hi_open)
    return Count(name, one, value, transfusion)


def _because_of(counts: tuple[Count, ...]) -> Iterator[Unknown]:
    for count in counts:
        if count.transfusion:
            yield without_transfusion(count.name, count.transfusion)


def without_transfusion(name: str, transfusion: Transfusion) -> Unknown:
    """What is not known of a count measured soon after a transfusion."""
    what = f"{name} without transfusion"
    detail = f"transfused {transfusion.when}"
    return Unknown(what, Reason.NOT_FOUND, detail, transfusion.source.reference)


def before_dose(
    view: View, analyte: str, dose: Dose, within: timedelta | None = None
) -> Count | Unknown:
    """The last count before a dose, not older than ``within`` by then."""
    key = ("count before", analyte, dose.day, dose.at, within)
    return view.once(key, lambda: _before_dose(view, analyte, dose, within))


def _before_dose(view: View, analyte: str, dose: Dose, within: timedelta | None) -> Count | Unknown:
    name = view.name(analyte)
    gaps = view.gaps((OBSERVATIONS,), name, (analyte,))
    candidates, doubts = [], []
    for result in view.labs(analyte):
        one = Usable.of(result)
        belongs = _belongs(result.when, dose, within)
        if belongs and one and result.status == "final":
            candidates.append(one)
        elif belongs is None or (belongs and one is None):
            doubts.append(result)
    newest = max(candidates, key=lambda each: recency(each, view.now), default=None)
    for result in doubts:
        if newest is None or _may_be_later(result, newest):
            detail = f"one of {result.when} cannot be used" if result.when else "one without a date"
            return Unknown(name, Reason.UNREADABLE, detail, result.source.reference)
    if newest:
        return counted(view, newest)
    period = "" if within is None else f"in the {within.days} days "
    return gaps[0] if gaps else Unknown(name, Reason.NOT_FOUND, f"none {period}before {dose.day}")


def _belongs(moment: Moment | None, dose: Dose, within: timedelta | None) -> Truth:
    """Whether a result is of the time before a dose; None when its date is too vague to tell."""
    if moment is None:
        return None
    since: date | None = None if within is None else dose.day - within
    if moment.first > dose.day or (since and moment.last < since):
        return False
    if moment.at and dose.at:
        return moment.at <= dose.at and (since is None or moment.first >= since)
    return True if moment.last <= dose.day and (since is None or moment.first >= since) else None


def _may_be_later(result: LabResult, newest: Usable) -> bool:
    return result.when is None or result.when.last >= newest.when.first


def since_day(view: View, analyte: str, day: date, given: Transfusions) -> tuple[Count, ...]:
    """Every usable final count from a day on, and the last one before it, newest first."""
    usable = [
        one
        for each in results_of(view, analyte).newest_first
        if each.result.status == "final" and (one := Usable.of(each.result))
    ]
    later = [each for each in usable if each.when.first >= day]
    earlier = [each for each in usable if each.when.first < day][:1]
    return tuple(counted(view, each, given) for each in (*later, *earlier))


def limit_of(question: Question, selector: str) -> Fraction:
    """A limit the question gives; the lint sees to it that it is there."""
    value = question.get(selector)
    return value if isinstance(value, Fraction) else Fraction(0)
