"""Drugs given, taken or ordered in the days before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import (
    MEDICATION_ADMINISTRATIONS,
    MEDICATION_REQUESTS,
    MEDICATION_STATEMENTS,
)
from tests.builders import ask, chart, dose, draft, order_on_file, statement, with_gaps

MTX = "methotrexate"


def recent(of, **selectors):
    asked = {
        "substance": ["pegaspargase", MTX],
        "class_": "other-ozogamicin",
        "within": 28,
        "except_route": "intrathecal",
    }
    return ask(of, "recent_drugs", **{**asked, **selectors})


def count(of):
    return recent(of).readings[0].fields["count"].number


@pytest.mark.parametrize(("days_ago", "expected"), [(0, 1), (28, 1), (29, 0)])
def test_a_dose_counts_for_the_period(days_ago, expected):
    assert count(chart(dose(days_ago, "pegaspargase"))) == expected


@pytest.mark.parametrize(
    "use",
    [
        order_on_file(MTX, start=90),
        statement(MTX, start=90),
        draft(MTX),
        order_on_file(MTX, start=90, end=28, status="completed"),
        order_on_file(MTX, start=10, status="stopped"),
        dose(5, "gemtuzumab-ozogamicin"),
    ],
    ids=["order", "statement", "draft", "ended in time", "begun in time", "by class"],
)
def test_what_counts(use):
    assert count(chart(use)) == 1


@pytest.mark.parametrize(
    "use",
    [
        order_on_file(MTX, start=90, end=29, status="completed"),
        order_on_file(MTX, start=10, status="cancelled"),
        dose(5, MTX, status="not-done"),
        replace(dose(5, MTX), local_use=True),
        replace(dose(5, MTX), route="Intrathecal route (qualifier value)"),
        replace(draft(MTX), do_not_perform=True),
        dose(5, "cytarabine"),
    ],
    ids=["over", "cancelled", "not given", "local", "intrathecal", "not to do", "another drug"],
)
def test_what_does_not_count(use):
    assert count(chart(use)) == 0


def test_a_drug_that_ended_nobody_knows_when_is_open():
    answer = recent(chart(order_on_file(MTX, start=90, status="stopped")))

    assert answer.readings[0].fields["count"] == Interval.at_least(0)
    assert [gap.reason for gap in answer.gaps] == [Reason.NO_DATE]


def test_each_ingredient_is_told_once_with_its_latest_day():
    of = chart(dose(20, MTX), dose(6, MTX), dose(9, "pegaspargase"))

    (mtx, peg) = recent(of).readings[0].show["items"]

    assert (mtx["name"], mtx["last"]) == (MTX, "2026-11-16")
    assert (peg["name"], peg["last"]) == ("pegaspargase", "2026-11-13")
    assert count(of) == 2


@pytest.mark.parametrize(
    "key", [MEDICATION_REQUESTS, MEDICATION_STATEMENTS, MEDICATION_ADMINISTRATIONS]
)
def test_unread_records_may_hide_one(key):
    answer = recent(with_gaps(chart(), key))

    assert answer.readings[0].fields["count"] == Interval.at_least(0)
    assert [gap.reason for gap in answer.gaps] == [Reason.FAILED]
