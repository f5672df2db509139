"""The order being signed, and its place in the course."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.course import Dose, cycles
from cds_service.facts.derive import order as order_facts
from cds_service.facts.derive.view import DRAFTS, View
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import (
    CARE_PLANS,
    MEDICATION_ADMINISTRATIONS,
    MEDICATION_REQUESTS,
    PROCEDURES,
)
from tests.builders import (
    INO,
    ask,
    chart,
    dose,
    doses,
    draft,
    order_on_file,
    plan,
    regimens,
    terminology,
    the_reading,
    unreadable,
    with_gaps,
)

SIX_DOSES = doses(56, 49, 42, 28, 21, 14)


def order(of):
    return the_reading(of, "order", substance=INO)


def place(of) -> tuple:
    fields = order(of).fields
    return (
        fields["cycle"].number,
        fields["day"].number,
        fields["day_one"],
        fields["first_dose"],
    )


def test_no_order_is_placed_when_none_is_among_the_drafts():
    answer = ask(chart(draft("busulfan")), "order", substance=INO)

    assert answer.readings[0].fields == {"placed": False}
    assert answer.gaps == ()


@pytest.mark.parametrize("role", ["background", "on-file"])
def test_only_an_order_being_signed_is_placed(role):
    assert order(chart(draft(role=role))).fields["placed"] is False


@pytest.mark.parametrize("status", ["cancelled", "stopped", "completed", "entered-in-error"])
def test_a_dead_draft_is_no_order(status):
    assert order(chart(draft(status=status))).fields["placed"] is False


def test_an_order_not_to_give_is_no_order():
    assert order(chart(draft(do_not_perform=True))).fields["placed"] is False


@pytest.mark.parametrize("status", ["draft", "active", "on-hold"])
def test_a_live_draft_is_placed(status):
    assert order(chart(draft(status=status))).fields["placed"] is True


def test_an_unreadable_draft_leaves_open_whether_there_is_an_order():
    (gap,) = ask(chart(unreadable(DRAFTS)), "order", substance=INO).gaps

    assert gap.what == "order of inotuzumab ozogamicin"


def test_without_a_dose_it_is_the_first():
    assert place(chart(draft())) == (1, 1, True, True)


def test_a_week_after_the_first_dose_it_is_day_eight():
    assert place(chart(draft(), doses(7))) == (1, 8, False, False)


def test_after_six_doses_it_opens_cycle_three_and_says_that_this_is_inferred():
    found = order(chart(draft(), SIX_DOSES))

    assert place(chart(draft(), SIX_DOSES)) == (3, 1, True, False)
    assert found.fields["stated"] is False
    assert found.show["cycle_text"] == "cycle 3 day 1 (inferred from 6 doses)"


def test_the_planned_day_decides_and_not_the_day_of_signing():
    assert place(chart(draft(when=-7), doses(7)))[1] == 15
    assert place(chart(draft(when=-14), doses(7)))[:2] == (2, 1)


def test_an_order_for_several_days_stands_for_its_first():
    assert place(chart(draft(days=(), start=None), doses(14, 7)))[1] == 15


def test_what_was_written_days_ago_is_given_today_at_the_earliest():
    assert place(chart(draft(when=5), doses(7)))[1] == 8


def test_the_order_itself_says_best_where_it_belongs():
    found = order(chart(draft(cycle=2, day=8), plan(5), doses(7)))

    assert found.fields["cycle"].number == 2
    assert found.fields["day"].number == 8
    assert found.fields["day_one"] is False
    assert found.fields["stated"] is True
    assert found.show["cycle_text"] == (
        "cycle 2 day 8 (stated in the order; with 1 dose on file it is cycle 1)"
    )


def test_a_stated_place_that_the_doses_confirm_is_just_stated():
    found = order(chart(draft(cycle=3, day=1), SIX_DOSES))

    assert found.show["cycle_text"] == "cycle 3 day 1 (stated in the order)"


def test_a_stated_cycle_takes_its_day_from_the_doses_when_they_agree():
    assert place(chart(draft(cycle=3), SIX_DOSES))[:3] == (3, 1, True)


def test_a_stated_cycle_that_the_doses_contradict_has_no_known_day():
    found = order(chart(draft(cycle=5), SIX_DOSES))

    assert found.fields["cycle"].number == 5
    assert found.fields["day_one"].reason is Reason.CONFLICT


def test_a_plan_names_the_cycle_when_the_order_does_not():
    found = order(chart(draft(), plan(4, start=0), SIX_DOSES))

    assert found.fields["cycle"].number == 4
    assert found.fields["day_one"] is True
    assert "stated in the plan" in found.show["cycle_text"]


def test_the_newest_plan_begun_is_the_one_that_counts():
    found = order(chart(draft(), plan(2, start=28), plan(3, start=0), plan(4, start=-28)))

    assert found.fields["cycle"].number == 3


def test_undated_plans_that_disagree_name_no_cycle():
    assert place(chart(draft(), plan(2), plan(3)))[0] == 1


def test_a_stated_later_cycle_is_no_first_dose_although_none_is_on_file():
    assert order(chart(draft(cycle=2, day=1))).fields["first_dose"] is False
    assert order(chart(draft(cycle=1, day=1))).fields["first_dose"] is True


@pytest.mark.parametrize("key", [MEDICATION_ADMINISTRATIONS, MEDICATION_REQUESTS, PROCEDURES])
def test_unread_doses_leave_the_inferred_place_open(key):
    fields = order(with_gaps(chart(draft(), SIX_DOSES), key)).fields

    assert fields["cycle"] == Interval.at_least(3)
    assert fields["day_one"].reason is Reason.FAILED
    assert fields["first_dose"] is False


def test_unread_doses_and_none_on_file_leave_everything_open():
    fields = order(with_gaps(chart(draft()), MEDICATION_ADMINISTRATIONS)).fields

    assert all(isinstance(fields[name], Unknown) for name in ("cycle", "day", "first_dose"))


def test_unread_doses_do_not_touch_what_the_order_states():
    fields = order(with_gaps(chart(draft(cycle=4, day=1)), MEDICATION_ADMINISTRATIONS)).fields

    assert fields["cycle"].number == 4
    assert fields["day_one"] is True


def test_an_unread_plan_might_name_another_cycle_but_what_the_doses_show_stands():
    answer = ask(with_gaps(chart(draft(), SIX_DOSES), CARE_PLANS), "order", substance=INO)

    assert answer.readings[0].fields["cycle"].number == 3
    assert [gap.what for gap in answer.gaps] == ["cycle of this inotuzumab ozogamicin order"]


def test_an_unread_plan_does_not_matter_when_the_order_states_its_cycle():
    answer = ask(with_gaps(chart(draft(cycle=3)), CARE_PLANS), "order", substance=INO)

    assert answer.gaps == ()


def test_a_dose_of_an_unknown_day_leaves_the_place_open():
    fields = order(chart(draft(), dose("2026-10"))).fields

    assert fields["day"].reason is Reason.NO_DATE
    assert fields["first_dose"] is False


def test_an_unreadable_record_of_another_drug_does_not_matter():
    aside = unreadable(MEDICATION_ADMINISTRATIONS, "busulfan")

    assert place(chart(draft(), aside)) == (1, 1, True, True)


def test_two_orders_are_two_readings():
    answer = ask(chart(draft(), draft(when=-7)), "order", substance=INO)

    assert len({reading.show["reference"] for reading in answer.readings}) == 2


def test_a_substance_without_a_regimen_has_no_inferred_place():
    found = the_reading(
        chart(draft("busulfan"), order_on_file("busulfan")), "order", substance="busulfan"
    )

    assert found.fields["cycle"].reason is Reason.NOT_RECORDED
    assert found.fields["day_one"].reason is Reason.NOT_RECORDED


@pytest.mark.parametrize("kind", ["order", "schedule", "dose_ordered", "response"])
def test_twice_the_orders_take_twice_the_work(kind, monkeypatch):
    asked = []
    days = order_facts.planned_days
    monkeypatch.setattr(
        order_facts, "planned_days", lambda view, use: asked.append(use) or days(view, use)
    )

    def work(count):
        asked.clear()
        ask(chart(*SIX_DOSES, *(draft(when=-n) for n in range(count))), kind, substance=INO)
        return len(asked)

    assert work(40) == 2 * work(20)


LATE = "2026-11-23T00:30:00+14:00"


@given(
    given_on=st.lists(st.integers(0, 60) | st.just(LATE), max_size=9),
    ordered_on=st.lists(st.integers(-60, 0), min_size=1, max_size=9),
)
def test_each_order_stands_after_what_was_given_and_what_is_ordered_for_earlier_days(
    given_on, ordered_on
):
    view = View(
        chart(*doses(*given_on), *(draft(when=n) for n in ordered_on)), terminology(), regimens()
    )
    regimen = view.regimen(INO)

    for use in view.drafts(INO):
        planned = order_facts.planned_day(view, use)
        earlier = [
            Dose(day, other.source)
            for other in view.drafts(INO)
            for day in order_facts.planned_days(view, other)
            if day < planned
        ]
        begun = cycles((*view.doses(INO).doses, *earlier), regimen)
        assert order_facts.running_cycle(view, INO, planned) == (begun[-1] if begun else None)
