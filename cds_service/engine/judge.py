"""All rules judged by two evaluators. What either of them finds is shown; nothing is lost.

Both run on every call. Where they disagree, or where the engine fails, the union of their findings
counts; the log names the rule, and nothing of the patient.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from cds_service.engine import brief
from cds_service.engine.docket import Docket
from cds_service.engine.port import Engine, EngineError, Finding
from cds_service.engine.reference import judge_rule
from cds_service.engine.stages import complete
from cds_service.engine.verdict import Answers, ClauseVerdict, VariantVerdict, Verdict
from cds_service.facts.answers import Question
from cds_service.rulebook.model import Rule

__all__ = ["Engine", "EngineError", "Finding", "judge", "judge_briefly", "questions_of"]

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
        other = _opinion(engine, first, answers, on_failure)
        verdicts = _united(verdicts, other, on_disagreement)
    return complete(rules, answers, verdicts, judge_rule)


def judge_briefly(
    docket: Docket,
    answers: Answers,
    engine: Engine | None,
    *,
    on_disagreement: Callable[[str], None] | None = None,
    on_failure: Callable[[], None] | None = None,
) -> tuple[Verdict, ...]:
    """The same, but that what no card needs has no clauses, and what decides nothing is not asked.

    A silent rule has none, and of a rule that fires only the variants that fire have some.

    The engine still judges every variant, with every question that was not asked taken to favour
    it: whatever it would find if all were asked, it finds here. A variant that it alone finds, or
    alone does not find, has everything asked and judged anew, as by ``judge``.

    Raises:
        KeyError: when a rule asks a question that has no answer.
    """
    first = brief.judge_first(docket, answers)
    if engine is not None and engine.available:
        other = _opinion(engine, docket.first, answers, on_failure)
        fired = frozenset(_fired(first))
        if other.found != fired and (other.finished or not other.found <= fired):
            first = _in_full(docket, answers, engine, fired, other, on_disagreement, on_failure)
    return complete(docket.rules, answers, first, judge_rule)


def _in_full(
    docket: Docket,
    answers: Answers,
    engine: Engine,
    fired: frozenset[Finding],
    other: _Opinion,
    on_disagreement: Callable[[str], None] | None,
    on_failure: Callable[[], None] | None,
) -> list[Verdict]:
    """Everything asked and judged anew, after two first opinions that differ.

    What either of them found at first still counts, as far as it rested on answers; and a variant
    that either did not find at first is one about which they disagree.
    """
    certain = _asked_in_full(docket.first, frozenset(answers))
    verdicts = [judge_rule(rule, answers) for rule in docket.first]
    again = _opinion(engine, docket.first, answers, on_failure if other.finished else None)
    doubted = frozenset(_fired(verdicts)) - (fired & other.found)
    found = (again.found | (other.found & certain) | fired) - doubted
    return _united(verdicts, _Opinion(found, other.finished and again.finished), on_disagreement)


def _asked_in_full(rules: Iterable[Rule], asked: frozenset[Question]) -> frozenset[Finding]:
    """The variants that ask nothing else."""
    return frozenset(
        Finding(rule.id, variant.name)
        for rule in rules
        for variant in rule.variants
        if all(clause.question in asked for clause in variant.when)
    )


def _fired(verdicts: Iterable[Verdict]) -> Iterator[Finding]:
    for verdict in verdicts:
        if verdict.outcome == "fires":
            for each in verdict.variants:
                if each.outcome == "fires":
                    yield Finding(verdict.rule.id, each.variant.name)


class _Opinion(NamedTuple):
    """What the engine found, and whether it finished."""

    found: frozenset[Finding]
    finished: bool


def _opinion(
    engine: Engine, rules: Sequence[Rule], answers: Answers, on_failure: Callable[[], None] | None
) -> _Opinion:
    """Ask the engine. Whatever goes wrong in the second opinion, the first one stands.

    The text of an exception that is not ours may hold a fact, so only its type is logged.
    """
    try:
        return _Opinion(engine.findings(rules, answers), True)
    except EngineError as failure:
        found, step = failure.found, str(failure)
    except Exception as failure:
        found, step = frozenset(), type(failure).__name__
    log.error("engine failed", extra={"step": step})
    if on_failure:
        on_failure()
    return _Opinion(found, False)


def _united(
    verdicts: Iterable[Verdict],
    opinion: _Opinion,
    on_disagreement: Callable[[str], None] | None,
) -> list[Verdict]:
    """The verdicts, firing where either evaluator says so."""
    return [_with_other(verdict, opinion, on_disagreement) for verdict in verdicts]


def _with_other(
    verdict: Verdict, opinion: _Opinion, on_disagreement: Callable[[str], None] | None
) -> Verdict:
    rule = verdict.rule
    plain = {each.variant.name for each in verdict.variants if each.outcome == "fires"}
    other = {finding.variant for finding in opinion.found if finding.rule == rule.id}
    if other == plain or (not opinion.finished and other <= plain):
        return verdict
    log.error("engines disagree", extra={"rule": rule.id})
    if on_disagreement:
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
