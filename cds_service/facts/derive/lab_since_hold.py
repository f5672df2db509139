"""How low a test ever came since a dose was held: whether it has recovered at all.

Final results only, from the planned day of the held dose on. A result without a usable limit, an
unread page or a vague date may hide a lower one, so the lowest is then known only from above.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.derive import when
from cds_service.facts.derive.hold import holds
from cds_service.facts.derive.lab import times_uln
from cds_service.facts.derive.numbers import times_text
from cds_service.facts.derive.results import Usable
from cds_service.facts.derive.view import View, slug, slugs
from cds_service.facts.interval import Interval
from cds_service.facts.model import LabResult
from cds_service.facts.unknown import Unknown
from cds_service.facts.vocabulary import OBSERVATIONS


@cheap_dataclass(frozen=True, slots=True)
class Course:
    """The final results of one test since a day, oldest first; ``hidden``: there may be more."""

    results: tuple[Usable, ...]
    gaps: tuple[Unknown, ...]
    hidden: bool


def answer(question: Question, view: View) -> Answer:
    """A reading per test with results since the hold; none without a hold."""
    substance = slug(question, "substance")
    what = f"whether a dose of {view.name(substance)} was held"
    dose_gaps = view.dose_gaps(substance, what)
    held = min((each.day for each in holds(view, substance)), default=None)
    if dose_gaps or held is None:
        # A dose nobody told us of may have ended the hold, or a hold may be unread.
        return Answer(question, (), dose_gaps)
    courses = {each: _course(view, each, held) for each in slugs(question, "analyte")}
    readings = tuple(
        _reading(view, analyte, course, held)
        for analyte, course in courses.items()
        if course.results
    )
    gaps = tuple(gap for course in courses.values() if not course.results for gap in course.gaps)
    return Answer(question, readings, gaps)


def _course(view: View, analyte: str, held: date) -> Course:
    found: list[Usable] = []
    hidden = False
    for result in view.labs(analyte):
        since = _is_since(result, held, view)
        one = Usable.of(result)
        if since and one and result.status == "final":
            found.append(one)
        elif since is not False and result.status == "final":
            hidden = True
    gaps = view.gaps((OBSERVATIONS,), view.name(analyte), (analyte,))
    ordered = sorted(found, key=lambda one: when.span(one.when, view.now.tzinfo))
    return Course(tuple(ordered), gaps, hidden or bool(gaps))


def _is_since(result: LabResult, held: date, view: View) -> bool | None:
    """From the day of the held dose on; None when its date does not tell."""
    if result.when is None or when.is_ahead(result.when, view.now):
        return None
    if result.when.first >= held:
        return True
    return False if result.when.last < held else None


def _reading(view: View, analyte: str, course: Course, held: date) -> Reading:
    name, newest = view.name(analyte), course.results[-1]
    times = [times_uln(one, name) for one in course.results]
    known = [each for each in times if isinstance(each, Interval)]
    hidden = course.hidden or len(known) < len(times)
    unknown = next((each for each in times if isinstance(each, Unknown)), None)
    lowest = _lowest(known, hidden) if known else unknown
    least, most = (newest.when.first - held).days, (newest.when.last - held).days
    fields: dict[str, Value] = {
        "lowest_times_uln": lowest,
        "days": Interval(
            Fraction(max(least, 0)),
            Fraction((view.today - held).days if course.hidden else most),
        ),
    }
    shown = {
        "name": name,
        "text": newest.value.printed,
        "date": str(newest.when),
        "held": held.isoformat(),
        "days": str(least),
        "count": len(course.results),
        "times": times_text(lowest) if isinstance(lowest, Interval) else "",
    }
    return Reading(fields, shown, tuple(one.result.source for one in course.results))


def _lowest(times: list[Interval], hidden: bool) -> Interval:
    """The lowest multiple; with something hidden, that or less."""
    highs = [each.hi for each in times if each.hi is not None]
    lows = [each.lo if each.lo is not None else Fraction(0) for each in times]
    lo = Fraction(0) if hidden else min(lows)
    lo_open = not hidden and any(each.lo == lo and each.lo_open for each in times)
    return Interval(lo, min(highs, default=None), lo_open)
