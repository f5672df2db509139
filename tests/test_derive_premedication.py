"""Which premedication is missing on the days a dose is ordered for."""

from fractions import Fraction

import pytest

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import MEDICATION_REQUESTS, MEDICATION_STATEMENTS
from tests.builders import (
    INO,
    ask,
    chart,
    dose,
    draft,
    on,
    order_on_file,
    statement,
    unidentified,
    with_gaps,
)

CLASSES = ["premed-corticosteroid", "premed-antipyretic"]


def asked(*facts, gaps=()):
    of = with_gaps(chart(*facts), *gaps)
    return ask(of, "premedication", classes=CLASSES, substance=INO)


def missing(*facts, **more):
    answer = asked(*facts, **more)
    return list(answer.readings[0].show["names"]) if not answer.gaps else None


ANTIPYRETIC = draft("acetaminophen", when=0, one_off=True)


def test_what_nothing_covers_is_named():
    assert missing(draft()) == ["corticosteroids", "antipyretics"]
    assert missing(draft(), ANTIPYRETIC) == ["corticosteroids"]


def test_without_an_order_nothing_is_missing():
    assert missing() == []


@pytest.mark.parametrize(
    "steroid",
    [
        draft("dexamethasone", when=0, one_off=True),
        draft("dexamethasone", when=0, one_off=True, role="background"),
        draft("dexamethasone"),
        draft("dexamethasone", one_off=True),
        draft("dexamethasone", one_off=True, authored=on(1), days=(on(1).first,)),
        order_on_file("prednisone", start=30),
        order_on_file("prednisone", start=30, end=0),
        order_on_file("prednisone"),
        order_on_file("dexamethasone", when=0, status="completed"),
        statement("prednisone"),
        dose(0, "dexamethasone"),
        dose(0, "dexamethasone", status="in-progress"),
    ],
)
def test_a_systemic_steroid_of_the_day_covers_it(steroid):
    assert missing(draft(), ANTIPYRETIC, steroid) == []


@pytest.mark.parametrize(
    "steroid",
    [
        draft("dexamethasone", when=-1, one_off=True),
        draft("dexamethasone", do_not_perform=True),
        draft("dexamethasone", local_use=True),
        order_on_file("prednisone", start=30, end=1),
        order_on_file("prednisone", start=-2),
        order_on_file("prednisone", status="stopped"),
        order_on_file("dexamethasone", when=1, status="completed"),
        statement("prednisone", status="completed"),
        dose(1, "dexamethasone"),
        dose(0, "dexamethasone", status="not-done"),
    ],
)
def test_one_of_another_day_or_use_does_not(steroid):
    assert missing(draft(), ANTIPYRETIC, steroid) == ["corticosteroids"]


def test_every_day_ordered_must_be_covered():
    twice = draft(days=(on(0).first, on(-7).first))

    assert missing(twice, ANTIPYRETIC, draft("dexamethasone")) == ["antipyretics"]


def test_only_the_days_without_cover_are_named():
    twice = draft(days=(on(0).first, on(-7).first))
    reading = asked(twice, draft("acetaminophen"), draft("dexamethasone", when=0, one_off=True))

    assert reading.readings[0].show["day"] == str(on(-7).first)


def test_a_day_that_has_passed_asks_for_nothing():
    since = draft(days=(on(7).first, on(0).first))

    assert missing(since, ANTIPYRETIC, draft("dexamethasone")) == []


def test_a_single_dose_on_file_without_a_day_leaves_it_open():
    answer = asked(draft(), ANTIPYRETIC, order_on_file("dexamethasone", one_off=True))

    assert answer.readings[0].fields["missing"] == Interval(Fraction(0), Fraction(1))
    assert [each.reason for each in answer.gaps] == [Reason.NO_DATE]


@pytest.mark.parametrize("key", [MEDICATION_REQUESTS, MEDICATION_STATEMENTS])
def test_unread_medications_leave_open_what_is_not_found(key):
    answer = asked(draft(), ANTIPYRETIC, gaps=[key])

    assert answer.readings[0].fields["missing"] == Interval(Fraction(0), Fraction(1))
    assert [each.reason for each in answer.gaps] == [Reason.FAILED]


def test_unread_medications_do_not_matter_when_the_bundle_is_complete():
    assert missing(draft(), ANTIPYRETIC, draft("dexamethasone"), gaps=[MEDICATION_REQUESTS]) == []


def test_a_drug_nobody_identified_may_be_what_is_missing():
    answer = asked(draft(), ANTIPYRETIC, unidentified("study drug"))

    assert [each.reason for each in answer.gaps] == [Reason.UNRESOLVED]
