"""The latest corrected QT interval, its formula and its rise."""

from __future__ import annotations

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS, OBSERVATIONS
from tests.builders import INO, ask, chart, dose, lab, the_reading, with_gaps

FORMULAS = ["qtc-fridericia", "qtc", "qtc-bazett"]


def qtc(of):
    return ask(of, "qtc", analytes=FORMULAS, dose_of=INO)


def reading(of):
    return the_reading(of, "qtc", analytes=FORMULAS, dose_of=INO)


def fridericia(value, **more):
    return lab("qtc-fridericia", value, **more)


def bazett(value, **more):
    return lab("qtc-bazett", value, **more)


def test_of_one_ecg_fridericia_counts():
    of = chart(bazett("505 ms"), fridericia("470 ms"), lab("qtc", "490 ms"))

    assert reading(of).fields["value"] == Interval.exactly(470)
    assert reading(of).show["name"] == "QTc (Fridericia)"


def test_minutes_apart_is_one_ecg_and_hours_apart_are_two():
    near = chart(
        bazett("505 ms", at="2026-11-20T10:30:00Z"), fridericia("470 ms", at="2026-11-20T10:00:00Z")
    )
    far = chart(
        bazett("505 ms", at="2026-11-20T11:30:00Z"), fridericia("470 ms", at="2026-11-20T10:00:00Z")
    )

    assert reading(near).fields["value"].number == 470
    assert reading(far).fields["value"].number == 505


def test_a_preliminary_fridericia_does_not_displace_a_final_bazett():
    of = chart(bazett("505 ms"), fridericia("420 ms", status="preliminary"))

    assert 505 in [each.fields["value"].number for each in qtc(of).readings]


def test_seconds_are_read_as_milliseconds():
    assert reading(chart(fridericia("0.41 s"))).fields["value"].number == 410


def test_the_rise_is_against_the_latest_one_from_before_the_first_dose():
    of = chart(
        dose(20),
        fridericia("390 ms", at=40),
        fridericia("400 ms", at=20),
        fridericia("455 ms", at=1),
    )

    assert reading(of).fields["above_baseline"] == Interval.exactly(55)
    assert reading(of).show["baseline"] == "400 ms"


def test_an_ecg_timed_after_the_dose_of_its_day_is_no_baseline():
    first = dose("2026-11-02T09:00:00Z")
    of = chart(first, fridericia("400 ms", at="2026-11-02T11:00:00Z"), fridericia("455 ms", at=1))

    assert reading(of).fields["above_baseline"] is None


def test_there_is_no_rise_by_another_formula():
    of = chart(dose(20), bazett("390 ms", at=25), bazett("470 ms"))

    assert reading(of).fields["above_baseline"] is None


def test_a_rise_is_not_known_while_doses_are_unread():
    of = chart(dose(20), fridericia("390 ms", at=25), fridericia("455 ms"))

    rise = reading(with_gaps(of, MEDICATION_ADMINISTRATIONS)).fields["above_baseline"]

    assert isinstance(rise, Unknown)


def test_the_longest_on_file_is_told_with_its_date():
    of = chart(fridericia("488 ms", at=200), bazett("530 ms", at=200), fridericia("410 ms"))

    assert reading(of).fields["highest"].number == 488
    assert reading(of).show["highest"] == "QTc (Fridericia) 488 ms"
    assert reading(of).show["highest_date"] == "2026-05-06"


def test_without_any_there_is_nothing_to_judge():
    answer = qtc(chart(lab("qt-uncorrected", "520 ms")))

    assert answer.readings == ()
    assert answer.gaps == (Unknown("QTc", Reason.NOT_FOUND),)


def test_unread_results_are_a_gap():
    (gap,) = qtc(with_gaps(chart(fridericia("400 ms")), OBSERVATIONS)).gaps

    assert gap == Unknown("QTc", Reason.FAILED)
