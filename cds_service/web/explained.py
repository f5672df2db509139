"""Verdicts as plain words: what each clause asks, what was found, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from cds_service.engine.verdict import ClauseVerdict, VariantVerdict, Verdict
from cds_service.facts.answers import Reading, Selector, Value
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.unknown import Unknown
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.model import Clause, Rule, Test

_TRUTHS: Mapping[Truth, str] = {True: "true", False: "false", None: "unknown"}
_SIX_DIGITS = Context(prec=6)
_SIGNS = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "eq": "=", "is": "is", "in": "in"}


def explained(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """The body of an explain answer: every rule with its verdict and why, clause by clause."""
    return {"rules": [_rule(verdict) for verdict in verdicts]}


def _rule(verdict: Verdict) -> dict[str, Any]:
    rule = verdict.rule
    told: dict[str, Any] = {
        "id": rule.id,
        "title": rule.title,
        "version": rule.version,
        "status": rule.status,
        "verdict": verdict.outcome,
    }
    if verdict.speaking:
        told["indicator"] = verdict.speaking.variant.indicator
    if verdict.because:
        told["because"] = verdict.because
    told["variants"] = [_variant(each, rule) for each in verdict.variants]
    return told


def _variant(verdict: VariantVerdict, rule: Rule) -> dict[str, Any]:
    return {
        "name": verdict.variant.name,
        "outcome": verdict.outcome,
        "clauses": [_clause(each, rule) for each in verdict.clauses],
    }


def _clause(verdict: ClauseVerdict, rule: Rule) -> dict[str, Any]:
    kind = verdict.clause.question.kind
    return {
        "name": verdict.clause.name,
        "asks": asked(verdict.clause, rule),
        "truth": _TRUTHS[verdict.truth],
        "found": list(filter(None, (found(kind, each) for each in verdict.answer.readings))),
        "missing": [str(each) for each in verdict.missing],
    }


def asked(clause: Clause, rule: Rule) -> str:
    """A clause in words: ``lab (analyte alt or ast, within 7 days): times ULN > 2.5 x ULN``."""
    question = clause.question
    selectors = KINDS[question.kind].selectors
    narrowed = ", ".join(
        _narrowed(name, value, selectors[name].unit) for name, value in question.selectors
    )
    tests = " and ".join(_tested(question.kind, test, rule) for test in clause.tests)
    words = f"{_words(question.kind)} ({narrowed})" if narrowed else _words(question.kind)
    return f"{words}: {tests}" if tests else words


def _narrowed(name: str, value: Selector, unit: str) -> str:
    if isinstance(value, bool):
        return _words(name) if value else f"not {_words(name)}"
    return f"{_words(name)} {_selected(value)}{_unit(unit)}"


def found(kind: str, reading: Reading) -> str:
    """A reading in words, with the resources it was read from; empty when it states nothing."""
    words = "; ".join(_shown(kind, reading)) or "; ".join(_tested_fields(reading))
    references = ", ".join(dict.fromkeys(source.reference for source in reading.sources))
    return f"{words} ({references})" if words and references else words


def _shown(kind: str, reading: Reading) -> Iterator[str]:
    """The words of a reading in the vocabulary's order; ``text`` already says value and unit."""
    told = {"value", "unit"} if reading.show.get("text") else set()
    for name in KINDS[kind].show:
        words = _plain(reading.show.get(name))
        if words and name not in told:
            yield words if name in ("name", "text", "label") else f"{_words(name)} {words}"


def _tested_fields(reading: Reading) -> Iterator[str]:
    for name, value in reading.fields.items():
        if words := _value(value):
            yield f"{_words(name)}: {words}"


def _plain(value: object) -> str:
    """A shown value as text; lists joined, mappings without their keys."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return " ".join(filter(None, map(_plain, value.values())))
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(filter(None, map(_plain, value)))
    if isinstance(value, Fraction):
        return number(value)
    return str(value)


def _value(value: Value) -> str:
    if isinstance(value, Interval):
        return _interval(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None or isinstance(value, Unknown) else str(value)


def _interval(interval: Interval) -> str:
    if interval.number is not None:
        return number(interval.number)
    low = "" if interval.lo is None else f"{'>' if interval.lo_open else '≥'} {number(interval.lo)}"
    high = (
        "" if interval.hi is None else f"{'<' if interval.hi_open else '≤'} {number(interval.hi)}"
    )
    return " and ".join(filter(None, (low, high))) or "any number"


def _tested(kind: str, test: Test, rule: Rule) -> str:
    if test.parameter in rule.parameters:
        unit = rule.parameters[test.parameter].unit
    else:
        unit = KINDS[kind].fields[test.field].unit
    return f"{_words(test.field)} {_SIGNS[test.op]} {_operand(test.operand)}{_unit(unit)}"


def _operand(operand: Fraction | bool | str | frozenset[str]) -> str:
    return " or ".join(sorted(operand)) if isinstance(operand, frozenset) else _selected(operand)


def _selected(value: Selector) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return number(value)
    return " or ".join(value) if isinstance(value, tuple) else value


def number(value: Fraction) -> str:
    """A number in decimal digits; rounded to six significant ones only when it does not end."""
    quotient = Decimal(value.numerator) / value.denominator
    if Fraction(quotient) != value:
        quotient = _SIX_DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{quotient.normalize():f}"


def _words(name: str) -> str:
    return name.replace("_", " ").replace("uln", "ULN")


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""
