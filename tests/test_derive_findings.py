"""Diagnoses that are counted, findings in words, markers, lines of therapy and the weight."""

from fractions import Fraction

import pytest

from cds_service.facts.interval import Interval
from cds_service.facts.model import FindingResult, LineStatement
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import (
    CARE_PLANS,
    CONDITIONS,
    MEDICATION_ADMINISTRATIONS,
    MEDICATION_REQUESTS,
    OBSERVATIONS,
    PROCEDURES,
)
from tests.builders import (
    INO,
    ask,
    chart,
    condition,
    dose,
    draft,
    lab,
    on,
    order_on_file,
    procedure,
    source,
    statement,
    the_reading,
    transplant,
    unidentified,
    unreadable,
)

B_ALL, RELAPSE = "b-all", "all-in-relapse"
TKIS = {"class_": ["tki-bcr-abl"]}


def finding(positive, *, at=1, status="final", analyte="pregnancy-test", text=""):
    return FindingResult(analyte, positive, on(at), source("Observation"), text, status)


def line(number, at=None):
    return LineStatement(number, source("CarePlan"), f"line {number}", on(at))


class TestDiagnoses:
    """How many diagnoses of a concept are on file."""

    def count(self, *facts, status=None, **more):
        asked = {"concept": [B_ALL]} | ({"status": status} if status else {})
        return the_reading(chart(*facts, **more), "diagnoses", **asked).fields["count"]

    def test_none_when_everything_was_searched(self):
        assert self.count(condition("gilbert")) == Interval.exactly(0)

    def test_each_entry_counts_whatever_its_status(self):
        assert self.count(condition(B_ALL), condition(B_ALL, status="resolved")) == (
            Interval.exactly(2)
        )

    @pytest.mark.parametrize("verification", ["refuted", "entered-in-error"])
    def test_a_refuted_entry_does_not_count(self, verification):
        assert self.count(condition(B_ALL, verification=verification)) == Interval.exactly(0)

    def test_a_suspected_entry_may_count(self):
        found = self.count(condition(B_ALL, verification="unconfirmed"))

        assert found == Interval(Fraction(0), Fraction(1))

    def test_unread_entries_may_be_more(self):
        found = self.count(condition(B_ALL), gaps={CONDITIONS: Reason.TRUNCATED})

        assert found == Interval.at_least(1)

    @pytest.mark.parametrize("status", ["active", "relapse", "recurrence", ""])
    def test_active_entries(self, status):
        assert self.count(condition(B_ALL, status=status), status="active").number == 1

    def test_an_entry_without_status_that_ended_is_not_active(self):
        assert self.count(condition(B_ALL, status="", abatement=3), status="active").number == 0

    @pytest.mark.parametrize(
        ("status", "count"), [("relapse", 1), ("recurrence", 1), ("active", 0), ("remission", 0)]
    )
    def test_relapsed_entries(self, status, count):
        assert self.count(condition(B_ALL, status=status), status="relapsed").number == count

    def test_labels_are_shown(self):
        shown = the_reading(chart(condition(B_ALL)), "diagnoses", concept=[B_ALL, RELAPSE]).show

        assert (shown["names"], shown["count"], shown["by_words"]) == ((B_ALL,), 1, False)


class TestMarker:
    """Philadelphia-positive or not, as diagnoses say."""

    def positive(self, *facts, **more):
        asked = {"stated_by": "ph-positive", "denied_by": "ph-negative"}
        return the_reading(chart(*facts, **more), "marker", **asked).fields["positive"]

    def test_stated(self):
        assert self.positive(condition("b-all", "ph-positive")) is True

    def test_denied(self):
        assert self.positive(condition("b-all", "ph-negative")) is False

    def test_not_said_is_not_known(self):
        assert self.positive(condition("b-all")).reason is Reason.NOT_RECORDED

    def test_said_both_ways_is_not_known(self):
        found = self.positive(condition("b-all", "ph-negative"), condition("b-all", "ph-positive"))

        assert found.reason is Reason.CONFLICT

    def test_an_unanswered_search_leaves_a_denial_open(self):
        facts = condition("b-all", "ph-negative")

        assert self.positive(facts, gaps={CONDITIONS: Reason.FAILED}).reason is Reason.FAILED

    def test_a_statement_stands_whatever_is_unread(self):
        facts = condition("b-all", "ph-positive")

        assert self.positive(facts, gaps={CONDITIONS: Reason.FAILED}) is True


class TestLineOfTherapy:
    """Which line of therapy plans state."""

    def test_the_highest_speaks(self):
        reading = the_reading(chart(line(2), line(3, at=40)), "line_of_therapy")

        assert reading.fields == {"line": Interval.exactly(3), "highest": Interval.exactly(3)}
        assert reading.show["line"] == "3"

    def test_not_stated_is_not_known_as_a_line_and_zero_as_the_highest(self):
        reading = the_reading(chart(), "line_of_therapy")

        assert reading.fields["line"] == Unknown("line of therapy", Reason.NOT_RECORDED)
        assert reading.fields["highest"] == Interval.exactly(0)

    @pytest.mark.parametrize("key", [CARE_PLANS, MEDICATION_REQUESTS])
    def test_unread_plans_may_say_more(self, key):
        reading = the_reading(chart(line(2), gaps={key: Reason.FAILED}), "line_of_therapy")

        assert reading.fields["line"] == Interval.at_least(2)

    def test_an_unanswered_search_is_said(self):
        reading = the_reading(chart(gaps={CARE_PLANS: Reason.FAILED}), "line_of_therapy")

        assert reading.fields["line"].reason is Reason.FAILED


class TestFinding:
    """Results in words or numbers."""

    def readings(self, *facts, analyte="pregnancy-test", **selectors):
        return ask(chart(*facts), "finding", analyte=analyte, **selectors).readings

    def test_a_word_says_positive_or_negative(self):
        found = self.readings(finding(True), finding(False, at=2))

        assert [each.fields["positive"] for each in found] == [True, False]
        assert [each.show["text"] for each in found] == ["positive", "negative"]

    def test_a_word_that_tells_neither_is_not_understood(self):
        (found,) = self.readings(finding(None, text="see report"))

        assert found.fields["positive"].reason is Reason.UNREADABLE
        assert found.show["text"] == "see report"

    def test_a_number_is_left_to_the_rule(self):
        (found,) = self.readings(lab("cd22", "0 %"), analyte="cd22")

        assert found.fields["positive"] is None
        assert found.fields["value"] == Interval.exactly(0)
        assert found.show["text"] == "0 %"

    def test_only_the_last_final_result_is_the_latest(self):
        early, late, hasty = (
            finding(True, at=5),
            finding(False, at=3),
            finding(True, at=1, status="preliminary"),
        )

        found = self.readings(early, late, hasty)

        assert [each.fields["latest"] for each in found] == [False, True, True]
        assert [each.show["status"] for each in found] == ["", "", "preliminary"]

    def test_a_later_number_makes_a_word_old(self):
        word, number = finding(False, at=5, analyte="cd22"), lab("cd22", "80 %", at=2)

        found = self.readings(word, number, analyte="cd22")

        assert [each.fields["latest"] for each in found] == [False, True]

    @pytest.mark.parametrize(("days", "count"), [(42, 1), (43, 0)])
    def test_the_window_includes_its_last_day(self, days, count):
        assert len(self.readings(finding(True, at=days), within=42)) == count

    @pytest.mark.parametrize(
        ("at", "reason"), [(None, Reason.NO_DATE), (-3, Reason.CONFLICT), ("2026", Reason.NO_DATE)]
    )
    def test_a_result_whose_day_is_not_known_is_a_gap(self, at, reason):
        answer = ask(chart(finding(True, at=at)), "finding", analyte="pregnancy-test", within=42)

        assert answer.readings == ()
        assert [gap.reason for gap in answer.gaps] == [reason]

    def test_other_analytes_do_not_count(self):
        assert self.readings(finding(True, analyte="cd22")) == ()

    def test_an_unanswered_search_is_a_gap(self):
        of = chart(gaps={OBSERVATIONS: Reason.FAILED})

        assert ask(of, "finding", analyte="cd22").gaps == (Unknown("CD22", Reason.FAILED),)


class TestTested:
    """Whether a test was done."""

    def done(self, *facts, **more):
        of = chart(*facts, **more)
        reading = the_reading(of, "tested", analyte="pregnancy-test", within=7)
        return reading.fields["done"]

    def test_done(self):
        assert self.done(finding(None)) is True

    def test_done_whatever_else_is_unread(self):
        assert self.done(finding(False), gaps={OBSERVATIONS: Reason.TRUNCATED}) is True

    def test_not_done_when_everything_was_searched(self):
        assert self.done(finding(False, at=8)) is False

    def test_a_preliminary_result_alone_does_not_tell(self):
        assert self.done(finding(False, status="preliminary")).reason is Reason.PRELIMINARY

    def test_an_unanswered_search_is_no_missing_test(self):
        assert self.done(gaps={OBSERVATIONS: Reason.FAILED}).reason is Reason.FAILED

    def test_what_is_missing_is_claimed_as_said(self):
        shown = the_reading(chart(), "tested", analyte="pregnancy-test", within=7).show

        assert shown["topics"]["done"] == (
            Unknown("pregnancy test", Reason.NOT_FOUND, "none in the last 7 days"),
        )

    def test_without_a_window_nothing_is_said_of_one(self):
        (said,) = the_reading(chart(), "tested", analyte="cd22").show["topics"]["done"]

        assert said.detail == ""


class TestWeightChange:
    """The weight since the last dose or since the transplant."""

    def reading(self, *facts, since="last-dose", **more):
        asked = {"analyte": "body-weight", "substance": INO, "since": since}
        of = chart(*facts, **more)
        return the_reading(of, "weight_change", **asked, within=7, baseline_within=3)

    def percent(self, *facts, **more):
        return self.reading(*facts, **more).fields["percent"]

    def kg(self, value, at, **more):
        return lab("body-weight", f"{value} kg", at=at, **more)

    def test_a_gain_in_percent_of_the_weight_at_the_last_dose(self):
        found = self.reading(dose(10), self.kg(80, 10), self.kg(84, 1))

        assert found.fields["percent"] == Interval.exactly(5)
        assert (found.show["percent"], found.show["text"], found.show["baseline"]) == (
            "5 %",
            "84 kg",
            "80 kg",
        )
        assert (found.show["date"], found.show["since"]) == ("2026-11-21", "2026-11-12")

    def test_a_loss_is_below_zero(self):
        assert self.percent(dose(10), self.kg(80, 10), self.kg(76, 1)) == Interval.exactly(-5)

    def test_units_may_differ(self):
        change = self.percent(dose(10), self.kg(80, 10), lab("body-weight", "84000 g", at=1))

        assert change == Interval.exactly(5)

    def test_the_last_weight_before_the_dose_and_the_latest_after_it_count(self):
        weights = [self.kg(*each) for each in ((70, 13), (80, 11), (90, 5), (84, 1))]

        assert self.percent(dose(10), *weights) == Interval.exactly(5)

    def test_the_day_of_the_transplant_can_be_the_baseline(self):
        facts = (dose(60), procedure("hsct", at=20), self.kg(80, 20), self.kg(84, 1))

        assert self.percent(*facts, since="transplant") == Interval.exactly(5)

    def test_a_baseline_of_four_days_before_is_too_old(self):
        found = self.percent(dose(10), self.kg(80, 14), self.kg(84, 1))

        assert found == Unknown(
            "weight", Reason.NOT_FOUND, "none on 2026-11-12 or in the 3 days before"
        )

    def test_a_weight_of_eight_days_ago_is_too_old(self):
        found = self.percent(dose(10), self.kg(80, 10), self.kg(84, 8))

        assert found.detail == "none after 2026-11-12 in the last 7 days"

    def test_a_weight_of_the_day_of_the_dose_is_none_after_it(self):
        assert self.percent(dose(5), self.kg(80, 5)).reason is Reason.NOT_FOUND

    def test_a_preliminary_weight_is_none(self):
        found = self.percent(dose(10), self.kg(80, 10), self.kg(84, 1, status="preliminary"))

        assert found.reason is Reason.NOT_FOUND

    def test_nothing_can_change_on_the_day_itself(self):
        assert self.percent(dose(0), self.kg(80, 0)) is None

    def test_nothing_changes_without_a_dose_or_a_transplant(self):
        assert self.percent(self.kg(80, 10), self.kg(84, 1)) is None
        assert self.percent(self.kg(80, 10), self.kg(84, 1), since="transplant") is None

    def test_an_unknown_unit_is_said(self):
        found = self.percent(dose(10), self.kg(80, 10), lab("body-weight", "13 stone", at=1))

        assert found.reason is Reason.UNIT

    def test_unread_weights_and_doses_are_said(self):
        facts = (dose(10), self.kg(80, 10))

        assert self.percent(*facts, gaps={OBSERVATIONS: Reason.FAILED}).reason is Reason.FAILED
        unread = {MEDICATION_ADMINISTRATIONS: Reason.FAILED}
        assert self.percent(*facts, self.kg(84, 1), gaps=unread).reason is Reason.FAILED

    def test_an_unread_transplant_is_said(self):
        found = self.percent(dose(10), since="transplant", gaps={PROCEDURES: Reason.FAILED})

        assert found.reason is Reason.FAILED

    def test_a_gain_found_is_kept_beside_unread_weights(self):
        of = chart(dose(10), self.kg(80, 10), self.kg(84, 1), gaps={OBSERVATIONS: Reason.TRUNCATED})
        answer = ask(of, "weight_change", analyte="body-weight", substance=INO, since="last-dose")

        assert answer.readings[0].fields["percent"] == Interval.exactly(5)
        assert answer.gaps


class TestDrugsEver:
    """Drugs taken at any time, and the day one is planned for."""

    def count(self, *facts):
        return the_reading(chart(*facts), "drugs", **TKIS, state="ever").fields["count"].number

    @pytest.mark.parametrize("status", ["active", "on-hold", "completed", "stopped"])
    def test_taken_whatever_came_of_it(self, status):
        assert self.count(order_on_file("imatinib", status=status, end=400)) == 1
        assert self.count(statement("imatinib", status=status)) == 1

    @pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "draft"])
    def test_never_taken(self, status):
        assert self.count(order_on_file("imatinib", status=status)) == 0

    def test_what_is_ordered_now_was_not_taken_before(self):
        assert self.count(draft("imatinib")) == 0

    def test_a_drug_nobody_could_identify_may_be_one(self):
        answer = ask(chart(unidentified("trial drug")), "drugs", **TKIS, state="ever")

        assert answer.gaps

    @pytest.mark.parametrize(("when", "days"), [(-14, 14), (0, 0), (3, 0), (None, 0)])
    def test_the_first_planned_day(self, when, days):
        reading = the_reading(chart(order_on_file(INO, when=when)), "drugs", substance=[INO])

        assert reading.fields["days_ahead"] == Interval.exactly(days)

    def test_no_drug_has_no_day(self):
        reading = the_reading(chart(), "drugs", substance=[INO])

        assert reading.fields["days_ahead"] is None


@pytest.mark.parametrize(
    ("statement_", "drafted"),
    [
        (transplant(role="draft"), True),
        (transplant("no", role="draft"), False),
        (transplant(role="background"), False),
        (transplant(), False),
    ],
)
def test_a_transplant_requested_now(statement_, drafted):
    assert the_reading(chart(statement_), "transplant").fields["drafted"] is drafted


def test_a_weight_set_aside_leaves_the_change_open():
    answer = ask(
        chart(dose(10), unreadable(OBSERVATIONS, "body-weight")),
        "weight_change",
        analyte="body-weight",
        substance=INO,
        since="last-dose",
    )

    assert answer.readings[0].fields["percent"].reason is Reason.UNREADABLE
