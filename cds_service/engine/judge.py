"""All rules judged by two evaluators. What either of them finds is shown; nothing is lost.

Both run on every call. Where they disagree, or where the engine fails, the union of their findings
counts; the log names the rule, and nothing of the patient.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from cds_service.engine.port import Engine, EngineError, Finding
from cds_service.engine.reference import judge_rule
from cds_service.engine.stages import complete
from cds_service.engine.verdict import Answers, ClauseVerdict, VariantVerdict, Verdict
from cds_service.facts.answers import Question
from cds_service.rulebook.model import Rule

__all__ = ["Engine", "EngineError", "Finding", "judge", "questions_of"]

log = logging.getLogger("cds_service.engine")


def questions_of(rules: Iterable[Rule]) -> tuple[Question, ...]:
    """Every distinct question, in the order first asked; ``unassessed`` answers itself."""
    asked = (question for rule in rules for question in rule.questions)
    return tuple(question for question in dict.fromkeys(asked) if question.kind != "unassessed")


def judge(
    rules: Sequence[Rule],
    answers: Answers,
    engine: Engine | None,
    *,
    on_disagreement: Callable[[str], None] | None = None,
    on_failure: Callable[[], None] | None = None,
) -> tuple[Verdict, ...]:
    """Judge all rules, in the order given; without an engine the plain evaluator decides alone.

    ``on_disagreement`` gets the id of each rule the evaluators disagree about; ``on_failure`` is
    called when the engine could not finish.

    Raises:
        KeyError: when a rule asks a question that has no answer.
    """
    first = [rule for rule in rules if not rule.is_last]
    verdicts = [judge_rule(rule, answers) for rule in first]
    if engine is not None and engine.available:
        found, finished = _findings(engine, first, answers)
        if not finished and on_failure:
            on_failure()
        verdicts = [
            _united(verdict, found, finished, on_disagreement or _ignore) for verdict in verdicts
        ]
    return complete(rules, answers, verdicts, judge_rule)


def _ignore(rule_id: str) -> None:
    """Nobody counts."""


def _findings(
    engine: Engine, rules: Sequence[Rule], answers: Answers
) -> tuple[frozenset[Finding], bool]:
    """What the engine found, and whether it finished.

    Whatever goes wrong in the second opinion, the first one stands. The text of an exception that
    is not ours may hold a fact, so only its type is logged.
    """
    try:
        return engine.findings(rules, answers), True
    except EngineError as failure:
        log.error("engine failed", extra={"step": str(failure)})
        return failure.found, False
    except Exception as failure:
        log.error("engine failed", extra={"step": type(failure).__name__})
        return frozenset(), False


def _united(
    verdict: Verdict,
    found: frozenset[Finding],
    finished: bool,
    on_disagreement: Callable[[str], None],
) -> Verdict:
    """The verdict, firing where either evaluator says so."""
    rule = verdict.rule
    plain = {each.variant.name for each in verdict.variants if each.outcome == "fires"}
    other = {finding.variant for finding in found if finding.rule == rule.id}
    if other == plain or (not finished and other <= plain):
        return verdict
    log.error("engines disagree", extra={"rule": rule.id})
    on_disagreement(rule.id)
    variants = tuple(
        _firing(each) if each.variant.name in other - plain else each for each in verdict.variants
    )
    speaking = next(each for each in variants if each.outcome == "fires")
    return Verdict(rule, "fires", variants, speaking, because="engines disagree")


def _firing(variant: VariantVerdict) -> VariantVerdict:
    """The variant as the engine alone sees it: it fires, and every reading may be why."""
    return replace(
        variant, outcome="fires", clauses=tuple(_holding(clause) for clause in variant.clauses)
    )


def _holding(clause: ClauseVerdict) -> ClauseVerdict:
    if clause.truth:
        return clause
    return replace(clause, truth=True, holding=clause.answer.readings, missing=())
