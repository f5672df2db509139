"""What is to be judged in one call, worked out once: rules as numbers of distinct checks.

A check is a question with its tests, whatever rules call it and however many use it; it is judged
once per call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.engine.passing import Passes, passes
from cds_service.engine.verdict import VariantVerdict, Verdict
from cds_service.facts.answers import Question
from cds_service.rulebook.model import Clause, Rule, Test


@dataclass(frozen=True, slots=True)
class Check:
    """A question, and the judge of the fields of a reading of its answer."""

    question: Question
    passes: Passes


@dataclass(frozen=True, slots=True)
class Case:
    """A rule as numbers of checks.

    ``variants`` have each check once, first those that most variants ask: they are judged already,
    or will have to be. ``clauses`` are all of the rule, each with its check. ``silent`` is what is
    said of the rule when every variant has a check that fails.
    """

    rule: Rule
    variants: tuple[tuple[int, ...], ...]
    clauses: tuple[tuple[Clause, int], ...]
    silent: Verdict


@dataclass(frozen=True, slots=True)
class Docket:
    """Rules that are judged together, and those of the ``first`` stage as cases."""

    rules: tuple[Rule, ...]
    first: tuple[Rule, ...]
    cases: tuple[Case, ...]
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Docket:
        """Number the checks of rules, in the order they are met."""
        everything = tuple(rules)
        first = tuple(rule for rule in everything if not rule.is_last)
        numbers: dict[_Key, int] = {}
        for rule in first:
            for variant in rule.variants:
                for clause in variant.when:
                    numbers.setdefault(_key(clause), len(numbers))
        uses = Counter(question for rule in first for question in rule.questions)
        return cls(
            everything,
            first,
            tuple(_case(rule, numbers, uses) for rule in first),
            tuple(Check(question, passes(tests)) for question, tests in numbers),
        )


_Key = tuple[Question, tuple[Test, ...]]


def _key(clause: Clause) -> _Key:
    """What two clauses share that are one check."""
    return clause.question, clause.tests


def _case(rule: Rule, numbers: Mapping[_Key, int], uses: Mapping[Question, int]) -> Case:
    def soonest(clause: Clause) -> tuple[int, int]:
        return -uses[clause.question], numbers[_key(clause)]

    silent = tuple(VariantVerdict(variant, "silent", ()) for variant in rule.variants)
    return Case(
        rule,
        tuple(
            tuple(dict.fromkeys(numbers[_key(each)] for each in sorted(variant.when, key=soonest)))
            for variant in rule.variants
        ),
        tuple(
            {
                id(clause): (clause, numbers[_key(clause)])
                for variant in rule.variants
                for clause in variant.when
            }.values()
        ),
        Verdict(rule, "silent", silent),
    )
