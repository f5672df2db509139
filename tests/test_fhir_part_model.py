"""The part of a FHIR model that we read judges its elements as the whole model does."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.medicationadministration import MedicationAdministration
from fhir.resources.R4B.observation import Observation
from pydantic import ValidationError

from cds_service.fhir.part_model import part_of

ELEMENTS = ("status", "effectiveDateTime", "effectivePeriod", "valueString", "valueBoolean")
WHOLE: dict[str, Any] = {"status": "final", "code": {"text": "any"}}


def refused(elements: dict[str, Any]) -> tuple[str, ...]:
    """The places the whole model refuses."""
    try:
        Observation.model_validate(elements)
    except ValidationError as error:
        return tuple(".".join(map(str, each["loc"])) or "resource" for each in error.errors())
    return ()


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
    elements = {name: value for name, value in {**WHOLE, **sent}.items() if value is not None}
    kept = {name: value for name, value in elements.items() if name in ELEMENTS}

    assert part_of(Observation, ELEMENTS).complaints(kept) == refused(elements)


def test_a_choice_that_must_be_made_must_be_made() -> None:
    part = part_of(MedicationAdministration, ("status", "effectiveDateTime", "effectivePeriod"))

    assert part.complaints({"status": "completed"}) == ("resource",)
    assert part.complaints({"status": "completed", "effectiveDateTime": "2026-11-19"}) == ()


def test_elements_left_out_are_not_asked_for() -> None:
    assert part_of(Observation, ("status",)).complaints({"status": "final"}) == ()
