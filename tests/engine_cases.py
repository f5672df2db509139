"""Random rules and random answers, for holding the two evaluators against each other.

Both draw from one ``random.Random``, so that the suite (by hypothesis) and the long run (by seed)
make the same kinds of case. Numbers come from a small grid around the limits, where the mistakes
are: on a limit, a hair beside it, between two decimals, open bounds, infinite ones.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random

from cds_service.engine.verdict import Answers
from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.rulebook.model import Clause, Rule, Test
from tests.engine_builders import clause, rule, variant

QUESTIONS = tuple(Question("lab", (("analyte", f"analyte-{number}"),)) for number in range(6))
NUMBERS = ("value", "times_uln", "days")
FLAGS = ("active", "placed")
WORDS = ("severity", "sex")
VOCABULARY = ("mild", "moderate", "severe", "not in any rule", "t", "f", "0", "1", 'a "quote"', "ä")

LIMITS = (*(Fraction(n, 2) for n in range(-2, 6)), Fraction(10**12), Fraction(3, 10**6))
HAIR = Fraction(1, 10**9)
NUDGES = (Fraction(0), HAIR, -HAIR, Fraction(1, 3 * 10**6), Fraction(1, 10**6), Fraction(-1, 10**6))


def random_rules(random: Random, count: int) -> tuple[Rule, ...]:
    """Rules of up to three variants with up to four clauses each."""
    return tuple(
        rule(
            *(
                variant(*_clauses(random), name=f"variant-{number}")
                for number in range(random.randint(1, 3))
            ),
            id=f"INO-R-{index:02}",
        )
        for index in range(count)
    )


def _clauses(random: Random) -> list[Clause]:
    return [
        clause(random.choice(QUESTIONS), *_tests(random), name=f"clause-{number}")
        for number in range(random.randint(1, 4))
    ]


def _tests(random: Random) -> list[Test]:
    return [_test(random) for _ in range(random.choice((0, 1, 1, 1, 2, 3)))]


def _test(random: Random) -> Test:
    sort = random.choice(("number", "number", "flag", "word", "words"))
    if sort == "number":
        op = random.choice(("gt", "gte", "lt", "lte", "eq"))
        return Test(random.choice(NUMBERS), op, random.choice(LIMITS))
    if sort == "flag":
        return Test(random.choice(FLAGS), "is", random.choice((True, False)))
    if sort == "word":
        return Test(random.choice(WORDS), "is", random.choice(VOCABULARY))
    words = frozenset(random.sample(VOCABULARY, random.randint(1, 4)))
    return Test(random.choice(WORDS), "in", words)


def random_answers(random: Random) -> Answers:
    """An answer to every question: none to three readings, sometimes a gap."""
    return {question: _answer(random, question) for question in QUESTIONS}


def _answer(random: Random, question: Question) -> Answer:
    readings = tuple(_reading(random) for _ in range(random.choice((0, 1, 1, 1, 2, 3))))
    gaps = (Unknown("lab", Reason.FAILED),) if random.random() < 0.2 else ()
    return Answer(question, readings, gaps)


def _reading(random: Random) -> Reading:
    fields: dict[str, Value] = {}
    for name in (*NUMBERS, *FLAGS, *WORDS):
        chance = random.random()
        if chance < 0.05:
            fields[name] = Unknown(name, Reason.NO_LIMIT)
        elif chance < 0.1:
            fields[name] = None
        elif chance < 0.13:
            fields[name] = random.choice((True, "1", Interval.exactly(1)))  # of a wrong type
        elif chance < 0.97:
            fields[name] = _value(random, name)
    return Reading(fields)


def _value(random: Random, name: str) -> Value:
    if name in FLAGS:
        return random.choice((True, False))
    if name in WORDS:
        return random.choice(VOCABULARY)
    if random.random() < 0.5:
        return Interval.exactly(_number(random))
    return _interval(random)


def _interval(random: Random) -> Interval:
    lo, hi = sorted((_number(random), _number(random)))
    closed = lo == hi
    return Interval(
        None if random.random() < 0.15 else lo,
        None if random.random() < 0.15 else hi,
        not closed and random.random() < 0.4,
        not closed and random.random() < 0.4,
    )


def _number(random: Random) -> Fraction:
    return random.choice(LIMITS) * random.choice((1, 1, 1, 2)) + random.choice(NUDGES)
