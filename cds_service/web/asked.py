"""What a clause asks, in words."""

from __future__ import annotations

from fractions import Fraction

from cds_service.facts.answers import Selector
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.model import Clause, Rule, Test
from cds_service.web.words import selected, spaced, unit_after

_SIGNS = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "eq": "=", "is": "is", "in": "in"}


def asked(clause: Clause, rule: Rule) -> str:
    """A clause in words: ``lab (analyte alt or ast, within 7 days): times ULN > 2.5 x ULN``."""
    question = clause.question
    selectors = KINDS[question.kind].selectors
    narrowed = ", ".join(
        _narrowed(name, value, selectors[name].unit) for name, value in question.selectors
    )
    tests = " and ".join(tested(question.kind, test, rule) for test in clause.tests)
    words = f"{spaced(question.kind)} ({narrowed})" if narrowed else spaced(question.kind)
    return f"{words}: {tests}" if tests else words


def tested(kind: str, test: Test, rule: Rule) -> str:
    """One test in words: ``times ULN > 2.5 x ULN``."""
    unit = unit_after(unit_of(kind, test, rule))
    return f"{spaced(test.field)} {_SIGNS[test.op]} {_operand(test.operand)}{unit}"


def unit_of(kind: str, test: Test, rule: Rule) -> str:
    """The unit of a test's number: its parameter's, else its field's."""
    if test.parameter in rule.parameters:
        return rule.parameters[test.parameter].unit
    return KINDS[kind].fields[test.field].unit


def _narrowed(name: str, value: Selector, unit: str) -> str:
    if isinstance(value, bool):
        return spaced(name) if value else f"not {spaced(name)}"
    return f"{spaced(name)} {selected(value)}{unit_after(unit)}"


def _operand(operand: Fraction | bool | str | frozenset[str]) -> str:
    return " or ".join(sorted(operand)) if isinstance(operand, frozenset) else selected(operand)
