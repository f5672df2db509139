"""Rules become rule sets that stay below every limit of the engine, or are refused at start."""

import pytest

from cds_service.engine.compile import MAX_BRANCHES, MAX_CLAUSES, MAX_RULES, compile_rules
from cds_service.errors import RulesError
from cds_service.facts.answers import Question
from cds_service.facts.unknown import Reason, Unknown
from cds_service.rulebook import model
from tests.engine_builders import (
    ALT,
    BILIRUBIN,
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

HIGH = clause(ALT, test("times_uln", "gt", "1.5"))


def clauses_of(program):
    return [conditions for part in program.clause_sets for conditions in part.conditions.values()]


def test_two_clauses_that_ask_and_test_the_same_are_one():
    other_order = clause(ALT, test("value", "lt", "9"), test("times_uln", "gt", "1.5"))
    same = clause(ALT, test("times_uln", "gt", "1.5"), test("value", "lt", "9"), name="other name")

    program = compile_rules([rule(variant(other_order), variant(same))])

    assert len(clauses_of(program)) == 1


def test_the_question_is_tested_first():
    """
    An equality, so that a fact reaches only the branches of its own question.
    """
    program = compile_rules([rule(variant(HIGH, clause(BILIRUBIN)))])

    assert clauses_of(program) == [
        [{"$and": [{"q": "0"}, {"$gt": {"l0": 3_000_000}}]}],
        [{"q": "1"}],
    ]


def test_every_variant_waits_until_all_is_told():
    program = compile_rules([rule(variant(HIGH, clause(BILIRUBIN)))])

    (part,) = program.variant_sets
    assert part.conditions == {"v0": [{"c": "c0"}, {"c": "c1"}, {"evaluate": "1"}]}


def test_absence_is_never_compiled():
    program = compile_rules([rule(variant(clause(ORDER, test("placed", "is", False))))])

    assert clauses_of(program) == [[{"$and": [{"q": "0"}, {"w0": "f"}]}]]


def test_numbers_are_integers_and_words_are_numbers_of_words():
    """
    No decimal, and no word of a chart, enters the engine.
    """
    asked = clause(ORDER, test("cycle", "gte", "1.5"), test("state", "in", {"active", "draft"}))
    program = compile_rules([rule(variant(asked))])
    given = reading(cycle=exactly("2"), state="active", label="a word nobody asked for")

    (fact,) = program.readings(answers(answer(ORDER, given)))

    assert fact == {"q": "0", "l0": 4_000_000, "h0": 4_000_000, "w1": "0"}


def test_what_is_unknown_or_of_another_word_is_left_out():
    asked = clause(ORDER, test("cycle", "gt", "1"), test("state", "is", "active"))
    program = compile_rules([rule(variant(asked))])
    given = reading(cycle=Unknown("cycle", Reason.NOT_RECORDED), state="stopped")

    assert program.readings(answers(answer(ORDER, given))) == [{"q": "0"}]


def test_readings_that_look_alike_are_told_once():
    program = compile_rules([rule(variant(HIGH))])
    twins = [reading(times_uln=exactly("2"), value=exactly(str(n))) for n in range(9)]

    assert len(program.readings(answers(answer(ALT, *twins)))) == 1


def test_the_last_stage_is_left_to_the_plain_evaluator():
    last = rule(variant(clause(Question("unassessed"), test("count", "gt", "0"))), id="INO-DATA-01")

    assert compile_rules([last, rule(variant(HIGH))]).rules == (rule(variant(HIGH)),)


def test_many_limits_on_one_question_are_spread_over_rule_sets():
    many = [
        rule(variant(clause(ALT, test("times_uln", "gt", str(n)))), id=f"INO-T-{n}")
        for n in range(3 * MAX_BRANCHES)
    ]

    program = compile_rules(many)

    assert len(program.clause_sets) > 3
    assert max(len(part.conditions) for part in program.clause_sets) <= MAX_BRANCHES / 2


def test_many_rules_are_spread_over_rule_sets():
    many = [
        rule(variant(clause(Question("lab", (("analyte", str(n)),)))), id=f"INO-T-{n}")
        for n in range(MAX_RULES + 1)
    ]

    program = compile_rules(many)

    assert [len(part.conditions) for part in program.clause_sets] == [MAX_RULES, 1]
    assert [len(part.conditions) for part in program.variant_sets] == [MAX_RULES, 1]


def test_a_limit_that_cannot_be_exact_is_refused_with_its_place():
    third = model.Test("times_uln", "gt", exactly("1").lo / 3)
    vague = clause(ALT, third, name="alt")

    with pytest.raises(RulesError) as refused:
        compile_rules([rule(variant(vague), id="INO-T-09")])

    assert refused.value.complaints == (
        'INO-T-09.yaml:0: clause "alt": the limit of "times_uln" has more than six decimals or is '
        "beyond 10^12 and cannot be compared exactly; write it in another unit.",
    )


def test_too_many_clauses_are_refused():
    many = [clause(Question("lab", (("analyte", str(n)),))) for n in range(MAX_CLAUSES + 1)]

    with pytest.raises(RulesError, match="16 clauses; the engine takes at most 15"):
        compile_rules([rule(variant(*many))])


def test_too_many_comparisons_are_refused():
    words = {f"word {n}" for n in range(31)}

    with pytest.raises(RulesError, match="too many comparisons; the engine takes at most 30"):
        compile_rules([rule(variant(clause(ALT, test("state", "in", words))))])
