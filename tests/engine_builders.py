"""Small rules and answers for the tests of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from cds_service.engine.verdict import Answers
from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.rulebook.model import (
    CardText,
    Clause,
    Indicator,
    Rule,
    SignOff,
    Status,
    Test,
    Variant,
)

ALT = Question("lab", (("analyte", "alt"),))
BILIRUBIN = Question("lab", (("analyte", "total-bilirubin"),))
ORDER = Question("order", (("substance", "inotuzumab-ozogamicin"),))
SEX = Question("patient")

NO_ALT = Unknown("ALT", Reason.NOT_FOUND, "none in the last 7 days")
ALT_FAILED = Unknown("ALT", Reason.FAILED)
NO_LIMIT = Unknown("ALT", Reason.NO_LIMIT)


def number(text: str) -> Fraction:
    """A decimal as the exact fraction."""
    return Fraction(Decimal(text))


def exactly(text: str) -> Interval:
    """A number that is known."""
    return Interval.exactly(number(text))


def between(lo: str, hi: str) -> Interval:
    """A number that is known to lie within two bounds, both included."""
    return Interval(number(lo), number(hi))


def test(field: str, op: str, operand: str | bool | set[str]) -> Test:
    """One comparison; the operand of a numeric one is a decimal."""
    if isinstance(operand, set):
        return Test(field, "in", frozenset(operand))
    if op == "is":
        return Test(field, "is", operand)
    return Test(field, op, number(str(operand)))  # type: ignore[arg-type]  # op is a word of Operator


test.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect the builder


def clause(question: Question, *tests: Test, name: str = "clause") -> Clause:
    """One line of ``when``."""
    return Clause(name, question, tests)


def variant(*clauses: Clause, name: str = "only", indicator: Indicator = "warning") -> Variant:
    """One way to fire."""
    return Variant(name, clauses, indicator, CardText("A card"))


def rule(
    *variants: Variant,
    id: str = "INO-T-01",
    unless_fires: Sequence[str] = (),
    status: Status = "active",
    left_open: Literal["quiet", "aside", "info", "warning"] = "info",
) -> Rule:
    """A rule of these variants, empty in everything the engine does not look at."""
    return Rule(
        id=id,
        version="1.0.0",
        status=status,
        chapter="test",
        title=id,
        why="",
        hooks=("order-sign",),
        grades=("P",),
        variants=variants,
        source="",
        citations={},
        parameters={},
        blind_spots=(),
        suggestions=(),
        override_reasons=(),
        sign_off=SignOff(),
        changed=(),
        cases=(),
        file=f"{id}.yaml",
        unless_fires=tuple(unless_fires),
        left_open=left_open,
    )


def reading(show: Mapping[str, object] | None = None, **fields: Value) -> Reading:
    """One way to answer."""
    return Reading(fields, show or {})


def answer(question: Question, *readings: Reading, gaps: Sequence[Unknown] = ()) -> Answer:
    """Everything the chart says to a question."""
    return Answer(question, readings, tuple(gaps))


def answers(*each: Answer) -> Answers:
    """Answers by their question."""
    return {one.question: one for one in each}
