"""Rules are packed into fewer, and none is lost or mistaken for another."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from cds_service.engine.compile import compile_rules
from cds_service.engine.groups import MAX_EXPRESSIONS, group_of
from cds_service.engine.packing import packed
from tests.engine_builders import ALT, clause, rule, test, variant
from tests.engine_cases import random_rules


@given(st.integers(0, 10_000))
def test_every_rule_is_in_one_pack_under_its_group(seed):
    program = compile_rules(random_rules(Random(seed), 40))

    for rule_set in (*program.clause_sets, *program.variant_sets):
        told = [
            (name, condition, group)
            for pack in packed(rule_set.conditions)
            for group, (name, condition) in pack.rules.items()
        ]
        assert {name: condition for name, condition, _ in told} == rule_set.conditions
        assert len(told) == len(rule_set.conditions)
        assert all(group_of(condition) == group for _, condition, group in told)


def test_packs_are_few():
    program = compile_rules(random_rules(Random(1), 60))

    for rule_set in (*program.clause_sets, *program.variant_sets):
        assert len(packed(rule_set.conditions)) < len(rule_set.conditions) / 2


def test_packs_are_hardly_more_than_their_length_or_one_group_asks_for():
    program = compile_rules(random_rules(Random(1), 60))

    for rule_set in (*program.clause_sets, *program.variant_sets):
        packs = packed(rule_set.conditions)
        group = max(Counter(map(group_of, rule_set.conditions.values())).values())
        length = sum(pack.size for pack in packs)
        assert len(packs) <= max(group, 1.2 * length / MAX_EXPRESSIONS)


@given(st.integers(0, 10_000))
def test_every_pack_of_several_rules_is_one_the_engine_takes(seed):
    program = compile_rules(random_rules(Random(seed), 40))

    for rule_set in (*program.clause_sets, *program.variant_sets):
        for pack in packed(rule_set.conditions):
            assert pack.rules
            assert pack.size <= MAX_EXPRESSIONS


def test_a_pack_is_no_longer_than_the_engine_takes():
    words = [{f"{number}-{word}" for word in range(18)} for number in range(6)]
    long = [rule(variant(clause(ALT, test("state", "in", each)))) for each in words]

    (rule_set,) = compile_rules(long).clause_sets

    packs = packed(rule_set.conditions)
    assert [len(pack.rules) for pack in packs] == [1] * 6
    assert 18 < MAX_EXPRESSIONS < 2 * 18
