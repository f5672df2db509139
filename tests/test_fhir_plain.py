"""What is recognised at a glance is what the FHIR models have no complaint about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.read import PLAIN, SPECS, Reading, read, read_by_model
from tests.fhir_builders import condition, medication_request, observation, patient

LEAVES = (
    *("final", "active", "in progress", " final", "final ", "fi\tnal", "ﬁnal", "\ud800", "", " "),
    *("2026", "2026-11", "2026-11-19", "2026-02-28", "2026-02-29", "2024-02-29", "2026-02-30"),
    *("2026-11-31", "2026-13-01", "0000-01-01", "0001-01-01", "9999-12-31", "2026-11-19 "),
    *("2026-11-19T08:00:00Z", "2026-11-19T08:00:00+01:00", "2026-02-30T08:00:00Z"),
    *("2026-11-19T08:00:00.123Z", "2026-11-19T08:00:00.123456789Z", "2026-11-19T08:00:60Z"),
    *("2026-11-19T24:00:00Z", "2026-11-19T08:00:00", "2026-11-19T08:00Z", "2026-11-19T08:00:00z"),
    *("2026-11-19T08:00:00+14:00", "2026-11-19T08:00:00-13:59", "2026-11-19T08:00:00+14:30"),
    *("٢٠٢٦-11-19", "2026-11-19\n", "20261119", "2026-W47-4", "positive", "\x1c", "\xa0"),
    *(True, False, None, 0, 1, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1),
    *(Decimal("1.5"), Decimal(1), Decimal("NaN")),
)  # fmt: skip
"""Leaves of every type, right and wrong for it, wherever they stand."""

leaves = st.sampled_from(LEAVES)
times = st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat(timespec="seconds"))


def elements(shape: Any) -> st.SearchStrategy[Any]:
    """An element of a shape: as it should be, alone or in a list, or anything else."""
    if shape is None:
        one: st.SearchStrategy[Any] = leaves | times | st.dates().map(str) | st.text(max_size=3)
    elif shape:
        one = resources(shape)
    else:
        one = st.sampled_from([{}, {"value": "any"}])
    return one | st.lists(one, max_size=3) | leaves


def resources(shape: Any) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of the elements of a shape, and one that nobody looks at."""
    known = {name: elements(below) for name, below in shape.items()}
    return st.fixed_dictionaries({}, optional={**known, "note": leaves})


@pytest.mark.parametrize("resource_type", SPECS)
@given(data=st.data())
def test_a_glance_and_the_model_agree(resource_type: str, data: st.DataObject) -> None:
    resource = data.draw(resources(SPECS[resource_type].shape))

    assert read(resource, resource_type) == read_by_model(resource, resource_type)


@pytest.mark.parametrize("name", ["effectiveDateTime", "status", "valueString", "valueInteger"])
@given(leaf=leaves | times | st.text())
def test_each_element_of_a_good_observation_is_judged_alike(name: str, leaf: Any) -> None:
    resource = {**observation(), name: leaf}

    assert read(resource, "Observation") == read_by_model(resource, "Observation")


@pytest.mark.parametrize(
    "resource",
    [
        patient(),
        observation(),
        observation(at="2026-11-30"),
        observation(at="2026-11-19T08:00:00.000Z"),
        observation(at=None, effectivePeriod={"start": "2026-11-19"}),
        condition("gilbert"),
        medication_request(),
        medication_request(status="draft", dosageInstruction=[{"timing": {"repeat": {}}}]),
        medication_request(dosageInstruction=[{"timing": {"event": ["2026-11-19"]}}]),
    ],
)
def test_the_usual_form_is_recognised_without_the_model(resource: dict[str, Any]) -> None:
    assert PLAIN[resource["resourceType"]](resource)
    assert read(resource, resource["resourceType"]) == Reading(resource)
