"""The latest result of an analyte, and every result that may be as late and worse.

* The newest usable final result counts. A newer preliminary one is read beside it: it may raise a
  card but never clear one. A final of about the same time with another value is read too, and the
  worse speaks.
* A newer result that cannot be used, an unread page, a failed search are gaps: what is normal
  among the rest proves nothing then.
* Nothing in the window is a gap as well, and it says what there is instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction

from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.course import Dose
from cds_service.facts.derive import when
from cds_service.facts.derive.numbers import rounded, times_text
from cds_service.facts.derive.transplant import graft_day
from cds_service.facts.derive.view import View, days, slug, slugs
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import LabResult, Measured, Moment
from cds_service.facts.quantity import normal_unit
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import OBSERVATIONS

SAME_TIME = timedelta(hours=1)
"""Two results so close together contradict each other rather than show a change (INO-DATA-03)."""

ROUNDING = Fraction(1, 100)
"""One value printed in two units may differ so much (terminology notes, section 7.1)."""

STALE = timedelta(hours=72)
"""A result older than this is used, but its age is printed (catalogue, lab window)."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which results count: not older than, later than the last dose, earlier than the graft.

    A dose we know nothing of (``dose_gaps``) may be later than a result that looks late enough.
    """

    within: timedelta | None = None
    after: Dose | None = None
    before: Moment | None = None
    dose_gaps: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class Usable:
    """A result that has a number and a date."""

    result: LabResult
    value: Measured
    when: Moment

    @classmethod
    def of(cls, result: LabResult) -> Usable | None:
        """The result if it is usable."""
        if result.value is None or result.when is None:
            return None
        return cls(result, result.value, result.when)


@dataclass(frozen=True, slots=True)
class Found:
    """The results to be judged, newest final first, and why they may not be everything.

    ``nothing_usable`` is set when every search was answered and no usable result is in the window.
    """

    results: tuple[Usable, ...]
    gaps: tuple[Unknown, ...]
    nothing_usable: bool = False


def answer(question: Question, view: View) -> Answer:
    """A reading per result to be judged, of every analyte asked for."""
    window = window_of(question, view)
    found = [find(view, analyte, window) for analyte in slugs(question, "analyte")]
    readings = tuple(_reading(view, result) for each in found for result in each.results)
    return Answer(question, readings, tuple(gap for each in found for gap in each.gaps))


def window_of(question: Question, view: View) -> Window:
    """The window a question about results asks for."""
    substance = slug(question, "after_dose_of")
    what = f"whether {view.name(substance)} was given"
    within = days(question, "within")
    return Window(
        within=within,
        after=view.doses(substance).last if substance else None,
        before=graft_day(view, within) if question.get("before_transplant") is True else None,
        dose_gaps=view.dose_gaps(substance, what) if substance else (),
    )


def find(view: View, analyte: str, window: Window) -> Found:
    """The results of one analyte to be judged."""
    return find_among(view, view.labs(analyte), view.name(analyte), (analyte,), window)


def find_one_of(view: View, analytes: Iterable[str], window: Window) -> Found:
    """The results of analytes of which any one will do, such as ionised calcium for calcium."""
    found = [find(view, analyte, window) for analyte in analytes]
    there = [each for each in found if not each.nothing_usable]
    if not there:
        return found[0]
    results = tuple(result for each in there for result in each.results)
    return Found(results, tuple(gap for each in there for gap in each.gaps))


def find_among(
    view: View, among: list[LabResult], name: str, concerns: Iterable[str], window: Window
) -> Found:
    """The results to be judged of those that measure one thing, whatever their analytes."""
    now = view.chart.now
    usable: list[Usable] = []
    doubts: list[tuple[LabResult, Unknown]] = []
    for result in among:
        doubt = _doubt(result, name, window, now)
        if doubt:
            doubts.append((result, doubt))
        elif (one := Usable.of(result)) and _fits(one.when, window, now):
            usable.append(one)
    finals = [each for each in usable if each.result.status == "final"]
    newest = max(finals, key=lambda each: recency(each, now), default=None)
    results = tuple(_beside(newest, usable, now))
    gaps = (
        *view.gaps((OBSERVATIONS,), name, concerns),
        *(doubt for result, doubt in doubts if _may_be_newer(result, newest, now)),
    )
    if newest:
        return Found(results, (*gaps, *window.dose_gaps))
    if results:
        return Found(results, (*gaps, *window.dose_gaps, *_only_preliminary(name, results)))
    if gaps:
        is_empty = all(gap.reason is Reason.NOT_RECORDED for gap in gaps)
        return Found((), gaps, nothing_usable=is_empty)
    return Found((), (_nothing(view, among, name, window),), nothing_usable=True)


def _doubt(result: LabResult, name: str, window: Window, now: datetime) -> Unknown | None:
    """Why a result that may belong to the window cannot be used, if so."""
    reference = result.source.reference
    if result.when is None:
        return Unknown(name, Reason.NO_DATE, "a result without a date", reference)
    if when.is_ahead(result.when, now):
        return Unknown(name, Reason.CONFLICT, f"a result dated ahead, {result.when}", reference)
    fits = _fits(result.when, window, now)
    if fits is None:
        return Unknown(name, Reason.NO_DATE, f"a result of {result.when}", reference)
    if fits and result.value is None:
        problem = result.problem or Unknown(name, Reason.UNREADABLE)
        detail = problem.detail or f"the result of {result.when}"
        return replace(problem, what=name, detail=detail, reference=reference)
    return None


def _fits(moment: Moment, window: Window, now: datetime) -> Truth:
    """Whether a moment lies in the window; None when its date is too vague to tell."""
    truths = (
        when.is_within(moment, now, window.within),
        when.is_after_dose(moment, window.after) if window.after else True,
        when.is_before(moment, window.before) if window.before else True,
    )
    if False in truths:
        return False
    return None if None in truths else True


def recency(one: Usable, now: datetime) -> tuple[datetime, datetime]:
    """By effective time, then by time of issue."""
    long_ago = datetime.min.replace(tzinfo=now.tzinfo)
    return when.span(one.when, now.tzinfo)[1], one.result.issued or long_ago


def _may_be_newer(result: LabResult, newest: Usable | None, now: datetime) -> bool:
    """Whether a result that cannot be used may be later than the newest usable one."""
    if newest is None:
        return True
    latest = when.span(newest.when, now.tzinfo)[1]
    if result.when is None:
        return result.issued is None or result.issued > latest
    return when.span(result.when, now.tzinfo)[1] >= latest


def _beside(newest: Usable | None, usable: Iterable[Usable], now: datetime) -> Iterator[Usable]:
    """The newest final, finals that contradict it, and preliminary results that are newer."""
    if newest:
        yield newest
    for one in usable:
        if one.result.status == "preliminary":
            if newest is None or recency(one, now) > recency(newest, now):
                yield one
        elif newest and one is not newest and contradict(newest, one, SAME_TIME, now):
            yield one


def contradict(newer: Usable, older: Usable, apart: timedelta, now: datetime) -> bool:
    """Whether two results of one analyte are of about the same time and differ.

    Of two results of one day without a time, the one issued later corrects the other.
    """
    if _same_value(newer, older):
        return False
    if newer.when.at or older.when.at:
        earliest = when.span(newer.when, now.tzinfo)[0]
        return when.span(older.when, now.tzinfo)[1] >= earliest - apart
    issued = newer.result.issued, older.result.issued
    corrected = None not in issued and issued[0] != issued[1]
    return newer.when == older.when and not corrected


def _same_value(one: Usable, other: Usable) -> bool:
    """Equal; in two units, as near as rounding allows."""
    if one.value.unit == other.value.unit:
        return one.value.value == other.value.value
    mine, theirs = one.result.canonical, other.result.canonical
    if mine is None or theirs is None:
        return False
    if mine.number is None or theirs.number is None:
        return mine == theirs
    return abs(mine.number - theirs.number) <= ROUNDING * max(mine.number, theirs.number)


def _only_preliminary(name: str, results: tuple[Usable, ...]) -> Iterator[Unknown]:
    for one in results:
        reference = one.result.source.reference
        yield Unknown(name, Reason.PRELIMINARY, f"result of {one.when}", reference)


def _nothing(view: View, among: Iterable[LabResult], name: str, window: Window) -> Unknown:
    """No usable result in the window, and what there is instead."""
    now = view.chart.now
    dates = [each.when for each in among if each.when and each.value is not None]
    recent = [each for each in dates if when.is_within(each, now, window.within)]
    if recent and window.after:
        return Unknown(name, Reason.NOT_FOUND, f"none since the dose of {window.after.day}")
    if recent and window.before:
        return Unknown(name, Reason.NOT_FOUND, f"none before the transplant of {window.before}")
    if dates and window.within is not None:
        latest: date = max(each.last for each in dates)
        return Unknown(name, Reason.TOO_OLD, f"latest {latest}")
    period = "" if window.within is None else f"none in the last {days_text(window.within)}"
    return Unknown(name, Reason.NOT_FOUND, period)


def days_text(period: timedelta) -> str:
    """``7 days``, ``1 day``."""
    return f"{period.days} day{'' if period.days == 1 else 's'}"


def _reading(view: View, one: Usable) -> Reading:
    name = view.name(one.result.analyte)
    times = times_uln(one, name)
    fields: dict[str, Value] = {
        "times_uln": times,
        "value": one.result.canonical or _no_unit(one, name),
        "days_ago": when.days_before(one.when, view.chart.now),
    }
    return Reading(fields, _shown(view, one, times), (one.result.source,))


def times_uln(one: Usable, name: str) -> Interval | Unknown:
    """The result as a multiple of its limit, which is in the same unit or is no limit.

    Against a limit that was converted, what is within rounding of it counts as above it.
    """
    uln = one.result.uln
    if uln and one.value.unit == uln.unit and uln.value.lo is not None and uln.value.lo > 0:
        limit = uln.value.scaled(1 - ROUNDING) if _was_converted(uln) else uln.value
        return one.value.value.per(limit)
    note = f", {one.result.uln_note}" if one.result.uln_note else ""
    detail = f"result of {one.when}{note}"
    return Unknown(name, Reason.NO_LIMIT, detail, one.result.source.reference)


def _no_unit(one: Usable, name: str) -> Unknown:
    unit = f"in {one.value.unit}" if one.value.unit else "without a unit"
    detail = f"result of {one.when} {unit}"
    return Unknown(name, Reason.UNIT, detail, one.result.source.reference)


def _shown(view: View, one: Usable, times: Interval | Unknown) -> dict[str, object]:
    result = one.result
    printed, _, unit = one.value.printed.partition(" ")
    return {
        "name": view.name(result.analyte),
        "text": one.value.printed,
        "value": printed,
        "unit": unit,
        "date": str(one.when),
        "uln": _limit_text(result.uln) if result.uln else "",
        "times": times_text(_printed_times(one, times)) if isinstance(times, Interval) else "",
        "uln_from": "".join(f", {part}" for part in _about_limit(result) if part),
        "status": "" if result.status == "final" else result.status,
        "age": when.age(one.when, view.chart.now, STALE),
    }


def _printed_times(one: Usable, times: Interval) -> Interval:
    """The multiple as it is, before the allowance for rounding."""
    uln = one.result.uln
    return times.scaled(1 - ROUNDING) if uln and _was_converted(uln) else times


def _about_limit(result: LabResult) -> tuple[str, ...]:
    rounding = "borderline within 1 % counts as above" if _was_converted(result.uln) else ""
    return result.uln_from, result.uln_note, rounding


def _was_converted(uln: Measured | None) -> bool:
    """Whether the one limit given was printed in another unit than the result's."""
    unit = uln.printed.partition(" ")[2] if uln and uln.value.number is not None else ""
    return bool(uln and unit and normal_unit(unit) != uln.unit)


def _limit_text(uln: Measured) -> str:
    """The limit in the unit of the result, even when the range was printed in another."""
    _, _, unit = uln.printed.partition(" ")
    if not unit:
        return f"{uln.printed} {uln.unit}".strip()
    if not _was_converted(uln) or uln.value.number is None:
        return uln.printed
    return f"{rounded(uln.value.number)} {uln.unit}"
