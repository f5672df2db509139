"""Adverse events and allergies put down to a substance, one reading per entry."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive.view import View, slug, slugs
from cds_service.facts.interval import Interval
from cds_service.facts.model import HarmEntry
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import ADVERSE_EVENTS, ALLERGIES

_GRADES = {"mild": 1, "moderate": 2, "severe": 3, "life-threatening": 4}
"""The grade each severity describes in CTCAE, for an entry without a grade of its own."""

_NEEDS = {"adverse-event": (ADVERSE_EVENTS,), "allergy": (ALLERGIES,)}
_KIND_WORDS = {"adverse-event": "adverse event", "allergy": "allergy or intolerance"}


def answer(question: Question, view: View) -> Answer:
    """Entries of the substance that are not called unrelated.

    Of adverse events, ``concept`` keeps those that are of it by code or words; an allergy is a
    reaction by itself.
    """
    substance, kind = slug(question, "substance"), slug(question, "type")
    concepts = frozenset(slugs(question, "concept"))
    name = view.name(substance)
    entries = [
        each
        for each in view.chart.harms
        if each.related and kind in ("", each.kind) and _is_of(view, each, concepts)
    ]
    readings = tuple(_reading(each) for each in entries if substance in each.substances)
    needs = _NEEDS.get(kind, (ADVERSE_EVENTS, ALLERGIES))
    gaps = view.gaps(needs, f"reactions to {name}", {substance, *concepts})
    return Answer(question, readings, (*gaps, *_to_nobody_knows_what(view, substance, entries)))


def _is_of(view: View, entry: HarmEntry, concepts: frozenset[str]) -> bool:
    if not concepts or entry.kind == "allergy":
        return True
    return bool(concepts & (entry.concepts | view.terminology.conditions_in(entry.label)))


def _to_nobody_knows_what(
    view: View, substance: str, entries: list[HarmEntry]
) -> Iterator[Unknown]:
    """Events since the first dose that name no drug may have been to this one."""
    first = view.doses(substance).first
    for entry in entries:
        if entry.substances or first is None or (entry.onset and entry.onset.last < first.day):
            continue
        yield Unknown(
            f"whether {entry.label} was a reaction to {view.name(substance)}",
            Reason.NOT_RECORDED,
            reference=entry.source.reference,
            plainly=f"whether an event was a reaction to {view.name(substance)}",
        )


def _reading(entry: HarmEntry) -> Reading:
    called = f"the allergy to {entry.label}" if entry.kind == "allergy" else entry.label
    unrecorded = Unknown(
        f"severity of {called}",
        Reason.NOT_RECORDED,
        reference=entry.source.reference,
        plainly=f"severity of an {'allergy' if entry.kind == 'allergy' else 'event'}",
    )
    grade = entry.grade or _GRADES.get(entry.severity)
    fields: dict[str, Value] = {
        "severity": entry.severity or unrecorded,
        "severity_recorded": bool(entry.severity),
        "grade": unrecorded if grade is None else Interval.exactly(grade),
        "active": entry.active,
        "resolved": entry.ended,
    }
    return Reading(fields, Later(lambda: _shown(entry)), (entry.source,))


def _shown(entry: HarmEntry) -> dict[str, object]:
    return {
        "label": entry.label,
        "date": str(entry.onset) if entry.onset else "",
        "severity": entry.severity,
        "type": _KIND_WORDS[entry.kind],
    }
