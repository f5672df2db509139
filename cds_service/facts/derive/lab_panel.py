"""Which of several analytes have no usable result in a window, although the search was answered."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive.lab import find_one_of, window_of
from cds_service.facts.derive.view import ASKED, View, only, slugs
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Unknown

STAND_INS = {"calcium-ionized": "calcium"}
"""What is measured for something else: ionised calcium tells of calcium."""


def answer(question: Question, view: View) -> Answer:
    """The number missing; unknown when none is surely missing and some may be.

    ``show["topics"]`` are the things a card about this says are missing, so that none repeats them.
    """
    window = window_of(question, view)
    asked = _asked(question)
    missing: list[Unknown] = []
    open_: dict[Unknown, None] = {}
    unsure = 0
    for analytes in asked:
        found = find_one_of(view, analytes, window)
        if found.nothing_usable:
            missing.append(found.gaps[0])
        elif not found.results or window.dose_gaps:
            unsure += 1
            open_.update(dict.fromkeys(found.gaps))
    gaps = tuple(open_)
    count: Value = Interval.between(len(missing), len(missing) + unsure)
    if gaps and not missing:
        count = gaps[0]
    return only(question, Reading({"missing": count}, Later(lambda: _shown(tuple(missing)))), gaps)


@lru_cache(maxsize=ASKED)
def _asked(question: Question) -> tuple[tuple[str, ...], ...]:
    return tuple(map(tuple, grouped(slugs(question, "analytes")).values()))


def _shown(missing: tuple[Unknown, ...]) -> dict[str, object]:
    return {
        "missing": len(missing),
        "names": tuple(each.what for each in missing),
        "items": [{"name": each.what, "why": each.detail or str(each.reason)} for each in missing],
        "topics": {"missing": missing},
    }


def grouped(analytes: Iterable[str]) -> dict[str, list[str]]:
    """The analytes by what they tell of, in the order asked for; any one of a group will do."""
    found: dict[str, list[str]] = {}
    for analyte in analytes:
        found.setdefault(STAND_INS.get(analyte, analyte), []).append(analyte)
    return found
