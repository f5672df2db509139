"""Doses given before, the setting, and the patient."""

import pytest

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import (
    GOALS,
    MEDICATION_ADMINISTRATIONS,
    PATIENT,
    PROCEDURES,
)
from tests.builders import (
    INO,
    chart,
    dose,
    doses,
    order_on_file,
    patient,
    the_reading,
    unreadable,
    with_gaps,
)


def exposure(of):
    return the_reading(of, "exposure", substance=INO)


def test_nothing_given_is_certain_when_everything_was_read():
    found = exposure(chart())

    assert found.fields["exposed"] is False
    assert found.fields["doses"] == Interval.exactly(0)
    assert found.fields["days_since_last"] is None
    assert found.show["course_text"] == "no dose on file"


@pytest.mark.parametrize("key", [MEDICATION_ADMINISTRATIONS, PROCEDURES])
def test_nothing_found_is_not_nothing_given_while_a_record_is_unread(key):
    found = exposure(with_gaps(chart(), key, reason=Reason.TRUNCATED))

    assert found.fields["exposed"] == Unknown(
        "whether inotuzumab ozogamicin was given", Reason.TRUNCATED
    )
    assert all(isinstance(value, Unknown) for value in found.fields.values())


def test_an_unread_search_for_something_else_does_not_matter():
    assert exposure(with_gaps(chart(), GOALS)).fields["exposed"] is False


def test_what_was_given_stays_given_while_more_is_unread():
    found = exposure(with_gaps(chart(doses(12, 5)), MEDICATION_ADMINISTRATIONS))

    assert found.fields["exposed"] is True
    assert found.fields["doses"] == Interval.at_least(2)
    assert found.fields["days_since_last"].hi == 5
    assert found.show["course_text"].startswith("at least 2 doses")


def test_doses_and_cycles_are_counted():
    found = exposure(chart(doses(40, 33, 26, 12, 5)))

    assert found.fields["doses"].number == 5
    assert found.fields["cycles"].number == 2
    assert found.fields["days_since_last"].number == 5
    assert found.show["last"] == "2026-11-17"
    assert found.show["course_text"] == "5 doses in 2 cycles (inferred), last on 2026-11-17"


def test_a_dose_of_an_unknown_day_is_exposure_all_the_same():
    found = exposure(chart(dose("2025")))

    assert found.fields["exposed"] is True
    assert found.fields["doses"] == Interval.exactly(1)
    assert found.fields["days_since_last"].reason is Reason.NO_DATE


def test_an_unreadable_administration_might_be_a_dose():
    assert isinstance(
        exposure(chart(unreadable(MEDICATION_ADMINISTRATIONS))).fields["exposed"], Unknown
    )


def test_a_drug_without_a_regimen_has_doses_but_no_cycles():
    found = the_reading(chart(dose(3, "busulfan")), "exposure", substance="busulfan")

    assert found.fields["doses"].number == 1
    assert found.fields["cycles"].reason is Reason.NOT_RECORDED


def test_an_order_that_was_never_completed_is_no_dose():
    assert exposure(chart(order_on_file(INO, when=8))).fields["exposed"] is False


def test_the_setting_is_as_called():
    fields = the_reading(chart(profile="EU", hook="patient-view"), "setting").fields

    assert fields == {"profile": "EU", "hook": "patient-view"}


@pytest.mark.parametrize(
    ("birth", "least", "most"),
    [
        ("1971-11-22", 55, 55),
        ("1971-11-23", 54, 54),
        ("1971", 54, 55),
        ("1971-11", 54, 55),
        ("2026-11-22", 0, 0),
        ("2008-02-29", 18, 18),
    ],
)
def test_age_counts_completed_years_and_says_when_it_is_not_certain(birth, least, most):
    age = the_reading(chart(patient(birth=birth)), "patient").fields["age"]

    assert (age.lo, age.hi) == (least, most)


def test_no_date_of_birth_is_no_age():
    fields = the_reading(chart(), "patient").fields

    assert fields["age"] == Unknown("age", Reason.NOT_RECORDED)
    assert fields["sex"].reason is Reason.NOT_RECORDED


@pytest.mark.parametrize("sex", ["unknown", "other"])
def test_a_sex_that_is_neither_female_nor_male_is_not_known(sex):
    """Else it would answer that nobody here can be pregnant."""
    fields = the_reading(chart(patient(sex=sex)), "patient").fields

    assert fields["sex"].reason is Reason.NOT_RECORDED


def test_a_date_of_birth_ahead_is_no_age():
    assert the_reading(chart(patient(birth=-5)), "patient").fields["age"].reason is Reason.CONFLICT


def test_a_patient_that_was_not_sent_is_said_to_be_so():
    fields = the_reading(with_gaps(chart(), PATIENT, reason=Reason.NOT_SENT), "patient").fields

    assert fields["age"].reason is Reason.NOT_SENT
