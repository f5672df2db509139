"""Doses of a substance already given, and the cycles they make up."""

from __future__ import annotations

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.course import DoseHistory
from cds_service.facts.derive.view import View, only, slug
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown


def answer(question: Question, view: View) -> Answer:
    """Doses and cycles, as numbers or, where more may have been given, as lower bounds."""
    substance = slug(question, "substance")
    history = view.doses(substance)
    what = f"whether {view.name(substance)} was given"
    gaps = view.unread_doses(substance, what)
    fields: dict[str, Value] = {
        "exposed": _exposed(history, gaps),
        "doses": _count(len(history.doses), history, gaps),
        "cycles": _cycles(view, substance, gaps),
        "days_since_last": _days_since_last(view, substance, gaps),
    }
    sources = (*(dose.source for dose in history.doses), *history.undated)
    shown = Later(lambda: _shown(view, substance, bool(gaps)))
    return only(question, Reading(fields, shown, sources), gaps)


def _exposed(history: DoseHistory, gaps: tuple[Unknown, ...]) -> bool | Unknown:
    if history.doses or history.undated:
        return True
    return gaps[0] if gaps else False


def _count(found: int, history: DoseHistory, gaps: tuple[Unknown, ...]) -> Interval | Unknown:
    """What was found; more when a record has no day, any number when records are unread."""
    least = max(found, 1 if history.undated else 0)
    if gaps:
        return Interval.at_least(least) if least else gaps[0]
    return Interval.between(least, found + len(history.undated))


def _cycles(view: View, substance: str, gaps: tuple[Unknown, ...]) -> Interval | Unknown:
    if view.regimen(substance) is None:
        what = f"cycles of {view.name(substance)}"
        return Unknown(what, Reason.NOT_RECORDED, "no regimen tells its cycles")
    return _count(len(view.cycles(substance)), view.doses(substance), gaps)


def _days_since_last(
    view: View, substance: str, gaps: tuple[Unknown, ...]
) -> Interval | Unknown | None:
    history = view.doses(substance)
    if history.last is None:
        if history.undated:
            return Unknown(f"day of the last {view.name(substance)} dose", Reason.NO_DATE)
        return gaps[0] if gaps else None
    days = max((view.today - history.last.day).days, 0)
    return Interval.between(0 if gaps or history.undated else days, days)


def _shown(view: View, substance: str, more: bool) -> dict[str, object]:
    history = view.doses(substance)
    doses, cycles = len(history.doses), len(view.cycles(substance))
    first, last = history.first, history.last
    return {
        "doses": doses,
        "cycles": cycles,
        "first": first.day.isoformat() if first else "",
        "last": last.day.isoformat() if last else "",
        "course_text": _course_text(history, cycles, more),
    }


def _course_text(history: DoseHistory, cycles: int, more: bool) -> str:
    """``6 doses in 2 cycles (inferred), last on 2026-11-15``."""
    if history.last is None:
        return "given on an unknown day" if history.undated else "no dose on file"
    count = len(history.doses)
    doses = (
        f"{'at least ' if more or history.undated else ''}{count} dose{'' if count == 1 else 's'}"
    )
    course = f" in {cycles} cycle{'' if cycles == 1 else 's'} (inferred)" if cycles else ""
    return f"{doses}{course}, last on {history.last.day}"
