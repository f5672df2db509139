"""Transplant plans, responses, MRD, diagnoses, procedures, and the cycles that plans name."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.data import rules_dir
from cds_service.facts.answers import Question
from cds_service.facts.derive import answer_all
from cds_service.facts.extract.order_text import stated_place
from cds_service.facts.extract.words import mrd_in, says_negative, says_remission, transplant_stance
from cds_service.facts.model import ResponseEntry
from cds_service.facts.regimen import load_regimens
from cds_service.facts.unknown import Reason
from tests.fhir_builders import (
    INO,
    Resource,
    assessment,
    care_plan,
    chart_of,
    concept,
    condition,
    goal,
    medication_request,
    observation,
    procedure,
    quantity,
    service_request,
    terminology,
)

SNOMED = "http://snomed.info/sct"


def stances(*resources: Resource) -> list[str]:
    return [statement.stance for statement in chart_of(*resources).transplant]


@pytest.mark.parametrize("status", ["draft", "active", "on-hold"])
@pytest.mark.parametrize("intent", ["order", "plan", "proposal"])
def test_a_live_request_for_a_transplant_intends_one(status: str, intent: str) -> None:
    assert stances(service_request(status=status, intent=intent)) == ["yes"]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"doNotPerform": True}, ["no"]),
        ({"status": "revoked"}, ["no"]),
        ({"status": "completed"}, []),
        ({"status": "entered-in-error"}, []),
        ({"status": "unknown"}, []),
        ({"status": "revoked", "doNotPerform": True}, []),
        ({"intent": "option"}, []),
    ],
)
def test_a_request_that_is_off_means_no_or_nothing(
    elements: dict[str, Any], expected: list[str]
) -> None:
    assert stances(service_request(**elements)) == expected


@pytest.mark.parametrize(
    "elements",
    [
        {"occurrenceDateTime": "2026-12-01"},
        {"occurrencePeriod": {"start": "2026-12-01", "end": "2026-12-30"}},
        {"occurrenceTiming": {"event": ["2026-12-01T08:00:00Z"]}},
    ],
)
def test_the_planned_day_of_the_graft_is_day_zero(elements: dict[str, Any]) -> None:
    (statement,) = chart_of(service_request(**elements)).transplant

    assert str(statement.day0) == "2026-12-01"


def test_an_autologous_transplant_is_known_as_such() -> None:
    (statement,) = chart_of(service_request("hsct-autologous")).transplant

    assert statement.autologous


def test_a_draft_request_is_a_draft_statement() -> None:
    (statement,) = chart_of(drafts=[service_request(status="draft")]).transplant

    assert statement.role == "draft"


@pytest.mark.parametrize("name", ["not-hsct", "ecg-order"])
def test_other_requests_say_nothing_of_a_transplant(name: str) -> None:
    assert stances(service_request(name)) == []


def test_a_request_in_words_is_read_as_words() -> None:
    assert stances(service_request(code={"text": "Allogeneic HSCT"})) == ["yes"]
    assert stances(service_request(code={"text": "HSCT evaluation"})) == []


def test_a_broken_day_of_the_graft_leaves_the_plan_and_is_said() -> None:
    chart = chart_of(service_request(occurrenceDateTime="soon"))

    assert [statement.stance for statement in chart.transplant] == ["yes"]
    assert [each.concerns for each in chart.set_aside] == [frozenset({"hsct"})]


def activity(**detail: Any) -> Resource:
    return care_plan(activity=[{"detail": {"status": "scheduled", **detail}}])


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (care_plan("Bridge to allogeneic HSCT"), ["yes"]),
        (care_plan("Not a transplant candidate"), ["no"]),
        (care_plan(description="Cycle 2, then proceed to stem cell transplant"), ["yes"]),
        (care_plan("Bridge to allogeneic HSCT", status="revoked"), ["no"]),
        (care_plan("Bridge to allogeneic HSCT", status="completed"), []),
        (care_plan("Bridge to allogeneic HSCT", status="entered-in-error"), []),
        (care_plan("Not a transplant candidate", status="revoked"), []),
        (care_plan("Relapse after allo-HSCT"), []),
        (care_plan("Consider HSCT"), []),
        (activity(code=concept("hsct")), ["yes"]),
        (activity(description="haploidentical transplant"), ["yes"]),
        (activity(code=concept("hsct"), doNotPerform=True), ["no"]),
        (activity(code=concept("hsct"), status="cancelled"), ["no"]),
        (activity(code=concept("hsct"), status="completed"), []),
        (care_plan(activity=[{"reference": {"reference": "ServiceRequest/1"}}]), []),
        (goal("Allogeneic stem cell transplant in remission"), ["yes"]),
        (goal("HSCT", status="cancelled"), ["no"]),
        (goal("HSCT", status="rejected"), ["no"]),
        (goal("HSCT", status="completed"), []),
    ],
)
def test_plans_and_goals_say_yes_no_or_nothing(plan: Resource, expected: list[str]) -> None:
    assert stances(plan) == expected


def test_a_planned_activity_has_its_day() -> None:
    plan = activity(code=concept("hsct"), scheduledPeriod={"start": "2026-12-05"})
    (statement,) = chart_of(plan).transplant

    assert str(statement.day0) == "2026-12-05"


@pytest.mark.parametrize(
    ("text", "stance"),
    [
        ("HSCT not planned", "no"),
        ("allo-HSCT declined by patient", "no"),
        ("transplant-ineligible", "no"),
        ("unfit for HSCT", "no"),
        ("no plan for HSCT", "no"),
        ("prior to allogeneic stem cell transplant", "yes"),
        ("bridging to transplant", "yes"),
        ("no contraindication to HSCT", None),
        ("HSCT not yet planned", None),
        ("s/p HSCT 2024", None),
        ("prior HSCT", None),
        ("kidney transplant", None),
        ("post-transplant maintenance", None),
        ("HSCT planned. HSCT declined", None),
        ("C2D1", None),
    ],
)
def test_words_about_a_transplant_are_read_with_care(text: str, stance: str | None) -> None:
    assert transplant_stance([text]) == stance


def response(*resources: Resource) -> ResponseEntry:
    (entry,) = chart_of(*resources).responses
    return entry


def coded(code: str) -> Resource:
    return {"coding": [{"system": SNOMED, "code": code}]}


@pytest.mark.parametrize(
    ("code", "remission"),
    [
        ("550991000124107", True),
        ("103338009", True),
        ("103337004", False),
        ("268910001", False),
        ("359746009", False),
        ("271299001", False),
        ("709137006", None),
    ],
)
def test_a_coded_disease_status(code: str, remission: bool | None) -> None:
    entry = response(assessment("disease-status", coded(code)))

    assert (entry.remission, entry.mrd_negative) == (remission, None)
    assert str(entry.when) == "2026-11-10"


@pytest.mark.parametrize(
    ("said", "remission", "mrd"),
    [
        ("CR", True, None),
        ("CRi", True, None),
        ("CR, MRD negative", True, True),
        ("CRi with MRD positive", True, False),
        ("Complete remission with incomplete count recovery", True, None),
        ("not in remission", False, None),
        ("partial remission", False, None),
        ("no CR", False, None),
        ("CR not achieved", False, None),
        ("failed to achieve CR", False, None),
        ("relapse", False, None),
        ("relapse after CR", None, None),
        ("relapsed/refractory B-ALL, now in CR", None, None),
        ("CR, counts improved", True, None),
        ("CRi, MRD unknown", True, None),
        ("MRD-negative CR", True, True),
        ("remission not assessed", None, None),
        ("stable disease", False, None),
        ("pending", None, None),
    ],
)
def test_a_response_in_words(said: str, remission: bool | None, mrd: bool | None) -> None:
    entry = response(assessment("disease-status", said))

    assert (entry.remission, entry.mrd_negative) == (remission, mrd)


def test_a_local_code_for_a_response_is_read_by_its_words() -> None:
    local = {"coding": [{"system": "urn:local", "code": "RESP", "display": "Treatment response"}]}

    assert response(assessment(local, "CRi")).remission is True


def test_yes_to_a_question_about_remission() -> None:
    asked = {"text": "CRi achieved"}

    assert response(assessment(asked, None, valueBoolean=True)).remission is True
    assert response(assessment(asked, None, valueBoolean=False)).remission is False


@pytest.mark.parametrize("said", ["CR 0.9", "CR", "normal", "Cr"])
def test_letters_outside_a_response_mean_other_things(said: str) -> None:
    assert chart_of(assessment({"text": "Chemistry comment"}, said)).responses == ()


@pytest.mark.parametrize(
    ("value", "remission"), [("5", False), ("60", False), ("4.9", None), ("1", None)]
)
def test_marrow_blasts_can_exclude_remission_but_not_prove_it(
    value: str, remission: bool | None
) -> None:
    entry = response(observation("marrow-blasts-percent", value, "%", high=None))

    assert entry.remission is remission


MRD_CODE: Resource = {"text": "Minimal residual disease, flow"}


@pytest.mark.parametrize(
    ("elements", "negative"),
    [
        ({"valueString": "negative"}, True),
        ({"valueString": "MRD undetectable"}, True),
        ({"valueString": "not detected"}, True),
        ({"valueString": "no MRD detected"}, True),
        ({"valueString": "positive"}, False),
        ({"valueString": "detected, 0.05 %"}, False),
        ({"valueString": "<0.01%"}, True),
        ({"valueString": "0.2 %"}, False),
        ({"valueString": "pending"}, None),
        ({"valueString": "not done"}, None),
        ({"valueCodeableConcept": {"text": "Negative"}}, True),
        ({"valueQuantity": quantity("0.01", "%", comparator="<")}, True),
        ({"valueQuantity": quantity("0.001", "%", comparator="<")}, True),
        ({"valueQuantity": quantity("0", "%")}, True),
        ({"valueQuantity": quantity("0.01", "%")}, False),
        ({"valueQuantity": quantity("0.1", "%", comparator="<")}, None),
        ({"valueQuantity": quantity("3", "cells")}, None),
        ({"valueBoolean": True}, False),
        ({"valueBoolean": False}, True),
    ],
)
def test_mrd_by_local_code_or_words(elements: dict[str, Any], negative: bool | None) -> None:
    entry = response(assessment(MRD_CODE, None, **elements))

    assert (entry.mrd_negative, entry.remission) == (negative, None)


def test_mrd_in_a_component_of_a_response() -> None:
    entry = response(
        assessment(
            "disease-status",
            coded("103338009"),
            component=[{"code": {"text": "MRD"}, "valueString": "negative"}],
        )
    )

    assert (entry.remission, entry.mrd_negative) == (True, True)


def test_a_preliminary_response_is_known_as_such() -> None:
    entry = response(assessment("disease-status", "CR", status="preliminary"))

    assert entry.status == "preliminary"


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_response_is_none(status: str) -> None:
    assert chart_of(assessment("disease-status", "CR", status=status)).responses == ()


def test_a_response_without_a_value_is_none() -> None:
    assert chart_of(assessment("disease-status", None)).responses == ()


def test_a_broken_response_concerns_the_response() -> None:
    chart = chart_of(assessment("disease-status", "CR", effectiveDateTime="soon"))

    assert [(each.need, each.concerns) for each in chart.set_aside] == [
        ("recentObservations", frozenset({"disease-status"}))
    ]


def test_words_are_judged_by_what_they_say_of_mrd() -> None:
    assert mrd_in("CR; MRD negative by flow") is True
    assert mrd_in("blasts positive; MRD not done") is None
    assert says_negative("MRD+") is False
    assert says_remission("Cr 1.2") is None


def cycles(*resources: Resource) -> list[tuple[int, int | None]]:
    return [(each.cycle, each.day) for each in chart_of(*resources).courses]


def test_a_plan_that_names_the_drug_states_the_cycle() -> None:
    plan = care_plan("Inotuzumab ozogamicin cycle 3", period={"start": "2026-11-16"})
    (course,) = chart_of(plan).courses

    assert (course.cycle, course.substances, str(course.start)) == (
        *(3, frozenset({INO})),
        "2026-11-16",
    )


def test_a_plan_that_orders_are_based_on_states_the_cycle() -> None:
    order = medication_request(basedOn=[{"reference": "CarePlan/1"}])

    assert cycles(care_plan("Cycle 2 Day 8", id="1"), order) == [(2, 8)]


def test_a_request_group_states_the_cycle_in_its_actions() -> None:
    group = {
        "resourceType": "RequestGroup",
        "id": "1",
        "status": "draft",
        "action": [{"title": "Besponsa C2D15"}],
    }

    assert [(each.cycle, each.day) for each in chart_of(drafts=[group]).courses] == [(2, 15)]


@pytest.mark.parametrize(
    "plan",
    [
        care_plan("Cycle 2"),
        care_plan("Inotuzumab maintenance"),
        care_plan("Inotuzumab cycle 2", status="revoked"),
        care_plan("Inotuzumab cycle 2; cycle 3 to follow"),
    ],
)
def test_other_plans_state_no_cycle(plan: Resource) -> None:
    assert cycles(plan) == []


def test_the_cycle_of_another_drugs_plan_is_not_that_of_the_order() -> None:
    chart = chart_of(care_plan("Cyclophosphamide cycle 5"))
    question = Question("order", (("substance", INO),))
    answer = answer_all([question], chart, terminology(), load_regimens(rules_dir() / "regimens"))

    assert answer[question].readings[0].show["cycle"] == "1"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("C2D8", (2, 8)),
        ("C02 D08", (2, 8)),
        ("c2/d8", (2, 8)),
        ("Cycle 2 Day 8", (2, 8)),
        ("cycle 2, day 8", (2, 8)),
        ("Cycle #2 (d8)", (2, 8)),
        ("Day 8 of Cycle 2", (2, 8)),
        ("Cycle 2 of 6", (2, None)),
        ("up to 6 cycles", (None, None)),
        ("C0D1", (None, None)),
        ("vitamin D3", (None, None)),
    ],
)
def test_cycle_and_day_as_people_write_them(
    text: str, place: tuple[int | None, int | None]
) -> None:
    assert stated_place([text]) == place


def test_a_diagnosis_keeps_its_status_dates_and_severity() -> None:
    sent = condition(
        onsetDateTime="2026-03",
        abatementDateTime="2026-04-02",
        recordedDate="2026-03-15",
        severity=coded("24484000"),
        id="1",
    )
    (entry,) = chart_of(sent).conditions

    assert "vod-sos" in entry.concepts
    assert (entry.clinical_status, entry.verification) == ("active", "confirmed")
    assert (str(entry.onset), str(entry.abatement)) == ("2026-03", "2026-04-02")
    assert (entry.severity, entry.source.reference) == ("severe", "Condition/1")


def test_a_status_that_is_a_plain_code_is_read_too() -> None:
    (entry,) = chart_of(condition(clinicalStatus="Active", verificationStatus=None)).conditions

    assert (entry.clinical_status, entry.verification) == ("active", "")


def test_a_diagnosis_no_rule_asks_about_is_left_unread() -> None:
    chart = chart_of(condition(code={"text": "sprained ankle"}, onsetDateTime="soon"))

    assert (chart.conditions, chart.set_aside) == ((), ())


def test_a_broken_onset_leaves_the_diagnosis_and_is_said() -> None:
    chart = chart_of(condition(onsetDateTime="soon"))

    assert len(chart.conditions) == 1
    assert chart.set_aside[0].reason is Reason.UNREADABLE


def test_a_transplant_done_is_a_procedure() -> None:
    (entry,) = chart_of(procedure("hsct-autologous")).procedures

    assert {"hsct", "hsct-autologous"} <= entry.concepts
    assert (entry.status, str(entry.performed)) == ("completed", "2026-05-01")


@pytest.mark.parametrize(
    ("words", "concepts"),
    [
        ("Allogeneic haematopoietic stem cell transplantation", {"hsct"}),
        ("Autologous stem cell transplant", {"hsct", "hsct-autologous"}),
    ],
)
def test_a_transplant_under_an_unknown_code_is_known_by_plain_words(
    words: str, concepts: set[str]
) -> None:
    local = {"coding": [{"system": "urn:local", "code": "P1", "display": words}]}
    (entry,) = chart_of(procedure(code=local)).procedures

    assert entry.concepts == concepts


@pytest.mark.parametrize(
    "words",
    [
        *("Kidney transplant", "Limbal stem cell transplantation", "Post-transplant visit"),
        *("Stem cell harvest for autologous transplant", "Transplant evaluation"),
        *("Donor lymphocyte infusion", "HSCT cancelled"),
    ],
)
def test_other_words_about_transplants_are_no_transplant_done(words: str) -> None:
    assert chart_of(procedure(code={"text": words})).procedures == ()


def test_a_request_contained_in_a_plan_is_read() -> None:
    plan = care_plan(
        contained=[service_request(id="graft", subject=None, occurrenceDateTime="2026-12-01")],
        activity=[{"reference": {"reference": "#graft"}}],
    )
    (statement,) = chart_of(plan).transplant

    assert (statement.stance, str(statement.day0)) == ("yes", "2026-12-01")


@pytest.mark.parametrize("filler", [" ", "-", "not ", "cycle ", "\t", "<", "HSCT "])
def test_texts_without_end_are_read_in_good_time(filler: str) -> None:
    """
    Blanks and hyphens by the ten thousand once made a pattern run for minutes.
    """
    text = f"HSCT not {filler * 20000} planned; cycle {filler * 20000} 2"
    chart_of(
        care_plan(text),
        assessment("disease-status", text),
        assessment(MRD_CODE, text),
        observation(value=None, valueString=text, referenceRange=[{"text": text}]),
        medication_request(dosageInstruction=[{"text": text, "route": {"text": text}}]),
        procedure(code={"text": text}),
    )


def test_a_boost_is_known_as_no_transplant() -> None:
    (entry,) = chart_of(procedure("not-hsct")).procedures

    assert entry.concepts == {"not-hsct"}
