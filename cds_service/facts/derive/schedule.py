"""How long before the ordered dose the last one was given, and the running cycle began.

Days are calendar days, up to the first day the order is planned for.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive.order import (
    Position,
    cycle_text,
    is_day_one,
    known_cycle,
    planned_days,
    position,
)
from cds_service.facts.derive.view import View, slug
from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse
from cds_service.facts.unknown import Reason, Unknown


def answer(question: Question, view: View) -> Answer:
    """A reading per order of the substance that is being signed now."""
    substance = slug(question, "substance")
    unread = view.unread_orders(substance)
    drafts = view.drafts(substance)
    return Answer(question, tuple(_reading(view, substance, use) for use in drafts), unread)


def _reading(view: View, substance: str, use: DrugUse) -> Reading:
    place = position(view, substance, use)
    days = planned_days(view, use)
    what = f"days since the last {view.name(substance)} dose"
    gaps = view.dose_gaps(substance, what)
    fields: dict[str, Value] = {
        "cycle": known_cycle(view, substance, place, gaps),
        "day_one": is_day_one(view, substance, place, gaps),
        "days_since_last": days_since_last(view, substance, days, gaps),
        "days_since_day_one": _since_day_one(view, substance, place, days[0], gaps),
    }
    return Reading(fields, Later(lambda: _shown(view, substance, use, gaps)), (use.source,))


def _shown(
    view: View, substance: str, use: DrugUse, gaps: tuple[Unknown, ...]
) -> dict[str, object]:
    place, day = position(view, substance, use), planned_days(view, use)[0]
    last, day_one = _last_dose(view, substance, day), _day_one(view, substance, place)
    return {
        "label": use.label,
        "reference": use.source.reference,
        "cycle": "" if place.cycle is None else str(place.cycle),
        "cycle_text": cycle_text(view, substance, place, gaps),
        "date": str(day),
        "last": str(last) if last else "",
        "day_one": str(day_one) if day_one else "",
        "days": str((day - last).days) if last else "",
        "cycle_days": str((day - day_one).days) if day_one else "",
    }


def _last_dose(view: View, substance: str, planned: date) -> date | None:
    last = view.doses(substance).last
    return min(last.day, planned) if last else None


def days_since_last(
    view: View, substance: str, days: tuple[date, ...], gaps: tuple[Unknown, ...]
) -> Interval | Unknown | None:
    """To the last dose given; a record that is unread may be of a later one."""
    last = _last_dose(view, substance, days[0])
    if last is None:
        return gaps[0] if gaps else None
    since = Fraction((days[0] - last).days)
    return Interval(Fraction(0) if gaps else since, since)


def _day_one(view: View, substance: str, place: Position) -> date | None:
    """The day on which the cycle before the ordered one began."""
    earlier = view.cycles(substance)[: max((place.cycle or 0) - 1, 0)]
    return earlier[-1].day1 if earlier else None


def _since_day_one(
    view: View, substance: str, place: Position, planned: date, gaps: tuple[Unknown, ...]
) -> Interval | Unknown | None:
    """To day 1 of the cycle before; does not apply to the first cycle."""
    day_one = _day_one(view, substance, place)
    if day_one:
        since = Fraction(max((planned - day_one).days, 0))
        return Interval(Fraction(0) if gaps else since, since)
    if gaps:
        return gaps[0]
    if place.cycle and place.cycle > 1:
        return Unknown("day 1 of the cycle before", Reason.NOT_RECORDED)
    return None
