"""A dose that was held, for how long, and what the regimen asks of the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cds_service.facts.derive.hold import for_toxicity
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS
from tests.builders import INO, ask, chart, dose, doses, draft, order_on_file, with_gaps

TOXICITY = "Hepatotoxicity grade 3"


def held(when, reason=TOXICITY, **more):
    """An order put on hold, planned for a day."""
    return order_on_file(INO, when=when, **{"status": "on-hold", "status_reason": reason, **more})


def not_given(when, reason=TOXICITY):
    return dose(when, status="not-done", status_reason=reason)


def hold(of):
    return ask(of, "hold", substance=INO).readings[0]


@pytest.mark.parametrize(
    ("days", "step"),
    [
        (1, "delay"),
        (6, "delay"),
        (7, "omit"),
        (13, "omit"),
        (14, "reduce"),
        (28, "reduce"),
        (29, "stop"),
    ],
)
def test_the_length_of_the_hold_decides_what_follows(days, step):
    fields = hold(chart(draft(), held(days))).fields

    assert (fields["days"].number, fields["step"]) == (days, step)


@pytest.mark.parametrize("record", [held(9), not_given(9)], ids=["order", "administration"])
def test_an_order_on_hold_and_a_dose_not_given_are_holds(record):
    reading = hold(chart(draft(), record))

    assert reading.fields["held"] is True
    assert reading.fields["for_toxicity"] is True
    assert reading.show["date"] == "2026-11-13"


def test_the_hold_lasts_to_the_day_now_planned():
    assert hold(chart(draft(when=-3), held(5))).fields["days"].number == 8


def test_the_numbers_of_the_card_are_the_regimens():
    shown = hold(chart(draft(), held(9))).show

    assert [shown[word] for word in ("apart", "omit_from", "reduce_from", "stop_after")] == [
        "6",
        "7",
        "14",
        "28",
    ]
    assert (shown["reduction"], shown["doses_left"]) == ("25", "2")


def test_of_several_held_doses_the_first_begins_the_hold():
    assert hold(chart(draft(), held(7), held(14))).fields["days"].number == 14


def test_a_dose_given_since_ends_the_hold():
    assert hold(chart(draft(), held(14), dose(7))).fields["held"] is False


def test_doses_given_before_do_not():
    assert hold(chart(draft(), *doses(28, 21), held(14))).fields["days"].number == 14


@pytest.mark.parametrize(
    "record",
    [
        held(9, status="cancelled", reason="Duplicate order"),
        held(9, status="stopped", reason=""),
        held(9, status="active"),
        held(-2),
        replace(held(9), do_not_perform=True),
    ],
    ids=["cancelled for another reason", "stopped without one", "active", "ahead", "not to do"],
)
def test_what_is_no_hold(record):
    assert hold(chart(draft(), record)).fields["held"] is False


@pytest.mark.parametrize("status", ["stopped", "cancelled"])
def test_an_order_ended_for_toxicity_is_a_hold(status):
    assert hold(chart(draft(), held(9, status=status))).fields["for_toxicity"] is True


def test_a_hold_without_a_reason_may_be_for_toxicity():
    why = hold(chart(draft(), held(9, reason=""))).fields["for_toxicity"]

    assert why.reason is Reason.NOT_RECORDED
    assert why.what == "why inotuzumab ozogamicin was held on 2026-11-13"


def test_a_hold_for_another_reason_is_passed_over_while_there_is_one_for_toxicity():
    of = chart(draft(), held(21, reason="Patient on holiday"), held(7))

    assert hold(of).fields["days"].number == 7


def test_a_hold_for_another_reason_is_none_for_toxicity():
    fields = hold(chart(draft(), held(9, reason="Patient on holiday"))).fields

    assert (fields["held"], fields["for_toxicity"]) == (True, False)


def test_a_held_dose_without_a_day_is_a_gap():
    (gap,) = ask(chart(draft(), held(None)), "hold", substance=INO).gaps

    assert gap.reason is Reason.NO_DATE


def test_unread_doses_may_have_ended_the_hold():
    fields = hold(with_gaps(chart(draft(), held(9)), MEDICATION_ADMINISTRATIONS)).fields

    assert all(isinstance(value, Unknown) for value in fields.values())


def test_unread_records_may_hide_a_hold():
    answer = ask(with_gaps(chart(draft()), MEDICATION_ADMINISTRATIONS), "hold", substance=INO)

    assert [gap.reason for gap in answer.gaps] == [Reason.FAILED]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("Toxicity", True),
        ("sintol", True),
        ("Bilirubin 3 mg/dL", True),
        ("grade 2 fatigue", True),
        ("Patient request", False),
        ("Drug not available", False),
        ("Clinical decision", None),
        ("", None),
    ],
)
def test_a_reason_is_read_by_its_words(reason, told):
    assert for_toxicity(reason) is told
