"""The plain evaluator says yes, no or unknown, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.engine.reference import judge_clause, judge_plain, judge_rule, judge_variant
from cds_service.facts.answers import Question
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason
from tests.engine_builders import (
    ALT,
    ALT_FAILED,
    NO_ALT,
    NO_LIMIT,
    ORDER,
    SEX,
    answer,
    answers,
    between,
    clause,
    exactly,
    number,
    reading,
    rule,
    test,
    variant,
)

ABOVE = clause(ALT, test("times_uln", "gt", "1.5"))


def alt(*readings, gaps=()):
    return answer(ALT, *readings, gaps=gaps)


@pytest.mark.parametrize(
    ("value", "op", "limit", "truth"),
    [
        ("1.5", "gt", "1.5", False),
        ("1.500001", "gt", "1.5", True),
        ("1.5", "gte", "1.5", True),
        ("1.499999", "gte", "1.5", False),
        ("1.5", "lt", "1.5", False),
        ("1.5", "lte", "1.5", True),
        ("1.5", "eq", "1.5", True),
        ("1.6", "eq", "1.5", False),
    ],
)
def test_a_number_is_compared_exactly(value, op, limit, truth):
    judged = judge_clause(
        clause(ALT, test("times_uln", op, limit)), alt(reading(times_uln=exactly(value)))
    )

    assert judged.truth is truth


def test_three_tenths_are_three_tenths():
    """
    1.2 times 1.5 is 1.8, where binary floats say 1.7999999999999998.
    """
    product = Interval.exactly(number("1.2") * number("1.5"))

    judged = judge_clause(clause(ALT, test("value", "gte", "1.8")), alt(reading(value=product)))

    assert judged.truth is True


def test_an_interval_around_the_limit_is_unknown_and_says_why():
    judged = judge_clause(ABOVE, alt(reading({"name": "ALT"}, times_uln=between("1.2", "1.6"))))

    (missing,) = judged.missing
    assert judged.truth is None
    assert missing.reason is Reason.AMBIGUOUS
    assert str(missing) == (
        "ALT: too close or too vague to decide (between 1.2 and 1.6 x ULN, the limit is 1.5 x ULN)"
    )


def test_a_count_that_is_vague_because_of_a_gap_is_told_by_the_gap():
    """Otherwise one failed search is told twice, once in numbers that help nobody."""
    doses = Question("exposure", (("substance", "inotuzumab-ozogamicin"),))
    counted = answer(doses, reading(doses=Interval.at_least(1)), gaps=[ALT_FAILED])

    judged = judge_clause(clause(doses, test("doses", "gte", "3")), counted)

    assert judged.truth is None
    assert judged.missing == (ALT_FAILED,)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval(number("1"), None), "at least 1 x ULN"),
        (Interval(number("1"), None, lo_open=True), "more than 1 x ULN"),
        (Interval(None, number("200")), "at most 200 x ULN"),
        (Interval(None, number("2"), hi_open=True), "less than 2 x ULN"),
        (Interval(None, None), "no number is known"),
    ],
)
def test_a_vague_number_is_put_into_words(interval, words):
    judged = judge_clause(ABOVE, alt(reading(times_uln=interval)))

    (missing,) = judged.missing
    assert missing.detail.startswith(words)
    assert missing.what == "value as multiple of the laboratory's ULN"


def test_a_third_is_printed_short():
    judged = judge_clause(ABOVE, alt(reading(times_uln=Interval(number("1") / 3, number("5")))))

    assert "between 0.333333 and 5 x ULN" in judged.missing[0].detail


def test_one_reading_that_holds_is_enough():
    """
    The worse of two conflicting results speaks, whatever else is unknown or unread.
    """
    high = reading(times_uln=exactly("3"))

    judged = judge_clause(
        ABOVE,
        alt(reading(times_uln=exactly("1")), high, reading(times_uln=NO_LIMIT), gaps=[ALT_FAILED]),
    )

    assert judged.truth is True
    assert judged.holding == (high,)
    assert judged.missing == ()


def test_all_readings_failing_without_gaps_is_no():
    judged = judge_clause(
        ABOVE, alt(reading(times_uln=exactly("1")), reading(times_uln=exactly("0.5")))
    )

    assert judged.truth is False


def test_nothing_found_by_a_complete_search_is_no():
    assert judge_clause(ABOVE, alt()).truth is False


def test_a_gap_keeps_the_answer_open():
    judged = judge_clause(ABOVE, alt(reading(times_uln=exactly("1")), gaps=[ALT_FAILED]))

    assert judged.truth is None
    assert judged.missing == (ALT_FAILED,)


def test_a_bare_number_beside_gaps_is_vague_because_of_them():
    """
    "At least none of such drugs" tells nobody anything; that the search failed does.
    """
    judged = judge_clause(
        clause(ALT, test("count", "eq", "0")),
        alt(reading(count=Interval.at_least(0)), gaps=[ALT_FAILED]),
    )

    assert judged.truth is None
    assert judged.missing == (ALT_FAILED,)


def test_a_vague_result_with_a_name_is_said_beside_gaps():
    vague = reading({"name": "ALT"}, times_uln=between("1.2", "1.6"))

    judged = judge_clause(ABOVE, alt(vague, gaps=[ALT_FAILED]))

    assert [each.reason for each in judged.missing] == [Reason.AMBIGUOUS, Reason.FAILED]


def test_an_unknown_field_is_named_once():
    judged = judge_clause(ABOVE, alt(reading(times_uln=NO_LIMIT), reading(times_uln=NO_LIMIT)))

    assert judged.truth is None
    assert judged.missing == (NO_LIMIT,)


def test_a_test_that_fails_decides_beside_one_that_is_unknown():
    recent_and_high = clause(ALT, test("times_uln", "gt", "1.5"), test("days_ago", "lte", "7"))

    judged = judge_clause(recent_and_high, alt(reading(times_uln=NO_LIMIT, days_ago=exactly("8"))))

    assert judged.truth is False


@pytest.mark.parametrize("fields", [{}, {"times_uln": None}], ids=["absent", "does not apply"])
def test_a_field_that_does_not_apply_fails(fields):
    assert judge_clause(ABOVE, alt(reading(**fields))).truth is False


@pytest.mark.parametrize(("placed", "truth"), [(True, True), (False, False)])
def test_a_flag_is_what_it_is(placed, truth):
    judged = judge_clause(
        clause(ORDER, test("placed", "is", True)), answer(ORDER, reading(placed=placed))
    )

    assert judged.truth is truth


@pytest.mark.parametrize(("sex", "truth"), [("female", True), ("male", False)])
def test_a_word_is_equal_or_among_several(sex, truth):
    patient = answer(SEX, reading(sex=sex))

    assert judge_clause(clause(SEX, test("sex", "is", "female")), patient).truth is truth
    assert judge_clause(clause(SEX, test("sex", "in", {"female", "other"})), patient).truth is truth


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        (test("times_uln", "gt", "1.5"), "9"),
        (test("times_uln", "gt", "1.5"), True),
        (test("times_uln", "is", True), "true"),
        (test("times_uln", "is", "one"), exactly("1")),
        (test("times_uln", "in", {"yes"}), True),
    ],
)
def test_a_value_of_another_type_is_not_understood(asked, value):
    """
    A wrong fact never clears a rule, and never fires one.
    """
    judged = judge_clause(clause(ALT, asked), alt(reading(times_uln=value)))

    assert judged.truth is None
    assert judged.missing[0].reason is Reason.UNREADABLE


PLACED = clause(ORDER, test("placed", "is", True), name="order")
AN_ORDER = answer(ORDER, reading(placed=True))
NO_ORDER = answer(ORDER, reading(placed=False))


def test_a_variant_fires_when_all_clauses_hold():
    high = alt(reading(times_uln=exactly("2")))

    judged = judge_variant(variant(PLACED, ABOVE), answers(AN_ORDER, high))

    assert judged.outcome == "fires"
    assert [each.truth for each in judged.clauses] == [True, True]


def test_one_failing_clause_silences_whatever_is_unknown():
    judged = judge_variant(variant(PLACED, ABOVE), answers(NO_ORDER, alt(gaps=[NO_ALT])))

    assert judged.outcome == "silent"
    assert [each.truth for each in judged.clauses] == [False, None]


def test_the_first_variant_that_fires_speaks():
    two_ways = rule(
        variant(clause(ALT, test("times_uln", "gt", "3")), name="grave"),
        variant(ABOVE, name="high"),
        variant(ABOVE, name="also high"),
    )

    verdict = judge_rule(two_ways, answers(alt(reading(times_uln=exactly("2")))))

    assert verdict.outcome == "fires"
    assert verdict.speaking.variant.name == "high"
    assert [each.outcome for each in verdict.variants] == ["silent", "fires", "fires"]


def test_a_rule_is_unknown_when_no_variant_fires_and_one_is_unknown():
    verdict = judge_rule(
        rule(variant(PLACED, name="a"), variant(ABOVE, name="b")),
        answers(NO_ORDER, alt(gaps=[NO_ALT])),
    )

    assert verdict.outcome == "unknown"
    assert verdict.missing == (NO_ALT,)


def test_a_question_without_an_answer_is_a_fault_of_ours():
    with pytest.raises(KeyError):
        judge_plain([rule(variant(PLACED))], {})


numbers = st.fractions(min_value=-3, max_value=3, max_denominator=4)


@given(numbers, numbers, st.booleans(), st.booleans(), numbers, st.data())
def test_an_interval_decides_only_what_all_its_numbers_decide(a, b, lo_open, hi_open, limit, data):
    """
    Whatever number of the interval is the true one, the answer given is the answer to it.
    """
    lo, hi = sorted((a, b))
    lo_open, hi_open = (lo_open, hi_open) if lo < hi else (False, False)
    op = data.draw(st.sampled_from(["gt", "gte", "lt", "lte", "eq"]))
    asked = clause(ALT, test("value", op, "0"))
    asked = clause(ALT, type(asked.tests[0])("value", op, limit))

    said = judge_clause(asked, alt(reading(value=Interval(lo, hi, lo_open, hi_open)))).truth

    step = (hi - lo) / 8
    inside = [lo + step * k for k in range(9)]
    inside = [n for n in inside if (n > lo or not lo_open) and (n < hi or not hi_open)]
    truths = {judge_clause(asked, alt(reading(value=Interval.exactly(n)))).truth for n in inside}
    if said is not None:
        assert truths == {said}
