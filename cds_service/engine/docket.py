"""What is to be judged in one call, worked out once: rules as numbers of distinct checks.

A check is a question with its tests, whatever rules call it and however many use it; it is judged
once per call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.engine.passing import Passes, passes
from cds_service.engine.verdict import Outcome, VariantVerdict, Verdict
from cds_service.facts.answers import Question
from cds_service.rulebook.model import Clause, Rule, Test, Variant


@dataclass(frozen=True, slots=True)
class Check:
    """A question, and the judge of the fields of a reading."""

    question: Question
    passes: Passes


@dataclass(frozen=True, slots=True)
class Way:
    """A variant as its clauses, each with the number of its check.

    ``bare`` is what is said of it by outcome where nobody reads its clauses.
    """

    variant: Variant
    clauses: tuple[tuple[Clause, int], ...]
    bare: Mapping[Outcome, VariantVerdict]


@dataclass(frozen=True, slots=True)
class Case:
    """A rule as numbers of checks.

    ``variants`` have each check once, first those that most variants ask: they are judged already,
    or will have to be. ``ways`` are the same variants with all their clauses. ``silent`` is what is
    said of the rule when every variant has a check that fails.
    """

    rule: Rule
    variants: tuple[tuple[int, ...], ...]
    ways: tuple[Way, ...]
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
        numbers = _Numbers.of(first)
        return cls(
            everything,
            first,
            tuple(_case(rule, numbers) for rule in first),
            tuple(Check(question, passes(tests)) for question, tests in numbers.checks),
        )


_Key = tuple[Question, tuple[Test, ...]]


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The checks, numbered in the order they are met, and how many clauses ask each question."""

    checks: Mapping[_Key, int]
    uses: Mapping[Question, int]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> _Numbers:
        every = [clause for rule in rules for variant in rule.variants for clause in variant.when]
        checks = dict.fromkeys(map(_key, every))
        return cls(
            {check: number for number, check in enumerate(checks)},
            Counter(clause.question for clause in every),
        )


def _key(clause: Clause) -> _Key:
    """What two clauses share that are one check."""
    return clause.question, clause.tests


def _case(rule: Rule, numbers: _Numbers) -> Case:
    ways = tuple(_way(variant, numbers) for variant in rule.variants)
    return Case(
        rule,
        tuple(_soonest(way, numbers) for way in ways),
        ways,
        Verdict(rule, "silent", tuple(way.bare["silent"] for way in ways)),
    )


def _way(variant: Variant, numbers: _Numbers) -> Way:
    outcomes: tuple[Outcome, ...] = ("silent", "unknown")
    return Way(
        variant,
        tuple((each, numbers.checks[_key(each)]) for each in variant.when),
        {outcome: VariantVerdict(variant, outcome, ()) for outcome in outcomes},
    )


def _soonest(way: Way, numbers: _Numbers) -> tuple[int, ...]:
    """The checks of a variant, those first whose question is asked most."""
    asked = sorted((-numbers.uses[clause.question], check) for clause, check in way.clauses)
    return tuple(dict.fromkeys(check for _, check in asked))
