"""The day on which the next cycle was planned to begin."""

from __future__ import annotations

from datetime import date, timedelta

from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.course import Cycle
from cds_service.facts.derive.view import View
from cds_service.facts.regimen import Regimen

_FIRST, _LATER = "first", "later-without-remission"


@cheap_dataclass(frozen=True, slots=True)
class PlannedDay:
    """A planned day 1 and who says so."""

    day: date
    how: str


def planned_day_one(view: View, substance: str) -> PlannedDay | None:
    """Day 1 of the cycle after the last one begun; None while no cycle was begun.

    The earliest day an order or plan of that cycle names, else the day after the last cycle has
    lasted as long as the regimen has it.
    """
    regimen, begun = view.regimen(substance), view.cycles(substance)
    if regimen is None or not begun:
        return None
    ordered = min(_ordered(view, substance, begun[-1], regimen), default=None)
    if ordered:
        return PlannedDay(ordered, "as ordered or planned")
    return PlannedDay(_scheduled(begun[-1], regimen), "by the labelled cycle length")


def _scheduled(last: Cycle, regimen: Regimen) -> date:
    plan = regimen.cycles[_FIRST if last.number == 1 else _LATER]
    return last.day1 + timedelta(days=int(plan.length.value))


def _ordered(view: View, substance: str, last: Cycle, regimen: Regimen) -> list[date]:
    """Days that orders on file and plans name for the next cycle."""
    number = last.number + 1
    days = [
        use.days[0]
        for use in view.uses.of_word(substance)
        if use.kind == "order"
        and use.role == "on-file"
        and use.status != "entered-in-error"
        and use.cycle == number
        and use.day in (None, 1)
        and use.days
    ]
    days += [
        plan.start.day
        for plan in view.chart.courses
        if plan.cycle == number
        and plan.day in (None, 1)
        and plan.start
        and plan.start.day
        and (not plan.substances or substance in plan.substances)
    ]
    return [day for day in days if day > last.last_day]
