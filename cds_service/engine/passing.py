"""The tests of a clause as one function of a reading's fields, made once at load.

It says what ``reference.judge_test`` and ``all_of`` say, test by test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import cast

from cds_service.facts.answers import Value
from cds_service.facts.interval import Comparison, Interval, Truth
from cds_service.rulebook.model import Test

Fields = Mapping[str, Value]
Passes = Callable[[Fields], Truth]


def passes(tests: Sequence[Test]) -> Passes:
    """All tests of a clause: one that fails decides, else one that cannot be known does."""
    each = [(test.field, _judge(test)) for test in tests]
    if len(each) == 1:
        name, judge = each[0]
        return lambda fields: judge(fields.get(name))

    def all_of(fields: Fields) -> Truth:
        known = True
        for name, judge in each:
            truth = judge(fields.get(name))
            if truth is False:
                return False
            known = known and truth is not None
        return True if known else None

    return all_of


def _judge(test: Test) -> Callable[[Value], Truth]:
    """One test. What does not apply (None) fails it; a value of another type is not understood."""
    operand = test.operand
    if isinstance(operand, Fraction):
        return _number(cast(Comparison, test.op), operand)
    if isinstance(operand, bool):
        return _flag(operand)
    return _word(frozenset({operand}) if isinstance(operand, str) else operand)


def _number(op: Comparison, limit: Fraction) -> Callable[[Value], Truth]:
    def judge(value: Value) -> Truth:
        if isinstance(value, Interval):
            return value.compare(op, limit)
        return False if value is None else None

    return judge


def _flag(expected: bool) -> Callable[[Value], Truth]:
    def judge(value: Value) -> Truth:
        if isinstance(value, bool):
            return value is expected
        return False if value is None else None

    return judge


def _word(expected: frozenset[str]) -> Callable[[Value], Truth]:
    def judge(value: Value) -> Truth:
        if isinstance(value, str):
            return value in expected
        return False if value is None else None

    return judge
