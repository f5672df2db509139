"""The part of a FHIR model that we read judges its elements as the whole model does."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.medicationadministration import MedicationAdministration
from fhir.resources.R4B.observation import Observation
from fhir_core.fhirabstractmodel import FHIRAbstractModel
from pydantic import ValidationError

from cds_service.fhir.part_model import part_of

ELEMENTS = ("status", "effectiveDateTime", "effectivePeriod", "valueString", "valueBoolean")
WHOLE: dict[str, Any] = {"status": "final", "code": {"text": "any"}}


def refused(model: type[FHIRAbstractModel], elements: dict[str, Any]) -> set[tuple[object, ...]]:
    """The places a model refuses."""
    try:
        model.model_validate(elements)
    except ValidationError as error:
        return {each["loc"] for each in error.errors()}
    return set()


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"status": "not a code "},
        {"status": 5},
        {"status": None},
        {"effectiveDateTime": "2026-11-19T08:00:00Z"},
        {"effectiveDateTime": "yesterday"},
        {"effectivePeriod": {"start": "2026-11-19"}},
        {"effectivePeriod": {"start": "yesterday"}},
        {"effectivePeriod": "2026"},
        {"effectiveDateTime": "2026-11-19", "effectivePeriod": {}},
        {"valueString": "positive", "valueBoolean": True},
    ],
)
def test_a_part_refuses_what_the_whole_refuses(sent: dict[str, Any]) -> None:
    part = part_of(Observation, ELEMENTS)
    elements = {**WHOLE, **sent}
    kept = {name: value for name, value in elements.items() if name in ELEMENTS}

    assert refused(part, kept) == refused(Observation, elements)


def test_a_choice_that_must_be_made_must_be_made() -> None:
    part = part_of(MedicationAdministration, ("status", "effectiveDateTime", "effectivePeriod"))

    assert refused(part, {"status": "completed"}) == {()}


def test_elements_left_out_are_not_asked_for() -> None:
    assert refused(part_of(Observation, ("status",)), {"status": "final"}) == set()
