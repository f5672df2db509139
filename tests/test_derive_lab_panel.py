"""Which analytes have no usable result."""

import pytest

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS, OBSERVATIONS
from tests.builders import INO, ask, chart, dose, lab, unreadable, with_gaps

PANEL = ["total-bilirubin", "alt", "ast", "alp"]
VALUES = {"total-bilirubin": "1.0 mg/dL", "alt": "30 U/L", "ast": "30 U/L", "alp": "90 U/L"}


def results(*analytes: str, at=1):
    return tuple(lab(each, VALUES[each], at=at) for each in analytes)


def panel(of):
    answer = ask(of, "lab_panel", analytes=PANEL, within=7, after_dose_of=INO)
    return answer, answer.readings[0]


def test_nothing_is_missing_from_a_whole_panel():
    answer, reading = panel(chart(results(*PANEL)))

    assert reading.fields["missing"] == Interval.exactly(0)
    assert reading.show["names"] == ()
    assert answer.gaps == ()


def test_what_is_missing_is_named_and_claimed_as_said():
    _, reading = panel(chart(results("total-bilirubin", "alt"), results("ast", at=20)))

    assert reading.fields["missing"] == Interval.exactly(2)
    assert reading.show["names"] == ("AST", "ALP")
    assert [each["why"] for each in reading.show["items"]] == [
        "latest 2026-11-02",
        "none in the last 7 days",
    ]
    assert reading.show["topics"]["missing"] == (
        Unknown("AST", Reason.TOO_OLD, "latest 2026-11-02"),
        Unknown("ALP", Reason.NOT_FOUND, "none in the last 7 days"),
    )


def test_the_topics_are_worded_as_the_gap_of_the_single_question():
    of = chart(results("alt", "ast", "alp"))
    (gap,) = ask(of, "lab", analyte="total-bilirubin", within=7, after_dose_of=INO).gaps

    assert panel(of)[1].show["topics"]["missing"] == (gap,)


def test_results_from_before_the_dose_are_missing():
    _, reading = panel(chart(dose(2), results(*PANEL, at=3)))

    assert reading.fields["missing"].number == 4


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.NOT_SENT, Reason.TRUNCATED])
def test_an_unanswered_search_is_no_missing_result(reason):
    answer, reading = panel(chart(results("alt"), gaps={OBSERVATIONS: reason}))

    assert reading.fields["missing"] == Unknown("total bilirubin", reason)
    assert [gap.what for gap in answer.gaps] == ["total bilirubin", "AST", "ALP"]
    assert reading.show["topics"]["missing"] == ()


def test_one_surely_missing_result_is_enough_beside_an_unreadable_one():
    _, reading = panel(chart(results("alt", "ast"), unreadable(OBSERVATIONS, "alp")))

    missing = reading.fields["missing"]
    assert (missing.lo, missing.hi) == (1, 2)


def test_unread_doses_leave_open_whether_the_panel_is_recent_enough():
    _, reading = panel(with_gaps(chart(results(*PANEL)), MEDICATION_ADMINISTRATIONS))

    assert isinstance(reading.fields["missing"], Unknown)


def test_no_result_at_all_is_missing_whatever_the_doses():
    _, reading = panel(with_gaps(chart(), MEDICATION_ADMINISTRATIONS))

    assert reading.fields["missing"].number == 4


def test_ionised_calcium_does_as_well_as_total_calcium():
    def missing(of):
        asked = ask(of, "lab_panel", analytes=["potassium", "calcium", "calcium-ionized"], within=7)
        return asked.readings[0].show["names"]

    assert missing(chart(lab("calcium-ionized", "1.2 mmol/L"))) == ("potassium",)
    assert missing(chart(lab("calcium", "2.4 mmol/L"))) == ("potassium",)
    assert missing(chart()) == ("potassium", "calcium")
