"""Questions about what a chart does not hold: they have one answer, whatever else it holds.

Half of the questions are about drugs, diagnoses and tests that this patient never had. What is
answered then is worked out once for a question, from a chart without anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from cds_service.facts.answers import Answer, Question
from cds_service.facts.derive import (
    blasts,
    condition,
    diagnoses,
    drugs,
    electrolytes,
    finding,
    harm,
    lab,
    lab_panel,
    marker,
    qtc,
    recent_drugs,
    transplant,
)
from cds_service.facts.derive.view import (
    AS_CONDITIONING,
    ASKED,
    HARMS,
    TRANSPLANTS,
    UNIDENTIFIED,
    View,
    slugs,
)
from cds_service.facts.model import Chart
from cds_service.terminology import Terminology

_NOTHING_ON_FILE = Chart(now=datetime(2000, 1, 1, tzinfo=UTC))

_Words = Callable[[Question, Terminology], Iterable[str]]


class Silences(dict[Question, tuple[frozenset[str], Answer | None]]):
    """All that can bear on a question, and its answer where nothing does, worked out once.

    It holds while nothing is unread. No answer for a kind that something else bears on: the order,
    the doses, the patient.
    """

    def __init__(self, terminology: Terminology) -> None:
        """Take the value sets, which say what classes of drugs hold."""
        super().__init__()
        self._terminology = terminology

    def __missing__(self, question: Question) -> tuple[frozenset[str], Answer | None]:
        """Work out what the rules ask for the first time."""
        if len(self) == ASKED:
            self.clear()
        found = self[question] = _about(question, self._terminology)
        return found


@lru_cache(maxsize=1)
def silences(terminology: Terminology) -> Silences:
    """Those of the questions asked of these value sets."""
    return Silences(terminology)


def _about(question: Question, terminology: Terminology) -> tuple[frozenset[str], Answer | None]:
    kind = _KINDS.get(question.kind)
    if kind is None:
        return frozenset(), None
    words_of, answer = kind
    answered = answer(question, View(_NOTHING_ON_FILE, terminology, {}))
    return frozenset(words_of(question, terminology)), answered


def _named(*selectors: str) -> _Words:
    """The words that a question itself names."""

    def words(question: Question, _: Terminology) -> Iterable[str]:
        return (word for selector in selectors for word in slugs(question, selector))

    return words


def _drugs(question: Question, terminology: Terminology) -> Iterable[str]:
    classes = map(terminology.substances_in, slugs(question, "class"))
    return {UNIDENTIFIED, *slugs(question, "substance")}.union(*classes)


def _transplants(question: Question, _: Terminology) -> Iterable[str]:
    return (TRANSPLANTS, AS_CONDITIONING, *transplant.HISTORIES, *slugs(question, "typical"))


def _harms(_: Question, __: Terminology) -> Iterable[str]:
    return (HARMS,)


_KINDS: Mapping[str, tuple[_Words, Callable[[Question, View], Answer]]] = {
    "blasts": (_named("analyte", "percent", "differential"), blasts.answer),
    "condition": (_named("concept"), condition.answer),
    "diagnoses": (_named("concept"), diagnoses.answer),
    "drugs": (_drugs, drugs.answer),
    "electrolytes": (_named("analytes"), electrolytes.answer),
    "finding": (_named("analyte"), finding.answer),
    "harm": (_harms, harm.answer),
    "lab": (_named("analyte"), lab.answer),
    "lab_panel": (_named("analytes"), lab_panel.answer),
    "marker": (_named("stated_by", "denied_by"), marker.answer),
    "qtc": (_named("analytes"), qtc.answer),
    "recent_drugs": (_drugs, recent_drugs.answer),
    "tested": (_named("analyte"), finding.answer_tested),
    "transplant": (_transplants, transplant.answer),
}
