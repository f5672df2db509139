"""Rules as the rule sets that durable-rules understands.

Two steps, so that no rule ever joins two facts that a chart may hold many of (joins multiply):

1. every distinct clause is a rule on one fact, a reading: ``c7`` holds;
2. every variant is a rule on the clauses that hold: ``c0`` and ``c7`` hold, and all are told.

Absence is never compiled: facts state it. What cannot be compiled exactly is refused here, at
start, with file and line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from cds_service.engine.encoding import encode, encode_lower, encode_upper, is_exact_limit
from cds_service.engine.port import Finding
from cds_service.errors import RulesError
from cds_service.facts.answers import Answer, Question, Reading
from cds_service.facts.interval import Interval
from cds_service.rulebook.model import Clause, Rule, Test

Expression = dict[str, Any]
Fact = dict[str, Any]

# durable-rules joins at most 16 facts in one rule and breaks at the first match beyond, not at
# load; one of the 16 is the fact that says that all clauses are told.
MAX_CLAUSES = 15
# It takes at most 32 expressions in one clause; the question itself is one of them.
MAX_EXPRESSIONS = 30
# A fact may wait at 64 branches of one rule set at a time (error 303 beyond).
MAX_BRANCHES = 40
# A node has at most 512 branches by name and leads to at most 256 rules.
MAX_RULES = 200


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules by name, each with the list of what must hold; and what the firing of each means."""

    conditions: Mapping[str, Sequence[Expression]]


@dataclass(slots=True)
class QuestionCode:
    """How a question is called, which of its fields are tested, and its words by number."""

    code: str
    fields: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def index(self, name: str) -> int:
        """The number of a field; a new one at its first use."""
        return self.fields.setdefault(name, len(self.fields))

    def word(self, text: str) -> str:
        """A word by number, so that no word of a chart enters the engine."""
        return self.words.setdefault(text, str(len(self.words)))


@dataclass(frozen=True, slots=True)
class Program:
    """Rules, compiled."""

    rules: tuple[Rule, ...]
    questions: Mapping[Question, QuestionCode]
    clause_sets: tuple[RuleSet, ...]
    variant_sets: tuple[RuleSet, ...]
    findings: Mapping[str, Finding]

    def readings(self, answers: Mapping[Question, Answer]) -> list[Fact]:
        """The facts of a chart for the first step, without repeats.

        Raises:
            KeyError: when a question has no answer.
        """
        told: dict[tuple[tuple[str, Any], ...], Fact] = {}
        for question, code in self.questions.items():
            for reading in answers[question].readings:
                fact = _fact(code, reading)
                told[tuple(fact.items())] = fact
        return list(told.values())

    def worst_readings(self) -> list[Fact]:
        """For every question facts that pass as many tests at once as no real one can."""
        return [fact for code in self.questions.values() for fact in _worst(code)]


def compile_rules(rules: Iterable[Rule]) -> Program:
    """Compile rules; those of the last stage are left to the plain evaluator.

    Raises:
        RulesError: with every clause that cannot be compiled exactly.
    """
    first = tuple(rule for rule in rules if not rule.is_last)
    complaints = [complaint for rule in first for complaint in _complaints(rule)]
    if complaints:
        raise RulesError(complaints)
    return _Compiler(first).program()


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
    if sum(_size(test) for test in clause.tests) > MAX_EXPRESSIONS:
        yield f"{where} makes too many comparisons; the engine takes at most {MAX_EXPRESSIONS}."
    for test in clause.tests:
        if isinstance(test.operand, Fraction) and not is_exact_limit(test.operand):
            yield (
                f'{where}: the limit of "{test.field}" has more than six decimals or is beyond '
                "10^12 and cannot be compared exactly; write it in another unit."
            )


def _size(test: Test) -> int:
    if isinstance(test.operand, frozenset):
        return len(test.operand)
    return 2 if test.op == "eq" else 1


@dataclass(slots=True)
class _Compiler:
    """Numbers questions, clauses and variants in the order of the rules."""

    rules: tuple[Rule, ...]
    questions: dict[Question, QuestionCode] = field(default_factory=dict)
    clauses: dict[tuple[Question, tuple[Test, ...]], str] = field(default_factory=dict)

    def program(self) -> Program:
        variants = [(rule, variant) for rule in self.rules for variant in rule.variants]
        needed = [[self.clause(clause) for clause in variant.when] for _, variant in variants]
        names = [f"v{number}" for number in range(len(variants))]
        return Program(
            self.rules,
            self.questions,
            tuple(self.clause_sets()),
            tuple(_variant_sets(dict(zip(names, needed, strict=True)))),
            {
                name: Finding(rule.id, variant.name)
                for name, (rule, variant) in zip(names, variants, strict=True)
            },
        )

    def clause(self, clause: Clause) -> str:
        """The name of a clause; two that ask and test the same are one."""
        key = (clause.question, tuple(sorted(set(clause.tests), key=_order)))
        if clause.question not in self.questions:
            self.questions[clause.question] = QuestionCode(str(len(self.questions)))
        return self.clauses.setdefault(key, f"c{len(self.clauses)}")

    def clause_sets(self) -> Iterator[RuleSet]:
        """All clauses, in as many rule sets as keep every fact below its limit of branches."""
        conditions: dict[str, Sequence[Expression]] = {}
        branches: dict[Question, int] = {}
        for (question, tests), name in self.clauses.items():
            size = 1 + sum(_size(test) for test in tests)
            full = branches.get(question, 0) + size > MAX_BRANCHES
            if conditions and (full or len(conditions) == MAX_RULES):
                yield RuleSet(conditions)
                conditions, branches = {}, {}
            branches[question] = branches.get(question, 0) + size
            code = self.questions[question]
            # The question comes first: an equality, so that a fact meets only its own clauses.
            tested = [expression for test in tests for expression in _compiled(code, test)]
            conditions[name] = [_all({"q": code.code}, *tested)]
        if conditions:
            yield RuleSet(conditions)


def _variant_sets(variants: Mapping[str, Sequence[str]]) -> Iterator[RuleSet]:
    names = list(variants)
    for start in range(0, len(names), MAX_RULES):
        yield RuleSet(
            {
                name: [*({"c": clause} for clause in dict.fromkeys(variants[name])), ALL_TOLD]
                for name in names[start : start + MAX_RULES]
            }
        )


ALL_TOLD: Expression = {"evaluate": "1"}
"""The last fact of the second step, which every variant waits for."""


def _order(test: Test) -> tuple[str, str, str]:
    """One order for the tests of a clause, whatever order its author chose."""
    operand = test.operand
    words = sorted(operand) if isinstance(operand, frozenset) else operand
    return test.field, test.op, str(words)


def _all(*expressions: Expression) -> Expression:
    return expressions[0] if len(expressions) == 1 else {"$and": list(expressions)}


def _compiled(code: QuestionCode, test: Test) -> list[Expression]:
    """A test as comparisons on the lower (l) or upper (h) bound, or on a flag or word (w)."""
    index = code.index(test.field)
    operand = test.operand
    if isinstance(operand, frozenset):
        words = [{f"w{index}": code.word(word)} for word in sorted(operand)]
        return [words[0] if len(words) == 1 else {"$or": words}]
    if isinstance(operand, bool):
        return [{f"w{index}": _flag(operand)}]
    if isinstance(operand, str):
        return [{f"w{index}": code.word(operand)}]
    bounds = {
        "gt": [("$gt", "l")],
        "gte": [("$gte", "l")],
        "lt": [("$lt", "h")],
        "lte": [("$lte", "h")],
        "eq": [("$gte", "l"), ("$lte", "h")],
    }[test.op]
    return [{op: {f"{bound}{index}": encode(operand)}} for op, bound in bounds]


def _flag(flag: bool) -> str:
    return "t" if flag else "f"


def _fact(code: QuestionCode, reading: Reading) -> Fact:
    """What the tests of a question can see of a reading; unknown things are left out."""
    fact: Fact = {"q": code.code}
    for name, index in code.fields.items():
        value = reading.fields.get(name)
        if isinstance(value, Interval):
            fact[f"l{index}"] = encode_lower(value)
            fact[f"h{index}"] = encode_upper(value)
        elif isinstance(value, bool):
            fact[f"w{index}"] = _flag(value)
        elif isinstance(value, str) and value in code.words:
            fact[f"w{index}"] = code.words[value]
    return fact


def _worst(code: QuestionCode) -> Iterator[Fact]:
    """Above every lower limit and below every upper one, with each flag and word in turn."""
    everywhere = Interval(Fraction(10**13), Fraction(-(10**13)))
    numbers: Fact = {"q": code.code}
    for index in code.fields.values():
        numbers[f"l{index}"] = encode_lower(everywhere)
        numbers[f"h{index}"] = encode_upper(everywhere)
    for word in ("t", "f", *code.words.values()):
        yield numbers | {f"w{index}": word for index in code.fields.values()}
