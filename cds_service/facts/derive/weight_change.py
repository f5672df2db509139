"""How much the weight changed since the last dose, or since the day of the transplant.

The baseline is the last weight taken on that day or in the days before it; the weight now is the
latest one taken later than that day.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.derive import when
from cds_service.facts.derive.lab import days_text
from cds_service.facts.derive.numbers import plain
from cds_service.facts.derive.transplant import grafts
from cds_service.facts.derive.view import View, days, only, slug
from cds_service.facts.interval import Interval
from cds_service.facts.model import LabResult
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import OBSERVATIONS, PROCEDURES

_NOTHING: dict[str, object] = dict.fromkeys(("percent", "text", "date", "baseline", "since"), "")


def answer(question: Question, view: View) -> Answer:
    """One reading: the change in percent of the baseline, a gain above zero."""
    since = _since(question, view)
    if not isinstance(since, date):
        return only(question, Reading({"percent": since}, _NOTHING))
    if since >= view.today:
        return only(question, Reading({"percent": None}, _NOTHING))
    analyte = slug(question, "analyte")
    base = _baseline(view, analyte, since, days(question, "baseline_within"))
    now = _latest_after(view, analyte, since, days(question, "within"))
    gaps = view.gaps((OBSERVATIONS,), view.name(analyte), (analyte,))
    if isinstance(base, LabResult) and isinstance(now, LabResult):
        return only(question, _reading(view, base, now), gaps)
    missing = next(each for each in (base, now) if isinstance(each, Unknown))
    return only(question, Reading({"percent": gaps[0] if gaps else missing}, _NOTHING))


def _since(question: Question, view: View) -> date | Unknown | None:
    """The day of the baseline: of the last dose, or of the last transplant."""
    if slug(question, "since") == "transplant":
        dated = [each.performed for each in grafts(view) if each.performed]
        gaps = view.gaps((PROCEDURES,), "day of the last transplant", ("hsct",))
        found = dated[-1].day if dated else None
        return next(iter(gaps), found)
    substance = slug(question, "substance")
    gaps = view.dose_gaps(substance, f"day of the last {view.name(substance)} dose")
    last = view.doses(substance).last
    return next(iter(gaps), last.day if last else None)


def _baseline(
    view: View, analyte: str, since: date, within: timedelta | None
) -> LabResult | Unknown:
    """The last weight up to the end of that day, not older than the window before it."""
    found = [
        each
        for each, day in _weights(view, analyte)
        if day <= since and (within is None or since - day <= within)
    ]
    detail = f"none on {since}" + (f" or in the {days_text(within)} before" if within else "")
    return found[-1] if found else Unknown(view.name(analyte), Reason.NOT_FOUND, detail)


def _latest_after(
    view: View, analyte: str, since: date, within: timedelta | None
) -> LabResult | Unknown:
    """The latest weight of a later day that is not too old."""
    found = [
        each
        for each, day in _weights(view, analyte)
        if day > since and each.when and when.is_within(each.when, view.now, within)
    ]
    recent = f" in the last {days_text(within)}" if within else ""
    nothing = Unknown(view.name(analyte), Reason.NOT_FOUND, f"none after {since}{recent}")
    return found[-1] if found else nothing


def _weights(view: View, analyte: str) -> list[tuple[LabResult, date]]:
    """Final weights with their day, the latest last."""
    now = view.now
    found = [
        (each, each.when)
        for each in view.labs(analyte)
        if each.status == "final" and each.value and each.when and not when.is_ahead(each.when, now)
    ]
    found.sort(key=lambda pair: when.span(pair[1], now.tzinfo)[1])
    return [(each, moment.day) for each, moment in found if moment.day]


def _reading(view: View, base: LabResult, now: LabResult) -> Reading:
    fields: dict[str, Value] = {"percent": _percent(view, base, now)}
    percent = fields["percent"]
    number = percent.number if isinstance(percent, Interval) else None
    shown: dict[str, object] = {
        "percent": "" if number is None else f"{plain(number)} %",
        "text": now.value.printed if now.value else "",
        "date": str(now.when),
        "baseline": base.value.printed if base.value else "",
        "since": str(base.when),
    }
    return Reading(fields, shown, (now.source, base.source))


def _percent(view: View, base: LabResult, now: LabResult) -> Interval | Unknown:
    """The difference as a share of the baseline, exact."""
    before = base.canonical.number if base.canonical else None
    after = now.canonical.number if now.canonical else None
    if not before or after is None:
        result = now if before else base
        detail = f"result of {result.when}"
        return Unknown(view.name(now.analyte), Reason.UNIT, detail, result.source.reference)
    return Interval.exactly(Fraction(100) * (after - before) / before)
