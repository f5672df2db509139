"""Mutants: small changes of a rule that at least one of its cases must notice.

A number moved by the smallest step that means something, a comparison made strict, lenient or
turned round, a clause, test, selector, item of a list or variant left out, a flag negated. A mutant
that no case notices is a part of the rule nobody has tested. Lists of substances are taken as
given: they are value sets in small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from cds_service.facts.answers import Question
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.cases import run
from cds_service.rulebook.model import Case, Clause, Operator, Parameter, Rule, Test, Variant
from cds_service.rulebook.templates import printed

STEPS: Mapping[str, Fraction] = {
    "x ULN": Fraction(1, 100),
    "mg/dL": Fraction(1, 100),
    "mg": Fraction(1, 100),
    "mg/m2": Fraction(1, 100),
    "10*9/L": Fraction(1, 100),
    "mmol/L": Fraction(1, 100),
    "g/dL": Fraction(1, 10),
    "mg/dL per g/dL": Fraction(1, 10),
    "ms": Fraction(1),
    "umol/L": Fraction(1, 10),
    "%": Fraction(1, 10),
    "minutes": Fraction(1),
    "hours": Fraction(1, 10),
}
"""The smallest step that means something, by unit; one for days, counts and the rest."""

_STRICTNESS: Mapping[Operator, Operator] = {"gt": "gte", "gte": "gt", "lt": "lte", "lte": "lt"}
_DIRECTION: Mapping[Operator, Operator] = {"gt": "lt", "lt": "gt", "gte": "lte", "lte": "gte"}

Change = Callable[[Clause], Clause | None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule changed in one place. ``name`` says what changed, ``add`` which case is missing."""

    name: str
    rule: Rule
    add: str


def mutants_of(rule: Rule) -> Iterator[Mutant]:
    """Every mutant of a rule."""
    for parameter in rule.parameters.values():
        yield from _moved(rule, parameter)
    for clause, variants in _distinct_clauses(rule):
        place = clause.name + _in(rule, variants)
        for name, change, add in _changes(clause, place):
            yield Mutant(name, _changed(rule, clause.name, variants, change), add)
        yield from _dropped(rule, clause, variants, place)
    if len(rule.variants) > 1:
        for variant in rule.variants:
            rest = tuple(each for each in rule.variants if each is not variant)
            yield Mutant(
                f"drop variant {variant.name}",
                replace(rule, variants=rest),
                f'a case that fires with "variant: {variant.name}" and no other',
            )


@dataclass(frozen=True, slots=True)
class Survey:
    """What came of the mutants of one rule."""

    rule: Rule
    count: int
    survivors: tuple[Mutant, ...]
    stale: tuple[str, ...]

    def __str__(self) -> str:
        """One line per survivor with the case to add, one per entry that is not needed."""
        lines = [
            f'{self.rule.file}:1: no case notices "{mutant.name}"; add {mutant.add}'
            for mutant in self.survivors
        ]
        lines += [
            f'{self.rule.file}:1: equivalent_mutants names "{name}", which is not a mutant of this '
            "rule or is noticed by a case; take it out"
            for name in self.stale
        ]
        return "\n".join(lines)

    @property
    def clean(self) -> bool:
        """Whether every mutant is noticed or explained."""
        return not self.survivors and not self.stale


def survey(rule: Rule, judge_case: Callable[[Rule, Case], Any]) -> Survey:
    """Run the cases of a rule against each of its mutants (``judge_case`` as for ``cases.run``)."""
    order = list(rule.cases)
    survivors, count = [], 0
    for mutant in mutants_of(rule):
        count += 1
        if not _is_noticed(mutant, order, judge_case):
            survivors.append(mutant)
    names = {mutant.name for mutant in survivors}
    explained = rule.equivalent_mutants
    return Survey(
        rule,
        count,
        tuple(mutant for mutant in survivors if mutant.name not in explained),
        tuple(name for name in explained if name not in names),
    )


def _is_noticed(mutant: Mutant, order: list[Case], judge_case: Callable[[Rule, Case], Any]) -> bool:
    """Whether a case fails; the one that did is tried first next time."""
    for position, case in enumerate(order):
        if not run(mutant.rule, case, judge_case).passed:
            order.insert(0, order.pop(position))
            return True
    return False


def _moved(rule: Rule, parameter: Parameter) -> Iterator[Mutant]:
    """The number one step up and down, wherever a clause uses it."""
    clauses = [clause for variant in rule.variants for clause in variant.when]
    if not any(_uses(clause, parameter.name) for clause in clauses):
        return
    step = STEPS.get(parameter.unit, Fraction(1))
    for sign, by in (("+", step), ("-", -step)):
        value = parameter.value + by
        if value < 0:
            continue
        parameters = {**rule.parameters, parameter.name: replace(parameter, value=value)}
        variants = tuple(
            replace(
                variant,
                when=tuple(_with_number(clause, parameter.name, value) for clause in variant.when),
            )
            for variant in rule.variants
        )
        yield Mutant(
            f"{parameter.name} {sign} {printed(step)}",
            replace(rule, parameters=parameters, variants=variants),
            f"a case between {printed(parameter.value)} and {printed(value)} {parameter.unit}, or "
            f"at exactly {printed(parameter.value)}",
        )


def _uses(clause: Clause, parameter: str) -> bool:
    return parameter in dict(clause.parameters).values() or any(
        test.parameter == parameter for test in clause.tests
    )


def _with_number(clause: Clause, parameter: str, value: Fraction) -> Clause:
    """The clause with another number for a parameter."""
    named = dict(clause.parameters)
    tests = tuple(
        replace(test, operand=value) if test.parameter == parameter else test
        for test in clause.tests
    )
    selectors = tuple(
        (word, value if named.get(word) == parameter else selected)
        for word, selected in clause.question.selectors
    )
    return replace(clause, tests=tests, question=Question(clause.question.kind, selectors))


def _distinct_clauses(rule: Rule) -> Iterator[tuple[Clause, tuple[str, ...]]]:
    """Each clause once, with the names of the variants that share it."""
    shared: list[tuple[Clause, list[str]]] = []
    for variant in rule.variants:
        for clause in variant.when:
            for known, names in shared:
                if _same(known, clause):
                    names.append(variant.name)
                    break
            else:
                shared.append((clause, [variant.name]))
    return ((clause, tuple(names)) for clause, names in shared)


def _same(one: Clause, other: Clause) -> bool:
    return (one.name, one.question, one.tests) == (other.name, other.question, other.tests)


def _in(rule: Rule, variants: Sequence[str]) -> str:
    """Which variants a change is about, unless every clause of that name is meant."""
    if len(variants) == len(rule.variants):
        return ""
    return f" in {', '.join(variants)}"


def _changes(clause: Clause, place: str) -> Iterator[tuple[str, Change, str]]:
    """Every change inside a clause: its name, how to make it, and the case that is missing."""
    for test in clause.tests:
        yield from _test_changes(clause, test, place)
    for word, selected in clause.question.selectors:
        selector = KINDS[clause.question.kind].selectors[word]
        if isinstance(selected, tuple) and len(selected) > 1 and selector.type != "substance":
            for item in selected:
                yield (
                    f"drop {item} from {word} of {place}",
                    _without_item(word, item),
                    f"a case where only {item} is found",
                )
        if not selector.required:
            yield (
                f"drop {word} of {place}",
                _without_selector(word),
                f'a case that "{word}" of clause "{clause.name}" decides',
            )


def _test_changes(clause: Clause, test: Test, place: str) -> Iterator[tuple[str, Change, str]]:
    where = f"{test.field} of {place}"
    if test.op in _STRICTNESS:
        for table, add in (
            (_STRICTNESS, f"a case with {where} exactly at the number"),
            (_DIRECTION, f"a case with {where} well beyond the number"),
        ):
            op = table[test.op]
            yield f"{where}: {test.op} to {op}", _with_test(test, replace(test, op=op)), add
    if isinstance(test.operand, bool):
        negated = replace(test, operand=not test.operand)
        yield (
            f"{where}: not {str(test.operand).lower()}",
            _with_test(test, negated),
            f"a case with {where} the other way",
        )
    if isinstance(test.operand, frozenset) and len(test.operand) > 1:
        for item in sorted(test.operand):
            fewer = replace(test, operand=test.operand - {item})
            yield (
                f"drop {item} from {where}",
                _with_test(test, fewer),
                f'a case with {where} "{item}"',
            )
    if len(clause.tests) > 1:
        yield f"drop {where}", _with_test(test, None), f"a case where only {where} fails"


def _with_test(old: Test, new: Test | None) -> Change:
    def change(clause: Clause) -> Clause:
        tests = (new if test == old else test for test in clause.tests)
        return replace(clause, tests=tuple(test for test in tests if test is not None))

    return change


def _without_selector(word: str) -> Change:
    def change(clause: Clause) -> Clause:
        kept = tuple(pair for pair in clause.question.selectors if pair[0] != word)
        return replace(clause, question=Question(clause.question.kind, kept))

    return change


def _without_item(word: str, item: str) -> Change:
    def change(clause: Clause) -> Clause:
        selectors = tuple(
            (name, tuple(each for each in value if each != item))
            if name == word and isinstance(value, tuple)
            else (name, value)
            for name, value in clause.question.selectors
        )
        return replace(clause, question=Question(clause.question.kind, selectors))

    return change


def _dropped(rule: Rule, clause: Clause, variants: tuple[str, ...], place: str) -> Iterator[Mutant]:
    """The rule without a clause: in all variants that share it, and in each of them alone."""
    drops = [(f"drop {place}", variants)]
    if len(variants) > 1:
        drops += [(f"drop {clause.name} in {name} alone", (name,)) for name in variants]
    for name, where in drops:
        mutant = _changed(rule, clause.name, where, lambda _: None)
        yield Mutant(name, mutant, f'a case where only clause "{clause.name}" fails')


def _changed(rule: Rule, name: str, variants: Sequence[str], change: Change) -> Rule:
    return replace(
        rule,
        variants=tuple(
            _changed_variant(variant, name, change) if variant.name in variants else variant
            for variant in rule.variants
        ),
    )


def _changed_variant(variant: Variant, name: str, change: Change) -> Variant:
    when = (change(clause) if clause.name == name else clause for clause in variant.when)
    return replace(variant, when=tuple(clause for clause in when if clause is not None))
