"""Prune a resource to the elements we read, then validate it with the FHIR models.

Codings, references, ranges and words are not part of the pruned resource: they are looked at one
by one with ``peek``, so that a stray one (Epic sends ``category`` as an object) costs only itself.
R4B models serve R4: the elements we read are the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir.resources.R4B.adverseevent import AdverseEvent
from fhir.resources.R4B.allergyintolerance import AllergyIntolerance
from fhir.resources.R4B.careplan import CarePlan
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.goal import Goal
from fhir.resources.R4B.medicationadministration import MedicationAdministration
from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.medicationstatement import MedicationStatement
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.procedure import Procedure
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir_core.fhirabstractmodel import FHIRAbstractModel

from cds_service.fhir.part_model import part_of
from cds_service.fhir.peek import Resource
from cds_service.fhir.plain import Shape, plain_form

_PERIOD: Shape = dict.fromkeys(("start", "end"))
_DOSAGE: Shape = {"timing": {"event": None, "repeat": {"boundsPeriod": _PERIOD}}}


@dataclass(frozen=True, slots=True)
class Spec:
    """What we read of one resource type.

    ``given`` stands in for required elements that may be missing in a draft. ``spare`` are elements
    whose failure costs only themselves.
    """

    model: type[FHIRAbstractModel]
    shape: Shape
    given: Mapping[str, Any]
    spare: frozenset[str] = frozenset()


SPECS: Mapping[str, Spec] = {
    "Patient": Spec(Patient, {"birthDate": None, "gender": None}, {}, frozenset({"birthDate"})),
    "Observation": Spec(
        Observation,
        {
            "status": None,
            "effectiveDateTime": None,
            "effectiveInstant": None,
            "effectivePeriod": _PERIOD,
            "valueQuantity": {},
            "valueString": None,
            "valueInteger": None,
            "valueBoolean": None,
            "component": {},
        },
        {},
    ),
    "MedicationRequest": Spec(
        MedicationRequest,
        {
            "status": None,
            "intent": None,
            "doNotPerform": None,
            "authoredOn": None,
            "dosageInstruction": _DOSAGE,
            "dispenseRequest": {"validityPeriod": {"end": None}},
        },
        {"status": "unknown", "intent": "order"},
        frozenset({"authoredOn", "dosageInstruction", "dispenseRequest"}),
    ),
    "MedicationStatement": Spec(
        MedicationStatement,
        {
            "status": None,
            "effectiveDateTime": None,
            "effectivePeriod": _PERIOD,
            "dateAsserted": None,
            "dosage": _DOSAGE,
        },
        {"status": "unknown"},
        frozenset({"dateAsserted", "dosage"}),
    ),
    "MedicationAdministration": Spec(
        MedicationAdministration,
        {
            "status": None,
            "effectiveDateTime": None,
            "effectivePeriod": _PERIOD,
            "dosage": {},
        },
        {},
        frozenset({"dosage"}),
    ),
    "Condition": Spec(
        Condition,
        {
            "onsetDateTime": None,
            "onsetPeriod": _PERIOD,
            "abatementDateTime": None,
            "abatementPeriod": _PERIOD,
            "recordedDate": None,
        },
        {},
        frozenset(
            {"onsetDateTime", "onsetPeriod", "abatementDateTime", "abatementPeriod", "recordedDate"}
        ),
    ),
    "Procedure": Spec(
        Procedure,
        {"status": None, "performedDateTime": None, "performedPeriod": _PERIOD},
        {},
        frozenset({"performedDateTime", "performedPeriod"}),
    ),
    "ServiceRequest": Spec(
        ServiceRequest,
        {
            "status": None,
            "intent": None,
            "doNotPerform": None,
            "occurrenceDateTime": None,
            "occurrencePeriod": _PERIOD,
            "occurrenceTiming": {"event": None},
        },
        {"status": "unknown", "intent": "order"},
        frozenset({"occurrenceDateTime", "occurrencePeriod", "occurrenceTiming"}),
    ),
    "CarePlan": Spec(
        CarePlan,
        {
            "status": None,
            "title": None,
            "description": None,
            "period": _PERIOD,
            "activity": {
                "detail": {
                    "kind": None,
                    "status": None,
                    "doNotPerform": None,
                    "scheduledPeriod": _PERIOD,
                    "scheduledTiming": {"event": None},
                    "scheduledString": None,
                    "description": None,
                },
            },
        },
        {},
        frozenset({"period"}),
    ),
    "Goal": Spec(
        Goal,
        {"lifecycleStatus": None},
        {},
    ),
    "AdverseEvent": Spec(
        AdverseEvent,
        {"actuality": None, "date": None, "detected": None, "recordedDate": None},
        {"actuality": "actual"},
        frozenset({"date", "detected", "recordedDate"}),
    ),
    "AllergyIntolerance": Spec(
        AllergyIntolerance,
        {
            "criticality": None,
            "onsetDateTime": None,
            "onsetPeriod": _PERIOD,
            "recordedDate": None,
            "lastOccurrence": None,
        },
        {},
        frozenset(
            {"criticality", "onsetDateTime", "onsetPeriod", "recordedDate", "lastOccurrence"}
        ),
    ),
}


_PARTS = {name: part_of(spec.model, spec.shape) for name, spec in SPECS.items()}
"""What each resource is validated with: other elements neither matter nor take time."""

PLAIN = {name: plain_form(_PARTS[name], spec.shape, spec.given) for name, spec in SPECS.items()}
"""What recognises a resource that need not be validated."""


class Reading(NamedTuple):
    """What came of reading a resource.

    ``resource`` is the resource, safe to look into where its spec says, or None when it cannot be
    used. ``wrong`` names the elements that could not be read (paths, never values); when there is
    a resource, only those were left out of it.
    """

    resource: Resource | None
    wrong: tuple[str, ...] = ()


def read(resource: Resource, resource_type: str) -> Reading:
    """Judge one resource of a type in ``SPECS``: at a glance, or else by its model."""
    if PLAIN[resource_type](resource):
        return Reading(resource)
    return read_by_model(resource, resource_type)


def read_by_model(resource: Resource, resource_type: str) -> Reading:
    """Prune and validate one resource of a type in ``SPECS``."""
    spec, model = SPECS[resource_type], _PARTS[resource_type]
    pruned = {**spec.given, **_prune(resource, spec.shape)}
    wrong = model.complaints(pruned)
    if not wrong:
        return Reading(resource)
    roots = {path.partition(".")[0] for path in wrong}
    if roots <= spec.spare:
        rest = {name: value for name, value in pruned.items() if name not in roots}
        if not model.complaints(rest):
            kept = {name: value for name, value in resource.items() if name not in roots}
            return Reading(kept, wrong)
    return Reading(None, wrong)


def _prune(value: Resource, shape: Shape) -> dict[str, Any]:
    kept = {}
    for name, below in shape.items():
        if name in value and not _is_blank(found := _pruned(value[name], below)):
            kept[name] = found
    return kept


def _pruned(value: object, shape: Shape | None) -> object:
    if isinstance(value, list):
        items = [_pruned_item(item, shape) for item in value]
        return [item for item in items if not _is_blank(item)]
    return _pruned_item(value, shape)


def _pruned_item(value: object, shape: Shape | None) -> object:
    if isinstance(value, str):
        return value.strip()
    return _prune(value, shape) if shape is not None and isinstance(value, dict) else value


def _is_blank(value: object) -> bool:
    """FHIR knows no empty element; some senders do. Zero and false are not empty."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)
