"""The limits of a panel, read out of the rulebook: every number a rule compares its values with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from cds_service.facts.answers import Question
from cds_service.facts.model import Patient
from cds_service.picture.model import Limit
from cds_service.rulebook.model import URGENCY, Indicator, Rule, Rulebook, Variant

_KINDS = frozenset({"lab", "blood_count", "qtc"})
_SELECTORS = ("analyte", "analytes")


@dataclass(frozen=True, slots=True)
class _Found:
    value: Fraction
    analytes: frozenset[str]
    rule: str
    indicator: Indicator


def limits_of(
    rulebook: Rulebook, analytes: tuple[str, ...], field: str, patient: Patient
) -> tuple[Limit, ...]:
    """The limits on a field (``times_uln``, ``value``) of these analytes, named by analyte.

    They come from the parameters of active rules; the lowest comes first. A limit that a rule
    keeps for the other sex is left out. Limits of one value are one line, named after the most
    urgent rule.
    """
    found: dict[Fraction, list[_Found]] = {}
    for each in _every(rulebook, frozenset(analytes), field, patient):
        found.setdefault(each.value, []).append(each)
    return tuple(_limit(found[value], analytes) for value in sorted(found))


def _limit(found: list[_Found], analytes: tuple[str, ...]) -> Limit:
    ranked = sorted(found, key=lambda each: (URGENCY[each.indicator], each.rule))
    rules = tuple(dict.fromkeys(each.rule for each in ranked))
    concerned = frozenset[str]().union(*(each.analytes for each in found))
    names = tuple(each for each in analytes if each in concerned)
    return Limit(ranked[0].value, names, rules, ranked[0].indicator)


def _every(
    rulebook: Rulebook, wanted: frozenset[str], field: str, patient: Patient
) -> Iterator[_Found]:
    for rule in rulebook.rules.values():
        if rule.status != "active":
            continue
        for variant in rule.variants:
            if _is_for(patient, variant):
                yield from _of_variant(rule, variant, wanted, field)


def _of_variant(
    rule: Rule, variant: Variant, wanted: frozenset[str], field: str
) -> Iterator[_Found]:
    for clause in variant.when:
        analytes = _analytes(clause.question) & wanted
        for test in clause.tests:
            is_limit = test.field == field and test.parameter in rule.parameters
            if analytes and is_limit and isinstance(test.operand, Fraction):
                yield _Found(test.operand, analytes, rule.id, variant.indicator)


def _analytes(question: Question) -> frozenset[str]:
    if question.kind not in _KINDS:
        return frozenset()
    return frozenset(_words(question.get(name) for name in _SELECTORS))


def _words(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            yield from value


def _is_for(patient: Patient, variant: Variant) -> bool:
    """Whether no clause of the variant keeps it for another sex than the patient's."""
    return all(
        patient.sex == test.operand
        for clause in variant.when
        if clause.question.kind == "patient"
        for test in clause.tests
        if test.field == "sex" and test.op == "is"
    )
