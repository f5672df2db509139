"""The latest result of an analyte, and when there is none to be had."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.derive.numbers import multiple, times_text
from cds_service.facts.interval import Interval
from cds_service.facts.model import Measured
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS, OBSERVATIONS
from tests.builders import (
    INO,
    NOW,
    ask,
    chart,
    dose,
    lab,
    measured,
    on,
    procedure,
    transplant,
    unreadable,
    with_gaps,
)

BILIRUBIN = "total-bilirubin"


def bilirubin(value: str | None, at=1, **more):
    return lab(BILIRUBIN, value, at=at, uln=more.pop("uln", "1.2 mg/dL"), **more)


def asked(of, **selectors):
    return ask(of, "lab", **{"analyte": BILIRUBIN, "within": 7, **selectors})


def texts(answer) -> list[str]:
    return [reading.show["text"] for reading in answer.readings]


def test_the_latest_result_counts_and_is_shown_whole():
    answer = asked(chart(bilirubin("1.0 mg/dL", at=3), bilirubin("1.9 mg/dL", at=1)))

    (reading,) = answer.readings
    assert answer.gaps == ()
    assert reading.fields["times_uln"].number == Fraction(19, 12)
    assert reading.fields["value"].number == Fraction(19, 10)
    assert reading.fields["days_ago"].number == 1
    assert reading.show == {
        "name": "total bilirubin",
        "text": "1.9 mg/dL",
        "value": "1.9",
        "unit": "mg/dL",
        "date": "2026-11-21",
        "uln": "1.2 mg/dL",
        "times": "1.58",
        "uln_from": "",
        "status": "",
        "age": "",
    }


def test_times_uln_is_exact():
    (reading,) = asked(chart(bilirubin("1.8 mg/dL"))).readings

    assert reading.fields["times_uln"] == Interval.exactly(Fraction(3, 2))


def test_a_value_below_the_detection_limit_is_a_low_value_and_not_missing():
    (reading,) = asked(chart(bilirubin("<0.2 mg/dL"))).readings

    assert reading.fields["times_uln"].compare("gt", Fraction(3, 2)) is False


def test_seven_days_are_168_hours_when_the_time_is_known():
    at_the_edge = NOW - timedelta(hours=168)
    too_old = at_the_edge - timedelta(seconds=1)

    assert texts(asked(chart(bilirubin("1.9 mg/dL", at=at_the_edge.isoformat()))))
    assert asked(chart(bilirubin("1.9 mg/dL", at=too_old.isoformat()))).readings == ()


def test_seven_days_are_calendar_days_when_it_is_not():
    assert texts(asked(chart(bilirubin("1.9 mg/dL", at=7))))
    assert asked(chart(bilirubin("1.9 mg/dL", at=8))).readings == ()


def test_nothing_on_file_is_said_with_the_window():
    assert asked(chart()).gaps == (
        Unknown("total bilirubin", Reason.NOT_FOUND, "none in the last 7 days"),
    )


def test_an_old_result_is_said_with_its_date():
    (gap,) = asked(chart(bilirubin("1.9 mg/dL", at="2026-11-02"))).gaps

    assert str(gap) == "total bilirubin: too old (latest 2026-11-02)"


def test_a_result_must_be_later_than_the_last_dose():
    of = chart(dose(5), bilirubin("1.9 mg/dL", at=6))

    (gap,) = asked(of, after_dose_of=INO).gaps
    assert gap.detail == "none since the dose of 2026-11-17"
    assert texts(asked(of)) == ["1.9 mg/dL"]


def test_the_day_of_the_dose_without_a_time_is_not_later():
    assert asked(chart(dose(5), bilirubin("1.9 mg/dL", at=5)), after_dose_of=INO).readings == ()


def test_the_day_of_the_dose_with_both_times_may_be_later():
    given_ = dose("2026-11-17T09:00:00Z", end=on("2026-11-17T10:00:00Z"))
    before, after = "2026-11-17T09:30:00Z", "2026-11-17T10:30:00Z"

    assert texts(asked(chart(given_, bilirubin("1.9 mg/dL", at=after)), after_dose_of=INO))
    assert not texts(asked(chart(given_, bilirubin("1.9 mg/dL", at=before)), after_dose_of=INO))


def test_without_a_dose_any_result_of_the_window_counts():
    assert texts(asked(chart(bilirubin("1.9 mg/dL")), after_dose_of=INO))


def test_unread_doses_leave_open_whether_a_result_is_late_enough():
    of = with_gaps(chart(dose(5), bilirubin("0.5 mg/dL")), MEDICATION_ADMINISTRATIONS)

    answer = asked(of, after_dose_of=INO)
    assert texts(answer) == ["0.5 mg/dL"]
    assert [gap.what for gap in answer.gaps] == ["whether inotuzumab ozogamicin was given"]


def test_a_newer_preliminary_result_is_read_beside_the_final_one():
    of = chart(bilirubin("1.0 mg/dL", at=2), bilirubin("3 mg/dL", at=1, status="preliminary"))

    answer = asked(of)
    assert texts(answer) == ["1.0 mg/dL", "3 mg/dL"]
    assert answer.gaps == ()


def test_an_older_preliminary_result_is_superseded():
    of = chart(bilirubin("1.0 mg/dL", at=1), bilirubin("3 mg/dL", at=2, status="preliminary"))

    assert texts(asked(of)) == ["1.0 mg/dL"]


def test_preliminary_alone_may_raise_but_never_clear():
    answer = asked(chart(bilirubin("1.0 mg/dL", status="preliminary")))

    assert texts(answer) == ["1.0 mg/dL"]
    assert [gap.reason for gap in answer.gaps] == [Reason.PRELIMINARY]


def test_two_finals_within_an_hour_are_both_read():
    of = chart(
        bilirubin("1.0 mg/dL", at="2026-11-21T09:00:00Z"),
        bilirubin("2.0 mg/dL", at="2026-11-21T08:00:00Z"),
        bilirubin("3.0 mg/dL", at="2026-11-21T07:59:59Z"),
    )

    assert texts(asked(of)) == ["1.0 mg/dL", "2.0 mg/dL"]


def test_two_finals_of_one_day_without_times_are_both_read():
    assert len(texts(asked(chart(bilirubin("1.0 mg/dL"), bilirubin("2.0 mg/dL"))))) == 2


def test_of_two_finals_of_one_day_the_one_issued_later_corrects_the_other():
    of = chart(
        bilirubin("2.0 mg/dL", issued=NOW - timedelta(hours=30)),
        bilirubin("1.0 mg/dL", issued=NOW - timedelta(hours=20)),
    )

    assert texts(asked(of)) == ["1.0 mg/dL"]


def test_the_same_value_twice_is_one_reading():
    assert len(texts(asked(chart(bilirubin("1.0 mg/dL"), bilirubin("1.00 mg/dL"))))) == 1


def test_a_newer_result_that_cannot_be_read_keeps_the_older_from_clearing():
    problem = Unknown("x", Reason.UNIT, "in furlongs")
    answer = asked(chart(bilirubin("1.0 mg/dL", at=3), bilirubin(None, at=1, problem=problem)))

    assert texts(answer) == ["1.0 mg/dL"]
    assert [(gap.what, gap.reason) for gap in answer.gaps] == [("total bilirubin", Reason.UNIT)]


def test_an_older_result_that_cannot_be_read_does_not_matter():
    assert asked(chart(bilirubin("1.0 mg/dL", at=1), bilirubin(None, at=3))).gaps == ()


def test_a_result_without_a_date_may_be_the_latest_unless_it_was_issued_before():
    final = bilirubin("1.0 mg/dL", at=1)
    undated = bilirubin("9 mg/dL", at=None)
    issued = bilirubin("9 mg/dL", at=None, issued=NOW - timedelta(days=9))

    assert [gap.reason for gap in asked(chart(final, undated)).gaps] == [Reason.NO_DATE]
    assert asked(chart(final, issued)).gaps == ()


def test_a_result_of_some_day_in_the_month_may_or_may_not_count():
    assert [gap.reason for gap in asked(chart(bilirubin("9 mg/dL", at="2026-11"))).gaps] == [
        Reason.NO_DATE
    ]


def test_a_result_from_the_future_is_not_the_latest():
    answer = asked(chart(bilirubin("1.0 mg/dL"), bilirubin("9 mg/dL", at="2062-11-21")))

    assert texts(answer) == ["1.0 mg/dL"]
    assert [gap.reason for gap in answer.gaps] == [Reason.CONFLICT]


def test_a_clock_an_hour_ahead_of_ours_is_believed():
    assert texts(asked(chart(bilirubin("1.0 mg/dL", at="2026-11-22T13:00:00Z"))))


@pytest.mark.parametrize(
    "reason",
    [Reason.NOT_SENT, Reason.NULL, Reason.FAILED, Reason.NOT_ALLOWED, Reason.TRUNCATED],
)
def test_an_unanswered_search_is_a_gap_whatever_was_found(reason):
    of = chart(bilirubin("0.5 mg/dL"), gaps={OBSERVATIONS: reason})

    assert asked(of).gaps == (Unknown("total bilirubin", reason),)
    assert texts(asked(of)) == ["0.5 mg/dL"]


@pytest.mark.parametrize("reason", [Reason.UNREADABLE, Reason.FOREIGN])
def test_a_resource_set_aside_is_a_gap_when_it_may_be_about_the_analyte(reason):
    about_it = unreadable(OBSERVATIONS, BILIRUBIN, reason=reason)
    about_anything = unreadable(OBSERVATIONS, reason=reason)
    about_another = unreadable(OBSERVATIONS, "alt", reason=reason)

    assert asked(chart(bilirubin("0.5 mg/dL"), about_it)).gaps[0].reason is reason
    assert asked(chart(bilirubin("0.5 mg/dL"), about_anything)).gaps[0].reason is reason
    assert asked(chart(bilirubin("0.5 mg/dL"), about_another)).gaps == ()


def test_without_a_limit_the_multiple_is_unknown_and_the_value_is_not():
    (reading,) = asked(chart(bilirubin("1.9 mg/dL", uln=None))).readings

    assert reading.fields["times_uln"].reason is Reason.NO_LIMIT
    assert reading.fields["value"].number == Fraction(19, 10)


def test_a_limit_in_another_unit_is_no_limit():
    (reading,) = asked(chart(bilirubin("1.9 mg/dL", uln="20 umol/L"))).readings

    assert reading.fields["times_uln"].reason is Reason.NO_LIMIT


def test_a_unit_outside_the_table_leaves_the_value_unknown_and_the_multiple_known():
    (reading,) = asked(chart(bilirubin("2 widgets", uln="1 widgets"))).readings

    assert reading.fields["value"].reason is Reason.UNIT
    assert reading.fields["times_uln"].number == 2


def test_a_limit_that_lies_in_a_band_gives_a_multiple_that_lies_in_one():
    band = Measured(Interval(Fraction(1), Fraction("1.3")), "mg/dL", "1.0 to 1.3 mg/dL")
    result = lab(BILIRUBIN, "1.8 mg/dL", uln_from="usual adult limits")
    result = replace(result, uln=band)

    (reading,) = asked(chart(result)).readings
    assert reading.fields["times_uln"].compare("gt", Fraction(3, 2)) is None
    assert reading.show["times"] == "1.38 to 1.8"
    assert reading.show["uln"] == "1.0 to 1.3 mg/dL"
    assert reading.show["uln_from"] == ", usual adult limits"


def test_a_limit_printed_in_another_unit_is_shown_in_that_of_the_result():
    converted = replace(measured("20.5 umol/L"), printed="1.2 mg/dL")
    bare = replace(measured("1.2 mg/dL"), printed="1.2")

    def shown(value, uln):
        (reading,) = asked(chart(replace(lab(BILIRUBIN, value), uln=uln))).readings
        return reading.show["uln"]

    assert shown("30 umol/L", converted) == "20.50 umol/L"
    assert shown("1.9 mg/dL", bare) == "1.2 mg/dL"


def test_several_analytes_give_the_readings_and_gaps_of_each():
    answer = ask(chart(lab("alt", "30 U/L", uln="40 U/L")), "lab", analyte=["alt", "ast"], within=7)

    assert [reading.show["name"] for reading in answer.readings] == ["ALT"]
    assert [gap.what for gap in answer.gaps] == ["AST"]


@pytest.mark.parametrize(("at", "age"), [(1, ""), (3, ""), (4, "4 days old"), (7, "7 days old")])
def test_a_result_older_than_72_hours_says_so(at, age):
    (reading,) = asked(chart(bilirubin("1.0 mg/dL", at=at))).readings

    assert reading.show["age"] == age


def test_before_a_planned_transplant_every_result_counts():
    of = chart(transplant(day0=-10), bilirubin("1.9 mg/dL"))

    assert texts(asked(of, before_transplant=True))


def test_after_the_transplant_only_results_from_before_day_0_count():
    of = chart(procedure("hsct", at=2), bilirubin("9 mg/dL", at=1), bilirubin("1.9 mg/dL", at=4))

    assert texts(asked(of, before_transplant=True)) == ["1.9 mg/dL"]


def test_a_result_of_day_0_itself_is_not_before_it():
    of = chart(procedure("hsct", at=2), bilirubin("9 mg/dL", at=2))

    (gap,) = asked(of, before_transplant=True).gaps
    assert gap.detail == "none before the transplant of 2026-11-20"


def test_a_transplant_of_last_year_does_not_bound_the_results_of_today():
    of = chart(procedure("hsct", at=400), bilirubin("1.9 mg/dL"))

    assert texts(asked(of, before_transplant=True))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1", "1.0"),
        ("1.5", "1.5"),
        ("19/12", "1.58"),
        ("1.5002", "1.5002"),
        ("1.4999", "1.4999"),
        ("2.50", "2.5"),
        ("1/3", "0.33"),
        ("0.05", "0.05"),
        ("12.346", "12.35"),
        ("150001/100000", "1.50001"),
    ],
)
def test_a_multiple_is_rounded_but_never_onto_a_limit(number, text):
    assert multiple(Fraction(number)) == text


@given(st.fractions(0, 100, max_denominator=10**6), st.integers(0, 200))
def test_a_printed_multiple_lies_on_the_same_side_of_every_limit_with_one_decimal(number, tenths):
    limit = Fraction(tenths, 10)

    printed = Fraction(multiple(number))
    assert (printed > limit) == (number > limit)
    assert (printed < limit) == (number < limit)


def test_open_multiples_are_said_in_words():
    assert times_text(Interval(Fraction(5, 2), None, lo_open=True)) == "above 2.5"
    assert times_text(Interval(Fraction(0), Fraction(1, 6), hi_open=True)) == "below 0.17"
    assert times_text(Interval(None, None)) == ""
