"""One blood count: now, before treatment, and how long it has been low since a planned day 1."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive import counts, when
from cds_service.facts.derive.counts import Count, Latest, before_dose, limit_of, since_day
from cds_service.facts.derive.lab import STALE, period_of
from cds_service.facts.derive.next_cycle import planned_day_one
from cds_service.facts.derive.transfused import Transfusions, transfusions
from cds_service.facts.derive.view import View, slug
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.unknown import Reason, Unknown


def answer(question: Question, view: View) -> Answer:
    """A reading per result that may be the latest, each beside the count before treatment."""
    analyte, substance = slug(question, "analyte"), slug(question, "substance")
    given = transfusions(question, view)
    now = counts.latest(view, analyte, period_of(question), given)
    before = before_treatment(view, analyte, substance)
    low = _days_low(question, view, now, given) if question.get("below") is not None else None
    readings = tuple(_reading(view, question, count, before, low) for count in now.counts)
    return Answer(question, readings, now.gaps)


def before_treatment(view: View, analyte: str, substance: str) -> Count | Unknown:
    """The last count before the first dose, which must be known to be the first."""
    key = ("count before treatment", analyte, substance)
    return view.once(key, lambda: _before_treatment(view, analyte, substance))


def _before_treatment(view: View, analyte: str, substance: str) -> Count | Unknown:
    what = f"{view.name(analyte)} before the first {view.name(substance)} dose"
    gaps = view.dose_gaps(substance, what)
    first = view.doses(substance).first
    if gaps or first is None:
        return gaps[0] if gaps else Unknown(what, Reason.NOT_FOUND, "no dose on file")
    found = before_dose(view, analyte, first)
    if isinstance(found, Unknown):
        return Unknown(what, found.reason, found.detail, found.reference)
    return found


def _reading(
    view: View,
    question: Question,
    count: Count,
    before: Count | Unknown,
    low: Interval | Unknown | None,
) -> Reading:
    fields: dict[str, Value] = {
        "value": count.value,
        "before_treatment": before.value if isinstance(before, Count) else before,
        "days_low": low,
    }
    known = before if isinstance(before, Count) else None
    others = (known.one.result.source,) if known else ()
    shown = Later(lambda: _shown(view, slug(question, "substance"), count, known))
    return Reading(fields, shown, (count.one.result.source, *others))


def _shown(view: View, substance: str, count: Count, known: Count | None) -> dict[str, object]:
    planned = planned_day_one(view, substance)
    return {
        "name": count.name,
        "text": count.text,
        "date": count.day,
        "age": when.age(count.one.when, view.now, STALE),
        "status": "" if count.one.result.status == "final" else count.one.result.status,
        "before_text": known.text if known else "",
        "before_date": known.day if known else "",
        "planned": str(planned.day) if planned else "",
        "planned_how": planned.how if planned else "",
    }


def _days_low(
    question: Question, view: View, now: Latest, given: Transfusions
) -> Interval | Unknown:
    """Days since the planned day 1 on which the count has been low without a recovery.

    From the oldest low result of the unbroken row that ends now; where nothing was measured before
    it, it may have been low for longer.
    """
    substance, limit = slug(question, "substance"), limit_of(question, "below")
    what = f"planned day 1 of the {view.name(substance)} cycle"
    gaps = view.dose_gaps(substance, what)
    planned = planned_day_one(view, substance)
    if planned is None or gaps:
        return gaps[0] if gaps else Unknown(what, Reason.NOT_FOUND, "no dose on file")
    is_low = now.below(limit)
    if isinstance(is_low, Unknown):
        return is_low
    today, day = view.today, planned.day
    if not is_low or day > today:
        return Interval.exactly(0)
    row = since_day(view, slug(question, "analyte"), day, given)
    least, most = _row(tuple(_judged(row, limit)), today, max((today - day).days, 0))
    return Interval(Fraction(least), Fraction(most))


def _judged(row: tuple[Count, ...], limit: Fraction) -> Iterator[tuple[date, date, Truth]]:
    """When each was measured and whether it is low; of two of one time the lower counts."""
    low_at = {count.one.when for count in row if count.below(limit)}
    for count in row:
        low = count.below(limit)
        if low or count.one.when not in low_at:
            yield count.one.when.first, count.one.when.last, low


def _row(judged: tuple[tuple[date, date, Truth], ...], today: date, most: int) -> tuple[int, int]:
    """The least and the most days low, of results from new to old, ``most`` at the outside."""
    least, certain = 0, True
    for first, last, low in judged:
        if low is False:
            return least, max(least, min(most, (today - first).days))
        certain = certain and low is True
        if certain:
            least = min(most, (today - last).days)
    return least, most
