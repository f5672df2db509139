"""Response after a cycle, and within the first cycles."""

import pytest

from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import (
    CONDITIONS,
    MEDICATION_ADMINISTRATIONS,
    OBSERVATIONS,
    RECENT_OBSERVATIONS,
)
from tests.builders import (
    INO,
    ask,
    chart,
    condition,
    doses,
    draft,
    response,
    the_reading,
    unreadable,
    with_gaps,
)

TWO_CYCLES = doses(56, 49, 42, 28, 21, 14)
THREE_CYCLES = doses(84, 77, 70, *(56, 49, 42), 28, 21, 14)


def after_last(of) -> dict:
    return dict(the_reading(of, "response", substance=INO, after="last-cycle").fields)


def within(of, cycles: int = 3) -> dict:
    return dict(the_reading(of, "response", substance=INO, within_cycles=cycles).fields)


def third_cycle(*facts):
    """Day 1 of cycle 3 is being ordered."""
    return chart(draft(), TWO_CYCLES, *facts)


def test_a_response_after_the_last_dose_of_the_cycle_before_counts():
    of = third_cycle(response(5, remission=True, mrd_negative=True))

    assert after_last(of) == {
        "assessed": True,
        "remission": True,
        "mrd_assessed": True,
        "mrd_negative": True,
        "goal_reached": True,
    }


@pytest.mark.parametrize("day", [14, 15, 40])
def test_a_response_up_to_the_day_of_that_dose_is_one_of_an_earlier_cycle(day):
    assert after_last(third_cycle(response(day, remission=True)))["assessed"] is False


def test_nothing_on_file_is_not_assessed_and_says_what_is_missing():
    fields = after_last(third_cycle())

    assert fields["assessed"] is False
    assert fields["mrd_assessed"] is False
    assert fields["remission"] == Unknown("response after cycle 2", Reason.NOT_RECORDED)
    assert fields["mrd_negative"] == Unknown("MRD after cycle 2", Reason.NOT_RECORDED)
    assert fields["goal_reached"].reason is Reason.NOT_RECORDED


def test_failing_one_part_fails_the_goal_whatever_the_other():
    assert after_last(third_cycle(response(5, mrd_negative=False)))["goal_reached"] is False
    assert after_last(third_cycle(response(5, remission=False)))["goal_reached"] is False


def test_one_part_reached_leaves_the_goal_open():
    fields = after_last(third_cycle(response(5, remission=True)))

    assert fields["goal_reached"] == Unknown("MRD after cycle 2", Reason.NOT_RECORDED)
    assert fields["mrd_assessed"] is False


def test_an_mrd_result_alone_is_no_response():
    fields = after_last(third_cycle(response(5, mrd_negative=True)))

    assert fields["assessed"] is False
    assert fields["mrd_assessed"] is True


def test_two_entries_may_each_say_one_part():
    of = third_cycle(response(6, remission=True), response(3, mrd_negative=True))

    assert after_last(of)["goal_reached"] is True


def test_the_newest_that_says_something_counts():
    of = third_cycle(response(9, remission=True), response(3, remission=False))

    assert after_last(of)["remission"] is False


def test_both_answers_of_one_day_are_a_contradiction():
    of = third_cycle(response(3, remission=True), response(3, remission=False))

    assert after_last(of)["remission"].reason is Reason.CONFLICT
    assert after_last(of)["assessed"] is True


def test_a_preliminary_assessment_counts_only_alone_and_says_so():
    preliminary = response(3, remission=True, status="preliminary")

    assert after_last(third_cycle(response(5, remission=False), preliminary))["remission"] is False
    answer = ask(third_cycle(preliminary), "response", substance=INO, after="last-cycle")
    assert [gap.reason for gap in answer.gaps] == [Reason.PRELIMINARY]


def test_on_day_8_the_cycle_before_is_still_the_one_that_was_completed():
    of = chart(draft(), doses(56, 49, 42, 7), response(20, remission=True))

    assert after_last(of)["remission"] is True
    assert the_reading(of, "response", substance=INO, after="last-cycle").show["cycle"] == "1"


@pytest.mark.parametrize("facts", [(draft(),), (draft(), *doses(7)), ()])
def test_in_the_first_cycle_there_is_none_before(facts):
    assert set(after_last(chart(*facts)).values()) == {None}


def test_without_a_regimen_nobody_knows_which_cycle_was_the_last():
    fields = the_reading(
        chart(doses(7, substance="busulfan")), "response", substance="busulfan", after="last-cycle"
    ).fields

    assert all(isinstance(value, Unknown) for value in fields.values())


def test_a_dose_of_an_unknown_day_may_be_of_a_cycle_before():
    assert isinstance(after_last(chart(draft(), doses("2026")))["assessed"], Unknown)


def test_without_an_order_the_last_cycle_begun_counts():
    assert after_last(chart(TWO_CYCLES, response(5, remission=True)))["remission"] is True


def test_a_stated_cycle_without_doses_on_file_leaves_the_response_unplaced():
    fields = after_last(chart(draft(cycle=3, day=1), response(5, remission=True)))

    assert fields["remission"].detail == "the doses of cycle 2 are not on file"
    assert isinstance(fields["assessed"], Unknown)


def test_a_diagnosis_in_remission_dated_after_the_cycle_is_a_remission_of_unknown_mrd():
    fields = after_last(third_cycle(condition("b-all", "all-in-remission", recorded=4)))

    assert fields["remission"] is True
    assert isinstance(fields["mrd_negative"], Unknown)


def test_clinical_status_remission_counts_from_the_day_it_was_recorded():
    assert after_last(third_cycle(condition("b-all", status="remission", recorded=4)))["remission"]
    assert (
        after_last(third_cycle(condition("b-all", status="remission", recorded=400)))["assessed"]
        is False
    )


def test_a_remission_of_unknown_day_may_or_may_not_be_of_this_cycle():
    answer = ask(
        third_cycle(condition("b-all", status="remission", onset=400)),
        "response",
        substance=INO,
        after="last-cycle",
    )

    assert [gap.reason for gap in answer.gaps] == [Reason.NO_DATE]
    assert isinstance(answer.readings[0].fields["assessed"], Unknown)


@pytest.mark.parametrize(
    "key", [OBSERVATIONS, RECENT_OBSERVATIONS, CONDITIONS, MEDICATION_ADMINISTRATIONS]
)
def test_unread_records_leave_open_what_was_not_found(key):
    fields = after_last(with_gaps(third_cycle(), key))

    assert all(value.reason is Reason.FAILED for value in fields.values())


def test_what_was_found_stands_beside_unread_records():
    of = with_gaps(third_cycle(response(5, remission=True, mrd_negative=True)), OBSERVATIONS)

    assert after_last(of)["goal_reached"] is True


def test_an_unreadable_marrow_report_may_be_the_response():
    assert isinstance(
        after_last(third_cycle(unreadable(OBSERVATIONS, "disease-status")))["assessed"], Unknown
    )
    assert after_last(third_cycle(unreadable(OBSERVATIONS, "alt")))["assessed"] is False


def test_unread_doses_in_the_first_cycle_may_be_a_cycle_before():
    fields = after_last(with_gaps(chart(draft()), MEDICATION_ADMINISTRATIONS))

    assert all(isinstance(value, Unknown) for value in fields.values())


# Within the first cycles


def test_a_remission_within_three_cycles_is_found_wherever_it_stands():
    of = chart(draft(), THREE_CYCLES, response(60, remission=True), response(30, remission=False))

    assert within(of)["remission"] is True


def test_assessed_and_never_in_remission():
    of = chart(draft(), THREE_CYCLES, response(60, remission=False), response(5, remission=False))

    assert within(of)["assessed"] is True
    assert within(of)["remission"] is False


def test_a_remission_after_the_fourth_cycle_began_comes_too_late():
    of = chart(
        doses(112, 105, 98, 84, 77, 70, 56, 49, 42, 28, 21, 14),
        response(30, remission=False),
        response(20, remission=True),
    )

    assert within(of)["remission"] is False
    assert within(of, cycles=4)["remission"] is True


def test_a_marrow_on_the_morning_of_cycle_four_belongs_to_the_third():
    of = chart(doses(84, 77, 70, 56, 49, 42, 28, 21, 14, 3), response(3, remission=True))

    assert within(of)["remission"] is True


def test_a_marrow_from_before_the_first_dose_is_no_response():
    assert within(chart(draft(), THREE_CYCLES, response(84, remission=False)))["assessed"] is False


def test_an_unread_page_may_hold_the_remission():
    of = with_gaps(chart(draft(), THREE_CYCLES, response(5, remission=False)), OBSERVATIONS)

    assert within(of)["assessed"] is True
    assert within(of)["remission"].reason is Reason.FAILED


def test_before_any_dose_nothing_applies():
    assert set(within(chart(draft())).values()) == {None}


def test_where_doses_are_not_on_file_only_an_assessment_on_file_leaves_it_open():
    assert within(chart(draft(cycle=4)))["assessed"] is False
    assert after_last(chart(draft(cycle=4)))["assessed"] is False
    assert isinstance(
        within(chart(draft(cycle=4), response(5, remission=False)))["assessed"], Unknown
    )
