"""The plain three-valued evaluator: how a clause, a variant and a rule are judged.

It is the reading of ``facts/answers.py`` written down, with nothing clever in it: the oracle the
other evaluator is tested against, the second opinion on every call, and the only one that can say
why a rule stayed silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import cast

from cds_service.engine.stages import complete
from cds_service.engine.verdict import (
    Answers,
    ClauseVerdict,
    Outcome,
    VariantVerdict,
    Verdict,
    once,
)
from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.interval import Comparison, Interval, Truth
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.model import Clause, Rule, Test, Variant

COMPARISONS = frozenset({"gt", "gte", "lt", "lte", "eq"})


def judge_plain(rules: Sequence[Rule], answers: Answers) -> tuple[Verdict, ...]:
    """Judge all rules by this evaluator alone, those of the last stage too, in the given order.

    Raises:
        KeyError: when a rule asks a question that has no answer.
    """
    first = tuple(judge_rule(rule, answers) for rule in rules if not rule.is_last)
    return complete(rules, answers, first, judge_rule)


def judge_rule(rule: Rule, answers: Answers) -> Verdict:
    """Judge one rule for itself: its first firing variant speaks; silent when all variants are.

    Raises:
        KeyError: when it asks a question that has no answer.
    """
    variants = tuple(judge_variant(variant, answers) for variant in rule.variants)
    speaking = next((each for each in variants if each.outcome == "fires"), None)
    if speaking:
        return Verdict(rule, "fires", variants, speaking)
    silent = all(each.outcome == "silent" for each in variants)
    return Verdict(rule, "silent" if silent else "unknown", variants)


def judge_variant(variant: Variant, answers: Answers) -> VariantVerdict:
    """Judge every clause, none skipped: one that fails silences, all that hold fire.

    Raises:
        KeyError: when it asks a question that has no answer.
    """
    clauses = tuple(judge_clause(clause, answers[clause.question]) for clause in variant.when)
    return VariantVerdict(variant, _outcome(all_of([each.truth for each in clauses])), clauses)


def _outcome(truth: Truth) -> Outcome:
    if truth is None:
        return "unknown"
    return "fires" if truth else "silent"


def judge_clause(clause: Clause, answer: Answer) -> ClauseVerdict:
    """Judge one clause: any reading that holds is enough; gaps keep it from failing."""
    judged = [(reading, *_judge_reading(clause, reading, answer)) for reading in answer.readings]
    holding = tuple(reading for reading, truth, _ in judged if truth)
    if holding:
        return ClauseVerdict(clause, True, answer, holding)
    missing = [unknown for _, truth, unknowns in judged if truth is None for unknown in unknowns]
    missing.extend(answer.gaps)
    if missing:
        return ClauseVerdict(clause, None, answer, missing=once(missing))
    return ClauseVerdict(clause, False, answer)


def _judge_reading(clause: Clause, reading: Reading, answer: Answer) -> tuple[Truth, list[Unknown]]:
    """Whether a reading passes all tests, and what was missing to know.

    A bare number ("how many drugs") that is vague beside gaps is vague because of them; they are
    what is missing.
    """
    told_by_gaps = bool(answer.gaps) and "name" not in reading.show
    truths: list[Truth] = []
    missing: list[Unknown] = []
    for test in clause.tests:
        value = reading.fields.get(test.field)
        truth = judge_test(test, value)
        truths.append(truth)
        if truth is None and isinstance(value, Unknown):
            missing.append(value)
        elif truth is None and not (told_by_gaps and isinstance(value, Interval)):
            missing.append(_vague(clause.question, test, reading))
    return all_of(truths), missing


def judge_test(test: Test, value: Value) -> Truth:
    """One comparison. A value of another type than the test's is not understood: unknown."""
    if value is None:
        return False
    operand = test.operand
    if isinstance(value, Interval) and isinstance(operand, Fraction) and test.op in COMPARISONS:
        return value.compare(cast(Comparison, test.op), operand)
    if isinstance(value, bool) and isinstance(operand, bool) and test.op == "is":
        return value is operand
    if isinstance(value, str) and isinstance(operand, str) and test.op == "is":
        return value == operand
    if isinstance(value, str) and isinstance(operand, frozenset) and test.op == "in":
        return value in operand
    return None


def all_of(truths: Sequence[Truth]) -> Truth:
    """Three-valued "and": one false decides, else one unknown does."""
    if False in truths:
        return False
    return None if None in truths else True


def _vague(question: Question, test: Test, reading: Reading) -> Unknown:
    """What to say when a value is there but does not decide the test."""
    value = reading.fields.get(test.field)
    kind = KINDS.get(question.kind)
    field = kind.fields.get(test.field) if kind else None
    meaning = field.meaning if field else test.field.replace("_", " ")
    what = str(reading.show.get("name") or meaning)
    reference = reading.sources[0].reference if reading.sources else ""
    if not isinstance(value, Interval) or not isinstance(test.operand, Fraction):
        return Unknown(what, Reason.UNREADABLE, f"{meaning} is not of the expected form", reference)
    unit = f" {field.unit}" if field and field.unit else ""
    detail = f"{_spoken(value)}{unit}, the limit is {_decimal(test.operand)}{unit}"
    return Unknown(what, Reason.AMBIGUOUS, detail, reference)


def _spoken(interval: Interval) -> str:
    """An interval in words: ``more than 3``, ``between 1.2 and 1.6``."""
    lo, hi = interval.lo, interval.hi
    if lo is not None and hi is not None:
        return f"between {_decimal(lo)} and {_decimal(hi)}"
    if lo is not None:
        return f"{'more than' if interval.lo_open else 'at least'} {_decimal(lo)}"
    if hi is not None:
        return f"{'less than' if interval.hi_open else 'at most'} {_decimal(hi)}"
    return "no number is known"


def _decimal(number: Fraction) -> str:
    """At most six significant digits, for reading only."""
    ratio = Context(prec=6).divide(Decimal(number.numerator), Decimal(number.denominator))
    return f"{ratio.normalize():f}"
