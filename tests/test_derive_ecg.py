"""When an ECG with QTc is due."""

from __future__ import annotations

import pytest

from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import (
    MEDICATION_ADMINISTRATIONS,
    MEDICATION_STATEMENTS,
    OBSERVATIONS,
)
from tests.builders import (
    INO,
    ask,
    chart,
    dose,
    draft,
    lab,
    order_on_file,
    statement,
    the_reading,
    unidentified,
    with_gaps,
)

FORMULAS = ["qtc-fridericia", "qtc", "qtc-bazett"]
ASKED = {"analytes": FORMULAS, "dose_of": INO, "within": 14, "since_start_of": "qt-known-risk"}


def ecg(of):
    return the_reading(of, "ecg", **ASKED)


def due(of):
    return ecg(of).fields["due"]


def taken(at, **more):
    return lab("qtc-fridericia", "410 ms", at=at, **more)


@pytest.mark.parametrize(("days_ago", "expected"), [(14, False), (15, True)])
def test_an_ecg_of_the_days_before_the_first_dose_is_enough(days_ago, expected):
    assert due(chart(draft(), taken(days_ago))) is expected


@pytest.mark.parametrize(("days_ago", "expected"), [(4, False), (5, True)])
def test_the_days_count_back_from_the_day_the_dose_is_planned_for(days_ago, expected):
    assert due(chart(draft(when=-10), taken(days_ago))) is expected


@pytest.mark.parametrize(("days_ago", "expected"), [(64, False), (65, True)])
def test_under_way_they_count_back_from_the_dose_given_first(days_ago, expected):
    assert due(chart(draft(), dose(50), dose(43), taken(days_ago))) is expected


def test_an_ecg_during_treatment_is_an_ecg():
    assert due(chart(draft(), dose(50), taken(3))) is False


@pytest.mark.parametrize(("days_ago", "expected"), [(3, True), (4, True), (2, False)])
def test_one_is_due_after_a_known_risk_drug_was_begun(days_ago, expected):
    drug = order_on_file("fluconazole", start=3)

    assert due(chart(draft(), drug, taken(days_ago))) is expected


def test_the_drug_begun_last_is_told_first():
    of = chart(
        draft(),
        order_on_file("fluconazole", start=8),
        statement("methadone", start=5),
        taken(10),
    )

    assert ecg(of).show["items"] == [
        "since methadone began on 2026-11-17",
        "since fluconazole began on 2026-11-14",
    ]


@pytest.mark.parametrize(
    "drug",
    [
        order_on_file("granisetron", start=3),
        order_on_file("fluconazole", start=3, local_use=True),
        order_on_file("fluconazole", start=3, status="stopped"),
        order_on_file("fluconazole", start=-2),
        draft("fluconazole", when=0),
    ],
    ids=["another list", "local use", "stopped", "begins later", "being ordered"],
)
def test_a_drug_that_is_not_under_way_asks_for_none(drug):
    assert due(chart(draft(), drug, taken(10))) is False


def test_a_drug_without_a_start_leaves_it_open():
    assert isinstance(due(chart(draft(), order_on_file("fluconazole"), taken(10))), Unknown)


def test_a_drug_nobody_identified_leaves_it_open():
    assert due(chart(draft(), unidentified("Local drug"), taken(10))).reason is Reason.UNRESOLVED


def test_unread_statements_leave_it_open():
    of = with_gaps(chart(draft(), taken(10)), MEDICATION_STATEMENTS)

    assert due(of).reason is Reason.FAILED


def test_without_any_ecg_one_is_due_whatever_is_unread():
    of = with_gaps(chart(draft()), MEDICATION_STATEMENTS, MEDICATION_ADMINISTRATIONS)

    assert due(of) is True


def test_an_older_ecg_may_do_when_doses_are_unread():
    of = with_gaps(chart(draft(), dose(20), taken(100)), MEDICATION_ADMINISTRATIONS)

    assert isinstance(due(of), Unknown)


@pytest.mark.parametrize(
    "result",
    [
        taken(3, status="preliminary"),
        lab("qtc", None, at=3),
        lab("qtc", "410 ms", at=None),
        lab("qtc", "410 ms", at=-5),
    ],
    ids=["preliminary", "unreadable", "undated", "dated ahead"],
)
def test_a_result_that_does_not_count_leaves_it_open(result):
    assert isinstance(due(chart(draft(), result)), Unknown)


def test_an_unreadable_result_that_is_too_old_changes_nothing():
    assert due(chart(draft(), lab("qtc", None, at=300))) is True


def test_unread_results_leave_it_open():
    assert due(with_gaps(chart(draft()), OBSERVATIONS)) == Unknown("QTc", Reason.FAILED)


def test_a_missing_ecg_is_claimed_as_the_gap_of_the_value():
    (gap,) = ask(chart(draft()), "qtc", analytes=FORMULAS).gaps

    assert ecg(chart(draft())).show["topics"]["due"] == (gap,)


def test_the_latest_one_on_file_is_told():
    assert ecg(chart(draft(), taken(90))).show["latest"] == "QTc (Fridericia) 410 ms on 2026-08-24"
