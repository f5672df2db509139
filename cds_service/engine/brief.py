"""The plain evaluator as a call can afford it: what decides nothing is not asked.

In three-valued logic one clause that fails silences its variant, whatever the rest is. A rule
stays silent here as soon as every variant has met one, and what only the rest would ask is never
answered. Every other rule is judged in full, by ``reference.py``, which is the evaluator that is
plainly right; only that each check is judged once for all rules.
"""

from __future__ import annotations

from itertools import compress

from cds_service.engine.docket import Case, Docket
from cds_service.engine.reference import judge_clause, judge_rule
from cds_service.engine.verdict import Answers, ClauseVerdict, Verdict
from cds_service.facts.answers import Answer, Reading
from cds_service.facts.interval import Truth
from cds_service.facts.unknown import Unknown
from cds_service.rulebook.model import Clause


def judge_first(docket: Docket, answers: Answers) -> list[Verdict]:
    """Judge every rule of the first stage; a silent one has no clauses.

    Raises:
        KeyError: when a question that decides something has no answer.
    """
    truths = _Truths(docket, answers)
    return [
        case.silent if _is_silent(case, truths) else _in_full(case, truths, answers)
        for case in docket.cases
    ]


class _Truths(dict[int, Truth]):
    """The truth of each check by its number, judged when it is first asked for."""

    def __init__(self, docket: Docket, answers: Answers) -> None:
        super().__init__()
        self._checks = docket.checks
        self._answers = answers
        self._why: dict[int, tuple[Answer, tuple[Reading, ...]]] = {}
        self._missing: dict[int, tuple[Unknown, ...]] = {}

    def __missing__(self, number: int) -> Truth:
        """Any reading that passes is enough; gaps keep a check from failing."""
        check = self._checks[number]
        answer, passes = self._answers[check.question], check.passes
        readings = answer.readings
        if len(readings) == 1:  # as most answers have: without a loop
            judged = [passes(readings[0].fields)]
        else:
            judged = [passes(reading.fields) for reading in readings]
        truth: Truth = False
        holding: tuple[Reading, ...] = ()
        if True in judged:
            truth = True
            holding = tuple(compress(readings, judged))
        elif answer.gaps or None in judged:
            truth = None
        self._why[number] = answer, holding
        self[number] = truth
        return truth

    def verdict(self, clause: Clause, number: int) -> ClauseVerdict:
        """The check as a verdict on a clause; only what is missing must still be worked out."""
        truth = self[number]
        answer, holding = self._why[number]
        if truth is None and number not in self._missing:
            self._missing[number] = judge_clause(clause, answer).missing
        return ClauseVerdict(clause, truth, answer, holding, self._missing.get(number, ()))


def _is_silent(case: Case, truths: _Truths) -> bool:
    for variant in case.variants:
        for number in variant:
            if truths[number] is False:
                break
        else:
            return False
    return True


def _in_full(case: Case, truths: _Truths, answers: Answers) -> Verdict:
    known = {id(clause): truths.verdict(clause, number) for clause, number in case.clauses}
    return judge_rule(case.rule, answers, known)
