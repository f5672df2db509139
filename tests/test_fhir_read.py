"""Pruned to what we read, then validated: a stray element costs nothing, a wrong one is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.read import SPECS, read
from tests.fhir_builders import administration, condition, medication_request, observation

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "stray",
    [
        {"category": {"text": "an object instead of an array"}},
        {"extension": "not a list"},
        {"meta": 7},
        {"_status": {"extension": []}},
        {"note": [{"text": 5}]},
        {"interpretation": "H"},
        {"code": {"coding": [None, {"system": 7}, {"code": "a  b"}]}},
        {"bodySite": None},
    ],
)
def test_a_stray_wrong_element_costs_nothing(stray: dict[str, Any]) -> None:
    found = read({**observation(), **stray}, "Observation")

    assert found.resource is not None
    assert found.wrong == ()


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"status": ["final"]}, "status"),
        ({"effectiveDateTime": "yesterday"}, "effectiveDateTime"),
        ({"effectiveDateTime": "2026-11-19T08:00:00"}, "effectiveDateTime"),
        ({"valueQuantity": "1.8 mg/dL"}, "valueQuantity"),
        ({"component": "see report"}, "component"),
        ({"component": [7]}, "component.0"),
        ({"valueString": "one", "valueBoolean": True}, "resource"),
        ({"status": None}, "status"),
    ],
)
def test_a_wrong_element_is_named_without_its_value(wrong: dict[str, Any], path: str) -> None:
    found = read({**observation(), **wrong}, "Observation")

    assert found.resource is None
    assert found.wrong == (path,)


def test_a_broken_dosage_costs_the_dosage_not_the_order() -> None:
    found = read(medication_request(dosageInstruction="1 mg"), "MedicationRequest")

    assert found.resource is not None
    assert "dosageInstruction" not in found.resource
    assert found.wrong == ("dosageInstruction",)


def test_an_order_without_medication_intent_or_subject_is_still_an_order() -> None:
    bare = {"resourceType": "MedicationRequest", "id": "1"}

    assert read(bare, "MedicationRequest").wrong == ()


def test_blank_elements_count_as_left_out() -> None:
    found = read(medication_request(authoredOn="", dosageInstruction=[]), "MedicationRequest")

    assert found.wrong == ()


def test_a_broken_date_costs_the_date_not_the_diagnosis() -> None:
    found = read(condition(onsetDateTime="long ago"), "Condition")

    assert found.resource is not None
    assert found.wrong == ("onsetDateTime",)


def test_an_administration_without_a_date_cannot_be_used() -> None:
    dateless = administration()
    del dateless["effectiveDateTime"]

    assert read(dateless, "MedicationAdministration").resource is None


def test_the_resource_read_is_the_one_sent_decimals_and_all() -> None:
    sent = observation(value="1.80")

    assert read(sent, "Observation").resource is sent


@given(st.sampled_from(sorted(SPECS)), st.data())
def test_no_json_breaks_the_reader(resource_type: str, data: st.DataObject) -> None:
    names = sorted(SPECS[resource_type].shape)
    elements = data.draw(st.dictionaries(st.sampled_from(names), json_values, max_size=4))

    read(elements, resource_type)
