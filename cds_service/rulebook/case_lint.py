"""Checking the cases of a rule: every entry must be readable before any case is run."""

from __future__ import annotations

from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.build import Draft
from cds_service.rulebook.chart_facts import KEYS, PREFETCH_KEYS, gap_of, read_entry
from cds_service.rulebook.complaints import did_you_mean
from cds_service.rulebook.entries import CaseError, Entry
from cds_service.rulebook.model import Case
from cds_service.terminology import Terminology


def lint_cases(draft: Draft, terminology: Terminology) -> None:
    """Read every entry of every case; what cannot be read is complained about."""
    needs = {need for question in draft.rule.questions for need in KINDS[question.kind].needs}
    for position, case in enumerate(draft.rule.cases):
        _check_given(draft, position, case, terminology)
        for key, why in case.gaps.items():
            try:
                gap_of(key, why)
            except CaseError as error:
                draft.complain(
                    f'case "{case.name}", gaps: "{key}" {error}.'
                    + ("" if key in PREFETCH_KEYS else did_you_mean(key, needs)),
                    "cases",
                    position,
                    "gaps",
                    key,
                )


def _check_given(draft: Draft, position: int, case: Case, terminology: Terminology) -> None:
    for name, values in case.given.items():
        try:
            list(read_entry(Entry(name, values, terminology)))
        except CaseError as error:
            key = f", {error.key}:" if error.key else ""
            draft.complain(
                f'case "{case.name}", "{name}"{key} {error}.'
                + _hint(values.get("fact"), error.key, values.get(error.key), terminology),
                "cases",
                position,
                "given",
                name,
                error.key,
            )


def _hint(fact: object, key: str, value: object, terminology: Terminology) -> str:
    """The nearest valid word for what is most often misspelt."""
    if key == "fact":
        return did_you_mean(value, KEYS)
    if isinstance(fact, str) and key not in KEYS.get(fact, ()):
        return did_you_mean(key, KEYS.get(fact, ()))
    if key in ("substance", "analyte", "concept", "concerns") and isinstance(value, str):
        return did_you_mean(value, terminology.names)
    return ""
