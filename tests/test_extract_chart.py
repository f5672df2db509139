"""A hook call becomes a chart: gaps are kept apart, strangers set aside, and nothing breaks it."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import DataUnavailable
from cds_service.facts.extract import read_chart
from cds_service.facts.model import SetAside
from cds_service.facts.unknown import Reason
from cds_service.fhir.hook_call import HookCall
from tests.fhir_builders import (
    ALL_KEYS,
    INO,
    NOW,
    adverse_event,
    allergy,
    assessment,
    bundle,
    care_plan,
    chart_of,
    concept,
    condition,
    goal,
    hook_call,
    medication_request,
    observation,
    outcome,
    patient,
    prefetch,
    service_request,
    terminology,
)


def read(call: HookCall) -> Any:
    return read_chart(call, ALL_KEYS, terminology(), NOW)


def test_a_chart_answered_in_full_has_no_gaps() -> None:
    chart = chart_of(observation(), condition())

    assert chart.gaps == {}
    assert chart.set_aside == ()
    assert str(chart.patient.birth) == "1970-01-01"
    assert chart.patient.sex == "female"
    assert (chart.now, chart.hook, chart.profile) == (NOW, "order-sign", "US")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.NULL),
        (outcome(), Reason.FAILED),
        (outcome(code="forbidden"), Reason.NOT_ALLOWED),
        (bundle(observation(), total=9), Reason.TRUNCATED),
        ("<html>", Reason.UNREADABLE),
    ],
)
def test_the_kinds_of_not_being_answered_are_kept_apart(value: Any, reason: Reason) -> None:
    chart = read(hook_call(prefetch=prefetch(observations=value)))

    assert {key: gap.reason for key, gap in chart.gaps.items()} == {"observations": reason}


def test_a_key_that_was_not_sent_is_a_gap_only_when_we_asked_for_it() -> None:
    answers = prefetch()
    del answers["goals"]
    call = hook_call(prefetch=answers)

    assert read(call).gaps["goals"].reason is Reason.NOT_SENT
    assert read_chart(call, ALL_KEYS - {"goals"}, terminology(), NOW).gaps == {}


def test_a_clients_own_key_is_evidence_but_no_answer() -> None:
    answers = prefetch(labsOfToday=bundle(observation(), type="collection", total=None))
    del answers["observations"]
    chart = read(hook_call(prefetch=answers))

    assert len(chart.labs) == 1
    assert chart.gaps["observations"].reason is Reason.NOT_SENT


def test_an_array_of_resources_is_evidence_but_no_answer() -> None:
    chart = read(hook_call(prefetch=prefetch(observations=[observation()])))

    assert len(chart.labs) == 1
    assert chart.gaps["observations"].reason is Reason.UNREADABLE


def test_the_same_result_under_two_keys_counts_once() -> None:
    result = observation(id="1")
    chart = read(hook_call(result, prefetch={**prefetch(result), "more": bundle(result)}))

    assert len(chart.labs) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({}, Reason.NOT_SENT),
        ({"patient": None}, Reason.NOT_FOUND),
        ({"patient": outcome(code="forbidden")}, Reason.NOT_ALLOWED),
        ({"patient": "123"}, Reason.UNREADABLE),
    ],
)
def test_without_any_patient_there_is_no_chart(answer: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(DataUnavailable, match=reason) as refused:
        read(hook_call(prefetch=answer))

    assert refused.value.key == "patient"


def test_a_patient_under_a_clients_own_key_is_the_patient() -> None:
    chart = read(hook_call(prefetch={"pat": bundle(patient())}))

    assert chart.patient.sex == "female"


def test_another_patients_patient_is_not_used_and_is_a_gap() -> None:
    chart = read(hook_call(prefetch=prefetch(patient=patient(id="grace"))))

    assert chart.patient.birth is None
    assert chart.gaps["patient"].reason is Reason.FOREIGN


def test_a_birth_date_that_cannot_be_read_is_said() -> None:
    chart = read(hook_call(prefetch=prefetch(patient=patient(birth="long ago"))))

    assert chart.patient.birth is None
    assert [each.need for each in chart.set_aside] == ["patient"]


def test_another_patients_result_is_set_aside_with_what_it_was_about() -> None:
    stranger = observation("alt", id="1", subject={"reference": "Patient/grace"})
    chart = chart_of(stranger)

    assert chart.labs == ()
    assert chart.set_aside == (
        SetAside("observations", "Observation/1", Reason.FOREIGN, "", frozenset({"alt"})),
    )


def test_a_broken_result_concerns_only_its_analyte() -> None:
    chart = chart_of(observation("alt", at="yesterday", id="1"), observation("ast"))

    assert [lab.analyte for lab in chart.labs] == ["ast"]
    (aside,) = chart.set_aside
    assert (aside.reason, aside.concerns) == (Reason.UNREADABLE, frozenset({"alt"}))
    assert aside.detail == "cannot read effectiveDateTime"


def test_a_resource_without_a_type_could_be_about_anything() -> None:
    chart = read(hook_call(prefetch=prefetch(conditions=bundle({"resource": {"id": "1"}}))))

    assert [(each.need, each.concerns) for each in chart.set_aside] == [("conditions", frozenset())]


def test_an_entry_that_is_no_resource_is_said() -> None:
    answers = prefetch(conditions=bundle({"resource": "x"}, {"resource": condition()}))
    chart = read(hook_call(prefetch=answers))

    assert [each.reference for each in chart.set_aside] == ["entry 0"]


def test_an_empty_draft_bundle_is_fine() -> None:
    assert chart_of(drafts=[]).drugs == ()


def test_a_draft_of_another_patient_alone_is_refused() -> None:
    stranger = medication_request(status="draft", subject={"reference": "Patient/grace"})

    with pytest.raises(DataUnavailable, match=Reason.FOREIGN):
        chart_of(drafts=[stranger])


def test_a_draft_of_another_patient_beside_ours_is_set_aside() -> None:
    stranger = medication_request(status="draft", subject={"reference": "Patient/grace"})
    chart = chart_of(drafts=[stranger, medication_request(status="draft")])

    assert len(chart.drugs) == 1
    assert [(each.need, each.concerns) for each in chart.set_aside] == [
        ("draftOrders", frozenset({INO}))
    ]


@pytest.mark.parametrize("older", ["MedicationOrder", "ProcedureRequest"])
def test_a_draft_of_an_older_fhir_alone_is_refused_by_name(older: str) -> None:
    with pytest.raises(DataUnavailable, match="draftOrders"):
        chart_of(drafts=[{"resourceType": older, "id": "1"}])


def test_a_draft_of_an_older_fhir_beside_ours_is_said() -> None:
    old = {"resourceType": "MedicationOrder", "id": "1"}
    chart = chart_of(drafts=[old, medication_request(status="draft")])

    assert "R4" in chart.set_aside[0].detail


def test_an_older_resource_in_the_chart_is_said_under_the_key_of_today() -> None:
    old = {"resourceType": "MedicationOrder", "id": "1"}
    chart = read(hook_call(prefetch=prefetch(medicationRequests=bundle(old))))

    assert "medicationRequests" in {each.need for each in chart.set_aside}


def test_a_draft_whose_status_cannot_be_read_alone_is_refused() -> None:
    with pytest.raises(DataUnavailable, match=Reason.UNREADABLE):
        chart_of(drafts=[medication_request(status=["draft"])])


@pytest.mark.parametrize("drafts", ["orders", 7, [], {"resourceType": "Patient"}, outcome()])
def test_drafts_that_are_no_bundle_are_refused(drafts: Any) -> None:
    with pytest.raises(DataUnavailable, match="draftOrders"):
        read(hook_call(draft_orders=drafts))


def test_drafts_of_kinds_no_rule_asks_about_are_fine() -> None:
    chart = chart_of(drafts=[{"resourceType": "NutritionOrder", "id": "1"}])

    assert chart.set_aside == ()


def test_a_clients_own_key_may_bear_any_name() -> None:
    answers = prefetch(draftOrders=bundle(medication_request("ondansetron", id="file")))
    roles = {use.source.reference: use.role for use in read(hook_call(prefetch=answers)).drugs}

    assert roles["MedicationRequest/file"] == "on-file"


def test_a_selection_that_points_to_nothing_is_said() -> None:
    call = hook_call(hook="order-select", selections=("MedicationRequest/gone",))

    assert [(each.need, each.reference) for each in read(call).set_aside] == [
        ("selections", "MedicationRequest/gone")
    ]


def test_a_patient_view_needs_no_drafts() -> None:
    assert read(hook_call(condition(), hook="patient-view")).conditions != ()


def test_only_the_analytes_asked_for_are_read_when_they_are_given() -> None:
    call = hook_call(observation("alt"), observation("ast"))
    chart = read_chart(call, ALL_KEYS, terminology(), NOW, frozenset({"ast"}))

    assert [lab.analyte for lab in chart.labs] == ["ast"]


def test_no_message_repeats_what_was_sent() -> None:
    with pytest.raises(DataUnavailable) as refused:
        read(hook_call(prefetch={"patient": "Ada Lovelace"}))

    assert "Ada" not in str(refused.value)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text(max_size=8)
    | st.sampled_from(["Bundle", "Observation", "MedicationRequest", "Patient/ada", "#x", "final"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("resourceType", "entry", "resource", "id", "code", "coding", "system"),
                    *("subject", "reference", "valueQuantity", "value", "component", "contained"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)

WHOLE: list[dict[str, Any]] = [
    observation(component=[{"code": {"text": "MRD"}, "valueString": "negative"}]),
    medication_request(
        dosageInstruction=[
            {
                "text": "C2D8",
                "timing": {
                    "event": ["2026-11-20"],
                    "repeat": {"boundsPeriod": {}, "count": 1, "duration": 1, "durationUnit": "h"},
                },
                "route": {"text": "IV"},
                "method": {"text": "syringe"},
                "additionalInstruction": [{"text": "in 50 mL saline"}],
                "doseAndRate": [
                    {
                        "doseQuantity": {"value": Decimal(1), "unit": "mg"},
                        "rateQuantity": {"value": Decimal(50), "unit": "mL/h"},
                        "rateRatio": {
                            "numerator": {"value": 50, "unit": "mL"},
                            "denominator": {"value": 1, "unit": "h"},
                        },
                    }
                ],
            }
        ],
        basedOn=[{"reference": "CarePlan/1"}],
    ),
    medication_request(
        medicationCodeableConcept=None,
        medicationReference={"reference": "#bag"},
        contained=[
            {
                "resourceType": "Medication",
                "id": "bag",
                "ingredient": [
                    {"itemCodeableConcept": concept(INO)},
                    {
                        "itemCodeableConcept": concept("sodium-chloride"),
                        "strength": {"numerator": {"value": 50, "unit": "mL"}},
                    },
                ],
            }
        ],
    ),
    condition(),
    service_request(occurrenceDateTime="2026-12-01"),
    goal("HSCT"),
    adverse_event(
        extension=[{"url": "x/ctcae-grade", "valueCodeableConcept": {"coding": [{"code": "3"}]}}],
        severity={"coding": [{"code": "severe"}]},
        outcome={"coding": [{"code": "resolved"}]},
        resultingCondition=[{"reference": "Condition/1"}],
    ),
    observation(
        "pregnancy-test",
        interpretation=[{"coding": [{"code": "POS"}]}],
        hasMember=[{"reference": "#x"}],
    ),
    assessment("cd22", "CD22+"),
    assessment("immunophenotype", "CD22: 98 %"),
    care_plan("Second-line therapy", extension=[{"url": "x/line-of-therapy", "valueInteger": 2}]),
    allergy(criticality="high", reaction=[{"severity": "mild", "manifestation": [{"text": "x"}]}]),
]


@given(json_values, json_values, st.dictionaries(st.sampled_from(sorted(ALL_KEYS)), json_values))
def test_no_json_raises_anything_but_data_unavailable(
    drafts: Any, value: Any, answers: dict[str, Any]
) -> None:
    with suppress(DataUnavailable):
        read(hook_call(draft_orders=drafts, prefetch={"patient": patient(), "x": value, **answers}))


@given(st.data())
def test_no_element_of_a_resource_raises_whatever_it_holds(data: st.DataObject) -> None:
    sent = data.draw(st.sampled_from(WHOLE))
    broken = _with_something_else_inside(sent, data)

    with suppress(DataUnavailable):
        read(hook_call(drafts=[broken], prefetch=prefetch(extra=bundle(broken))))


def _with_something_else_inside(value: Any, data: st.DataObject, *, whole: bool = True) -> Any:
    """A copy in which one element, at any depth, is replaced by arbitrary JSON."""
    if isinstance(value, dict) and value and (whole or data.draw(st.booleans())):
        name = data.draw(st.sampled_from(sorted(value)))
        return {**value, name: _with_something_else_inside(value[name], data, whole=False)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        return [_with_something_else_inside(value[0], data, whole=False), *value[1:]]
    return data.draw(json_values)


def test_a_history_of_vod_told_in_words_is_over_whatever_the_entry_says() -> None:
    (entry,) = read(hook_call(condition(code={"text": "History of VOD"}))).conditions

    assert entry.concepts == {"vod-sos"}
    assert (entry.clinical_status, entry.by_words, entry.label) == (
        "resolved",
        True,
        "History of VOD",
    )


def test_vod_told_in_words_is_as_its_entry_says() -> None:
    told = condition(code={"text": "Veno-occlusive disease of liver"})
    (entry,) = read(hook_call(told)).conditions

    assert (entry.clinical_status, entry.by_words) == ("active", True)
