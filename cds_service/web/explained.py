"""Verdicts as plain words: what each clause asks, what was found, what is missing, how near."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cds_service.engine.verdict import ClauseVerdict, VariantVerdict, Verdict
from cds_service.facts.interval import Truth
from cds_service.rulebook.model import Rule
from cds_service.terminology import Terminology
from cds_service.web.asked import asked
from cds_service.web.found import facts, found
from cds_service.web.gap import gap
from cds_service.web.sought import sought

_TRUTHS: Mapping[Truth, str] = {True: "true", False: "false", None: "unknown"}


def explained(verdicts: Iterable[Verdict], terminology: Terminology) -> dict[str, Any]:
    """The body of an explain answer: every rule with its verdict and why, clause by clause."""
    return {"rules": [_rule(verdict, terminology) for verdict in verdicts]}


def _rule(verdict: Verdict, terminology: Terminology) -> dict[str, Any]:
    rule = verdict.rule
    told: dict[str, Any] = {
        "id": rule.id,
        "title": rule.title,
        "version": rule.version,
        "status": rule.status,
        "verdict": verdict.outcome,
    }
    if verdict.speaking:
        told["indicator"] = verdict.speaking.variant.indicator
    if verdict.because:
        told["because"] = verdict.because
    told["variants"] = [_variant(each, rule, terminology) for each in verdict.variants]
    return told


def _variant(verdict: VariantVerdict, rule: Rule, terminology: Terminology) -> dict[str, Any]:
    return {
        "name": verdict.variant.name,
        "outcome": verdict.outcome,
        "clauses": [_clause(each, rule, terminology) for each in verdict.clauses],
    }


def _clause(verdict: ClauseVerdict, rule: Rule, terminology: Terminology) -> dict[str, Any]:
    question = verdict.clause.question
    told: dict[str, Any] = {
        "name": verdict.clause.name,
        "asks": asked(verdict.clause, rule),
        "truth": _TRUTHS[verdict.truth],
        "found": list(
            filter(None, (found(question.kind, each) for each in verdict.answer.readings))
        ),
        "facts": list(facts(verdict)),
        "missing": [str(each) for each in verdict.missing],
    }
    if how_near := gap(verdict, rule):
        told["gap"] = how_near
    if verdict.truth is None:
        told["sought"] = sought(question, terminology)
    return told
