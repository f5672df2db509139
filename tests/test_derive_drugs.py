"""Medications in force, and those nobody could identify."""

import pytest

from cds_service.facts.derive.view import DRAFTS
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import MEDICATION_REQUESTS, MEDICATION_STATEMENTS, PROCEDURES
from tests.builders import (
    INO,
    ask,
    chart,
    dose,
    draft,
    order_on_file,
    statement,
    the_reading,
    unidentified,
    unreadable,
    with_gaps,
)

QT = "qt-known-risk"


def found(of, **selectors) -> tuple[str, ...]:
    return the_reading(of, "drugs", **{"class_": QT, **selectors}).show["names"]


def count(of, **selectors) -> Interval:
    return the_reading(of, "drugs", **{"class_": QT, **selectors}).fields["count"]


@pytest.mark.parametrize("status", ["draft", "active", "on-hold"])
def test_a_live_order_counts(status):
    assert found(chart(order_on_file("ondansetron", status=status))) == ("ondansetron",)


@pytest.mark.parametrize("status", ["stopped", "completed", "cancelled", "entered-in-error"])
def test_a_dead_order_does_not_count(status):
    assert count(chart(order_on_file("ondansetron", status=status))) == Interval.exactly(0)


@pytest.mark.parametrize("status", ["active", "intended", "on-hold"])
def test_a_live_statement_counts(status):
    assert found(chart(statement("ondansetron", status=status))) == ("ondansetron",)


@pytest.mark.parametrize("status", ["completed", "not-taken", "stopped", "entered-in-error"])
def test_a_dead_statement_does_not_count(status):
    assert found(chart(statement("ondansetron", status=status))) == ()


def test_an_administration_counts_while_it_runs():
    assert found(chart(dose(0, "ondansetron", status="in-progress"))) == ("ondansetron",)
    assert found(chart(dose(0, "ondansetron"))) == ()


def test_an_order_not_to_give_does_not_count():
    assert found(chart(order_on_file("ondansetron", do_not_perform=True))) == ()


def test_what_ended_before_now_does_not_count_and_what_ends_today_does():
    assert found(chart(order_on_file("ondansetron", start=9, end=1))) == ()
    assert found(chart(order_on_file("ondansetron", start=9, end=0))) == ("ondansetron",)
    assert found(chart(order_on_file("ondansetron", end="2026-11-22T11:59:00Z"))) == ()


def test_a_draft_planned_for_an_hour_ago_is_still_being_ordered():
    assert found(chart(draft("ondansetron", end="2026-11-22T11:00:00Z"))) == ("ondansetron",)
    assert found(chart(draft("ondansetron", start=9, end=1))) == ()


def test_an_order_of_unknown_status_may_count():
    answer = ask(chart(order_on_file("ondansetron", status="unknown")), "drugs", class_=QT)

    assert (answer.readings[0].fields["count"].lo, answer.readings[0].fields["count"].hi) == (0, 1)
    assert [gap.what for gap in answer.gaps] == ["whether ondansetron is taken"]


def test_two_orders_of_one_ingredient_are_one():
    of = chart(order_on_file("ondansetron"), statement("ondansetron"), order_on_file("methadone"))

    assert count(of).number == 2
    assert found(of) == ("methadone", "ondansetron")


def test_of_a_combination_only_the_ingredient_asked_for_counts():
    of = chart(order_on_file("x", substances=frozenset({"ondansetron", "ursodiol"})))

    assert found(of) == ("ondansetron",)


def test_drafts_and_current_drugs_can_be_told_apart():
    of = chart(
        draft("ondansetron"), draft("haloperidol", role="background"), statement("methadone")
    )

    assert found(of, state="drafted") == ("ondansetron",)
    assert found(of, state="current") == ("haloperidol", "methadone")
    assert len(found(of)) == 3


def test_local_use_is_left_out_where_systemic_use_is_asked_for():
    of = chart(order_on_file("ciprofloxacin", local_use=True))

    assert found(of, use="systemic") == ()
    assert found(of) == ("ciprofloxacin",)


def test_a_single_dose_for_premedication_is_left_out_and_a_standing_order_is_not():
    single = order_on_file("diphenhydramine", one_off=True)
    standing = order_on_file("diphenhydramine")
    left_out = {"class_": "qt-conditional-risk", "except_single_doses_of": ["diphenhydramine"]}

    assert found(chart(single), **left_out) == ()
    assert found(chart(standing), **left_out) == ("diphenhydramine",)


def test_other_single_doses_are_not_left_out():
    of = chart(order_on_file("ondansetron", one_off=True))

    assert found(of, except_single_doses_of="diphenhydramine") == ("ondansetron",)


def test_the_drug_itself_can_be_left_out():
    assert found(chart(order_on_file("ondansetron")), other_than="ondansetron") == ()


@pytest.mark.parametrize(("end", "counts"), [(90, True), (91, False)])
def test_what_lingers_counts_for_its_days_after_it_was_stopped(end, counts):
    of = chart(order_on_file("amiodarone", status="stopped", end=end))

    assert bool(found(of, lingering="amiodarone", lingers=90)) is counts
    assert found(of) == ()


def test_an_active_order_that_ran_out_lingers_as_well():
    of = chart(order_on_file("amiodarone", end=20))

    assert found(of, lingering="amiodarone", lingers=90) == ("amiodarone",)


def test_nothing_else_lingers():
    of = chart(order_on_file("ondansetron", status="stopped", end=2))

    assert found(of, lingering="amiodarone", lingers=90) == ()


def test_what_was_stopped_nobody_knows_when_may_linger():
    of = chart(order_on_file("amiodarone", status="stopped"))

    answer = ask(of, "drugs", class_=QT, lingering="amiodarone", lingers=90)
    assert answer.readings[0].fields["count"].compare("gte", 1) is None
    assert [gap.what for gap in answer.gaps] == ["when amiodarone ended"]


def test_a_drug_nobody_identified_might_be_any():
    of = chart(order_on_file("ondansetron"), unidentified("study drug"))

    answer = ask(of, "drugs", substance="ursodiol")
    assert answer.readings[0].fields["count"].compare("eq", 0) is None
    assert [gap.reason for gap in answer.gaps] == [Reason.UNRESOLVED]
    assert count(of).compare("gte", 1) is True


def test_an_unidentified_drug_that_is_over_or_local_is_none():
    of = chart(unidentified("old", status="stopped"), unidentified("eye drops", local_use=True))

    assert count(of, use="systemic") == Interval.exactly(0)


@pytest.mark.parametrize("key", [MEDICATION_REQUESTS, MEDICATION_STATEMENTS])
def test_an_unread_list_may_hold_more(key):
    of = with_gaps(chart(order_on_file("ondansetron")), key)

    assert count(of) == Interval.at_least(1)
    assert ask(of, "drugs", class_=QT).gaps[0].what == "active medications"


def test_drafts_are_complete_whatever_search_failed():
    of = with_gaps(chart(draft("ondansetron")), MEDICATION_REQUESTS)

    assert count(of, state="drafted") == Interval.exactly(1)
    assert count(chart(unreadable(DRAFTS)), state="drafted") == Interval.at_least(0)


def test_other_searches_do_not_matter():
    assert count(with_gaps(chart(), PROCEDURES)) == Interval.exactly(0)


def test_an_item_says_what_the_chart_says():
    of = chart(order_on_file("ondansetron", start="2026-11-01", end="2026-12-01"))

    (item,) = the_reading(of, "drugs", class_=QT).show["items"]
    assert item["name"] == "ondansetron"
    assert (item["since"], item["end"], item["status"]) == ("2026-11-01", "2026-12-01", "active")
    assert item["class"] == "drugs with known risk of torsades de pointes"


def test_the_date_of_the_list_is_shown():
    assert the_reading(chart(), "drugs", class_=QT).show["list_date"].startswith("20")
    assert the_reading(chart(), "drugs", substance="ursodiol").show["list_date"] == ""


def unresolved(of):
    return the_reading(of, "unresolved_drugs", substance=INO)


def test_drafts_and_live_drugs_that_nobody_identified_are_reported():
    of = chart(
        unidentified("study drug"),
        unidentified("new drug", role="draft", status="draft"),
        unidentified("old drug", status="completed"),
    )

    assert unresolved(of).fields["count"].number == 2
    assert unresolved(of).show["names"] == ("study drug", "new drug")


def test_the_substance_known_by_its_words_only_is_reported_and_others_are_not():
    of = chart(draft(resolved_by="text"), order_on_file("ondansetron", resolved_by="text"))

    assert unresolved(of).fields["count"].number == 1
    assert unresolved(of).show["items"][0]["read_as"] == "inotuzumab ozogamicin"


def test_nothing_is_reported_when_every_drug_is_known():
    assert unresolved(chart(draft())).fields["count"] == Interval.exactly(0)


def test_an_unread_list_may_hold_unidentified_drugs():
    assert (
        unresolved(with_gaps(chart(), MEDICATION_REQUESTS)).fields["count"].compare("eq", 0) is None
    )


def test_a_drug_without_a_name_is_called_so():
    assert unresolved(chart(unidentified(""))).show["names"] == ("a drug without a name",)
