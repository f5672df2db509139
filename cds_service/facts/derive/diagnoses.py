"""How many diagnoses of a concept are on file: for what must be there, or must not be."""

from __future__ import annotations

from cds_service.facts.answers import Answer, Later, Question, Reading
from cds_service.facts.derive.condition import ACTIVE, COUNTED, SUSPECTED, concepts_asked
from cds_service.facts.derive.view import View, only, slug
from cds_service.facts.interval import Interval
from cds_service.facts.model import ConditionEntry
from cds_service.facts.vocabulary import CONDITIONS

_RELAPSED = frozenset({"relapse", "recurrence"})


def answer(question: Question, view: View) -> Answer:
    """One reading; entries that are only suspected may count or not."""
    concepts, what = concepts_asked(question, view.terminology)
    status, gaps = slug(question, "status"), view.gaps((CONDITIONS,), what, concepts)
    entries = [each for each in view.entries.of(concepts) if _has_status(each, status)]
    found = [each for each in entries if each.verification in COUNTED]
    suspected = [each for each in entries if each.verification in SUSPECTED]
    sure, sources = len(found), tuple(each.source for each in found)
    count = Interval.at_least(sure) if gaps else Interval.between(sure, sure + len(suspected))
    return only(question, Reading({"count": count}, Later(lambda: _shown(found)), sources), gaps)


def _shown(found: list[ConditionEntry]) -> dict[str, object]:
    return {
        "names": tuple(dict.fromkeys(each.label for each in found if each.label)),
        "count": len(found),
        "by_words": any(each.by_words for each in found),
    }


def _has_status(entry: ConditionEntry, status: str) -> bool:
    """Whether the entry has the status asked for; one without a status is taken as active."""
    if status == "active":
        return entry.clinical_status in ACTIVE or not (entry.clinical_status or entry.abatement)
    return status != "relapsed" or entry.clinical_status in _RELAPSED
