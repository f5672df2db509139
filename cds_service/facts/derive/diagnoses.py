"""How many diagnoses of a concept are on file: for what must be there, or must not be."""

from __future__ import annotations

from fractions import Fraction

from cds_service.facts.answers import Answer, Question, Reading
from cds_service.facts.derive.condition import ACTIVE, COUNTED, SUSPECTED
from cds_service.facts.derive.view import View, only, slug, slugs
from cds_service.facts.interval import Interval
from cds_service.facts.model import ConditionEntry
from cds_service.facts.vocabulary import CONDITIONS

_RELAPSED = frozenset({"relapse", "recurrence"})


def answer(question: Question, view: View) -> Answer:
    """One reading; entries that are only suspected may count or not."""
    concepts = frozenset(slugs(question, "concept"))
    status = slug(question, "status")
    what = f"diagnoses ({', '.join(view.names(concepts))})"
    entries = [
        each
        for each in view.chart.conditions
        if concepts & each.concepts and _has_status(each, status)
    ]
    found = [each for each in entries if each.verification in COUNTED]
    suspected = [each for each in entries if each.verification in SUSPECTED]
    gaps = view.gaps((CONDITIONS,), what, concepts)
    sure = Fraction(len(found))
    count = Interval(sure, None if gaps else sure + len(suspected))
    labels = [each.label for each in found if each.label]
    shown = {
        "names": tuple(dict.fromkeys(labels)),
        "count": len(found),
        "by_words": any(each.by_words for each in found),
    }
    return only(
        question, Reading({"count": count}, shown, tuple(each.source for each in found)), gaps
    )


def _has_status(entry: ConditionEntry, status: str) -> bool:
    """Whether the entry has the status asked for; one without a status is taken as active."""
    if status == "active":
        return entry.clinical_status in ACTIVE or not (entry.clinical_status or entry.abatement)
    return status != "relapsed" or entry.clinical_status in _RELAPSED
