"""Diagnoses, how they lie to the first dose, and entries that contradict each other."""

from datetime import timedelta

import pytest

from cds_service.facts.derive import conflicts as derive_conflicts
from cds_service.facts.derive.conflicts import MOST_TOLD
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import CONDITIONS, MEDICATION_ADMINISTRATIONS, OBSERVATIONS
from tests.builders import (
    INO,
    NOW,
    ask,
    chart,
    condition,
    dose,
    doses,
    lab,
    the_reading,
    unreadable,
    with_gaps,
)

VOD = "vod-sos"


def vod(of) -> dict:
    return dict(the_reading(of, "condition", concept=VOD, dose_of=INO).fields)


def diagnoses(of):
    return ask(of, "condition", concept=VOD, dose_of=INO)


def test_no_entry_is_no_diagnosis_when_everything_was_read():
    assert diagnoses(chart(condition("gilbert"))).readings == ()
    assert diagnoses(chart()).gaps == ()


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.NULL, Reason.NOT_ALLOWED])
def test_no_entry_is_no_answer_when_the_search_was_not_answered(reason):
    (gap,) = diagnoses(chart(gaps={CONDITIONS: reason})).gaps

    assert gap.reason is reason
    assert gap.what.startswith("diagnoses (")


def test_an_unreadable_condition_may_be_the_one():
    assert diagnoses(chart(unreadable(CONDITIONS))).gaps
    assert diagnoses(chart(unreadable(CONDITIONS, VOD))).gaps
    assert diagnoses(chart(unreadable(CONDITIONS, "gilbert"))).gaps == ()


@pytest.mark.parametrize("status", ["active", "recurrence", "relapse"])
def test_an_active_entry_is_active(status):
    fields = vod(chart(condition(VOD, status=status)))

    assert (fields["active"], fields["resolved"]) == (True, False)


@pytest.mark.parametrize("status", ["resolved", "remission", "inactive"])
def test_a_resolved_entry_is_resolved(status):
    fields = vod(chart(condition(VOD, status=status)))

    assert (fields["active"], fields["resolved"]) == (False, True)


def test_without_a_status_an_abatement_says_that_it_is_over():
    assert vod(chart(condition(VOD, status="", abatement=30)))["resolved"] is True
    assert vod(chart(condition(VOD, status="")))["active"].reason is Reason.NOT_RECORDED


@pytest.mark.parametrize("verification", ["refuted", "entered-in-error"])
def test_a_refuted_entry_is_none(verification):
    answer = diagnoses(chart(condition(VOD, verification=verification)))

    assert (answer.readings, answer.gaps) == ((), ())


@pytest.mark.parametrize("verification", ["confirmed", "provisional", ""])
def test_a_confirmed_provisional_or_unverified_entry_counts(verification):
    assert diagnoses(chart(condition(VOD, verification=verification))).readings


@pytest.mark.parametrize("verification", ["unconfirmed", "differential"])
def test_a_mere_suspicion_neither_holds_nor_clears(verification):
    answer = diagnoses(chart(condition(VOD, verification=verification)))

    assert answer.readings == ()
    assert [gap.detail for gap in answer.gaps] == [f"recorded as {verification}"]


@pytest.mark.parametrize(("onset", "since"), [(20, True), (19, True), (21, False)])
def test_it_began_since_the_first_dose_from_that_day_on(onset, since):
    of = chart(doses(20, 13), condition(VOD, onset=onset))

    assert vod(of)["since_first_dose"] is since


def test_a_month_that_spans_the_first_dose_leaves_it_open():
    of = chart(dose("2026-11-10"), condition(VOD, onset="2026-11"))

    assert vod(of)["since_first_dose"].reason is Reason.NO_DATE


def test_without_an_onset_the_day_of_recording_bounds_it():
    assert vod(chart(dose(20), condition(VOD, recorded=30)))["since_first_dose"] is False
    assert isinstance(
        vod(chart(dose(20), condition(VOD, recorded=10)))["since_first_dose"], Unknown
    )
    assert isinstance(vod(chart(dose(20), condition(VOD)))["since_first_dose"], Unknown)


def test_without_a_dose_nothing_began_since_and_everything_was_before():
    fields = vod(chart(condition(VOD, status="resolved", onset=99)))

    assert fields["since_first_dose"] is False
    assert fields["before_first_dose"] is True


def test_unread_doses_leave_open_what_was_before_the_first():
    of = with_gaps(chart(condition(VOD, status="resolved", onset=99)), MEDICATION_ADMINISTRATIONS)

    assert vod(of)["since_first_dose"].reason is Reason.FAILED
    assert vod(of)["before_first_dose"].reason is Reason.FAILED


def test_what_began_after_a_known_dose_began_after_the_first():
    of = with_gaps(chart(dose(20), condition(VOD, onset=5)), MEDICATION_ADMINISTRATIONS)

    assert vod(of)["since_first_dose"] is True


@pytest.mark.parametrize(("abatement", "before"), [(21, True), (20, False), (5, False)])
def test_it_was_over_before_the_first_dose_or_was_not(abatement, before):
    of = chart(dose(20), condition(VOD, status="resolved", onset=60, abatement=abatement))

    assert vod(of)["before_first_dose"] is before


def test_what_is_active_was_not_over_before():
    assert vod(chart(dose(20), condition(VOD, onset=60)))["before_first_dose"] is False


def test_what_ended_nobody_knows_when_leaves_it_open():
    of = chart(dose(20), condition(VOD, status="resolved", onset=60))

    assert vod(of)["before_first_dose"].reason is Reason.NO_DATE
    assert vod(of)["days_since_abatement"].reason is Reason.NO_DATE


def test_the_days_since_it_ended_are_counted():
    assert vod(chart(condition(VOD, status="resolved", abatement=90)))[
        "days_since_abatement"
    ] == Interval.exactly(90)
    assert vod(chart(condition(VOD)))["days_since_abatement"] is None


def test_a_severity_nobody_coded_says_so():
    assert vod(chart(condition(VOD)))["severity"] == "unrecorded"
    assert vod(chart(condition(VOD, severity="severe")))["severity"] == "severe"


def test_an_entry_shows_when_it_began_and_ended():
    shown = the_reading(
        chart(condition(VOD, status="resolved", onset="2026-01", abatement="2026-03-02")),
        "condition",
        concept=VOD,
    ).show

    assert (shown["date"], shown["ended"], shown["status"]) == ("2026-01", "2026-03-02", "resolved")


def test_each_entry_is_a_reading():
    assert len(diagnoses(chart(condition(VOD), condition(VOD, status="resolved"))).readings) == 2


# Contradictions


def conflicts(of):
    return the_reading(
        of, "conflicts", analytes=["total-bilirubin", "alt"], within=7, minutes_apart=60
    )


def test_two_finals_within_the_hour_that_differ_contradict_each_other():
    of = chart(
        lab("alt", "30 U/L", at="2026-11-21T09:00:00Z"),
        lab("alt", "90 U/L", at="2026-11-21T08:00:00Z"),
    )

    found = conflicts(of)
    assert found.fields["count"].number == 1
    assert found.show["names"] == ("ALT of 2026-11-21: 30 U/L and 90 U/L",)
    assert len(found.sources) == 2


def test_two_finals_more_than_an_hour_apart_are_a_course():
    of = chart(
        lab("alt", "30 U/L", at="2026-11-21T09:00:00Z"),
        lab("alt", "90 U/L", at="2026-11-21T07:59:59Z"),
    )

    assert conflicts(of).fields["count"].number == 0


@pytest.mark.parametrize(
    "second",
    [
        lab("alt", "30.0 U/L"),
        lab("alt", "90 U/L", status="preliminary"),
        lab("ast", "90 U/L"),
        lab("alt", "90 U/L", at=8),
        lab("alt", "90 U/L", issued=NOW - timedelta(days=1)),
    ],
    ids=["same-value", "preliminary", "another-analyte", "long-ago", "corrected"],
)
def test_what_does_not_contradict(second):
    first = lab("alt", "30 U/L", issued=NOW - timedelta(days=2))

    assert conflicts(chart(first, second)).fields["count"].number == 0


def test_the_same_amount_in_two_units_is_no_contradiction():
    of = chart(lab("alt", "60 U/L"), lab("alt", "1 ukat/L"))

    assert conflicts(of).fields["count"].number == 0


def test_all_in_remission_and_in_relapse_is_a_contradiction():
    of = chart(
        condition("b-all", "all-in-remission", recorded=5), condition("b-all", status="relapse")
    )

    assert conflicts(of).show["names"] == ("ALL in remission and in relapse",)


def test_a_relapse_that_is_over_contradicts_nothing():
    of = chart(
        condition("b-all", "all-in-remission"), condition("all-in-relapse", status="resolved")
    )

    assert conflicts(of).fields["count"].number == 0


def test_another_disease_in_remission_contradicts_nothing():
    of = chart(condition("gilbert", status="remission"), condition("b-all", status="relapse"))

    assert conflicts(of).fields["count"].number == 0


@pytest.mark.parametrize("key", [OBSERVATIONS, CONDITIONS])
def test_unread_entries_may_contradict(key):
    assert conflicts(with_gaps(chart(), key)).fields["count"].compare("eq", 0) is None


def test_of_very_many_contradictions_some_are_told():
    of = chart(*(lab("alt", f"{number} U/L") for number in range(30, 130)))

    found = conflicts(of)
    assert len(found.show["names"]) == MOST_TOLD
    assert found.fields["count"] == Interval.at_least(MOST_TOLD)


def test_results_that_were_not_all_compared_may_contradict(monkeypatch):
    monkeypatch.setattr(derive_conflicts, "MOST_COMPARED", 3)
    of = chart(*(lab("alt", "30 U/L") for _ in range(4)))

    assert conflicts(of).fields["count"].compare("eq", 0) is None
    gaps = ask(of, "conflicts", analytes=["alt"], within=7, minutes_apart=60).gaps
    assert [gap.reason for gap in gaps] == [Reason.CONFLICT]


def test_only_results_near_each_other_are_compared(monkeypatch):
    compared = []
    monkeypatch.setattr(derive_conflicts, "contradict", lambda *pair: bool(compared.append(pair)))
    hours = [(NOW - timedelta(hours=n)).isoformat() for n in range(100)]
    conflicts(chart(*(lab("alt", "30 U/L", at=each) for each in hours)))

    assert len(compared) == 99
