"""The order being signed now, and its place in the course of treatment.

A cycle is taken from the order itself ("C2D8"), else from a plan that names one, else inferred
from the doses given, with this order as the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TypeVar

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.course import Cycle, Dose, Place, place_next, with_next
from cds_service.facts.derive.view import View, only, slug
from cds_service.facts.derive.walk import Walk
from cds_service.facts.interval import Interval
from cds_service.facts.model import CourseStatement, DrugUse
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import CARE_PLANS

S = TypeVar("S")


@cheap_dataclass(frozen=True, slots=True)
class Position:
    """Where an order stands in the course: cycle and day, and who says so.

    ``cycle`` and ``day`` are None when they cannot be told; ``inferred`` is what the doses on file
    alone suggest, None without a regimen.
    """

    cycle: int | None
    day: int | None
    source: str
    inferred: Place | None


def answer(question: Question, view: View) -> Answer:
    """One reading per order of the substance; one with ``placed`` false when there is none."""
    substance = slug(question, "substance")
    orders = view.drafts(substance)
    unread = view.unread_orders(substance)
    if not orders:
        return only(question, Reading({"placed": False}, _NOTHING_SHOWN), unread)
    readings = tuple(_reading(view, substance, order) for order in orders)
    return Answer(question, readings, (*_plan_gaps(view, substance, orders), *unread))


def planned_day(view: View, order: DrugUse) -> date:
    """The day of the (first) dose: what is ordered now is given today at the earliest."""
    return planned_days(view, order)[0]


def planned_days(view: View, order: DrugUse) -> tuple[date, ...]:
    """The days of the doses ordered, in order; today when none is named or all have passed."""
    return view.once(("planned days", id(order)), lambda: _planned_days(view, order))


def _planned_days(view: View, order: DrugUse) -> tuple[date, ...]:
    today = view.today
    days = order.days
    if not days and order.start and order.start.day:
        days = (order.start.day,)
    ahead = sorted({day for day in days if day >= today})
    return tuple(ahead) or (today,)


def position(view: View, substance: str, order: DrugUse) -> Position:
    """Where the order stands, by what is known; gaps in the dose history are not looked at."""
    key = ("position", substance, id(order))
    return view.once(key, lambda: _position(view, substance, order))


def _position(view: View, substance: str, order: DrugUse) -> Position:
    regimen = view.regimen(substance)
    planned = planned_day(view, order)
    running = running_cycle(view, substance, planned)
    inferred = place_next(planned, running, regimen) if regimen else None
    if order.cycle is not None:
        return Position(order.cycle, order.day, "the order", inferred)
    plan = _plan_of(view, substance, planned)
    if plan is not None:
        return Position(plan.cycle, order.day or _day_in_plan(plan, planned), "the plan", inferred)
    return Position(inferred.cycle if inferred else None, order.day, "", inferred)


def running_cycle(view: View, substance: str, planned: date) -> Cycle | None:
    """The cycle before a planned dose: of doses given, and of those ordered for earlier days."""
    regimen = view.regimen(substance)
    if regimen is None:
        return None

    def step(running: Cycle | None, dose: Dose) -> Cycle | None:
        return with_next(running, dose, regimen)

    return come_to(view, substance, "cycle", None, step, planned)


def come_to(
    view: View, substance: str, name: str, start: S, step: Callable[[S, Dose], S], day: date
) -> S:
    """What comes of the doses given and ordered before a dose of that day, from the ``start``.

    They are walked once under that name, and only when there are any.
    """
    given, key = view.doses(substance).doses, ("walk", name, substance)
    if not given and day <= _first_ordered_day(view, substance):
        return start
    return view.once(key, lambda: Walk(given, _ordered(view, substance), start, step)).before(day)


def _first_ordered_day(view: View, substance: str) -> date:
    drafts, key = view.drafts(substance), ("first ordered day", substance)
    return view.once(
        key, lambda: min((planned_day(view, each) for each in drafts), default=date.max)
    )


def _ordered(view: View, substance: str) -> Iterator[Dose]:
    for order in view.drafts(substance):
        for day in planned_days(view, order):
            yield Dose(day, order.source, amount=order.dose, per_m2=order.dose_per_m2)


def _plan_of(view: View, substance: str, planned: date) -> CourseStatement | None:
    """The newest plan begun by then; plans without a start only when they agree on the cycle.

    A plan of other drugs counts other cycles.
    """
    plans = [
        each for each in view.chart.courses if not each.substances or substance in each.substances
    ]
    begun = [each for each in plans if each.start and each.start.first <= planned]
    if begun:
        return max(
            begun, key=lambda each: (each.start.first if each.start else planned, each.cycle)
        )
    undated = [each for each in plans if each.start is None]
    return undated[0] if len({each.cycle for each in undated}) == 1 else None


def _day_in_plan(plan: CourseStatement, planned: date) -> int | None:
    if plan.day is not None:
        return plan.day
    start = plan.start.day if plan.start else None
    return (planned - start).days + 1 if start else None


def _plan_gaps(view: View, substance: str, orders: tuple[DrugUse, ...]) -> tuple[Unknown, ...]:
    """Plans that could not be read may name another cycle, unless every order states its own."""
    if all(order.cycle is not None for order in orders):
        return ()
    return view.gaps((CARE_PLANS,), _what("cycle", view, substance), (substance,))


def _reading(view: View, substance: str, order: DrugUse) -> Reading:
    found = position(view, substance, order)
    gaps = view.dose_gaps(substance, _what("cycle", view, substance))
    fields: dict[str, Value] = {
        "placed": True,
        "cycle": known_cycle(view, substance, found, gaps),
        "day": _day(view, substance, found, gaps),
        "day_one": is_day_one(view, substance, found, gaps),
        "first_dose": _first_dose(view, substance, found),
        "stated": order.cycle is not None,
    }
    shown = Later(lambda: _shown(view, substance, order, found, gaps))
    return Reading(fields, shown, (order.source,))


def _shown(
    view: View, substance: str, order: DrugUse, found: Position, gaps: tuple[Unknown, ...]
) -> dict[str, object]:
    day = known_day(found, gaps)
    return {
        "label": order.label,
        "reference": order.source.reference,
        "cycle": "" if found.cycle is None else str(found.cycle),
        "day": "" if day is None else str(day),
        "cycle_text": cycle_text(view, substance, found, gaps),
    }


def known_cycle(
    view: View, substance: str, found: Position, gaps: tuple[Unknown, ...]
) -> Interval | Unknown:
    """The cycle of an order; with unread doses and nobody stating it, the least it may be."""
    if found.cycle is None:
        return Unknown(_what("cycle", view, substance), Reason.NOT_RECORDED)
    if found.source or not gaps:
        return Interval.exactly(found.cycle)
    return Interval.at_least(found.cycle) if found.cycle > 1 else gaps[0]


def known_day(found: Position, gaps: tuple[Unknown, ...]) -> int | None:
    """The day as stated, else as inferred when the doses tell the same cycle."""
    if found.day is not None:
        return found.day
    if gaps or found.inferred is None or found.inferred.cycle != found.cycle:
        return None
    return found.inferred.day


def _day(
    view: View, substance: str, found: Position, gaps: tuple[Unknown, ...]
) -> Interval | Unknown:
    day = known_day(found, gaps)
    return _no_day(view, substance, found, gaps) if day is None else Interval.exactly(day)


def is_day_one(
    view: View, substance: str, found: Position, gaps: tuple[Unknown, ...]
) -> bool | Unknown:
    """Whether an order is for the first dose of its cycle."""
    day = known_day(found, gaps)
    return _no_day(view, substance, found, gaps) if day is None else day == 1


def _no_day(view: View, substance: str, found: Position, gaps: tuple[Unknown, ...]) -> Unknown:
    what = _what("day of the cycle", view, substance)
    if gaps:
        return Unknown(what, gaps[0].reason, gaps[0].detail, gaps[0].reference)
    if found.inferred and found.source:
        detail = f"{found.source} says cycle {found.cycle}, the doses on file suggest another"
        return Unknown(what, Reason.CONFLICT, detail)
    return Unknown(what, Reason.NOT_RECORDED)


def _first_dose(view: View, substance: str, found: Position) -> bool | Unknown:
    """No dose before, and none implied by a stated later place in the course."""
    history = view.doses(substance)
    stated_later = bool(found.source) and ((found.cycle or 1) > 1 or (found.day or 1) > 1)
    if history.doses or history.undated or stated_later:
        return False
    gaps = view.dose_gaps(substance, f"whether {view.name(substance)} was given")
    return gaps[0] if gaps else True


def cycle_text(view: View, substance: str, found: Position, gaps: tuple[Unknown, ...]) -> str:
    """``cycle 3 day 1 (inferred from 6 doses)``, ``cycle 2 day 8 (stated in the order)``."""
    if found.cycle is None:
        return "cycle not known"
    doses = _doses_counted(view, substance)
    if gaps and not found.source:
        return f"cycle {found.cycle} or later (inferred from {doses}; more may be unread)"
    day = known_day(found, gaps)
    words = f"cycle {found.cycle}" + (f" day {day}" if day else "")
    if not found.source:
        return f"{words} (inferred from {doses})"
    suggested = found.cycle if gaps or not found.inferred else found.inferred.cycle
    but = "" if suggested == found.cycle else f"; with {doses} on file it is cycle {suggested}"
    return f"{words} (stated in {found.source}{but})"


def _doses_counted(view: View, substance: str) -> str:
    count = len(view.doses(substance).doses)
    return {0: "no earlier dose", 1: "1 dose"}.get(count, f"{count} doses")


def _what(part: str, view: View, substance: str) -> str:
    return f"{part} of this {view.name(substance)} order"


_NOTHING_SHOWN = {"label": "", "reference": "", "cycle": "", "day": "", "cycle_text": ""}
