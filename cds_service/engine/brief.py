"""The plain evaluator as a call can afford it: what decides nothing is not asked.

In three-valued logic one clause that fails silences its variant, whatever the rest is. A rule
stays silent here as soon as every variant has met one, and what only the rest would ask is never
answered. Of a rule that fires those variants are told in full that fire, of one that is left open
all. Each check is judged once for all rules. ``reference.py`` is the evaluator that is plainly
right; the tests hold this one to it, clause by clause.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, Literal

from cds_service.engine.docket import Case, Docket, Way
from cds_service.engine.reference import judge_clause, judge_test
from cds_service.engine.verdict import (
    Answers,
    ClauseVerdict,
    Outcome,
    VariantVerdict,
    Verdict,
    once,
)
from cds_service.facts.answers import Answer, Reading
from cds_service.facts.interval import Truth
from cds_service.facts.unknown import Unknown
from cds_service.rulebook.model import Clause


class _Open(Enum):
    """What is known of a check that nothing asked for yet."""

    UNASKED = "unasked"


_UNASKED: Final = _Open.UNASKED


def judge_first(docket: Docket, answers: Answers) -> list[Verdict]:
    """Judge every rule of the first stage; what nobody reads has no clauses.

    Raises:
        KeyError: when a question that decides something has no answer.
    """
    truths = _Truths(docket, answers)
    known = truths.known
    verdicts = [case.silent for case in docket.cases]
    for place, case in enumerate(docket.cases):
        for variant in case.variants:
            for number in variant:
                truth = known[number]
                if truth is _UNASKED:
                    truth = truths.judge(number)
                if truth is False:
                    break
            else:
                verdicts[place] = _told(case, truths)
                break
    return verdicts


class _Truths:
    """The truth of each check by its number, judged when it is first asked for."""

    def __init__(self, docket: Docket, answers: Answers) -> None:
        self.known: list[Truth | Literal[_Open.UNASKED]] = [_UNASKED] * len(docket.checks)
        self._checks = docket.checks
        self._answers = answers

    def judge(self, number: int) -> Truth:
        """Any reading that passes is enough; gaps keep a check from failing."""
        check = self._checks[number]
        answer = self._answers[check.question]
        truth: Truth = None if answer.gaps else False
        for reading in answer.readings:
            passed = check.passes(reading.fields)
            if passed:
                truth = True
                break
            if passed is None:
                truth = None
        self.known[number] = truth
        return truth

    def outcome(self, variant: tuple[int, ...]) -> Outcome:
        """What a variant comes to: one check that fails decides, else one that is unknown."""
        known = self.known
        outcome: Outcome = "fires"
        for number in variant:
            truth = known[number]
            if truth is _UNASKED:
                truth = self.judge(number)
            if truth is False:
                return "silent"
            if truth is None:
                outcome = "unknown"
        return outcome

    def verdict(self, way: Way, outcome: Outcome) -> VariantVerdict:
        """A variant told in full."""
        told = [self._clause(clause, number) for clause, number in way.clauses]
        return VariantVerdict(way.variant, outcome, tuple(told))

    def _clause(self, clause: Clause, number: int) -> ClauseVerdict:
        check, truth = self._checks[number], self.known[number]
        if truth is _UNASKED:
            truth = self.judge(number)
        answer = self._answers[check.question]
        if truth:
            holding = answer.readings
            if len(holding) > 1:
                holding = tuple(reading for reading in holding if check.passes(reading.fields))
            return ClauseVerdict(clause, True, answer, holding)
        if truth is None:
            return ClauseVerdict(clause, None, answer, (), _missing(clause, answer))
        return ClauseVerdict(clause, False, answer)


def _told(case: Case, truths: _Truths) -> Verdict:
    """A rule that is not silent: in full as far as cards and the record read it."""
    outcomes = [truths.outcome(variant) for variant in case.variants]
    fires = "fires" in outcomes
    variants = [
        way.bare[outcome] if fires and outcome != "fires" else truths.verdict(way, outcome)
        for way, outcome in zip(case.ways, outcomes, strict=True)
    ]
    if fires:
        return Verdict(case.rule, "fires", tuple(variants), variants[outcomes.index("fires")])
    return Verdict(case.rule, "unknown", tuple(variants))


def _missing(clause: Clause, answer: Answer) -> tuple[Unknown, ...]:
    """What kept a clause from an answer: mostly nothing was read, or fields of one reading."""
    if not answer.readings:
        return once(answer.gaps)
    missing = [] if answer.gaps else _unknown_fields(clause, answer.readings)
    return once(missing) if missing else judge_clause(clause, answer).missing


def _unknown_fields(clause: Clause, readings: Sequence[Reading]) -> list[Unknown]:
    """The fields of the only reading that are not known, if nothing else keeps it from passing."""
    if len(readings) > 1:
        return []
    fields = readings[0].fields
    unknown: list[Unknown] = []
    for test in clause.tests:
        value = fields.get(test.field)
        if isinstance(value, Unknown):
            unknown.append(value)
        elif judge_test(test, value) is None:
            return []
    return unknown
