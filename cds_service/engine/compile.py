"""Rules as the rule sets that durable-rules understands.

Two steps, so that no rule ever joins two facts (joins multiply):

1. every distinct clause is a rule on what was read: ``c7`` holds, and with it every variant that
   has no other clause;
2. every distinct set of clauses that is a variant is a rule on what holds.

Absence is never compiled: facts state it. What cannot be compiled exactly is refused here, at
start, with file and line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from cds_service.engine.encoding import is_exact_limit
from cds_service.engine.groups import (
    MAX_EXPRESSIONS,
    Asked,
    RuleSet,
    clause_groups,
    rule_sets,
    size,
    variant_groups,
)
from cds_service.engine.port import Finding
from cds_service.errors import RulesError
from cds_service.facts.answers import Answer, Question
from cds_service.rulebook.model import Clause, Rule, Test

Told = dict[int, list[str]]
"""Facts by the number of their group, each as the properties it has in JSON."""

# Each clause of a variant is one expression.
MAX_CLAUSES = MAX_EXPRESSIONS


@dataclass(frozen=True, slots=True)
class Program:
    """Rules, compiled. Clauses and distinct variants have names; several variants may be one.

    ``findings`` say what is found by the name that fires: of a variant, or of its only clause.
    ``questions`` say how each is told, and which clauses ask it; ``places``, how it is told that a
    clause holds.
    """

    rules: tuple[Rule, ...]
    clause_sets: tuple[RuleSet, ...]
    variant_sets: tuple[RuleSet, ...]
    findings: Mapping[str, tuple[Finding, ...]]
    questions: Mapping[Question, tuple[Sequence[Asked], Sequence[str]]]
    places: Mapping[str, Sequence[tuple[int, str]]]

    def readings(self, answers: Mapping[Question, Answer]) -> tuple[Told, list[str]]:
        """The facts of a chart for the first step, and the clauses whose question has no answer."""
        told = self._nothing()
        unasked: list[str] = []
        for question, (parts, clauses) in self.questions.items():
            answer = answers.get(question)
            if answer is None:
                unasked += clauses
                continue
            readings = answer.readings
            for asked in parts if readings else ():
                if len(readings) == 1:
                    told[asked.group][0] += asked.tell(readings[0])
                else:
                    _lay(told[asked.group], dict.fromkeys(map(asked.tell, readings)))
        return told, unasked

    def _nothing(self) -> Told:
        """For every group of clauses a fact that says nothing yet."""
        return {group: [""] for each in self.clause_sets for group in each.groups}

    def holding(self, clauses: Iterable[str]) -> Told:
        """The facts for the second step: one for each group, which holds those of the clauses."""
        told = {group: "" for each in self.variant_sets for group in each.groups}
        for name in clauses:
            for group, text in self.places[name]:
                told[group] += text
        return {group: [text] for group, text in told.items()}

    def worst_readings(self) -> Told:
        """For every group facts that pass as many tests at once as no real one can."""
        told = self._nothing()
        for parts, _ in self.questions.values():
            for asked in parts:
                _lay(told[asked.group], asked.worst())
        return told


def _lay(facts: list[str], beside: Iterable[str]) -> None:
    """Widen the facts, the first by the first text and so on."""
    for number, text in enumerate(beside):
        if number < len(facts):
            facts[number] += text
        else:
            facts.append(text)


def compile_rules(rules: Iterable[Rule]) -> Program:
    """Compile rules; those of the last stage are left to the plain evaluator.

    Raises:
        RulesError: with every clause that cannot be compiled exactly.
    """
    first = tuple(rule for rule in rules if not rule.is_last)
    complaints = [complaint for rule in first for complaint in _complaints(rule)]
    if complaints:
        raise RulesError(complaints)
    return _program(first)


def _complaints(rule: Rule) -> Iterator[str]:
    for variant in rule.variants:
        if len(variant.when) > MAX_CLAUSES:
            yield (
                f'{rule.file}: variant "{variant.name}" has {len(variant.when)} clauses; '
                f"the engine takes at most {MAX_CLAUSES}. Split the rule."
            )
        for clause in variant.when:
            yield from _clause_complaints(rule, clause)


def _clause_complaints(rule: Rule, clause: Clause) -> Iterator[str]:
    where = f'{rule.file}:{clause.line}: clause "{clause.name}"'
    if size(clause.tests) > MAX_EXPRESSIONS:
        yield f"{where} makes too many comparisons; the engine takes at most {MAX_EXPRESSIONS}."
    for test in clause.tests:
        if isinstance(test.operand, Fraction) and not is_exact_limit(test.operand):
            yield (
                f'{where}: the limit of "{test.field}" has more than six decimals or is beyond '
                "10^12 and cannot be compared exactly; write it in another unit."
            )


@dataclass(slots=True)
class _Names:
    """Clauses by question, distinct variants by their clauses, all named in the order met.

    A variant of one clause has the name of the clause.
    """

    clauses: dict[Question, dict[tuple[Test, ...], str]] = field(default_factory=dict)
    variants: dict[frozenset[str], str] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    uses: Counter[str] = field(default_factory=Counter)

    def clause(self, clause: Clause) -> str:
        """The name of a clause; two that ask and test the same are one."""
        asked = self.clauses.setdefault(clause.question, {})
        tests = {replace(test, parameter="") for test in clause.tests}
        return asked.setdefault(tuple(sorted(tests, key=_order)), f"c{len(self.uses)}")

    def add(self, rule: Rule) -> None:
        """Name what is in a rule."""
        for variant in rule.variants:
            clauses: set[str] = set()
            for clause in variant.when:
                clauses.add(name := self.clause(clause))
                self.uses[name] += 1
            if len(clauses) > 1:
                name = self.variants.setdefault(frozenset(clauses), f"v{len(self.variants)}")
            self.findings.setdefault(name, []).append(Finding(rule.id, variant.name))

    def sorted_variants(self) -> dict[str, list[str]]:
        """Variants with the clauses first that most variants have, so that branches are shared."""
        return {
            name: sorted(clauses, key=lambda clause: (-self.uses[clause], clause))
            for clauses, name in self.variants.items()
        }


def _program(rules: tuple[Rule, ...]) -> Program:
    names = _Names()
    for rule in rules:
        names.add(rule)
    clauses = {
        question: {name: tests for tests, name in named.items()}
        for question, named in names.clauses.items()
    }
    readings, holding = clause_groups(clauses), variant_groups(names.sorted_variants())
    return Program(
        rules,
        tuple(rule_sets(readings)),
        tuple(rule_sets(holding)),
        {name: tuple(found) for name, found in names.findings.items()},
        {
            question: (
                [group.asked[question] for group in readings if question in group.asked],
                tuple(named),
            )
            for question, named in clauses.items()
        },
        {
            name: [(group.number, group.tell(name)) for group in holding if name in group.names]
            for named in clauses.values()
            for name in named
        },
    )


def _order(test: Test) -> tuple[str, str, str]:
    """One order for the tests of a clause, whatever order its author chose."""
    operand = test.operand
    words = sorted(operand) if isinstance(operand, frozenset) else operand
    return test.field, test.op, str(words)
