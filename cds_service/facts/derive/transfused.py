"""Transfusions given, and whether a count was measured so soon after one that it depends on it.

No code of a platelet transfusion was verified: a procedure, or a medication given, is known by its
words. Nothing found is no proof that none was given; the rules say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from cds_service.facts.answers import Question, Source
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.course import GIVEN
from cds_service.facts.derive import when
from cds_service.facts.derive.view import View, days, slug
from cds_service.facts.model import Moment
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS, PROCEDURES

NEEDS = (PROCEDURES, MEDICATION_ADMINISTRATIONS)

_DONE = frozenset({"completed", "in-progress", "unknown", ""})


@cheap_dataclass(frozen=True, slots=True)
class Transfusion:
    """One transfusion; its day is None when nobody recorded it."""

    label: str
    when: Moment | None
    source: Source


@cheap_dataclass(frozen=True, slots=True)
class Transfusions:
    """The transfusions of a chart, how long one tells on a count, and why there may be more."""

    given: tuple[Transfusion, ...] = ()
    window: timedelta = timedelta(0)
    gaps: tuple[Unknown, ...] = ()

    def before(self, counted: Moment, view: View) -> Transfusion | None:
        """A transfusion that a count may still depend on.

        Where only days are known they may have followed each other: same day counts as before.
        """
        zone = view.now.tzinfo
        first, last = when.span(counted, zone)
        for each in self.given:
            if each.when is None:
                continue
            earliest, latest = when.span(each.when, zone)
            if earliest <= last and first - latest <= self.window:
                return each
        return None


NOT_ASKED = Transfusions()
"""For a count of which no question asks whether it depends on a transfusion."""


def transfusions(question: Question, view: View) -> Transfusions:
    """Those of the concept a question names as ``transfusion``; none when it names none."""
    concept = slug(question, "transfusion")
    window = days(question, "transfusion_within")
    if not concept or window is None:
        return NOT_ASKED
    return view.once(("transfusions", concept, window), lambda: _found(view, concept, window))


def _found(view: View, concept: str, window: timedelta) -> Transfusions:
    what = f"{view.name(concept)}s"
    given = tuple(_given(view, concept))
    undated = tuple(
        Unknown(what, Reason.NO_DATE, "one of an unknown day", each.source.reference)
        for each in given
        if each.when is None
    )
    return Transfusions(given, window, (*view.gaps(NEEDS, what, (concept,)), *undated))


def _given(view: View, concept: str) -> Iterator[Transfusion]:
    for procedure in view.chart.procedures:
        if concept in procedure.concepts and procedure.status in _DONE:
            yield Transfusion(procedure.label, procedure.performed, procedure.source)
    for use in view.uses.of_word(concept):
        if use.kind == "administration" and use.status in GIVEN:
            yield Transfusion(use.label, use.start, use.source)
