"""Blasts in the blood: as counted, or leukocytes times their share of samples drawn together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction

from cds_service.facts.answers import Answer, Later, Question, Reading, Source, Value
from cds_service.facts.derive import when
from cds_service.facts.derive.lab import Found, find, period_of, recency
from cds_service.facts.derive.numbers import rounded
from cds_service.facts.derive.results import Usable
from cds_service.facts.derive.view import View, number, slug, slugs
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.unknown import Reason, Unknown

_UNIT = "10*9/L"
_PERCENT = Fraction(1, 100)


def answer(question: Question, view: View) -> Answer:
    """Readings of the count, and of a product whose share of blasts is newer than the count.

    One reading without a count where none can be told; ``reported`` says whether a differential is
    on file at all.
    """
    window = period_of(question)
    analyte, percent = slug(question, "analyte"), slug(question, "percent")
    counted, share = find(view, analyte, window), find(view, percent, window)
    others = [find(view, each, window) for each in slugs(question, "differential")]
    reported = _reported(counted, share, others)
    readings = [_counted(view, one, reported) for one in counted.results]
    newer = [one for one in share.results if _is_newer(one, counted, view)]
    gaps = list(() if counted.nothing_usable else counted.gaps)
    for one in newer:
        product = _product(question, view, one, reported)
        readings.append(_nothing(product, reported) if isinstance(product, Unknown) else product)
    gaps += () if share.nothing_usable else share.gaps
    if not readings:
        what = view.name(analyte)
        nothing = next(iter(gaps), Unknown(what, Reason.NOT_FOUND, counted.gaps[0].detail))
        readings.append(_nothing(nothing, reported))
    return Answer(question, tuple(readings), tuple(dict.fromkeys(gaps)))


def _reported(counted: Found, share: Found, others: list[Found]) -> bool | Unknown:
    """Whether blasts, or another part of a differential, were measured in the window."""
    every = (counted, share, *others)
    if any(each.results for each in every):
        return True
    return next((gap for each in every if not each.nothing_usable for gap in each.gaps), False)


def _is_newer(one: Usable, counted: Found, view: View) -> bool:
    now = view.now
    return all(recency(one, now) > recency(each, now) for each in counted.results)


def _counted(view: View, one: Usable, reported: bool | Unknown) -> Reading:
    name = view.name(one.result.analyte)
    value: Value = one.result.canonical or Unknown(
        name, Reason.UNIT, f"result of {one.when}", one.result.source.reference
    )
    shown = Later(
        lambda: {"name": name, "text": one.value.printed, "date": str(one.when), "how": ""}
    )
    return Reading({"count": value, "reported": reported}, shown, (one.result.source,))


def _product(
    question: Question, view: View, share: Usable, reported: bool | Unknown
) -> Reading | Unknown:
    """Leukocytes times the share of blasts; the leukocytes nearest in time, of the same draw."""
    hours = number(question, "hours_apart") or Fraction(0)
    apart = timedelta(seconds=int(hours * 3600))
    leukocytes = slug(question, "leukocytes")
    name = view.name(leukocytes)
    # Any result of the draw will do, not only the latest.
    near = [
        (together, one)
        for result in view.labs(leukocytes)
        if (one := Usable.of(result))
        and one.result.canonical
        and (together := _together(one, share, apart, view)) is not False
    ]
    if not near:
        detail = f"none within {hours} hours of the differential"
        return Unknown(name, Reason.NOT_FOUND, f"{detail} of {share.when}")
    together, one = min(near, key=lambda each: (each[0] is None, _distance(each[1], share, view)))
    if together is None:
        return Unknown(name, Reason.NO_DATE, f"times of {one.when} and {share.when} not recorded")
    of, part = one.result.canonical, share.result.canonical
    if of is None or part is None:
        return Unknown(view.name(share.result.analyte), Reason.UNIT, f"result of {share.when}")
    count = _times(of, part.scaled(_PERCENT))
    shown = Later(
        lambda: {
            "name": view.name(slug(question, "analyte")),
            "text": _text(count),
            "date": str(share.when),
            "how": f"{name} {one.value.printed} ({one.when}) × {share.value.printed} blasts",
        }
    )
    sources: tuple[Source, ...] = (share.result.source, one.result.source)
    return Reading({"count": count, "reported": reported}, shown, sources)


def _together(one: Usable, other: Usable, apart: timedelta, view: View) -> Truth:
    """Whether two samples were drawn within a span of each other."""
    (first, last), (begin, end) = _span(one, view), _span(other, view)
    if max(last - begin, end - first) <= apart:
        return True
    return False if max(first - end, begin - last) > apart else None


def _distance(one: Usable, other: Usable, view: View) -> timedelta:
    return abs(_span(one, view)[1] - _span(other, view)[1])


def _span(one: Usable, view: View) -> tuple[datetime, datetime]:
    return when.span(one.when, view.now.tzinfo)


def _times(one: Interval, other: Interval) -> Interval:
    """The product of two counts that are not negative."""
    lo = (one.lo or Fraction(0)) * (other.lo or Fraction(0))
    hi = None if one.hi is None or other.hi is None else one.hi * other.hi
    return Interval(lo, hi, one.lo_open or other.lo_open, one.hi_open or other.hi_open)


def _text(count: Interval) -> str:
    if count.number is not None:
        return f"{rounded(count.number)} {_UNIT}"
    parts: Iterator[str] = (rounded(each) for each in (count.lo, count.hi) if each is not None)
    return f"{' to '.join(parts)} {_UNIT}" if count.hi else f"above {next(parts)} {_UNIT}"


def _nothing(why: Unknown, reported: bool | Unknown) -> Reading:
    shown = {"name": why.what, "text": "", "date": "", "how": "", "topics": {"reported": (why,)}}
    return Reading({"count": why, "reported": reported}, shown)
