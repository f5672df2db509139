"""Days since the last dose and since the cycle before began."""

from fractions import Fraction

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS
from tests.builders import INO, ask, chart, doses, draft, the_reading, with_gaps


def fields(*facts: object):
    return the_reading(chart(*facts), "schedule", substance=INO).fields


def test_days_run_to_the_day_the_order_is_planned_for():
    found = fields(draft(when=-2), doses(5))

    assert found["days_since_last"] == Interval.exactly(7)


def test_an_order_for_a_day_gone_by_is_given_today():
    assert fields(draft(when=3), doses(5))["days_since_last"] == Interval.exactly(5)


def test_the_cycle_before_is_counted_from_its_day_1():
    found = fields(draft(), doses(22, 15, 8))

    assert found["cycle"] == Interval.exactly(2)
    assert found["days_since_day_one"] == Interval.exactly(22)


def test_inside_a_cycle_the_one_before_counts():
    found = fields(draft(), doses(35, 28, 21, 7))

    assert (found["day_one"], found["days_since_day_one"].number) == (False, 35)


def test_before_the_first_dose_nothing_applies():
    found = fields(draft())

    assert (found["days_since_last"], found["days_since_day_one"]) == (None, None)


def test_an_order_for_cycle_2_needs_a_cycle_1_on_file():
    assert fields(draft(cycle=2, day=1))["days_since_day_one"].reason is Reason.NOT_RECORDED


def test_unread_doses_may_be_nearer():
    of = with_gaps(chart(draft(), doses(22, 15, 8)), MEDICATION_ADMINISTRATIONS)
    found = the_reading(of, "schedule", substance=INO).fields

    assert found["days_since_last"] == Interval(Fraction(0), Fraction(8))
    assert found["days_since_day_one"] == Interval(Fraction(0), Fraction(22))


def test_without_an_order_there_is_nothing_to_say():
    answer = ask(chart(doses(5)), "schedule", substance=INO)

    assert (answer.readings, answer.gaps) == ((), ())
