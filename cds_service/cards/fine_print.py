"""The last paragraph of a card: source, what is not from the label, rule, version, time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from fractions import Fraction

from cds_service.cards.once import once
from cds_service.cards.text import escaped
from cds_service.cards.words import plain_number
from cds_service.engine.verdict import VariantVerdict
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.model import UNREAD, Clause, Parameter, Rule, Variant
from cds_service.rulebook.templates import parameters_in


def fine_print(speaking: Iterable[tuple[Rule, VariantVerdict]], when: str) -> str:
    """One paragraph for the card's own rule and for those that amend it, ended by ``evaluated``."""
    return " ".join([*[_of_rule(rule, each.variant) for rule, each in speaking], when])


def evaluated(now: datetime) -> str:
    """When, in words: ``Evaluated 2026-11-20 09:40 UTC``, with its stop."""
    return f"Evaluated {now:%Y-%m-%d %H:%M %Z}".rstrip() + "."


def prepare(rule: Rule) -> None:
    """Word what is the same on every card of the rule now, not when it first fires."""
    for variant in rule.variants:
        _of_rule(rule, variant)


@once
def _of_rule(rule: Rule, variant: Variant) -> str:
    citation = rule.cited_by(variant)
    section = f", {citation.section}" if citation.section else ""
    parts = [f"Source: {citation.label}{section}."]
    weak = list(not_from_the_label(rule, variant))
    if weak:
        parts.append(f"Not from the label: {'; '.join(weak)}.")
    parts.append(f"Rule {rule.id} {rule.version}, {_review(rule)}.")
    return " ".join(escaped(part) for part in parts)


def _review(rule: Rule) -> str:
    signed = rule.sign_off
    if not signed.by:
        return "not reviewed by a clinician"
    words = (signed.by, signed.role, f"{signed.on}" if signed.on else "")
    return f"reviewed by {', '.join(word for word in words if word)}"


def not_from_the_label(rule: Rule, variant: Variant) -> Iterator[str]:
    """What a reader must not take for the label's word, each with what it is instead.

    The rule itself when none of its grades is A or B, and every parameter the variant uses that
    is a local choice or rests on recalled or secondary text.
    """
    if not {"A", "B"} & set(rule.grades):
        grades = (rule.cited_by(variant).grade, *rule.grades)
        yield next((UNREAD[grade] for grade in grades if grade in UNREAD), "project choice")
    for parameter in used_parameters(rule, variant):
        if reason := _weakness(rule, parameter):
            name = parameter.name.replace("_", " ")
            unit = re.sub(r"^x ", "× ", parameter.unit)
            yield f"{name} {plain_number(parameter.value)} {unit} ({reason})"


def _weakness(rule: Rule, parameter: Parameter) -> str:
    citation = rule.citations.get(parameter.cite)
    return UNREAD.get(citation.grade, "") if citation else "project choice"


def used_parameters(rule: Rule, variant: Variant) -> list[Parameter]:
    """The parameters that a variant tests with, asks with or prints."""
    printed = parameters_in(variant.card.summary) | parameters_in(variant.card.detail)
    tested = {test.parameter for clause in variant.when for test in clause.tests}
    return [
        parameter
        for parameter in rule.parameters.values()
        if parameter.name in printed | tested
        or any(_asks_with(clause, parameter) for clause in variant.when)
    ]


def _asks_with(clause: Clause, parameter: Parameter) -> bool:
    """Whether a selector holds the parameter's number, in its unit where the word has one.

    A loaded question keeps the number and not the name it was given by; two parameters of one
    unit and number are both taken as used.
    """
    selectors = KINDS[clause.question.kind].selectors
    return any(
        isinstance(asked, Fraction)
        and asked == parameter.value
        and selectors[word].unit in ("", parameter.unit)
        for word, asked in clause.question.selectors
        if word in selectors
    )
