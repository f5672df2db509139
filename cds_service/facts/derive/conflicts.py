"""Values and entries that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import chain, islice

from cds_service.facts.answers import Answer, Later, Question, Reading, Source
from cds_service.facts.derive import when
from cds_service.facts.derive.condition import COUNTED
from cds_service.facts.derive.lab import contradict, results_of
from cds_service.facts.derive.results import Placed, Usable
from cds_service.facts.derive.view import ASKED, View, days, number, only, slugs
from cds_service.facts.interval import Interval
from cds_service.facts.model import ConditionEntry
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import CONDITIONS, OBSERVATIONS

_ALL = frozenset({"b-all", "all-unspecified-lineage", "all-in-remission", "all-in-relapse"})

Contradiction = tuple[str, tuple[Source, ...]]

_NO_CONTRADICTION = Reading({"count": Interval.exactly(0)}, {"names": (), "items": []})

MOST_TOLD = 20
"""Contradictions told of one analyte; there may be as many as pairs of results."""

MOST_COMPARED = 10_000
"""Pairs compared of one analyte: 140 results of the same hour, or any number of other times."""


def answer(question: Question, view: View) -> Answer:
    """How many contradictions there are, and which."""
    analytes, within = slugs(question, "analytes"), days(question, "within")
    apart = _apart(question)
    compared = [_compared(view, analyte, within, apart) for analyte in analytes]
    found = [*(each for told, _ in compared for each in told), *_remission_and_relapse(view)]
    gaps = (*_unread(view, analytes), *(gap for _, unfinished in compared for gap in unfinished))
    if not found and not gaps:
        return only(question, _NO_CONTRADICTION)
    count = Interval.at_least(len(found)) if gaps else Interval.exactly(len(found))
    shown = Later(lambda: _shown(found))
    sources = tuple(dict.fromkeys(source for _, sources in found for source in sources))
    return only(question, Reading({"count": count}, shown, sources), gaps)


def _shown(found: list[Contradiction]) -> dict[str, object]:
    return {
        "names": tuple(text for text, _ in found),
        "items": [
            {"name": text, "references": tuple(source.reference for source in sources)}
            for text, sources in found
        ],
    }


def _unread(view: View, analytes: tuple[str, ...]) -> tuple[Unknown, ...]:
    """Why there may be results and diagnoses that nobody compared."""
    if view.sent_whole:
        return ()
    return (
        *(gap for each in analytes for gap in view.gaps((OBSERVATIONS,), view.name(each), (each,))),
        *view.gaps((CONDITIONS,), "diagnoses (ALL)", _ALL),
    )


def _compared(
    view: View, analyte: str, within: timedelta | None, apart: timedelta
) -> tuple[Sequence[Contradiction], tuple[Unknown, ...]]:
    """The contradictions of one analyte, and whether there may be more than are told."""
    now = view.now
    recent: list[Placed] = []
    near = False
    for each in results_of(view, analyte).back_to(when.oldest(now, within)):
        if when.is_within(each.when, now, within) is not False:
            near = near or bool(recent and each.latest >= recent[-1].earliest - apart)
            recent.append(each)
    if not near and not any([each.result.problem for each in recent]):
        return (), ()
    name = view.name(analyte)
    finals = [each for each in recent if each.result.status == "final" and each.result.value]
    pairs = _near_each_other(finals, apart)
    looked_at = islice(pairs, MOST_COMPARED)
    found = chain(_of_unit(recent, name), _of_value(looked_at, name, apart, now))
    told = list(islice(found, MOST_TOLD))
    if next(found, None) is None and next(pairs, None) is None:
        return told, ()
    return told, (Unknown(name, Reason.CONFLICT, "too many results near each other to compare"),)


@lru_cache(maxsize=ASKED)
def _apart(question: Question) -> timedelta:
    return timedelta(minutes=int(number(question, "minutes_apart") or Fraction(60)))


def _of_unit(results: Iterable[Placed], name: str) -> Iterator[Contradiction]:
    """Results whose unit contradicts itself, in the order of the chart."""
    problems = [(each, problem) for each in results if (problem := each.result.problem)]
    for each, problem in sorted(problems, key=lambda pair: pair[0].place):
        if problem.reason is Reason.CONFLICT:
            yield f"{name} of {each.when}: {problem.detail}", (each.result.source,)


def _of_value(
    pairs: Iterable[tuple[Placed, Placed]], name: str, apart: timedelta, now: datetime
) -> Iterator[Contradiction]:
    """Two finals of about the same time that differ."""
    for one, other in pairs:
        newer, older = Usable.of(one.result), Usable.of(other.result)
        if newer and older and contradict(newer, older, apart, now):
            texts = f"{newer.value.printed} and {older.value.printed}"
            yield f"{name} of {newer.when}: {texts}", (newer.result.source, older.result.source)


def _near_each_other(
    newest_first: Sequence[Placed], apart: timedelta
) -> Iterator[tuple[Placed, Placed]]:
    """Every two results that may be of about the same time, the newer first."""
    for place, newer in enumerate(newest_first):
        since = newer.earliest - apart
        for later in range(place + 1, len(newest_first)):
            older = newest_first[later]
            if older.latest < since:
                break
            yield newer, older


def _remission_and_relapse(view: View) -> Iterator[Contradiction]:
    """ALL coded both in remission and in relapse."""
    entries = [each for each in view.entries.of(_ALL) if each.verification in COUNTED]
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
