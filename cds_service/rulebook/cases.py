"""A rule's own tests: from the compact notation to a chart, and from a verdict to pass or fail.

The notation is told in ``docs/writing-a-rule.md``. The call is made at noon UTC of ``today``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from cds_service.errors import CDSServiceError
from cds_service.facts.model import Chart, Patient
from cds_service.rulebook.chart_facts import gap_of, read_entry
from cds_service.rulebook.entries import Entry
from cds_service.rulebook.judged import Judged
from cds_service.rulebook.model import Case, Rule
from cds_service.terminology import Terminology


def chart_of(case: Case, rule: Rule, terminology: Terminology) -> Chart:
    """The small chart a case describes; the rule gives the default hook.

    Raises:
        CaseError: when an entry cannot be read. Cases of a loaded rulebook always can.
    """
    facts: dict[str, list[Any]] = {}
    for name, values in case.given.items():
        entry = Entry(name, values, terminology)
        for part, fact in read_entry(entry):
            facts.setdefault(part, []).append(fact)
    patients = facts.pop("patient", [Patient()])
    return Chart(
        now=datetime.combine(case.today, time(12), UTC),
        hook=case.hook or rule.hooks[0],
        profile=case.profile,
        patient=patients[0],
        gaps={key: gap_of(key, why) for key, why in case.gaps.items()},
        **{part: tuple(found) for part, found in facts.items()},
    )


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How a case went: what differs from what it expects (nothing when it passed)."""

    rule: Rule
    case: Case
    differences: tuple[str, ...]
    clauses: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.differences

    def __str__(self) -> str:
        """File, line and case, what differs, and how each clause was judged."""
        head = f'{self.rule.file}:{self.case.line}: case "{self.case.name}"'
        if self.passed:
            return f"{head} passes"
        lines = "".join(f"\n    {line}" for line in self.clauses)
        return f"{head} {'; '.join(self.differences)}{lines}"


def run(
    rule: Rule,
    case: Case,
    judge_case: Callable[[Rule, Case], Any],
    render_summary: Callable[[Any, Case], str] | None = None,
) -> CaseResult:
    """Judge a case and compare with what it expects.

    ``judge_case`` gives the rule's verdict on the case's chart (any ``Judged``),
    ``render_summary`` the sentence on its card, and CDSServiceError when the card cannot be
    written; without it no card is written and no sentence compared.
    """
    verdict: Judged = judge_case(rule, case)
    differences = list(_differences(case, verdict))
    if verdict.speaking and render_summary and not differences:
        differences += _spoken(verdict, case, render_summary)
    details = tuple(_details(verdict)) if differences else ()
    return CaseResult(rule, case, tuple(differences), details)


def _spoken(
    verdict: Judged, case: Case, render_summary: Callable[[Any, Case], str]
) -> Iterable[str]:
    """What is wrong with the words of the card of a case that fires."""
    try:
        said = render_summary(verdict, case)
    except CDSServiceError as error:
        yield str(error)
        return
    if case.summary and said != case.summary:
        yield f'says "{said}", expected "{case.summary}"'


def _differences(case: Case, verdict: Judged) -> Iterable[str]:
    if verdict.outcome != case.expect:
        yield f"is {verdict.outcome}, expected {case.expect}"
        return
    if case.missing and case.missing not in _unknown_clauses(verdict):
        yield f'is unknown, but not because of clause "{case.missing}"'
    if verdict.speaking is None:
        return
    spoken = verdict.speaking.variant
    if case.variant and spoken.name != case.variant:
        yield f'fires with variant "{spoken.name}", expected "{case.variant}"'
    if case.indicator and spoken.indicator != case.indicator:
        yield f'fires as "{spoken.indicator}", expected "{case.indicator}"'


def _unknown_clauses(verdict: Judged) -> set[str]:
    return {
        judged.clause.name
        for variant in verdict.variants
        if variant.outcome == "unknown"
        for judged in variant.clauses
        if judged.truth is None
    }


_SAID = {True: "holds", False: "fails", None: "unknown"}


def _details(verdict: Judged) -> Iterable[str]:
    for variant in verdict.variants:
        for judged in variant.clauses:
            why = "; ".join(str(unknown) for unknown in judged.missing)
            said = _SAID[judged.truth] + (f" ({why})" if why else "")
            yield f"{variant.variant.name}.{judged.clause.name}: {said}"
