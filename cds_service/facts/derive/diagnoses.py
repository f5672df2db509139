"""How many diagnoses of a concept are on file: for what must be there, or must not be."""

from __future__ import annotations

from functools import lru_cache

from cds_service.facts.answers import Answer, Later, Question, Reading
from cds_service.facts.derive.condition import ACTIVE, COUNTED, SUSPECTED, concepts_asked
from cds_service.facts.derive.view import ASKED, View, only, slug
from cds_service.facts.interval import Interval
from cds_service.facts.model import ConditionEntry
from cds_service.facts.vocabulary import CONDITIONS

_RELAPSED = frozenset({"relapse", "recurrence"})


def answer(question: Question, view: View) -> Answer:
    """One reading; entries that are only suspected may count or not."""
    concepts, what = concepts_asked(question, view.terminology)
    status = slug(question, "status")
    entries, gaps = view.entries.of(concepts), view.gaps((CONDITIONS,), what, concepts)
    if not entries and not gaps:
        return _nothing(question)
    entries = tuple(each for each in entries if _has_status(each, status))
    found = [each for each in entries if each.verification in COUNTED]
    suspected = [each for each in entries if each.verification in SUSPECTED]
    sure, sources = len(found), tuple(each.source for each in found)
    count = Interval.at_least(sure) if gaps else Interval.between(sure, sure + len(suspected))
    return only(question, Reading({"count": count}, Later(lambda: _shown(found)), sources), gaps)


@lru_cache(maxsize=ASKED)
def _nothing(question: Question) -> Answer:
    """None on file, for certain."""
    return only(question, Reading({"count": Interval.exactly(0)}, _shown([])))


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
