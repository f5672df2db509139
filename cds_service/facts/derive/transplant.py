"""Haematopoietic stem cell transplant: intended, planned for a day, or done.

Intended: a live order, plan or goal for one, a procedure in preparation, or conditioning being
ordered. Not intended: somebody wrote so. Both, or nothing at all, is not known, and never "no".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive.condition import COUNTED
from cds_service.facts.derive.view import AS_CONDITIONING, View, is_live_order, only, slugs
from cds_service.facts.interval import Interval
from cds_service.facts.model import (
    ConditionEntry,
    Moment,
    ProcedureEntry,
    TransplantStatement,
)
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import (
    CARE_PLANS,
    CONDITIONS,
    GOALS,
    PROCEDURES,
    SERVICE_REQUESTS,
)

INTENT = (SERVICE_REQUESTS, CARE_PLANS, GOALS, PROCEDURES)
DONE = (PROCEDURES, CONDITIONS)

_HSCT, _AUTOLOGOUS, _HISTORY, _NOT_HSCT = "hsct", "hsct-autologous", "hsct-history", "not-hsct"
HISTORIES = frozenset((_HISTORY,))
"""Diagnoses that say a transplant was done."""

_INTENDED = "whether a transplant is planned"
_WAS_DONE = "whether a transplant was done"
_DAY = "day of the planned transplant"


def answer(question: Question, view: View) -> Answer:
    """One reading; what is not known stands in its field."""
    wanted, refused = statements(view, slugs(question, "typical"))
    done = grafts(view)
    fields: dict[str, Value] = {
        "intended": intended(view, wanted, refused),
        "intent_known": _intent_known(view, wanted, refused),
        "drafted": any(
            each.role == "draft" for each in view.chart.transplant if each.stance == "yes"
        ),
        "days_ahead": _days_ahead(view, wanted, refused),
        "done": was_done(view),
        "autologous": _autologous(view),
        "days_since": _days_since(view),
    }
    sources = (
        *(each.source for each in (*wanted, *refused)),
        *(each.source for each in done),
        *(each.source for each in _histories(view)),
    )
    shown = Later(lambda: _shown(view, wanted, refused))
    return only(question, Reading(fields, shown, sources))


def statements(
    view: View, typical: Iterable[str] = ()
) -> tuple[tuple[TransplantStatement, ...], tuple[TransplantStatement, ...]]:
    """The signs for and the signs against an intended transplant.

    A plan for a graft that was done since is fulfilled and no sign any more.
    """
    drugs = frozenset(typical)
    return view.once(("transplant", drugs), lambda: _statements(view, drugs))


def _statements(
    view: View, typical: frozenset[str]
) -> tuple[tuple[TransplantStatement, ...], tuple[TransplantStatement, ...]]:
    latest = max((each.performed.last for each in grafts(view) if each.performed), default=None)
    live = [
        each
        for each in view.chart.transplant
        if not (each.day0 and latest and each.day0.first <= latest)
    ]
    wanted = [each for each in live if each.stance == "yes"]
    refused = [each for each in live if each.stance == "no"]
    return (*wanted, *_prepared(view), *_conditioning_orders(view, typical)), tuple(refused)


def _prepared(view: View) -> tuple[TransplantStatement, ...]:
    return tuple(
        TransplantStatement("yes", each.source, each.label, each.performed)
        for each in view.chart.procedures
        if each.status == "preparation" and _is_graft(each)
    )


def _conditioning_orders(view: View, typical: frozenset[str]) -> tuple[TransplantStatement, ...]:
    """Live orders of drugs that are given for nothing else, or of a conditioning order set."""
    return tuple(
        TransplantStatement("yes", use.source, use.label, role=use.role)
        for use in view.uses.of(typical | {AS_CONDITIONING})
        if is_live_order(use) and not use.local_use
    )


def _is_graft(procedure: ProcedureEntry) -> bool:
    return _HSCT in procedure.concepts and _NOT_HSCT not in procedure.concepts


def grafts(view: View) -> tuple[ProcedureEntry, ...]:
    """The transplants that were done, the latest last; those without a date come first."""
    return view.once("grafts", lambda: _grafts(view)) if view.chart.procedures else ()


def _grafts(view: View) -> tuple[ProcedureEntry, ...]:
    found = [
        each for each in view.chart.procedures if each.status == "completed" and _is_graft(each)
    ]
    today = view.today
    dated = [each for each in found if each.performed and not _is_ahead(each.performed, view)]
    undated = [each for each in found if each.performed is None]
    return (
        *undated,
        *sorted(dated, key=lambda each: each.performed.last if each.performed else today),
    )


def _is_ahead(moment: Moment, view: View) -> bool:
    if moment.at:
        return moment.at > view.now
    return moment.first > view.today


def _histories(view: View) -> tuple[ConditionEntry, ...]:
    """Diagnoses that say a transplant was done."""
    found = view.entries.of(HISTORIES)
    return found and tuple(each for each in found if each.verification in COUNTED)


def graft_day(view: View, around: timedelta | None) -> Moment | None:
    """Day 0 that matters now: the next one planned, else one not longer ago than ``around``.

    None when no day 0 is known, or only one so long ago that it belongs to the past.
    """
    wanted = [each.day0 for each in view.chart.transplant if each.day0 and each.stance == "yes"]
    if not wanted and not view.chart.procedures:
        return None
    today = view.today
    ahead = [day for day in wanted if day.last >= today]
    if ahead:
        return min(ahead, key=lambda day: day.first)
    past = [*wanted, *(each.performed for each in grafts(view) if each.performed)]
    recent = [day for day in past if around is None or today - day.last <= around]
    return max(recent, key=lambda day: day.last, default=None)


def intended(
    view: View,
    wanted: tuple[TransplantStatement, ...],
    refused: tuple[TransplantStatement, ...],
) -> str | Unknown:
    """``yes`` or ``no``; unknown when both or neither is said, or when a "no" may not be all."""
    if wanted and refused:
        return Unknown(_INTENDED, Reason.CONFLICT, "both planned and ruled out")
    if wanted:
        return "yes"
    gaps = view.gaps(INTENT, _INTENDED, (_HSCT,))
    if gaps:
        return gaps[0]
    return "no" if refused else Unknown(_INTENDED, Reason.NOT_RECORDED)


def _intent_known(
    view: View,
    wanted: tuple[TransplantStatement, ...],
    refused: tuple[TransplantStatement, ...],
) -> bool | Unknown:
    """Whether the chart says, without contradiction; unknown when it was not read whole."""
    found = intended(view, wanted, refused)
    if not isinstance(found, Unknown):
        return True
    return False if found.reason in (Reason.NOT_RECORDED, Reason.CONFLICT) else found


def _days_ahead(
    view: View,
    wanted: tuple[TransplantStatement, ...],
    refused: tuple[TransplantStatement, ...],
) -> Interval | Unknown | None:
    """Days to day 0; None when no transplant is intended, or only one whose day has passed."""
    today = view.today
    days = [each.day0 for each in wanted if each.day0 and each.day0.last >= today]
    if days:
        soonest = min(days, key=lambda day: day.first)
        first = max((soonest.first - today).days, 0)
        return Interval.between(first, (soonest.last - today).days)
    gaps = view.gaps(INTENT, _DAY, (_HSCT,))
    if gaps:
        return gaps[0]
    undated = any(each.day0 is None for each in wanted)
    return Unknown(_DAY, Reason.NOT_RECORDED) if undated and not refused else None


def was_done(view: View) -> bool | Unknown:
    """A completed procedure or a diagnosis that says so."""
    if grafts(view) or _histories(view):
        return True
    gaps = view.gaps(DONE, _WAS_DONE, (_HSCT, _HISTORY))
    return gaps[0] if gaps else False


def _autologous(view: View) -> bool | Unknown | None:
    """Whether the latest one is coded as autologous; None when none was done."""
    done = grafts(view)
    if done:
        return _AUTOLOGOUS in done[-1].concepts
    found = was_done(view)
    return found if isinstance(found, Unknown) else (False if found else None)


def _days_since(view: View) -> Interval | Unknown | None:
    """Days since the latest one; a later one may be unread."""
    dates = [each.performed for each in grafts(view) if each.performed]
    gaps = view.gaps((PROCEDURES,), "day of the last transplant", (_HSCT,))
    if dates:
        today = view.today
        least = 0 if gaps else max((today - dates[-1].last).days, 0)
        return Interval.between(least, max((today - dates[-1].first).days, 0))
    if gaps:
        return gaps[0]
    found = was_done(view)
    if isinstance(found, Unknown):
        return found
    return Unknown("day of the last transplant", Reason.NO_DATE) if found else None


def _shown(
    view: View,
    wanted: tuple[TransplantStatement, ...],
    refused: tuple[TransplantStatement, ...],
) -> dict[str, object]:
    day0 = min((each.day0 for each in wanted if each.day0), key=lambda day: day.first, default=None)
    done = grafts(view)
    labels = [
        *(each.label for each in done[::-1] if each.label),
        *(each.label for each in _histories(view) if each.label),
        *(each.label for each in wanted if each.label),
    ]
    performed = done[-1].performed if done else None
    intent = intended(view, wanted, refused)
    return {
        "day0": str(day0) if day0 else "",
        "date": str(performed) if performed else "",
        "label": labels[0] if labels else "",
        "why": tuple(dict.fromkeys(each.label for each in (*wanted, *refused) if each.label)),
        "topics": {"intent_known": (intent,) if isinstance(intent, Unknown) else ()},
    }
