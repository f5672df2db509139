"""Which of several analytes have no usable result in a window, although the search was answered."""

from __future__ import annotations

from fractions import Fraction

from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.derive.lab import find, window_of
from cds_service.facts.derive.view import View, only, slugs
from cds_service.facts.interval import Interval


def answer(question: Question, view: View) -> Answer:
    """The number missing; unknown when none is surely missing and some may be.

    ``show["topics"]`` are the things a card about this says are missing, so that none repeats them.
    """
    window = window_of(question, view)
    found = [find(view, analyte, window) for analyte in slugs(question, "analytes")]
    missing = tuple(gap for each in found if each.nothing_usable for gap in each.gaps)
    unsure = [
        each for each in found if not each.nothing_usable and (not each.results or window.dose_gaps)
    ]
    gaps = tuple(dict.fromkeys(gap for each in unsure for gap in each.gaps))
    count: Value = Interval(Fraction(len(missing)), Fraction(len(missing) + len(unsure)))
    if gaps and not missing:
        count = gaps[0]
    shown = {
        "missing": len(missing),
        "names": tuple(each.what for each in missing),
        "items": [{"name": each.what, "why": each.detail or str(each.reason)} for each in missing],
        "topics": {"missing": missing},
    }
    return only(question, Reading({"missing": count}, shown), gaps)
