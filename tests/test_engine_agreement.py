"""Random rules times random answers: both evaluators find the same.

``python -m benchmarks.engine_agreement`` runs as many more as one likes.
"""

from functools import cache
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.engine.durable import DurableEngine
from cds_service.engine.port import Finding
from cds_service.engine.reference import judge_plain, judge_rule
from tests.engine_cases import random_answers, random_rules

# Native rule sets are never freed, so the rulebooks are few and the answers many.
RULEBOOKS = 50
RULES = 12


@cache
def rulebook(number):
    rules = random_rules(Random(number), RULES)
    return rules, DurableEngine.of([rules])


@settings(max_examples=5_000)
@given(st.integers(0, RULEBOOKS - 1), st.randoms(use_true_random=True, note_method_calls=False))
def test_both_evaluators_find_the_same(number, random):
    rules, engine = rulebook(number)
    chart = random_answers(random)

    plain = {
        Finding(rule.id, each.variant.name)
        for rule in rules
        for each in judge_rule(rule, chart).variants
        if each.outcome == "fires"
    }

    assert engine.findings(rules, chart) == plain


@given(st.integers(0, RULEBOOKS - 1), st.randoms(use_true_random=True, note_method_calls=False))
def test_a_rule_left_open_always_says_what_is_missing(number, random):
    rules, _ = rulebook(number)

    for verdict in judge_plain(rules, random_answers(random)):
        assert bool(verdict.missing) is (verdict.outcome == "unknown")
