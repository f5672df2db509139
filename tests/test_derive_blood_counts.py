"""Counts before treatment, at the start of a cycle and now, and what a transfusion does to them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS, OBSERVATIONS, PROCEDURES
from tests.builders import (
    INO,
    ask,
    chart,
    dose,
    doses,
    draft,
    lab,
    order_on_file,
    plan,
    procedure,
    the_reading,
    unreadable,
    with_gaps,
)

CYCLE_1 = doses(32, 25, 18)
TRANSFUSED = {"transfusion": "platelet-transfusion", "transfusion_within": 3}


def anc(value: str | None, at, **more):
    return lab("anc", value and f"{value} 10*9/L", at=at, **more)


def platelets(value: str | None, at, **more):
    return lab("platelets", value and f"{value} 10*9/L", at=at, **more)


def count(of, analyte="anc", **more):
    return the_reading(of, "blood_count", analyte=analyte, substance=INO, within=7, **more)


def recovery(of):
    return the_reading(
        of,
        "count_recovery",
        analytes=["anc", "platelets"],
        substance=INO,
        within=7,
        neutrophils_at_least=1,
        platelets_at_least=50,
    ).fields


class TestBeforeTreatment:
    def before(self, *facts, **more):
        return count(chart(*CYCLE_1, anc("0.5", 1), *facts, **more)).fields["before_treatment"]

    def test_is_the_last_count_up_to_the_first_dose(self):
        found = self.before(anc("2", 33), anc("3", 40), anc("4", 30))

        assert found == Interval.exactly(2)

    def test_a_count_of_the_day_of_the_first_dose_was_drawn_before_it(self):
        assert self.before(anc("2", 32), anc("3", 33)) == Interval.exactly(2)

    def test_unless_both_times_say_otherwise(self):
        first = dose("2026-10-21T09:00:00Z")
        of = chart(first, anc("0.5", 1), anc("2", "2026-10-21T10:00:00Z"), anc("3", 40))

        assert count(of).fields["before_treatment"] == Interval.exactly(3)

    def test_however_old_it_is(self):
        assert self.before(anc("2", 400)) == Interval.exactly(2)

    def test_a_preliminary_count_is_none(self):
        assert isinstance(self.before(anc("2", 33, status="preliminary")), Unknown)

    def test_nothing_found_is_said(self):
        found = self.before()

        assert found.reason is Reason.NOT_FOUND
        assert found.what == "ANC before the first inotuzumab ozogamicin dose"

    def test_a_later_count_that_cannot_be_read_leaves_it_open(self):
        assert self.before(anc("2", 40), anc(None, 33)).reason is Reason.UNREADABLE

    def test_an_earlier_count_that_cannot_be_read_does_not(self):
        assert self.before(anc("2", 33), anc(None, 40)) == Interval.exactly(2)

    def test_a_count_without_a_date_leaves_it_open(self):
        assert self.before(anc("2", 33), anc("3", None)).reason is Reason.UNREADABLE

    def test_no_dose_on_file_leaves_it_open(self):
        found = count(chart(anc("0.5", 1), anc("2", 33))).fields["before_treatment"]

        assert found.reason is Reason.NOT_FOUND

    def test_unread_doses_leave_it_open(self):
        of = chart(*CYCLE_1, anc("0.5", 1), anc("2", 33))
        found = count(with_gaps(of, MEDICATION_ADMINISTRATIONS)).fields["before_treatment"]

        assert found.reason is Reason.FAILED


class TestDaysLow:
    """The last cycle began 32 days ago, so the next was planned 11 days ago."""

    def low(self, *facts, **more):
        return count(chart(*CYCLE_1, *facts), below=1, **more).fields["days_low"]

    def test_runs_from_the_planned_day_when_the_count_was_low_before_it(self):
        assert self.low(anc("0.5", 12), anc("0.5", 1)) == Interval.exactly(11)

    def test_runs_at_least_from_the_first_low_count_after_it(self):
        assert self.low(anc("0.5", 5), anc("0.5", 1)) == Interval(Fraction(5), Fraction(11))

    def test_a_recovery_ends_it(self):
        found = self.low(anc("0.5", 12), anc("1", 6), anc("0.5", 5), anc("0.5", 1))

        assert found == Interval(Fraction(5), Fraction(6))

    def test_of_two_counts_of_one_day_the_lower_counts(self):
        of = chart(*CYCLE_1, anc("0.5", 12), anc("0.5", 5), anc("1", 5), anc("0.5", 1))

        assert count(of, below=1).fields["days_low"] == Interval.exactly(11)

    def test_is_nothing_when_the_latest_count_is_sufficient(self):
        assert self.low(anc("0.5", 12), anc("1", 1)) == Interval.exactly(0)

    def test_is_nothing_before_the_planned_day(self):
        of = chart(*doses(18, 11, 4), anc("0.5", 12), anc("0.5", 1))

        assert count(of, below=1).fields["days_low"] == Interval.exactly(0)

    def test_a_count_that_may_be_either_leaves_the_period_open(self):
        found = self.low(anc("0.5", 12), anc("<3", 6), anc("0.5", 1))

        assert found == Interval(Fraction(1), Fraction(11))

    def test_the_planned_day_is_the_earliest_an_order_or_plan_names(self):
        held = order_on_file(INO, when=8, status="on-hold", cycle=2, day=1)
        later = order_on_file(INO, when=3, status="active", cycle=2, day=1)
        of = chart(*CYCLE_1, held, later, plan(2, start=6), anc("0.5", 12), anc("0.5", 1))
        found = count(of, below=1)

        assert found.fields["days_low"] == Interval.exactly(8)
        assert found.show["planned"] == "2026-11-14"

    @pytest.mark.parametrize(
        "other",
        [
            order_on_file(INO, when=8, cycle=2, day=8),
            order_on_file(INO, when=8, cycle=3, day=1),
            order_on_file(INO, when=20, cycle=2, day=1),
            order_on_file("busulfan", when=8, cycle=2, day=1),
            order_on_file(INO, when=8, cycle=2, day=1, status="entered-in-error"),
            draft(when=0, cycle=2, day=1),
            plan(3, start=8),
            plan(2),
        ],
    )
    def test_other_orders_and_plans_name_no_planned_day(self, other):
        assert self.low(other, anc("0.5", 12), anc("0.5", 1)) == Interval.exactly(11)

    def test_after_a_later_cycle_it_is_28_days_from_its_day_1(self):
        of = chart(*doses(60, 53, 46, 39, 32, 25), anc("0.5", 12), anc("0.5", 1))

        assert count(of, below=1).fields["days_low"] == Interval.exactly(11)

    def test_without_a_dose_nothing_was_planned(self):
        found = count(chart(anc("0.5", 1)), below=1).fields["days_low"]

        assert found.reason is Reason.NOT_FOUND

    def test_unread_doses_leave_it_open(self):
        of = with_gaps(chart(*CYCLE_1, anc("0.5", 1)), MEDICATION_ADMINISTRATIONS)

        assert count(of, below=1).fields["days_low"].reason is Reason.FAILED

    def test_is_not_asked_without_a_limit(self):
        assert count(chart(*CYCLE_1, anc("0.5", 1))).fields["days_low"] is None

    @given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["0.5", "1", "<3"])), max_size=8))
    def test_is_never_longer_than_since_the_planned_day(self, results):
        facts = [anc(value, at) for at, value in dict(results).items()]
        found = self.low(anc("0.5", 0), *facts)

        if isinstance(found, Interval):
            assert 0 <= found.lo <= found.hi <= 11


class TestTransfusion:
    def value(self, at, counted=1, **more):
        of = chart(platelets("60", counted), procedure("platelet-transfusion", at=at, **more))
        return ask(of, "blood_count", analyte="platelets", substance=INO, within=7, **TRANSFUSED)

    @pytest.mark.parametrize("at", [1, 2, 4])
    def test_up_to_three_days_before_makes_the_count_a_ceiling(self, at):
        answer = self.value(at)

        assert answer.readings[0].fields["value"] == Interval(Fraction(0), Fraction(60))
        assert [each.what for each in answer.gaps] == ["platelets without transfusion"]

    @pytest.mark.parametrize("at", [0, 5])
    def test_later_or_longer_ago_leaves_the_count_alone(self, at):
        answer = self.value(at)

        assert answer.readings[0].fields["value"] == Interval.exactly(60)
        assert answer.gaps == ()

    def test_by_the_clock_72_hours_count_and_a_second_more_does_not(self):
        counted = "2026-11-21T08:00:00Z"
        exactly = self.value("2026-11-18T08:00:00Z", counted)
        before = self.value("2026-11-18T07:59:59Z", counted)

        assert exactly.gaps
        assert not before.gaps

    def test_one_that_was_not_done_does_nothing(self):
        assert not self.value(1, status="not-done").gaps

    def test_one_of_an_unknown_day_leaves_open_what_the_count_is(self):
        answer = self.value(None)

        assert [each.reason for each in answer.gaps] == [Reason.NO_DATE]

    def test_platelets_given_as_a_medication_count_too(self):
        of = chart(platelets("60", 1), dose(2, "platelet-transfusion"))
        (reading,) = ask(of, "transfusion", analyte="platelets", within=7, **TRANSFUSED).readings

        assert reading.fields["before_count"] is True
        assert reading.show["transfused"] == "2026-11-20"

    def test_unread_procedures_leave_open_whether_there_was_one(self):
        of = with_gaps(chart(platelets("60", 1)), PROCEDURES)
        answer = ask(of, "transfusion", analyte="platelets", within=7, **TRANSFUSED)

        assert [each.what for each in answer.gaps] == ["platelet transfusions"]

    def test_is_not_asked_without_a_window(self):
        of = chart(platelets("60", 1), procedure("platelet-transfusion", at=1))

        assert count(of, "platelets").fields["value"] == Interval.exactly(60)


class TestRecovery:
    def facts(self, now="0.4", prior="0.6", before="0.6", plates=("90", "90", "90")):
        last, at_cycle, at_first = plates
        return chart(
            *doses(60, 53, 46, 32, 25, 18),
            anc(before, 61),
            anc(prior, 33),
            anc(now, 1),
            platelets(at_first, 61),
            platelets(at_cycle, 33),
            platelets(last, 1),
        )

    def test_fallen_means_below_the_start_of_the_last_cycle(self):
        assert recovery(self.facts())["below_last_cycle"] is True
        assert recovery(self.facts(now="0.6"))["below_last_cycle"] is False
        assert recovery(self.facts(now="0.6", plates=("80", "90", "90")))["below_last_cycle"]

    def test_a_fall_before_the_last_cycle_is_none_now(self):
        assert recovery(self.facts(now="0.5", prior="0.5"))["below_last_cycle"] is False

    def test_low_before_treatment_needs_one_of_them(self):
        assert recovery(self.facts())["low_before_treatment"] is True
        assert recovery(self.facts(before="1"))["low_before_treatment"] is False
        assert recovery(self.facts(before="1", plates=("90", "90", "49.9")))["low_before_treatment"]

    def test_at_limits_needs_both(self):
        assert recovery(self.facts(now="1", plates=("50", "90", "90")))["at_limits"] is True
        assert recovery(self.facts(now="1", plates=("49.9", "90", "90")))["at_limits"] is False
        assert recovery(self.facts(now="0.9"))["at_limits"] is False

    def test_one_that_decides_is_enough_when_the_other_is_unread(self):
        of = self.facts()
        of = chart(*of.labs[:3], *of.drugs, unreadable(OBSERVATIONS, "platelets"))
        fields = recovery(of)

        assert fields["below_last_cycle"] is True
        assert fields["at_limits"] is False

    def test_what_the_other_may_change_stays_open(self):
        of = self.facts(now="1", prior="0.6")
        fields = recovery(chart(*of.labs[:3], *of.drugs, unreadable(OBSERVATIONS, "platelets")))

        assert isinstance(fields["below_last_cycle"], Unknown)
        assert isinstance(fields["at_limits"], Unknown)

    def test_without_a_dose_there_is_no_last_cycle(self):
        of = self.facts()
        found = recovery(chart(*of.labs))["below_last_cycle"]

        assert found.reason is Reason.NOT_FOUND

    def test_a_start_measured_more_than_a_week_before_is_none(self):
        of = chart(*CYCLE_1, anc("0.6", 40), anc("0.4", 1), platelets("90", 33), platelets("90", 1))

        assert isinstance(recovery(of)["below_last_cycle"], Unknown)

    @given(
        st.sampled_from(["<1", "<0.5", ">2", "0.7", "0.5"]), st.sampled_from(["<1", "0.6", ">2"])
    )
    def test_vague_counts_are_compared_as_far_as_they_are_known(self, now, prior):
        fallen = recovery(self.facts(now=now, prior=prior))["below_last_cycle"]
        surely = {("0.5", "0.6"): True, ("<0.5", "0.6"): True, (">2", "<1"): False}

        expected = surely.get((now, prior))
        if expected is not None:
            assert fallen is expected
        if (now, prior) in {("<1", "<1"), (">2", ">2"), ("<1", "0.6")}:
            assert isinstance(fallen, Unknown)
