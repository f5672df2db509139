"""Medications of a class or substance in force at the evaluation.

In force: an order that is a draft, active or on hold, a statement that is active, intended or on
hold, an administration in progress; none of them ended before now. What was stopped counts only
while it lingers (amiodarone), and a drug nobody could identify might be any.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache

from cds_service.facts.answers import Answer, Later, Question, Reading, WithLast
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.derive.view import (
    ASKED,
    DRAFTS,
    UNIDENTIFIED,
    View,
    names_of,
    number,
    only,
    slug,
    slugs,
)
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import DrugUse
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_REQUESTS, MEDICATION_STATEMENTS
from cds_service.terminology import Terminology

LIVE = {
    "order": ("draft", "active", "on-hold"),
    "statement": ("active", "intended", "on-hold"),
    "administration": ("in-progress",),
}
NEEDS = (MEDICATION_REQUESTS, MEDICATION_STATEMENTS)

_TAKEN = ("active", "on-hold", "in-progress", "completed", "stopped")
"""Taken now or at some time before."""

_ENDED = ("completed", "stopped", "in-progress", *LIVE["order"], "intended")
_WHAT = "active medications"


@cheap_dataclass(frozen=True, slots=True)
class Wanted:
    """What a question about drugs asks for."""

    substances: frozenset[str]
    classes: tuple[str, ...]
    drafts: bool
    on_file: bool
    ever: bool
    systemic: bool
    not_as_single_dose: frozenset[str]
    given_with: str
    lingering: str
    lingers: Fraction | None

    @property
    def needs(self) -> tuple[str, ...]:
        """Drafts come with the call, so unread searches leave them complete."""
        return ((DRAFTS,) if self.drafts else ()) + (NEEDS if self.on_file else ())


def answer(question: Question, view: View) -> Answer:
    """One reading: how many distinct ingredients, and which."""
    wanted, words = _wanted(question, view.terminology)
    substances, systemic, now = wanted.substances, wanted.systemic, view.now
    found: list[tuple[str, DrugUse]] = []
    doubts: dict[Unknown, None] = {}
    for use in view.uses.of(words):
        if use.do_not_perform or not (wanted.drafts if use.role == "draft" else wanted.on_file):
            continue
        borne = use.substances & substances
        for substance in sorted(borne) if len(borne) > 1 else borne:
            if substance in wanted.not_as_single_dose and _is_with_a_dose(use, wanted, view):
                continue
            counts = _counts(use, substance, wanted, now)
            if counts is False or (systemic and use.local_use):
                continue
            if counts:
                found.append((substance, use))
            else:
                doubts[_not_sure(view, substance, use)] = None
        if use.resolved_by == "nothing" and is_live(use, now) and not (systemic and use.local_use):
            doubts[unidentified(use)] = None
    gaps = () if view.sent_whole else view.gaps(wanted.needs, _WHAT, substances)
    return only(question, _reading(view, wanted, found, doubts, gaps), (*gaps, *doubts))


def is_live(use: DrugUse, now: datetime) -> bool:
    """In force now, by status and by the end the chart states."""
    return not use.do_not_perform and use.status in LIVE[use.kind] and not _has_ended(use, now)


def _has_ended(use: DrugUse, now: datetime) -> bool:
    """Whether its end has passed; that of a draft by the day, as it may be signed an hour late."""
    if use.end is None:
        return False
    if use.end.at and use.role == "on-file":
        return use.end.at < now
    return use.end.last < now.date()


@lru_cache(maxsize=ASKED)
def _wanted(question: Question, terminology: Terminology) -> tuple[Wanted, frozenset[str]]:
    """What a question wants, and the words that the uses it looks at bear."""
    classes = slugs(question, "class")
    members = (terminology.substances_in(each) for each in classes)
    substances = frozenset(slugs(question, "substance")).union(*members)
    substances -= frozenset(slugs(question, "other_than"))
    state = slug(question, "state")
    wanted = Wanted(
        substances=substances,
        classes=classes,
        drafts=state not in ("current", "ever"),
        on_file=state != "drafted",
        ever=state == "ever",
        systemic=slug(question, "use") == "systemic",
        not_as_single_dose=frozenset(slugs(question, "except_single_doses_of")),
        given_with=slug(question, "given_with"),
        lingering=slug(question, "lingering"),
        lingers=number(question, "lingers"),
    )
    return wanted, substances | {UNIDENTIFIED}


def _is_with_a_dose(use: DrugUse, wanted: Wanted, view: View) -> bool:
    """A single dose, such as premedication, on days when ``given_with`` is ordered.

    Where the days of either are not known, they are taken to be the same.
    """
    if not use.one_off:
        return False
    orders = [_days(order) for order in view.drafts(wanted.given_with)]
    return not all(orders) or not orders or _days(use) <= set[date]().union(*orders)


def _days(use: DrugUse) -> set[date]:
    """The days it is planned for, as far as they are known."""
    if use.days:
        return set(use.days)
    start = use.start.day if use.start else None
    return {start} if start else set()


def _counts(use: DrugUse, substance: str, wanted: Wanted, now: datetime) -> Truth:
    """Whether one use of one substance counts now; None when its end is not known."""
    if use.status in _TAKEN if wanted.ever else is_live(use, now):
        return True
    if use.status == "unknown" and not _has_ended(use, now):
        return None
    if substance != wanted.lingering or wanted.lingers is None or use.status not in _ENDED:
        return False
    return _lingers(use, wanted.lingers, now)


def _lingers(use: DrugUse, days: Fraction, now: datetime) -> Truth:
    end = use.end or (use.start if use.kind == "administration" else None)
    if end is None:
        return None
    since = Interval(
        Fraction((now.date() - end.last).days), Fraction((now.date() - end.first).days)
    )
    return since.compare("lte", days)


def _not_sure(view: View, substance: str, use: DrugUse) -> Unknown:
    name, reference = view.name(substance), use.source.reference
    if use.status == "unknown":
        return Unknown(f"whether {name} is taken", Reason.NOT_RECORDED, reference=reference)
    return Unknown(f"when {name} ended", Reason.NO_DATE, reference=reference)


def unidentified(use: DrugUse) -> Unknown:
    """A drug that might be any, because nobody could identify it."""
    return Unknown(_WHAT, Reason.UNRESOLVED, reference=use.source.reference)


def _reading(
    view: View,
    wanted: Wanted,
    found: list[tuple[str, DrugUse]],
    doubts: Collection[Unknown],
    gaps: tuple[Unknown, ...],
) -> Reading:
    sure, today, terminology = len(dict(found)), view.today, view.terminology
    count = Interval.at_least(sure) if gaps else Interval.between(sure, sure + len(doubts))
    fields = WithLast({"count": count}, "days_ahead", lambda: _first_day_ahead(found, today))
    shown = Later(lambda: _shown(terminology, wanted, found))
    return Reading(fields, shown, tuple([use.source for _, use in found]))


def _first_day_ahead(found: list[tuple[str, DrugUse]], today: date) -> Interval | None:
    days = [_days_ahead(use, today) for _, use in found]
    return Interval.exactly(min(days)) if days else None


def _shown(
    terminology: Terminology, wanted: Wanted, found: list[tuple[str, DrugUse]]
) -> dict[str, object]:
    ingredients = {substance for substance, _ in found}
    return {
        "names": names_of(ingredients, terminology),
        "items": [item(terminology, substance, use, wanted.classes) for substance, use in found],
        "count": len(ingredients),
        "list_date": _list_date(terminology, wanted.classes),
    }


def _days_ahead(use: DrugUse, today: date) -> int:
    """Days to the first day it is planned for; 0 when that is past or no day is named."""
    return max((min(_days(use), default=today) - today).days, 0)


def item(
    terminology: Terminology, substance: str, use: DrugUse, classes: tuple[str, ...] = ()
) -> dict[str, object]:
    """What a card may say of one use of a drug; empty where the chart says nothing."""
    member_of, name = terminology.classes_of(substance), terminology.display_name
    since = use.start or use.authored
    return {
        "name": name(substance),
        "status": use.status,
        "since": str(since) if since else "",
        "end": str(use.end) if use.end else "",
        "reference": use.source.reference,
        "class": ", ".join(name(each) for each in classes if each in member_of),
        "drafted": use.role == "draft",
    }


def _list_date(terminology: Terminology, classes: tuple[str, ...]) -> str:
    """The oldest date of the lists asked for."""
    dates = [dated for each in classes if (dated := terminology.dated(each))]
    return min(dates).isoformat() if dates else ""
