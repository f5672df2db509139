"""How low a test came since a dose was held."""

from __future__ import annotations

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS, OBSERVATIONS
from tests.builders import INO, ask, chart, dose, draft, lab, order_on_file, with_gaps

HELD = order_on_file(INO, when=30, status="on-hold")


def bilirubin(value, at, uln="1.0 mg/dL", **more):
    return lab("total-bilirubin", value, uln=uln, at=at, **more)


def course(of, analyte="total-bilirubin"):
    return ask(of, "lab_since_hold", analyte=analyte, substance=INO)


def only_reading(of):
    (reading,) = course(of).readings
    return reading


def test_the_lowest_result_since_the_hold_and_how_long_it_lasted():
    of = chart(
        draft(), HELD, bilirubin("3 mg/dL", 30), bilirubin("2 mg/dL", 15), bilirubin("2.5 mg/dL", 1)
    )

    reading = only_reading(of)

    assert reading.fields["lowest_times_uln"] == Interval.exactly(2)
    assert reading.fields["days"] == Interval.exactly(29)
    assert (reading.show["text"], reading.show["count"]) == ("2.5 mg/dL", 3)


def test_results_from_before_the_hold_do_not_count():
    of = chart(draft(), HELD, bilirubin("0.5 mg/dL", 31), bilirubin("2 mg/dL", 1))

    assert only_reading(of).fields["lowest_times_uln"].number == 2


def test_a_result_without_a_limit_may_be_lower():
    of = chart(draft(), HELD, bilirubin("2 mg/dL", 5, uln=None), bilirubin("3 mg/dL", 1))

    lowest = only_reading(of).fields["lowest_times_uln"]

    assert (lowest.lo, lowest.hi) == (0, 3)


def test_only_results_without_a_limit_tell_nothing():
    of = chart(draft(), HELD, bilirubin("2 mg/dL", 5, uln=None))

    assert only_reading(of).fields["lowest_times_uln"].reason is Reason.NO_LIMIT


def test_an_undated_or_unreadable_result_may_be_lower():
    for hidden in (bilirubin("2 mg/dL", None), bilirubin(None, 5)):
        lowest = only_reading(chart(draft(), HELD, hidden, bilirubin("3 mg/dL", 1))).fields
        assert lowest["lowest_times_uln"].lo == 0


def test_a_recovered_result_stays_recovered_whatever_is_unread():
    of = chart(draft(), HELD, bilirubin("0.5 mg/dL", 5), bilirubin("3 mg/dL", 1))

    lowest = only_reading(with_gaps(of, OBSERVATIONS)).fields["lowest_times_uln"]

    assert lowest.hi < 1


def test_preliminary_results_are_left_out():
    of = chart(
        draft(), HELD, bilirubin("0.5 mg/dL", 5, status="preliminary"), bilirubin("3 mg/dL", 1)
    )

    assert only_reading(of).fields["lowest_times_uln"].number == 3


def test_each_test_is_judged_by_itself():
    alt = lab("alt", "200 U/L", uln="40 U/L", at=1)
    ast = lab("ast", "100 U/L", uln="40 U/L", at=1)
    readings = course(chart(draft(), HELD, alt, ast), ["alt", "ast"]).readings

    assert [each.show["name"] for each in readings] == ["ALT", "AST"]


def test_without_a_hold_there_is_nothing_to_tell():
    assert course(chart(draft(), bilirubin("3 mg/dL", 1))).readings == ()
    assert course(chart(draft(), HELD, dose(10), bilirubin("3 mg/dL", 1))).readings == ()


def test_unread_doses_may_have_ended_or_begun_a_hold():
    for of in (chart(draft()), chart(draft(), HELD, bilirubin("3 mg/dL", 1))):
        answer = course(with_gaps(of, MEDICATION_ADMINISTRATIONS))
        assert answer.readings == ()
        assert [gap.reason for gap in answer.gaps] == [Reason.FAILED]


def test_no_result_at_all_is_a_gap_only_when_the_search_failed():
    of = chart(draft(), HELD)

    assert course(of).gaps == ()
    assert course(with_gaps(of, OBSERVATIONS)).gaps == (Unknown("total bilirubin", Reason.FAILED),)
