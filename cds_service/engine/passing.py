"""The tests of a clause as one function of a reading's fields, made once at load.

It says what ``reference.judge_test`` and ``all_of`` say, test by test.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import cast

from cds_service.facts.answers import Value
from cds_service.facts.interval import Comparison, Interval, Truth
from cds_service.rulebook.model import Test

Fields = Mapping[str, Value]
Passes = Callable[[Fields], Truth]

_COMPARE: Mapping[Comparison, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
}


def passes(tests: Sequence[Test]) -> Passes:
    """All tests of a clause: one that fails decides, else one that cannot be known does."""
    each = tuple(map(_judge, tests))
    if len(each) == 1:
        return each[0]

    def all_of(fields: Fields) -> Truth:
        known = True
        for judge in each:
            truth = judge(fields)
            if truth is False:
                return False
            known = known and truth is not None
        return True if known else None

    return all_of


def _judge(test: Test) -> Passes:
    """One test. What does not apply (None) fails it; a value of another type is not understood."""
    operand = test.operand
    if isinstance(operand, Fraction):
        return _number(test.field, cast(Comparison, test.op), operand)
    if isinstance(operand, bool):
        return _flag(test.field, operand)
    return _word(test.field, frozenset({operand}) if isinstance(operand, str) else operand)


def _number(name: str, op: Comparison, limit: Fraction) -> Passes:
    """A number that is exact, as most are, is compared here; any other compares itself."""
    holds = _COMPARE[op]
    above, below = limit.as_integer_ratio()

    def judge(fields: Fields) -> Truth:
        value = fields.get(name)
        if isinstance(value, Interval):
            number = value.lo
            if number is None or number is not value.hi or value.lo_open or value.hi_open:
                return value.compare(op, limit)
            numerator, denominator = number.as_integer_ratio()
            return holds(numerator * below, above * denominator)
        return False if value is None else None

    return judge


def _flag(name: str, expected: bool) -> Passes:
    def judge(fields: Fields) -> Truth:
        value = fields.get(name)
        if value is True or value is False:
            return value is expected
        return False if value is None else None

    return judge


def _word(name: str, expected: frozenset[str]) -> Passes:
    def judge(fields: Fields) -> Truth:
        value = fields.get(name)
        if isinstance(value, str):
            return value in expected
        return False if value is None else None

    return judge
