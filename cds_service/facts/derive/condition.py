"""Diagnoses of a concept, one reading per entry, and how they lie to the first dose."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive.view import ASKED, View, names_of, slug, slugs
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import ConditionEntry, Moment
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import CONDITIONS
from cds_service.terminology import Terminology

COUNTED = frozenset({"confirmed", "provisional", ""})
"""Verification that makes an entry count; refuted and entered in error do not."""

SUSPECTED = frozenset({"unconfirmed", "differential"})
ACTIVE = frozenset({"active", "recurrence", "relapse"})
_RESOLVED = frozenset({"resolved", "remission", "inactive"})


def answer(question: Question, view: View) -> Answer:
    """A reading per entry; entries that are only suspected are gaps, they prove nothing."""
    concepts, what = concepts_asked(question, view.terminology)
    entries, gaps = view.entries.of(concepts), view.gaps((CONDITIONS,), what, concepts)
    substance = slug(question, "dose_of")
    readings = tuple(
        _reading(view, each, substance) for each in entries if each.verification in COUNTED
    )
    suspected = tuple(
        Unknown(what, Reason.AMBIGUOUS, f"recorded as {each.verification}", each.source.reference)
        for each in entries
        if each.verification in SUSPECTED
    )
    return Answer(question, readings, (*gaps, *suspected))


@lru_cache(maxsize=ASKED)
def concepts_asked(question: Question, terminology: Terminology) -> tuple[frozenset[str], str]:
    """The concepts a question is about, and what they are called where they are not known."""
    concepts = frozenset(slugs(question, "concept"))
    return concepts, f"diagnoses ({', '.join(names_of(concepts, terminology))})"


def _reading(view: View, entry: ConditionEntry, substance: str) -> Reading:
    fields: dict[str, Value] = {
        "active": _has_status(entry, ACTIVE),
        "resolved": _has_status(entry, _RESOLVED),
        "since_first_dose": _since_first_dose(view, entry, substance) if substance else None,
        "before_first_dose": _before_first_dose(view, entry, substance) if substance else None,
        "days_since_abatement": _days_since_abatement(view, entry),
        "days_since_noted": _days_since_noted(view, entry),
        "severity": entry.severity or "unrecorded",
    }
    return Reading(fields, Later(lambda: _shown(entry)), (entry.source,))


def _shown(entry: ConditionEntry) -> dict[str, object]:
    noted = entry.onset or entry.recorded
    return {
        "label": entry.label,
        "date": str(noted) if noted else "",
        "ended": str(entry.abatement) if entry.abatement else "",
        "status": entry.clinical_status,
        "severity": entry.severity,
        "by_words": entry.by_words,
    }


def _has_status(entry: ConditionEntry, statuses: frozenset[str]) -> bool | Unknown:
    """By clinical status; without one, an abatement says that it is over."""
    if entry.clinical_status:
        return entry.clinical_status in statuses
    if entry.abatement:
        return statuses is _RESOLVED
    return Unknown(
        f"whether {entry.label or 'a diagnosis'} is active",
        Reason.NOT_RECORDED,
        reference=entry.source.reference,
        plainly="whether a diagnosis is active",
    )


def _since_first_dose(view: View, entry: ConditionEntry, substance: str) -> bool | Unknown:
    """Whether it began on or after the first dose.

    Without an onset, the day it was recorded is the latest day it can have begun.
    """
    history = view.doses(substance)
    gaps = view.dose_gaps(substance, f"first dose of {view.name(substance)}")
    if history.first is None:
        return gaps[0] if gaps else False
    began = entry.onset or entry.recorded
    since = _on_or_after(began, history.first.day) if began else None
    if since and entry.onset:
        return True
    if since is False:
        return gaps[0] if gaps else False
    return _no_date(entry, "when it began")


def _before_first_dose(view: View, entry: ConditionEntry, substance: str) -> bool | Unknown:
    """Whether it was over before the first dose, or no dose was given yet."""
    history = view.doses(substance)
    gaps = view.dose_gaps(substance, f"first dose of {view.name(substance)}")
    if history.first is None:
        return gaps[0] if gaps else True
    first = history.first.day
    if entry.onset and _on_or_after(entry.onset, first):
        return False
    ended_since = _on_or_after(entry.abatement, first) if entry.abatement else None
    if ended_since or entry.clinical_status in ACTIVE:
        return False
    if ended_since is None:
        return _no_date(entry, "when it ended")
    return gaps[0] if gaps else True


def _on_or_after(moment: Moment, day: date) -> Truth:
    if moment.first >= day:
        return True
    return False if moment.last < day else None


def _days_since_abatement(view: View, entry: ConditionEntry) -> Interval | Unknown | None:
    today = view.today
    if entry.abatement:
        least = max((today - entry.abatement.last).days, 0)
        return Interval.between(least, max((today - entry.abatement.first).days, 0))
    return _no_date(entry, "when it ended") if entry.clinical_status in _RESOLVED else None


def _days_since_noted(view: View, entry: ConditionEntry) -> Interval | Unknown:
    noted = [each for each in (entry.onset, entry.recorded) if each]
    if not noted:
        return _no_date(entry, "when it began")
    latest, today = max(noted, key=lambda each: each.last), view.today
    least = max((today - latest.last).days, 0)
    return Interval.between(least, max((today - latest.first).days, 0))


def _no_date(entry: ConditionEntry, when: str) -> Unknown:
    return Unknown(
        f"{entry.label or 'a diagnosis'}, {when}",
        Reason.NO_DATE,
        reference=entry.source.reference,
        plainly=f"a diagnosis, {when}",
    )
