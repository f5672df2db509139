"""One call's chart, with what several questions need worked out once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar

from cds_service.facts.answers import Answer, Question, Reading
from cds_service.facts.cheap import kept
from cds_service.facts.course import Cycle, DoseHistory, cycles, dose_history
from cds_service.facts.derive.index import Index
from cds_service.facts.derive.results import Results
from cds_service.facts.model import Chart, ConditionEntry, DrugUse, LabResult
from cds_service.facts.order_sets import is_conditioning
from cds_service.facts.regimen import Regimen
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import DOSES, PATIENT
from cds_service.terminology import Terminology

T = TypeVar("T")

DRAFTS = "draftOrders"
SELECTIONS = "selections"
"""The needs that drafts, and selections without a draft, are set aside under: parts of the call
itself, which come by no prefetch key."""


UNIDENTIFIED = "?"
"""Stands among the substances of a drug that nobody could identify, which might be any."""

AS_CONDITIONING = "!"
"""Stands among the substances of a drug of an order set that calls itself conditioning."""

HARMS, TRANSPLANTS = "harms", "transplants"
"""Stand among the words of a chart that tells of any."""

ASKED = 4096
"""Questions of which what they ask for is kept; a rulebook has some hundred."""

_UNKNOWN = object()


class View:
    """A chart seen through value sets and regimens. Not shared between calls."""

    def __init__(
        self, chart: Chart, terminology: Terminology, regimens: Mapping[str, Regimen]
    ) -> None:
        """Take the chart of one call; nothing is worked out before it is asked for."""
        self.chart = chart
        self.terminology = terminology
        self.name = terminology.display_name
        """The name a clinician reads for a substance, analyte or diagnosis."""
        self._regimens = regimens
        self.now = chart.now
        self.today = chart.today
        self.known: dict[Hashable, Any] = {}
        """What was worked out once, under a key of whoever did."""
        self.results: dict[str, Results] = {}
        """The results of each analyte that was asked for, on their time line."""
        self._drafts: dict[str, tuple[DrugUse, ...]] = {}
        self._doses: dict[str, DoseHistory] = {}
        self.sent_whole = not (chart.gaps or chart.set_aside)
        """Whether every search was answered, and everything that came could be used."""

    def once(self, key: Hashable, work_out: Callable[[], T]) -> T:
        """What is asked for each of many orders and is the same each time, worked out once."""
        known: Any = self.known.get(key, _UNKNOWN)
        if known is _UNKNOWN:
            known = self.known[key] = work_out()
        found: T = known
        return found

    def names(self, slugs: Iterable[str]) -> tuple[str, ...]:
        """Their names in the order of the alphabet."""
        return names_of(slugs, self.terminology)

    def regimen(self, substance: str) -> Regimen | None:
        """How the substance is given, if there is a regimen."""
        return self._regimens.get(substance)

    def labs(self, analyte: str) -> list[LabResult]:
        """Every result of an analyte, usable or not."""
        return self.measured.get(analyte, [])

    @kept
    def measured(self) -> Mapping[str, list[LabResult]]:
        """The results of each analyte of which there are any, in the order of the chart."""
        found: dict[str, list[LabResult]] = defaultdict(list)
        for result in self.chart.labs:
            found[result.analyte].append(result)
        return found

    @kept
    def uses(self) -> Index[DrugUse]:
        """Every use of a drug by substance, ``UNIDENTIFIED`` and ``AS_CONDITIONING``."""
        return Index(self.chart.drugs, _substances)

    @kept
    def entries(self) -> Index[ConditionEntry]:
        """Every diagnosis by concept."""
        return Index(self.chart.conditions, lambda entry: entry.concepts)

    @kept
    def words(self) -> frozenset[str]:
        """What the chart holds anything about: drugs, diagnoses, tests; ``HARMS`` and the like."""
        chart = self.chart
        return self.uses.words.union(
            self.entries.words,
            self.measured,
            (each.analyte for each in chart.findings),
            (HARMS,) if chart.harms else (),
            (TRANSPLANTS,) if chart.transplant or chart.procedures else (),
        )

    def drafts(self, substance: str) -> tuple[DrugUse, ...]:
        """The live orders of a substance that are being signed now."""
        known = self._drafts.get(substance)
        if known is None:
            uses = self.uses.of_word(substance)
            known = tuple(use for use in uses if use.role == "draft" and is_live_order(use))
            self._drafts[substance] = known
        return known

    def doses(self, substance: str) -> DoseHistory:
        """The doses of a substance given up to now."""
        known = self._doses.get(substance)
        if known is None:
            uses = self.uses.of_word(substance)
            known = dose_history(uses, substance, self.now, self.regimen(substance))
            self._doses[substance] = known
        return known

    def cycles(self, substance: str) -> tuple[Cycle, ...]:
        """The cycles begun, as the doses tell; none without a regimen."""
        regimen = self.regimen(substance)
        if regimen is None:
            return ()
        return self.once(
            ("cycles", substance), lambda: cycles(self.doses(substance).doses, regimen)
        )

    def unread_doses(self, substance: str, what: str) -> tuple[Unknown, ...]:
        """Why more doses may have been given than we know of."""
        return self.gaps(DOSES, what, (substance,))

    def unread_orders(self, substance: str) -> tuple[Unknown, ...]:
        """Why more may be ordered now than we know of."""
        if self.sent_whole:
            return ()
        what = f"order of {self.name(substance)}"
        return self.gaps((DRAFTS, SELECTIONS), what, (substance,))

    def dose_gaps(self, substance: str, what: str) -> tuple[Unknown, ...]:
        """Why the course is not known for certain: unread records, doses on an unknown day."""
        if self.sent_whole and not self.doses(substance).undated:
            return ()
        key = ("dose gaps", substance, what)
        return self.once(key, lambda: tuple(self._dose_gaps(substance, what)))

    def _dose_gaps(self, substance: str, what: str) -> Iterator[Unknown]:
        yield from self.unread_doses(substance, what)
        for each in self.doses(substance).undated:
            detail = "a dose was given on an unknown day"
            yield Unknown(what, Reason.NO_DATE, detail, each.reference)

    def gaps(
        self, needs: Iterable[str], what: str, concerns: Iterable[str] = ()
    ) -> tuple[Unknown, ...]:
        """Why the chart may not say everything about ``what``.

        Searches not answered completely, and resources set aside that are about one of
        ``concerns`` or about nobody knows what. When the Patient that was sent is another one,
        nothing that is not found may be taken for absent.
        """
        if self.sent_whole:
            return ()
        wanted, about = frozenset(needs), frozenset(concerns)
        key = ("gaps", wanted, what, about)
        return self.once(key, lambda: self._gaps(wanted, what, about))

    def _gaps(
        self, wanted: frozenset[str], what: str, about: frozenset[str]
    ) -> tuple[Unknown, ...]:
        sent = self.chart.gaps.get(PATIENT)
        stranger = [sent] if sent and sent.reason is Reason.FOREIGN else []
        unanswered = [
            Unknown(what, gap.reason, gap.detail, gap.reference, gap.plainly)
            for key, gap in self.chart.gaps.items()
            if key in wanted
        ]
        unusable = [
            Unknown(what, each.reason, each.detail, each.reference)
            for each in self.chart.set_aside
            if each.need in wanted and not (each.concerns and each.concerns.isdisjoint(about))
        ]
        return tuple(dict.fromkeys((*stranger, *unanswered, *unusable)))


def names_of(slugs: Iterable[str], terminology: Terminology) -> tuple[str, ...]:
    """The names clinicians read, in the order of the alphabet."""
    return tuple(sorted(map(terminology.display_name, slugs), key=str.casefold))


def _substances(use: DrugUse) -> Iterable[str]:
    if use.resolved_by != "nothing" and not use.order_set:
        return use.substances
    words = list(use.substances)
    if use.resolved_by == "nothing":
        words.append(UNIDENTIFIED)
    if use.order_set and is_conditioning(use.order_set):
        words.append(AS_CONDITIONING)
    return words


def is_live_order(use: DrugUse) -> bool:
    """An order in force or being written: not stopped, finished, cancelled or an order not to."""
    return (
        use.kind == "order"
        and not use.do_not_perform
        and use.status in ("draft", "active", "on-hold")
    )


def only(question: Question, reading: Reading, gaps: tuple[Unknown, ...] = ()) -> Answer:
    """An answer of one reading."""
    return Answer(question, (reading,), gaps)


@lru_cache(maxsize=ASKED)
def slugs(question: Question, selector: str) -> tuple[str, ...]:
    """The words of a selector that takes one or many; none when the rule left it out."""
    value = question.get(selector)
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, tuple) else ()


@lru_cache(maxsize=ASKED)
def slug(question: Question, selector: str) -> str:
    """The one word of a selector; empty when the rule left it out."""
    value = question.get(selector)
    return value if isinstance(value, str) else ""


@lru_cache(maxsize=ASKED)
def days(question: Question, selector: str) -> timedelta | None:
    """The period of a selector given in days; None when the rule left it out."""
    value = number(question, selector)
    return None if value is None else timedelta(microseconds=int(value * 86_400_000_000))


@lru_cache(maxsize=ASKED)
def number(question: Question, selector: str) -> Fraction | None:
    """The number of a selector; None when the rule left it out."""
    value = question.get(selector)
    return value if isinstance(value, Fraction) else None
