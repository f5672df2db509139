"""The corrected QT interval: the latest one, its rise since before treatment, the highest so far.

One ECG may bring several corrections. The analytes are asked for in order of preference: of two
results of about the same time the one of the earlier analyte counts (Fridericia before an unnamed
formula before Bazett). The rise is told for the first analyte only, against the latest result of
the same analyte from before the first dose.
"""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive import when
from cds_service.facts.derive.lab import SAME_TIME, STALE, Found, find_among, recency, within
from cds_service.facts.derive.results import Results, Usable
from cds_service.facts.derive.view import View, slug, slugs
from cds_service.facts.interval import Interval
from cds_service.facts.model import LabResult
from cds_service.facts.unknown import Reason, Unknown

WHAT = "QTc"


def answer(question: Question, view: View) -> Answer:
    """A reading per result to be judged."""
    analytes = slugs(question, "analytes")
    found = latest(view, analytes)
    readings = tuple(_reading(question, view, one) for one in found.results)
    return Answer(question, readings, found.gaps)


def latest(view: View, analytes: tuple[str, ...]) -> Found:
    """The latest results in the preferred formula, whatever their age."""
    return view.once(
        ("latest", analytes),
        lambda: find_among(
            view, Results(preferred(view, analytes), view.now), WHAT, analytes, within(None)
        ),
    )


def preferred(view: View, analytes: tuple[str, ...]) -> list[LabResult]:
    """Every result but those of an ECG that has a result of a better analyte."""
    return view.once(("preferred", analytes), lambda: _preferred(view, analytes))


def _preferred(view: View, analytes: tuple[str, ...]) -> list[LabResult]:
    results = [result for analyte in analytes for result in view.labs(analyte)]
    better = [one for result in results if (one := Usable.of(result))]
    return [
        result
        for result in results
        if not any(_replaces(other, result, analytes, view) for other in better)
    ]


def _replaces(other: Usable, result: LabResult, analytes: tuple[str, ...], view: View) -> bool:
    if analytes.index(other.result.analyte) >= analytes.index(result.analyte):
        return False
    final = other.result.status == "final" and other.result.canonical is not None
    return final and result.when is not None and _same_ecg(other, result, view)


def _same_ecg(one: Usable, result: LabResult, view: View) -> bool:
    """At about the same time, or on the same day when one has no time."""
    if result.when is None:
        return False
    if one.when.at and result.when.at:
        return abs(one.when.at - result.when.at) <= SAME_TIME
    return one.when.day is not None and one.when.day == result.when.day


def _reading(question: Question, view: View, one: Usable) -> Reading:
    analytes = slugs(question, "analytes")
    substance = slug(question, "dose_of")
    before = _baseline(view, substance, analytes[0]) if substance else None
    highest = max(_usable(view, analytes), key=lambda each: _length(each), default=one)
    fields: dict[str, Value] = {
        "value": one.result.canonical or _no_unit(one),
        "days_ago": when.days_before(one.when, view.now),
        "above_baseline": _rise(view, one, before, substance, analytes[0]),
        "highest": highest.result.canonical,
    }
    shown = Later(lambda: _shown(view, one, before, highest))
    return Reading(fields, shown, (one.result.source,))


def _shown(view: View, one: Usable, before: Usable | None, highest: Usable) -> dict[str, object]:
    return {
        "name": view.name(one.result.analyte),
        "text": one.value.printed,
        "date": str(one.when),
        "age": when.age(one.when, view.now, STALE),
        "status": "" if one.result.status == "final" else one.result.status,
        "baseline": before.value.printed if before else "",
        "baseline_date": str(before.when) if before else "",
        "highest": f"{view.name(highest.result.analyte)} {highest.value.printed}",
        "highest_date": str(highest.when),
    }


def _usable(view: View, analytes: tuple[str, ...]) -> Iterator[Usable]:
    """Results with a length and a date up to now, one formula per ECG."""
    for result in preferred(view, analytes):
        one = Usable.of(result)
        if one and result.canonical and not when.is_ahead(one.when, view.now):
            yield one


def _length(one: Usable) -> tuple[bool, object]:
    value = one.result.canonical
    return (value is None or value.lo is None, value.lo if value else None)


def _no_unit(one: Usable) -> Unknown:
    return Unknown(WHAT, Reason.UNIT, f"result of {one.when}", one.result.source.reference)


def _baseline(view: View, substance: str, analyte: str) -> Usable | None:
    """The latest final of the analyte from before the first dose; one of that day counts."""
    first, now = view.doses(substance).first, view.now
    if first is None:
        return None
    earlier = [
        one
        for one in _usable(view, (analyte,))
        if one.result.status == "final"
        and one.when.last <= first.day
        and when.is_after_dose(one.when, first) is False
    ]
    return max(earlier, key=lambda each: recency(each, now), default=None)


def _rise(
    view: View, one: Usable, before: Usable | None, substance: str, analyte: str
) -> Interval | Unknown | None:
    """How much longer than before treatment; None where there is nothing to compare."""
    if not substance or one.result.analyte != analyte:
        return None
    gaps = view.dose_gaps(substance, f"first dose of {view.name(substance)}")
    if gaps:
        return gaps[0]
    now = one.result.canonical
    then = before.result.canonical if before else None
    if now is None or then is None:
        return None
    return Interval(
        None if now.lo is None or then.hi is None else now.lo - then.hi,
        None if now.hi is None or then.lo is None else now.hi - then.lo,
        now.lo_open or then.hi_open,
        now.hi_open or then.lo_open,
    )
