"""Judging cases with whatever evaluator stands above: charts and answers are made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cds_service.facts.answers import Answer, Question
from cds_service.facts.model import Chart
from cds_service.rulebook.cases import chart_of
from cds_service.rulebook.model import Case, Rule, Rulebook
from cds_service.terminology import Terminology

AnswerAll = Callable[[Sequence[Question], Chart], Mapping[Question, Answer]]
JudgeAll = Callable[[Sequence[Rule], Mapping[Question, Answer]], Sequence[Any]]


class CaseJudge:
    """Judges a rule, or a mutant of it, on its cases.

    ``answer`` states facts (``facts.derive.answer_all`` with its terminology and regimens),
    ``judge`` gives one verdict per rule (``engine.reference.judge_plain``).
    """

    def __init__(
        self, rulebook: Rulebook, terminology: Terminology, answer: AnswerAll, judge: JudgeAll
    ) -> None:
        """Take the rulebook that ``beside`` of a case refers to, and the two rooms above."""
        self._rulebook = rulebook
        self._terminology = terminology
        self._answer = answer
        self._judge = judge
        self._charts: dict[tuple[str, str], tuple[Chart, dict[Question, Answer]]] = {}

    def __call__(self, rule: Rule, case: Case) -> Any:
        """The verdict on the rule for the chart of the case."""
        others = [self._rulebook.rules[id_] for id_ in case.beside]
        rules = sorted([rule, *others], key=lambda each: each.id)
        answers = self._answers(rule, case, rules)
        verdicts = self._judge(rules, answers)
        return next(verdict for verdict in verdicts if verdict.rule.id == rule.id)

    def _answers(self, rule: Rule, case: Case, rules: Sequence[Rule]) -> Mapping[Question, Answer]:
        key = (rule.id, case.name)
        if key not in self._charts:
            self._charts[key] = (chart_of(case, rule, self._terminology), {})
        chart, known = self._charts[key]
        asked = {question for each in rules for question in each.questions}
        new = [q for q in asked if q not in known and q.kind != "unassessed"]
        if new:
            known.update(self._answer(new, chart))
        return known
