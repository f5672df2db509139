"""Body surface: as recorded, computed, or truly not to be had."""

from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.derive.body import mosteller, surface
from cds_service.facts.derive.view import View
from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import OBSERVATIONS
from tests.builders import (
    INO,
    ask,
    chart,
    lab,
    patient,
    regimens,
    terminology,
    the_reading,
    unreadable,
    with_gaps,
)

WEIGHT = lab("body-weight", "80 kg", at=1)
HEIGHT = lab("body-height", "180 cm", at=1)


def surface_of(*facts: object):
    return surface(View(chart(*facts), terminology(), regimens()), INO)


def test_mosteller_is_exact_where_the_square_root_is():
    assert mosteller(Fraction(180), Fraction(80)) == 2
    assert mosteller(Fraction(160), Fraction("72.9")) == Fraction("1.8")


@given(st.decimals("50", "250", places=1), st.decimals("3", "300", places=2))
def test_mosteller_is_near_the_root_and_never_above_it(cm, kg):
    area = mosteller(Fraction(cm), Fraction(kg))
    square = Fraction(cm) * Fraction(kg) / 3600

    assert area**2 <= square < (area + Fraction(1, 10**19)) ** 2
    assert abs(float(area) - sqrt(cm * kg / 3600)) < 1e-9


def test_the_surface_on_file_comes_before_the_formula():
    found = surface_of(lab("bsa", "1.9 m2", at=3), WEIGHT, HEIGHT)

    assert found.value is not None
    assert found.value.number == Fraction("1.9")
    assert found.words == "1.9 m2 (on file, 2026-11-19)"


def test_the_formula_and_its_measurements_are_named():
    found = surface_of(WEIGHT, HEIGHT)

    assert found.words == "2.00 m2 (Mosteller, from 180 cm of 2026-11-21 and 80 kg of 2026-11-21)"


def test_pounds_and_inches_are_understood():
    found = surface_of(lab("body-weight", "176 lb", at=1), lab("body-height", "71 in", at=1))

    assert found.value is not None
    assert found.value.number is not None
    assert round(found.value.number, 2) == 2


def test_a_surface_that_the_weight_left_behind_gives_way_to_the_formula():
    then = lab("body-weight", "100 kg", at=40)
    found = surface_of(lab("bsa", "2.2 m2", at=40), then, WEIGHT, HEIGHT)

    assert found.change is not None
    assert found.change.percent == 20
    assert found.words.startswith("2.00 m2 (Mosteller")


def test_without_a_height_nothing_takes_its_place():
    then = lab("body-weight", "100 kg", at=40)
    of = chart(lab("bsa", "2.2 m2", at=40), then, WEIGHT)

    assert the_reading(of, "body", substance=INO).fields == {
        "usable": False,
        "weight_changed": True,
    }


def test_a_weight_long_before_the_surface_is_no_measure_of_change():
    before = lab("body-weight", "100 kg", at=60)

    assert surface_of(lab("bsa", "2.2 m2", at=40), before, WEIGHT).change is None


def test_a_preliminary_or_zero_surface_is_none():
    assert surface_of(lab("bsa", "1.9 m2", status="preliminary")).value is None
    assert surface_of(lab("bsa", "0 m2")).value is None


def test_what_is_missing_is_named_with_what_there_is_instead():
    reading = the_reading(chart(lab("body-weight", "80 kg", at=30)), "body", substance=INO)

    assert reading.show["items"] == [
        {"name": "weight", "why": "latest 2026-10-23"},
        {"name": "height", "why": "none in the last 90 days"},
    ]


def test_an_unknown_age_asks_for_a_newer_height():
    old = lab("body-height", "180 cm", at=100)

    assert surface_of(WEIGHT, old).value is None
    assert surface_of(WEIGHT, old, patient(birth="1980")).value is not None
    assert surface_of(WEIGHT, old, patient(birth="2015-01-01")).value is None


def test_a_search_that_failed_leaves_it_open():
    answer = ask(with_gaps(chart(), OBSERVATIONS), "body", substance=INO)

    assert answer.readings[0].fields["usable"].reason is Reason.FAILED
    assert answer.gaps


@pytest.mark.parametrize("broken", ["body-weight", "body-height"])
def test_a_measurement_that_cannot_be_read_leaves_it_open(broken):
    rest = HEIGHT if broken == "body-weight" else WEIGHT
    of = chart(rest, unreadable(OBSERVATIONS, broken))

    assert the_reading(of, "body", substance=INO).fields["usable"].reason is Reason.UNREADABLE


def test_a_substance_without_a_regimen_has_no_surface_to_dose_by():
    assert ask(chart(), "body", substance="busulfan").gaps
