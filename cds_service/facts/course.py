"""The course of treatment: doses given, the cycles they make up, and where the next one belongs.

Cycle inference, when nobody stated a cycle: walk the doses in time order; a new cycle begins when
the running one already holds all its doses, or when so many days have passed since its day 1 that
the regimen opens a new one. A rule that only looks at gaps fails (in a 21-day cycle day 15 to the
next day 1 is as long as a week inside the cycle), and so does dividing the number of doses by
three (a dose may have been left out). Both numbers come from the regimen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction

from cds_service.facts.answers import Source
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse, Measured, Moment
from cds_service.facts.regimen import Regimen

GIVEN = frozenset({"completed", "in-progress"})
"""Status of an administration that has begun: the drug is in the patient."""

_ONE_DOSE = timedelta(hours=24)


@cheap_dataclass(frozen=True, slots=True)
class Dose:
    """One dose given, one per calendar day. ``at`` is the end of it if a time was recorded."""

    day: date
    source: Source
    at: datetime | None = None
    amount: Measured | None = None
    per_m2: Measured | None = None


@cheap_dataclass(frozen=True, slots=True)
class DoseHistory:
    """All doses given up to now in time order; ``undated`` were given on a day nobody recorded."""

    doses: tuple[Dose, ...] = ()
    undated: tuple[Source, ...] = ()

    @property
    def last(self) -> Dose | None:
        """The most recent dose."""
        return self.doses[-1] if self.doses else None

    @property
    def first(self) -> Dose | None:
        """The earliest dose."""
        return self.doses[0] if self.doses else None


@cheap_dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle as begun: its number, counted from 1, and the doses given in it."""

    number: int
    doses: tuple[Dose, ...]

    @property
    def day1(self) -> date:
        """The day of its first dose."""
        return self.doses[0].day

    @property
    def last_day(self) -> date:
        """The day of its last dose so far."""
        return self.doses[-1].day


@cheap_dataclass(frozen=True, slots=True)
class Place:
    """Where a dose belongs: cycle and day, both counted from 1."""

    cycle: int
    day: int

    @property
    def opens_cycle(self) -> bool:
        """It is the first dose of its cycle."""
        return self.day == 1


def cycles(doses: Iterable[Dose], regimen: Regimen) -> tuple[Cycle, ...]:
    """Group doses into cycles; the order they come in does not matter."""
    begun: dict[int, Cycle] = {}
    running = None
    for dose in sorted(doses, key=lambda each: each.day):
        running = with_next(running, dose, regimen)
        begun[running.number] = running
    return tuple(begun.values())


def with_next(running: Cycle | None, dose: Dose, regimen: Regimen) -> Cycle:
    """The cycle that runs once the next dose is given: the same with it, or a new one."""
    if running is None:
        return Cycle(1, (dose,))
    if _opens_cycle(dose.day, running.doses, regimen):
        return Cycle(running.number + 1, (dose,))
    return Cycle(running.number, (*running.doses, dose))


def place_next(day: date, running: Cycle | None, regimen: Regimen) -> Place:
    """Where a dose planned for a day belongs, after the cycle that runs."""
    if running is None:
        return Place(1, 1)
    if _opens_cycle(day, running.doses, regimen):
        return Place(running.number + 1, 1)
    # A day planned before the last dose is out of order; it is at the earliest the day after it.
    return Place(running.number, max((day - running.day1).days + 1, 2))


def _opens_cycle(day: date, held: Sequence[Dose], regimen: Regimen) -> bool:
    return (
        len(held) >= regimen.doses_per_cycle or (day - held[0].day).days >= regimen.new_cycle_after
    )


def cumulative(doses: Iterable[Dose], *, per_m2: bool = False) -> Interval | None:
    """The sum of the doses in mg (or mg/m2); None when the amount of one of them is not known."""
    total = Interval.exactly(0)
    for dose in doses:
        amount = dose.per_m2 if per_m2 else dose.amount
        if amount is None or amount.unit != ("mg/m2" if per_m2 else "mg"):
            return None
        total = _sum(total, amount.value)
    return total


def _sum(one: Interval, other: Interval) -> Interval:
    return Interval(
        None if one.lo is None or other.lo is None else Fraction(one.lo + other.lo),
        None if one.hi is None or other.hi is None else Fraction(one.hi + other.hi),
        one.lo_open or other.lo_open,
        one.hi_open or other.hi_open,
    )


def dose_history(
    uses: Iterable[DrugUse], substance: str, now: datetime, regimen: Regimen | None = None
) -> DoseHistory:
    """The doses of a substance that were given up to now, by the best record there is of each.

    A recorded administration comes first, then a procedure or claim, then a completed order.
    A lesser record is a dose of its own only when it lies as far from every better recorded one
    as two doses must: an order written the day before its dose is not a second dose.
    """
    ranked: list[list[Dose]] = [[], [], []]
    undated: list[list[Source]] = [[], [], []]
    for use in uses:
        rank = _rank(use)
        if rank is None or substance not in use.substances or use.do_not_perform:
            continue
        found = list(_doses_of(use, now))
        ranked[rank].extend(found)
        if not found and not _is_ahead(use, now):
            undated[rank].append(use.source)
    best = next((rank for rank in range(3) if ranked[rank] or undated[rank]), 0)
    doses = _merged(ranked, regimen.minimum_interval if regimen else 1)
    return DoseHistory(doses, tuple(undated[best]))


def _rank(use: DrugUse) -> int | None:
    """How good a record of a dose it is, 0 the best; None when it is no such record."""
    if use.kind == "administration" and use.status in GIVEN:
        return 0 if "MedicationAdministration" in use.source.reference else 1
    return 2 if use.kind == "order" and use.status == "completed" else None


def _merged(ranked: Iterable[Iterable[Dose]], apart: int) -> tuple[Dose, ...]:
    kept: dict[date, Dose] = {}
    for doses in ranked:
        better = tuple(kept)
        for dose in doses:
            if all(abs((dose.day - day).days) >= apart for day in better):
                kept[dose.day] = _later(kept.get(dose.day), dose)
    return tuple(kept[day] for day in sorted(kept))


def _later(one: Dose | None, other: Dose) -> Dose:
    """Of two records of one day, the one that ended later; a recorded time beats none."""
    if one is None or (other.at and (one.at is None or other.at > one.at)):
        return other
    return one


def _doses_of(use: DrugUse, now: datetime) -> Iterator[Dose]:
    days = use.days or _only_day(use)
    for day in days:
        at = _ended(use, day) if len(days) == 1 else None
        if _has_come(day, use.start, now):
            yield Dose(day, use.source, at, use.dose, use.dose_per_m2)


def _only_day(use: DrugUse) -> tuple[date, ...]:
    for moment in (use.start, use.authored if use.kind == "order" else use.end):
        if moment and moment.day:
            return (moment.day,)
    return ()


def _ended(use: DrugUse, day: date) -> datetime | None:
    """When the dose was over, as far as recorded; a period of days is not one infusion."""
    begin = use.start.at if use.start else None
    end = use.end.at if use.end else None
    if end and (end - begin <= _ONE_DOSE if begin else end.date() == day):
        return end
    return begin if begin and begin.date() == day else None


def _has_come(day: date, start: Moment | None, now: datetime) -> bool:
    """A day up to today; by the clock where a time is known, whatever day it is elsewhere."""
    if start is not None and not _is_past(start, now):
        return False
    return day <= now.date() or bool(start and start.at and start.first == day)


def _is_past(moment: Moment, now: datetime) -> bool:
    return moment.at <= now if moment.at else moment.first <= now.date()


def _is_ahead(use: DrugUse, now: datetime) -> bool:
    """Whether all its known days lie ahead, so that it is not a dose whose day is unknown."""
    return (
        bool(use.days) or bool(use.start and not _is_past(use.start, now)) or bool(_only_day(use))
    )
