"""Values and entries that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import chain, islice

from cds_service.facts.answers import Answer, Question, Reading, Source
from cds_service.facts.derive import when
from cds_service.facts.derive.condition import COUNTED
from cds_service.facts.derive.lab import contradict, recency
from cds_service.facts.derive.results import Usable
from cds_service.facts.derive.view import View, days, number, only, slugs
from cds_service.facts.interval import Interval
from cds_service.facts.model import ConditionEntry, LabResult
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import CONDITIONS, OBSERVATIONS

_ALL = frozenset({"b-all", "all-unspecified-lineage", "all-in-remission", "all-in-relapse"})

Contradiction = tuple[str, tuple[Source, ...]]

MOST_TOLD = 20
"""Contradictions told of one analyte; there may be as many as pairs of results."""

MOST_COMPARED = 10_000
"""Pairs compared of one analyte: 140 results of the same hour, or any number of other times."""


def answer(question: Question, view: View) -> Answer:
    """How many contradictions there are, and which."""
    analytes = slugs(question, "analytes")
    compared = [_compared(question, view, analyte) for analyte in analytes]
    found = [*(each for told, _ in compared for each in told), *_remission_and_relapse(view)]
    gaps = (
        *(gap for each in analytes for gap in view.gaps((OBSERVATIONS,), view.name(each), (each,))),
        *view.gaps((CONDITIONS,), "diagnoses (ALL)", _ALL),
        *(gap for _, unfinished in compared for gap in unfinished),
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


def _compared(
    question: Question, view: View, analyte: str
) -> tuple[list[Contradiction], tuple[Unknown, ...]]:
    """The contradictions of one analyte, and whether there may be more than are told."""
    within, now = days(question, "within"), view.chart.now
    name = view.name(analyte)
    recent = [
        each
        for each in view.labs(analyte)
        if each.when and when.is_within(each.when, now, within) is not False
    ]
    apart = timedelta(minutes=int(number(question, "minutes_apart") or Fraction(60)))
    pairs = _near_each_other(_newest_first(recent, now), apart, now)
    looked_at = islice(pairs, MOST_COMPARED)
    found = chain(_of_unit(recent, name), _of_value(looked_at, name, apart, now))
    told = list(islice(found, MOST_TOLD))
    if next(found, None) is None and next(pairs, None) is None:
        return told, ()
    return told, (Unknown(name, Reason.CONFLICT, "too many results near each other to compare"),)


def _of_unit(results: Iterable[LabResult], name: str) -> Iterator[Contradiction]:
    """Results whose unit contradicts itself."""
    for result in results:
        if result.problem and result.problem.reason is Reason.CONFLICT:
            yield f"{name} of {result.when}: {result.problem.detail}", (result.source,)


def _of_value(
    pairs: Iterable[tuple[Usable, Usable]], name: str, apart: timedelta, now: datetime
) -> Iterator[Contradiction]:
    """Two finals of about the same time that differ."""
    for newer, older in pairs:
        if contradict(newer, older, apart, now):
            texts = f"{newer.value.printed} and {older.value.printed}"
            yield f"{name} of {newer.when}: {texts}", (newer.result.source, older.result.source)


def _near_each_other(
    newest_first: Sequence[Usable], apart: timedelta, now: datetime
) -> Iterator[tuple[Usable, Usable]]:
    """Every two results that may be of about the same time, the newer first."""
    spans = [when.span(each.when, now.tzinfo) for each in newest_first]
    for place, (earliest, _) in enumerate(spans):
        for later in range(place + 1, len(spans)):
            if spans[later][1] < earliest - apart:
                break
            yield newest_first[place], newest_first[later]


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
