"""What decides nothing is not asked; and nothing is judged otherwise for it."""

from dataclasses import replace
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.engine.docket import Docket
from cds_service.engine.durable import DurableEngine
from cds_service.engine.judge import judge, judge_briefly
from cds_service.engine.passing import passes
from cds_service.engine.port import EngineError, Finding
from cds_service.engine.reference import (
    all_of,
    judge_clause,
    judge_plain,
    judge_rule,
    judge_test,
)
from cds_service.engine.stages import complete
from cds_service.facts.answers import Question
from tests.engine_builders import (
    ALT,
    ORDER,
    answer,
    answers,
    clause,
    exactly,
    reading,
    rule,
    test,
    variant,
)
from tests.engine_cases import random_answers, random_rules

LEFT = clause(Question("unassessed"), test("count", "gt", "0"))
PLACED = clause(ORDER, test("placed", "is", True))
HIGH = clause(ALT, test("times_uln", "gt", "1.5"))
HIGH_ALT = answer(ALT, reading(times_uln=exactly("2")))
LOW_ALT = answer(ALT, reading(times_uln=exactly("1")))
AN_ORDER = answer(ORDER, reading(placed=True))
NO_ORDER = answer(ORDER)

randoms = st.randoms(use_true_random=True, note_method_calls=False)


class Asked(dict):
    """Answers that are had only when they are asked for."""

    def __init__(self, everything):
        super().__init__()
        self.everything = everything

    def __missing__(self, question):
        self[question] = self.everything[question]
        return self[question]


class Judges:
    """An engine that judges rules of its own by the plain evaluator."""

    available = True

    def __init__(self, rules):
        self.rules = rules

    def findings(self, rules, answers):
        return frozenset(
            Finding(rule.id, variant.name)
            for rule in self.rules
            for variant in rule.variants
            if all(holds_or_not_asked(clause, answers) for clause in variant.when)
        )


def holds_or_not_asked(clause, answers):
    asked = answers.get(clause.question)
    return asked is None or judge_clause(clause, asked).truth is True


class Mostly(Judges):
    """One that now and then fails, loses a finding, or finds one too many."""

    def __init__(self, rules, random):
        super().__init__(rules)
        self.random = random

    def findings(self, rules, answers):
        found = super().findings(rules, answers)
        if self.random.random() < 0.3:
            raise EngineError("act", frozenset(list(found)[:1]))
        return found


def random_rulebook(random):
    """Rules of which some say more than others, some are shadows, and one is judged last."""
    rules = random_rules(random, 8)
    changed = tuple(
        replace(
            each,
            unless_fires=tuple(random.sample([one.id for one in rules], random.choice((0, 0, 1)))),
            status=random.choice(("active", "active", "shadow")),
        )
        for each in rules
    )
    last = rule(variant(LEFT, *changed[0].variants[0].when), variant(LEFT), id="INO-R-99")
    return (*changed[:4], last, *changed[4:])


def fired(verdicts):
    return [(each.outcome, each.because) for each in verdicts]


@settings(max_examples=400)
@given(randoms)
def test_every_rule_ends_as_when_everything_is_judged(random):
    """
    With the same verdict, clause by clause, save the clauses that nobody reads.
    """
    rules, chart = random_rulebook(random), random_answers(random)
    first = [without_idle_clauses(judge_rule(each, chart)) for each in rules if not each.is_last]

    whole = judge_plain(rules, chart)
    brief = judge_briefly(Docket.of(rules), Asked(chart), None)

    assert brief == complete(rules, chart, first, judge_rule)
    assert [each.outcome for each in brief] == [each.outcome for each in whole]
    assert [each.missing for each in brief] == [each.missing for each in whole]
    assert [each.speaking for each in brief] == [each.speaking for each in whole]


def without_idle_clauses(verdict):
    """Those of a rule that is silent, and of the variants that do not fire of one that fires."""
    told = {"fires": {"fires"}, "unknown": {"unknown", "silent"}, "silent": set()}
    variants = tuple(
        each if each.outcome in told[verdict.outcome] else replace(each, clauses=())
        for each in verdict.variants
    )
    return replace(verdict, variants=variants)


@given(randoms)
def test_a_reading_passes_the_tests_of_a_clause_as_each_says(random):
    (given_rule,) = random_rules(random, 1)
    for each in (one for way in given_rule.variants for one in way.when):
        for answered in random_answers(random).values():
            for one in answered.readings:
                truths = [judge_test(test, one.fields.get(test.field)) for test in each.tests]
                assert passes(each.tests)(one.fields) is all_of(truths)


def test_what_decides_nothing_is_not_asked():
    asked = Asked(answers(NO_ORDER))
    docket = Docket.of([rule(variant(PLACED, HIGH)), rule(variant(PLACED), id="INO-T-02")])

    verdicts = judge_briefly(docket, asked, None)

    assert [each.outcome for each in verdicts] == ["silent", "silent"]
    assert list(asked) == [ORDER]


def test_a_check_of_many_rules_is_judged_once(monkeypatch):
    docket = Docket.of(
        [
            rule(variant(HIGH, PLACED)),
            rule(variant(PLACED, clause(ALT, *HIGH.tests, name="other name")), id="INO-T-02"),
        ]
    )

    assert len(docket.checks) == 2


@pytest.mark.parametrize("breaks", [True, False, None])
@pytest.mark.parametrize("chart", [(AN_ORDER, HIGH_ALT), (AN_ORDER, LOW_ALT), (NO_ORDER, HIGH_ALT)])
def test_a_plain_evaluator_that_is_wrong_hides_nothing(breaks, chart, caplog):
    """
    Whatever it takes a check for: where the engine differs, what either found is shown and said.
    """
    rules = [rule(variant(PLACED, HIGH))]
    docket = Docket.of(rules)
    wrong = replace(
        docket, checks=tuple(replace(each, passes=lambda _: breaks) for each in docket.checks)
    )
    engine = DurableEngine.of([rules])
    (plain,) = judge_briefly(wrong, Asked(answers(*chart)), None)
    disagreements = []

    (verdict,) = judge_briefly(
        wrong, Asked(answers(*chart)), engine, on_disagreement=disagreements.append
    )

    engine_fires = bool(engine.findings(rules, answers(*chart)))
    assert (verdict.outcome == "fires") is (engine_fires or plain.outcome == "fires")
    assert bool(disagreements) is (engine_fires != (plain.outcome == "fires"))
    assert (verdict.because == "engines disagree") is bool(disagreements)


@settings(max_examples=400)
@given(randoms)
def test_an_engine_that_is_wrong_is_found_as_when_everything_is_asked(random):
    """
    In a limit or word of a clause, or in the clauses of a variant, too few or too many.
    """
    rules, chart = random_rulebook(random), random_answers(random)
    engine = Judges(tuple(broken(random, each) for each in rules if not each.is_last))
    whole_said, brief_said = [], []

    whole = judge(rules, chart, engine, on_disagreement=whole_said.append)
    brief = judge_briefly(Docket.of(rules), Asked(chart), engine, on_disagreement=brief_said.append)

    assert fired(brief) == fired(whole)
    assert [each.speaking for each in brief] == [each.speaking for each in whole]
    assert brief_said == whole_said


def broken(random, the_rule):
    if random.random() < 0.6:
        return the_rule
    (other,) = random_rules(random, 1)
    tests = random.choice(other.variants[0].when).tests

    def changed(when):
        stolen = clause(random.choice(when).question, *tests)
        place = random.randrange(len(when))
        return random.choice(
            (
                (*when[:place], *when[place + 1 :]),
                (*when[:place], stolen, *when[place + 1 :]),
                (*when, stolen),
            )
        )

    variants = tuple(replace(each, when=changed(each.when)) for each in the_rule.variants)
    return replace(the_rule, variants=variants)


@given(randoms)
def test_an_engine_that_fails_now_and_then_hides_nothing(random):
    rules, chart = random_rulebook(random), random_answers(random)
    plain = judge_plain(rules, chart)
    failures = []

    brief = judge_briefly(
        Docket.of(rules),
        Asked(chart),
        Mostly([each for each in rules if not each.is_last], random),
        on_failure=lambda: failures.append(1),
    )

    assert fired(brief) == fired(plain)
    assert len(failures) <= 1


def test_a_failure_is_counted_once_and_the_plain_verdict_stands(caplog):
    rules = [rule(variant(HIGH))]
    failures = []

    class Fails(Judges):
        def findings(self, rules, answers):
            raise EngineError("act clauses0")

    (verdict,) = judge_briefly(
        Docket.of(rules),
        Asked(answers(HIGH_ALT)),
        Fails(rules),
        on_failure=lambda: failures.append(1),
    )

    assert (verdict.outcome, verdict.because) == ("fires", "")
    assert failures == [1]


@pytest.mark.parametrize("flaky", [[True, False], [False, True]])
def test_what_the_engine_found_or_missed_once_still_counts(flaky):
    """
    It is asked twice when it differs; a second answer does not take back the first.
    """
    rules = [rule(variant(HIGH))]
    turns = iter(flaky)
    said = []

    class Flaky(Judges):
        def findings(self, rules, answers):
            return frozenset({Finding("INO-T-01", "only")}) if next(turns) else frozenset()

    (verdict,) = judge_briefly(
        Docket.of(rules),
        Asked(answers(LOW_ALT if flaky[0] else HIGH_ALT)),
        Flaky(rules),
        on_disagreement=said.append,
    )

    assert (verdict.outcome, verdict.because) == ("fires", "engines disagree")
    assert said == ["INO-T-01"]


RULEBOOKS = 8


@cache
def rulebook(number):
    rules = random_rules(Random(1_000 + number), 12)
    return rules, DurableEngine.of([rules])


@given(st.integers(0, RULEBOOKS - 1), randoms)
def test_the_engine_takes_what_was_not_asked_to_favour_a_variant(number, random):
    rules, engine = rulebook(number)
    chart = random_answers(random)
    asked = {question: each for question, each in chart.items() if random.random() < 0.6}

    assert engine.findings(rules, asked) == Judges(rules).findings(rules, asked)
