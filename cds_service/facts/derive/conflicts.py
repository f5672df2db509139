"""Values and entries that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import combinations

from cds_service.facts.answers import Answer, Question, Reading, Source
from cds_service.facts.derive import when
from cds_service.facts.derive.condition import COUNTED
from cds_service.facts.derive.lab import Usable, contradict, recency
from cds_service.facts.derive.view import View, days, number, only, slugs
from cds_service.facts.interval import Interval
from cds_service.facts.model import ConditionEntry, LabResult
from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import CONDITIONS, OBSERVATIONS

_ALL = frozenset({"b-all", "all-unspecified-lineage", "all-in-remission", "all-in-relapse"})

Contradiction = tuple[str, tuple[Source, ...]]


def answer(question: Question, view: View) -> Answer:
    """How many contradictions there are, and which."""
    analytes = slugs(question, "analytes")
    found = [
        *(each for analyte in analytes for each in _between_results(question, view, analyte)),
        *_remission_and_relapse(view),
    ]
    gaps = (
        *(gap for each in analytes for gap in view.gaps((OBSERVATIONS,), view.name(each), (each,))),
        *view.gaps((CONDITIONS,), "diagnoses (ALL)", _ALL),
    )
    count = Interval.at_least(len(found)) if gaps else Interval.exactly(len(found))
    shown = {
        "names": tuple(text for text, _ in found),
        "items": [
            {"name": text, "references": tuple(source.reference for source in sources)}
            for text, sources in found
        ],
    }
    sources = tuple(dict.fromkeys(source for _, sources in found for source in sources))
    return only(question, Reading({"count": count}, shown, sources), gaps)


def _between_results(question: Question, view: View, analyte: str) -> Iterator[Contradiction]:
    """Two finals of about the same time that differ, and results whose unit contradicts itself."""
    apart = timedelta(minutes=int(number(question, "minutes_apart") or Fraction(60)))
    within, now = days(question, "within"), view.chart.now
    name = view.name(analyte)
    recent = [
        each
        for each in view.labs(analyte)
        if each.when and when.is_within(each.when, now, within) is not False
    ]
    for result in recent:
        if result.problem and result.problem.reason is Reason.CONFLICT:
            yield f"{name} of {result.when}: {result.problem.detail}", (result.source,)
    for newer, older in combinations(_newest_first(recent, now), 2):
        if contradict(newer, older, apart, now):
            texts = f"{newer.value.printed} and {older.value.printed}"
            yield f"{name} of {newer.when}: {texts}", (newer.result.source, older.result.source)


def _newest_first(results: Iterable[LabResult], now: datetime) -> list[Usable]:
    finals = [usable for each in results if each.status == "final" and (usable := Usable.of(each))]
    return sorted(finals, key=lambda each: recency(each, now), reverse=True)


def _remission_and_relapse(view: View) -> Iterator[Contradiction]:
    """ALL coded both in remission and in relapse."""
    entries = [
        each
        for each in view.chart.conditions
        if each.concepts & _ALL and each.verification in COUNTED
    ]
    remission = [each for each in entries if _says(each, "remission")]
    relapse = [each for each in entries if _says(each, "relapse")]
    if remission and relapse:
        both = dict.fromkeys(each.source for each in (*remission, *relapse))
        yield "ALL in remission and in relapse", tuple(both)


def _says(entry: ConditionEntry, status: str) -> bool:
    """By clinical status; an entry that is merely active, or has none, by what its code says."""
    if entry.clinical_status in ("", "active", "recurrence"):
        return f"all-in-{status}" in entry.concepts
    return entry.clinical_status == status
