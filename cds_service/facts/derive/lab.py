"""The latest result of an analyte, and every result that may be as late and worse.

* The newest usable final result counts. A newer preliminary one is read beside it: it may raise a
  card but never clear one. A final of about the same time with another value is read too, and the
  worse speaks.
* A newer result that cannot be used, an unread page, a failed search are gaps: what is normal
  among the rest proves nothing then.
* Nothing in the window is a gap as well, and it says what there is instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.course import Dose
from cds_service.facts.derive import when
from cds_service.facts.derive.numbers import rounded, times_text
from cds_service.facts.derive.results import NOTHING, Placed, Results, Usable
from cds_service.facts.derive.results import recency as placed_recency
from cds_service.facts.derive.transplant import graft_day
from cds_service.facts.derive.view import ASKED, View, days, slug, slugs
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import LabResult, Measured, Moment
from cds_service.facts.quantity import normal_unit
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import OBSERVATIONS
from cds_service.terminology import Terminology

SAME_TIME = timedelta(hours=1)
"""Two results so close together contradict each other rather than show a change (INO-DATA-03)."""

ROUNDING = Fraction(1, 100)
"""One value printed in two units may differ so much (terminology notes, section 7.1)."""

STALE = timedelta(hours=72)
"""A result older than this is used, but its age is printed (catalogue, lab window)."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Which results count: not older than, later than the last dose, earlier than the graft.

    What was found in a window is found once; two windows are the same when they are one object.
    A dose we know nothing of (``dose_gaps``) may be later than a result that looks late enough.
    """

    within: timedelta | None = None
    after: Dose | None = None
    before: Moment | None = None
    dose_gaps: tuple[Unknown, ...] = ()


@cheap_dataclass(frozen=True, slots=True)
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
    told = [_told_of(view, analyte, window) for analyte in slugs(question, "analyte")]
    if len(told) == 1:
        return Answer(question, *told[0])
    readings = tuple(reading for each, _ in told for reading in each)
    return Answer(question, readings, tuple(gap for _, gaps in told for gap in gaps))


def _told_of(
    view: View, analyte: str, window: Window
) -> tuple[tuple[Reading, ...], tuple[Unknown, ...]]:
    """The readings of one analyte, and why they may not be all, whichever question asks."""
    found = find(view, analyte, window)
    return tuple([_reading(view, each) for each in found.results]), found.gaps


def window_of(question: Question, view: View) -> Window:
    """The window a question about results asks for."""
    window, substance, to_graft = _asked(question)
    if not substance and not to_graft:
        return window
    key = ("window", window, substance, to_graft)
    return view.once(key, lambda: _narrowed(window, view, substance, to_graft))


@lru_cache(maxsize=ASKED)
def _asked(question: Question) -> tuple[Window, str, bool]:
    """The period, the drug whose dose it must follow, and whether a graft must follow it."""
    to_graft = question.get("before_transplant") is True
    return period_of(question), slug(question, "after_dose_of"), to_graft


@lru_cache(maxsize=ASKED)
def period_of(question: Question) -> Window:
    """The window of the days a question asks for, and of nothing else."""
    return within(days(question, "within"))


@lru_cache(maxsize=ASKED)
def within(period: timedelta | None) -> Window:
    """The window of a period up to now; the same for the same period."""
    return Window(period)


def _narrowed(window: Window, view: View, substance: str, to_graft: bool) -> Window:
    what = f"whether {view.name(substance)} was given"
    return Window(
        within=window.within,
        after=view.doses(substance).last if substance else None,
        before=graft_day(view, window.within) if to_graft else None,
        dose_gaps=view.dose_gaps(substance, what) if substance else (),
    )


def results_of(view: View, analyte: str) -> Results:
    """The results of one analyte on their time line."""
    results = view.results.get(analyte)
    if results is None:
        every = view.labs(analyte)
        results = view.results[analyte] = Results(every, view.now) if every else NOTHING
    return results


def find(view: View, analyte: str, window: Window) -> Found:
    """The results of one analyte to be judged."""
    if view.sent_whole and analyte not in view.measured:
        return _never_measured(analyte, view.terminology, window.within)
    key = ("found", analyte, window)
    found: Found | None = view.known.get(key)
    if found is None:
        name, results = view.name(analyte), results_of(view, analyte)
        found = view.known[key] = find_among(view, results, name, (analyte,), window)
    return found


def find_one_of(view: View, analytes: Sequence[str], window: Window) -> Found:
    """The results of analytes of which any one will do, such as ionised calcium for calcium."""
    if len(analytes) == 1:
        return find(view, analytes[0], window)
    found = [find(view, analyte, window) for analyte in analytes]
    there = [each for each in found if not each.nothing_usable]
    if not there:
        return found[0]
    results = tuple(result for each in there for result in each.results)
    return Found(results, tuple(gap for each in there for gap in each.gaps))


def find_among(
    view: View, among: Results, name: str, concerns: Iterable[str], window: Window
) -> Found:
    """The results to be judged of those that measure one thing, whatever their analytes."""
    if among is NOTHING and view.sent_whole:
        return _nothing_at_all(name, window.within)
    now = view.now
    newest, fitting, unsure = _looked_through(among, window, now)
    results = _beside(newest, fitting, now)
    gaps = () if view.sent_whole else view.gaps((OBSERVATIONS,), name, concerns)
    if unsure:
        gaps = (*gaps, *_doubts(unsure, newest, name, window, now))
    if newest:
        return Found(results, (*gaps, *window.dose_gaps))
    if results:
        return Found(results, (*gaps, *window.dose_gaps, *_only_preliminary(name, results)))
    if gaps:
        is_empty = all(gap.reason is Reason.NOT_RECORDED for gap in gaps)
        return Found((), gaps, nothing_usable=is_empty)
    return Found((), (_nothing(view, among.every, name, window),), nothing_usable=True)


@lru_cache(maxsize=ASKED)
def _never_measured(analyte: str, terminology: Terminology, within: timedelta | None) -> Found:
    return _nothing_at_all(terminology.display_name(analyte), within)


def _nothing_at_all(name: str, within: timedelta | None) -> Found:
    """Nothing, for certain."""
    return Found((), (_none(name, within),), nothing_usable=True)


_InChart = tuple[int, LabResult]


def _looked_through(
    among: Results, window: Window, now: datetime
) -> tuple[Placed | None, list[Placed], list[_InChart]]:
    """The newest usable final of the window, what else fits it, and what may and cannot be used.

    Looked at is all that may be as late as the newest, or be of about the same time.
    """
    newest: Placed | None = None
    fitting: list[Placed] = []
    unsure = list(among.undated)
    if among.ahead:
        unsure += ((one.place, one.result) for one in among.ahead)
    enough = when.oldest(now, window.within)
    is_plain = window.after is None and window.before is None
    for one in among.newest_first:
        if enough and one.latest < enough:
            break
        fits = (
            when.is_within(one.when, now, window.within)
            if is_plain
            else _fits(one.when, window, now)
        )
        if fits and one.result.value is not None:
            fitting.append(one)
            if newest is None and one.result.status == "final":
                newest, enough = one, one.earliest - SAME_TIME
        elif fits is not False:
            unsure.append((one.place, one.result))
    return newest, fitting, unsure


def _doubts(
    unsure: Iterable[_InChart], newest: Placed | None, name: str, window: Window, now: datetime
) -> Iterator[Unknown]:
    """Why what may be newer than the newest cannot be used, in the order of the chart."""
    for _, result in sorted(unsure, key=_first):
        if _may_be_newer(result, newest, now):
            yield _doubt(result, name, window, now)


def _first(one: _InChart) -> int:
    return one[0]


def _doubt(result: LabResult, name: str, window: Window, now: datetime) -> Unknown:
    """Why a result that may belong to the window cannot be used."""
    reference = result.source.reference
    if result.when is None:
        return Unknown(name, Reason.NO_DATE, "a result without a date", reference)
    if when.is_ahead(result.when, now):
        return Unknown(name, Reason.CONFLICT, f"a result dated ahead, {result.when}", reference)
    if _fits(result.when, window, now) is None:
        return Unknown(name, Reason.NO_DATE, f"a result of {result.when}", reference)
    problem = result.problem or Unknown(name, Reason.UNREADABLE)
    detail = problem.detail or f"the result of {result.when}"
    return replace(problem, what=name, detail=detail, reference=reference)


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


def _may_be_newer(result: LabResult, newest: Placed | None, now: datetime) -> bool:
    """Whether a result that cannot be used may be later than the newest usable one."""
    if newest is None:
        return True
    if result.when is None:
        return result.issued is None or result.issued > newest.latest
    return when.span(result.when, now.tzinfo)[1] >= newest.latest


def _beside(newest: Placed | None, fitting: list[Placed], now: datetime) -> tuple[Usable, ...]:
    """The newest final, finals that contradict it, and preliminary results that are newer.

    The others as the chart has them.
    """
    if newest and len(fitting) == 1 and newest.result.value:
        return (Usable(newest.result, newest.result.value, newest.when),)
    first = Usable.of(newest.result) if newest else None
    others = _others(first, newest, fitting, now)
    return (first, *others) if first else tuple(others)


def _others(
    first: Usable | None, newest: Placed | None, fitting: list[Placed], now: datetime
) -> Iterator[Usable]:
    for one in sorted(fitting, key=_place):
        usable = Usable.of(one.result) if one is not newest else None
        if usable is None:
            continue
        if one.result.status == "preliminary":
            if newest is None or placed_recency(one) > placed_recency(newest):
                yield usable
        elif first and contradict(first, usable, SAME_TIME, now):
            yield usable


def _place(one: Placed) -> int:
    return one.place


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
    now = view.now
    dates = [each.when for each in among if each.when and each.value is not None]
    recent = [each for each in dates if when.is_within(each, now, window.within)]
    if recent and window.after:
        return Unknown(name, Reason.NOT_FOUND, f"none since the dose of {window.after.day}")
    if recent and window.before:
        return Unknown(name, Reason.NOT_FOUND, f"none before the transplant of {window.before}")
    if dates and window.within is not None:
        latest: date = max(each.last for each in dates)
        return Unknown(name, Reason.TOO_OLD, f"latest {latest}")
    return _none(name, window.within)


def _none(name: str, within: timedelta | None) -> Unknown:
    period = "" if within is None else f"none in the last {days_text(within)}"
    return Unknown(name, Reason.NOT_FOUND, period)


def days_text(period: timedelta) -> str:
    """``7 days``, ``1 day``."""
    return f"{period.days} day{'' if period.days == 1 else 's'}"


def _reading(view: View, one: Usable) -> Reading:
    """What is said of a result, whichever question found it."""
    key = ("lab", id(one.result))
    reading: Reading | None = view.known.get(key)
    if reading is None:
        reading = view.known[key] = _work_out(view, one)
    return reading


def _work_out(view: View, one: Usable) -> Reading:
    name = view.name(one.result.analyte)
    times = times_uln(one, name)
    fields: dict[str, Value] = {
        "times_uln": times,
        "value": one.result.canonical or _no_unit(one, name),
        "days_ago": when.days_before(one.when, view.now),
    }
    # Kept in the view, so it must not keep the view.
    now = view.now
    return Reading(fields, Later(lambda: _shown(name, now, one, times)), (one.result.source,))


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


def _shown(name: str, now: datetime, one: Usable, times: Interval | Unknown) -> dict[str, object]:
    result = one.result
    printed, _, unit = one.value.printed.partition(" ")
    return {
        "name": name,
        "text": one.value.printed,
        "value": printed,
        "unit": unit,
        "date": str(one.when),
        "uln": _limit_text(result.uln) if result.uln else "",
        "times": times_text(_printed_times(one, times)) if isinstance(times, Interval) else "",
        "uln_from": "".join(f", {part}" for part in _about_limit(result) if part),
        "status": "" if result.status == "final" else result.status,
        "age": when.age(one.when, now, STALE),
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
