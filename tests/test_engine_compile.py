"""Rules become rule sets that stay below every limit of the engine, or are refused at start."""

from collections import Counter

import pytest

from cds_service.engine.compile import MAX_CLAUSES, compile_rules
from cds_service.engine.groups import MAX_BRANCHES, MAX_NAMES, MAX_RULES
from cds_service.engine.port import Finding
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
    return [condition for part in program.clause_sets for condition in part.conditions.values()]


def test_two_clauses_that_ask_and_test_the_same_are_one():
    other_order = clause(ALT, test("value", "lt", "9"), test("times_uln", "gt", "1.5"))
    same = clause(ALT, test("times_uln", "gt", "1.5"), test("value", "lt", "9"), name="other name")

    program = compile_rules([rule(variant(other_order), variant(same))])

    assert len(clauses_of(program)) == 1


def test_the_group_is_tested_first():
    """
    An equality, so that a fact reaches only the branches of its own group.
    """
    program = compile_rules([rule(variant(HIGH, clause(BILIRUBIN)))])

    assert clauses_of(program) == [
        {"$and": [{"g0": 1}, {"$gt": {"l0": 3_000_000}}]},
        {"$and": [{"g0": 1}, {"q1": 1}]},
    ]


def test_a_variant_is_a_rule_on_what_holds():
    program = compile_rules([rule(variant(HIGH, clause(BILIRUBIN)))])

    (part,) = program.variant_sets
    assert part.conditions == {"v0": {"$and": [{"g0": 1}, {"c0": 1}, {"c1": 1}]}}
    assert program.holding(["c1"]) == {0: [',"c1":1']}


def test_variants_of_the_same_clauses_are_one():
    program = compile_rules(
        [
            rule(variant(HIGH, clause(BILIRUBIN), name="one")),
            rule(variant(clause(BILIRUBIN, name="other name"), HIGH), id="INO-T-02"),
        ]
    )

    assert program.findings == {"v0": (Finding("INO-T-01", "one"), Finding("INO-T-02", "only"))}


def test_a_variant_of_one_clause_is_found_with_the_clause():
    """
    However often it is written there; no second rule says the same again.
    """
    program = compile_rules([rule(variant(HIGH, HIGH, name="less"))])

    assert program.variant_sets == ()
    assert program.findings == {"c0": (Finding("INO-T-01", "less"),)}
    assert program.holding(["c0"]) == {}


def test_absence_is_never_compiled():
    program = compile_rules([rule(variant(clause(ORDER, test("placed", "is", False))))])

    assert clauses_of(program) == [{"$and": [{"g0": 1}, {"w0": 0}]}]


def test_numbers_are_integers_and_words_are_numbers_of_words():
    """
    No decimal, and no word of a chart, enters the engine. An upper bound nobody tests is not told.
    """
    asked = clause(ORDER, test("cycle", "gte", "1.5"), test("state", "in", {"active", "draft"}))
    program = compile_rules([rule(variant(asked))])
    given = reading(cycle=exactly("2"), state="active", label="a word nobody asked for")

    assert program.readings(answers(answer(ORDER, given))) == ({0: [',"l0":4000000,"w1":2']}, [])


def test_what_is_unknown_or_of_another_word_is_left_out():
    asked = clause(ORDER, test("cycle", "gt", "1"), test("state", "is", "active"))
    program = compile_rules([rule(variant(asked))])
    given = reading(cycle=Unknown("cycle", Reason.NOT_RECORDED), state="stopped")

    assert program.readings(answers(answer(ORDER, given))) == ({0: [""]}, [])


def test_readings_that_look_alike_are_told_once():
    program = compile_rules([rule(variant(HIGH))])
    twins = [reading(times_uln=exactly("2"), value=exactly(str(n))) for n in range(9)]

    assert program.readings(answers(answer(ALT, *twins))) == ({0: [',"l0":4000000']}, [])


def test_readings_of_a_group_stand_side_by_side():
    """
    The first of one question beside the first of another: no clause asks two questions.
    """
    program = compile_rules([rule(variant(HIGH, clause(ORDER, test("placed", "is", True))))])
    results = [reading(times_uln=exactly(str(n))) for n in (2, 3)]

    told, _ = program.readings(answers(answer(ALT, *results), answer(ORDER, reading(placed=True))))

    assert told == {0: [',"l0":4000000,"w1":1', ',"l0":6000000']}


def test_a_question_without_an_answer_is_not_told_and_known():
    program = compile_rules([rule(variant(HIGH, clause(BILIRUBIN)))])
    asked = answers(answer(ALT, reading(times_uln=exactly("2"))))

    assert program.readings(asked) == ({0: [',"l0":4000000']}, ["c1"])


def test_the_last_stage_is_left_to_the_plain_evaluator():
    last = rule(variant(clause(Question("unassessed"), test("count", "gt", "0"))), id="INO-DATA-01")

    assert compile_rules([last, rule(variant(HIGH))]).rules == (rule(variant(HIGH)),)


def test_many_limits_on_one_question_are_spread_over_groups():
    many = [
        rule(variant(clause(ALT, test("times_uln", "gt", str(n)))), id=f"INO-T-{n}")
        for n in range(3 * MAX_BRANCHES)
    ]

    program = compile_rules(many)

    groups = Counter(condition["$and"][0].popitem() for condition in clauses_of(program))
    assert list(groups.values()) == [MAX_BRANCHES] * 3


def test_many_rules_are_spread_over_rule_sets():
    many = [
        rule(variant(HIGH, clause(Question("lab", (("analyte", str(n)),)))), id=f"INO-T-{n}")
        for n in range(MAX_RULES + 1)
    ]

    program = compile_rules(many)

    full = MAX_RULES - MAX_RULES % MAX_BRANCHES
    rest = MAX_RULES + 1 - full
    assert [len(part.conditions) for part in program.clause_sets] == [full, rest + 1]
    assert [len(part.conditions) for part in program.variant_sets] == [full, rest]


def test_a_fact_of_variants_has_fewer_properties_than_the_engine_takes():
    questions = [Question("lab", (("analyte", str(n)),)) for n in range(20 * MAX_CLAUSES)]
    many = [rule(variant(*map(clause, questions[n::20])), id=f"INO-T-{n:02}") for n in range(20)]

    program = compile_rules(many)

    told = program.holding(program.places)
    assert len(told) > 2
    assert all(text.count(",") <= MAX_NAMES for (text,) in told.values())


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

    with pytest.raises(RulesError, match="30 clauses; the engine takes at most 29"):
        compile_rules([rule(variant(*many))])


def test_too_many_comparisons_are_refused():
    words = {f"word {n}" for n in range(30)}

    with pytest.raises(RulesError, match="too many comparisons; the engine takes at most 29"):
        compile_rules([rule(variant(clause(ALT, test("state", "in", words))))])
