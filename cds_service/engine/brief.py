"""The plain evaluator as a call can afford it: what decides nothing is not asked.

In three-valued logic one clause that fails silences its variant, whatever the rest is. A rule
stays silent here as soon as every variant has met one, and what only the rest would ask is never
answered. Of a rule that fires those variants are told in full that fire, of one that is left open
all. Each check is judged once for all rules. ``reference.py`` is the evaluator that is plainly
right; the tests hold this one to it, clause by clause.
"""

from __future__ import annotations

from cds_service.engine.docket import Case, Docket, Way
from cds_service.engine.reference import judge_clause
from cds_service.engine.verdict import (
    Answers,
    ClauseVerdict,
    Outcome,
    VariantVerdict,
    Verdict,
    once,
)
from cds_service.facts.answers import Answer
from cds_service.facts.interval import Truth
from cds_service.facts.unknown import Unknown
from cds_service.rulebook.model import Clause


def judge_first(docket: Docket, answers: Answers) -> list[Verdict]:
    """Judge every rule of the first stage; what nobody reads has no clauses.

    Raises:
        KeyError: when a question that decides something has no answer.
    """
    truths = _Truths(docket, answers)
    verdicts = [case.silent for case in docket.cases]
    for place, case in enumerate(docket.cases):
        for variant in case.variants:
            for number in variant:
                if truths[number] is False:
                    break
            else:
                verdicts[place] = _told(case, truths)
                break
    return verdicts


class _Truths(dict[int, Truth]):
    """The truth of each check by its number, judged when it is first asked for."""

    def __init__(self, docket: Docket, answers: Answers) -> None:
        super().__init__()
        self._checks = docket.checks
        self._answers = answers
        self._answered: list[Answer | None] = [None] * docket.questions
        self._verdicts: list[ClauseVerdict | None] = [None] * docket.clauses

    def __missing__(self, number: int) -> Truth:
        """Any reading that passes is enough; gaps keep a check from failing."""
        check = self._checks[number]
        answer = self._answered[check.asked]
        if answer is None:
            answer = self._answered[check.asked] = self._answers[check.question]
        truth: Truth = None if answer.gaps else False
        for reading in answer.readings:
            passed = check.passes(reading.fields)
            if passed:
                truth = True
                break
            if passed is None:
                truth = None
        self[number] = truth
        return truth

    def outcome(self, variant: tuple[int, ...]) -> Outcome:
        """What a variant comes to: one check that fails decides, else one that is unknown."""
        outcome: Outcome = "fires"
        for number in variant:
            truth = self[number]
            if truth is False:
                return "silent"
            if truth is None:
                outcome = "unknown"
        return outcome

    def verdict(self, way: Way, outcome: Outcome) -> VariantVerdict:
        """A variant told in full; rules of several variants share most of their clauses."""
        told = [self._verdicts[each[1]] or self._clause(*each) for each in way.clauses]
        return VariantVerdict(way.variant, outcome, tuple(told))

    def _clause(self, clause: Clause, place: int, number: int) -> ClauseVerdict:
        truth, check = self[number], self._checks[number]
        answer = self._answered[check.asked] or self._answers[check.question]
        if truth:
            holding = answer.readings
            if len(holding) > 1:
                holding = tuple(reading for reading in holding if check.passes(reading.fields))
            verdict = ClauseVerdict(clause, True, answer, holding)
        else:
            missing = _missing(clause, answer) if truth is None else ()
            verdict = ClauseVerdict(clause, truth, answer, (), missing)
        self._verdicts[place] = verdict
        return verdict


def _told(case: Case, truths: _Truths) -> Verdict:
    """A rule that is not silent: in full as far as cards and the record read it."""
    outcomes = [truths.outcome(variant) for variant in case.variants]
    ways = zip(case.ways, outcomes, strict=True)
    if "fires" not in outcomes:
        return Verdict(case.rule, "unknown", tuple([truths.verdict(*each) for each in ways]))
    variants = [
        truths.verdict(way, outcome) if outcome == "fires" else way.bare[outcome]
        for way, outcome in ways
    ]
    return Verdict(case.rule, "fires", tuple(variants), variants[outcomes.index("fires")])


def _missing(clause: Clause, answer: Answer) -> tuple[Unknown, ...]:
    """What kept a clause from an answer: mostly all that was read is one reason, or nothing was."""
    if not answer.readings:
        return once(answer.gaps)
    if len(answer.readings) == len(clause.tests) == 1:
        (reading,), (test,) = answer.readings, clause.tests
        value = reading.fields.get(test.field)
        if isinstance(value, Unknown):
            return once((value, *answer.gaps))
    return judge_clause(clause, answer).missing
