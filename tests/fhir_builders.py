"""FHIR JSON in a line each: ``observation("alt", "30", "U/L", high="40")``.

Every builder takes further elements as keywords, which replace its own; None takes one away.
Numbers are written as text and become Decimal, as the wire hands them over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from cds_service.facts.extract import read_chart
from cds_service.facts.model import Chart
from cds_service.facts.vocabulary import (
    ADVERSE_EVENTS,
    ALLERGIES,
    CARE_PLANS,
    CONDITIONS,
    GOALS,
    MEDICATION_ADMINISTRATIONS,
    MEDICATION_REQUESTS,
    MEDICATION_STATEMENTS,
    OBSERVATIONS,
    PATIENT,
    PROCEDURES,
    SERVICE_REQUESTS,
)
from cds_service.fhir.hook_call import HookCall
from cds_service.terminology import Terminology

Resource = dict[str, Any]

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PATIENT_ID = "ada"
INO = "inotuzumab-ozogamicin"
KEY_OF = {
    "Observation": OBSERVATIONS,
    "Condition": CONDITIONS,
    "MedicationRequest": MEDICATION_REQUESTS,
    "MedicationStatement": MEDICATION_STATEMENTS,
    "MedicationAdministration": MEDICATION_ADMINISTRATIONS,
    "Procedure": PROCEDURES,
    "ServiceRequest": SERVICE_REQUESTS,
    "CarePlan": CARE_PLANS,
    "Goal": GOALS,
    "AdverseEvent": ADVERSE_EVENTS,
    "AllergyIntolerance": ALLERGIES,
}
ALL_KEYS = frozenset({PATIENT, *KEY_OF.values()})
_numbers = count(1)


@cache
def terminology() -> Terminology:
    """The bundled value sets."""
    return Terminology.load(Path(__file__).parent.parent / "rules" / "valuesets")


def concept(name: str, text: str | None = None) -> Resource:
    """A CodeableConcept with the first verified code of a concept or substance, or with words."""
    codings = terminology().codes(name)
    if not codings:
        return {"text": text or name}
    coding = codings[0]
    coded = {"system": coding.system, "code": coding.code, "display": coding.display}
    return {"coding": [coded], **({"text": text} if text else {})}


def _resource(resource_type: str, elements: Mapping[str, Any], more: Mapping[str, Any]) -> Resource:
    whole = {
        "resourceType": resource_type,
        "id": f"{resource_type.lower()}-{next(_numbers)}",
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
        **elements,
        **more,
    }
    return {name: value for name, value in whole.items() if value is not None}


def patient(birth: str | None = "1970-01-01", sex: str | None = "female", **more: Any) -> Resource:
    """The patient of the call."""
    own = {"id": PATIENT_ID, "subject": None, "birthDate": birth, "gender": sex}
    return _resource("Patient", own, more)


def quantity(value: str, unit: str | None = None, **more: Any) -> Resource:
    """A Quantity whose code is its unit, as laboratories send it."""
    whole = {"value": Decimal(value), "unit": unit, "code": unit, **more}
    return {name: found for name, found in whole.items() if found is not None}


def reference_range(
    low: str | None = None, high: str | None = None, unit: str | None = None, **more: Any
) -> Resource:
    """A reference range; without a unit it has that of the value."""
    ends = {"low": low, "high": high}
    return {**{end: quantity(v, unit) for end, v in ends.items() if v is not None}, **more}


def observation(
    analyte: str = "total-bilirubin",
    value: str | None = "1.8",
    unit: str | None = "mg/dL",
    high: str | None = "1.2",
    at: str | None = "2026-11-19T08:00:00Z",
    **more: Any,
) -> Resource:
    """A final numeric result with the laboratory's own upper limit."""
    own = {
        "status": "final",
        "code": concept(analyte),
        "effectiveDateTime": at,
        "valueQuantity": None if value is None else quantity(value, unit),
        "referenceRange": [reference_range(high=high, unit=unit)] if high else None,
    }
    return _resource("Observation", own, more)


def assessment(code: str | Resource, said: str | Resource | None = None, **more: Any) -> Resource:
    """A final observation in words or codes, such as a response."""
    own = {
        "status": "final",
        "code": concept(code) if isinstance(code, str) else code,
        "effectiveDateTime": "2026-11-10",
        "valueString": said if isinstance(said, str) else None,
        "valueCodeableConcept": said if isinstance(said, dict) else None,
    }
    return _resource("Observation", own, more)


def medication_request(drug: str = INO, status: str = "active", **more: Any) -> Resource:
    """An order written the day before."""
    own = {
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": concept(drug),
        "authoredOn": "2026-11-19",
    }
    return _resource("MedicationRequest", own, more)


def medication_statement(drug: str, status: str = "active", **more: Any) -> Resource:
    """A line of the medication list."""
    own = {"status": status, "medicationCodeableConcept": concept(drug)}
    return _resource("MedicationStatement", own, more)


def administration(drug: str = INO, at: str = "2026-11-12T10:00:00Z", **more: Any) -> Resource:
    """A dose given."""
    own = {
        "status": "completed",
        "medicationCodeableConcept": concept(drug),
        "effectiveDateTime": at,
    }
    return _resource("MedicationAdministration", own, more)


def condition(name: str = "vod-sos", status: str | None = "active", **more: Any) -> Resource:
    """A diagnosis."""
    own = {
        "clinicalStatus": {"coding": [{"code": status}]} if status else None,
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": concept(name),
    }
    return _resource("Condition", own, more)


def procedure(name: str = "hsct", status: str = "completed", **more: Any) -> Resource:
    """A procedure done on the first of May 2026."""
    own = {"status": status, "code": concept(name), "performedDateTime": "2026-05-01"}
    return _resource("Procedure", own, more)


def service_request(name: str = "hsct", status: str = "active", **more: Any) -> Resource:
    """An order for something to be done."""
    return _resource(
        "ServiceRequest", {"status": status, "intent": "order", "code": concept(name)}, more
    )


def care_plan(title: str | None = None, status: str = "active", **more: Any) -> Resource:
    """A plan with a title."""
    return _resource("CarePlan", {"status": status, "intent": "plan", "title": title}, more)


def goal(text: str, status: str = "active", **more: Any) -> Resource:
    """A goal in words."""
    return _resource("Goal", {"lifecycleStatus": status, "description": {"text": text}}, more)


def adverse_event(text: str = "Infusion reaction", drug: str = INO, **more: Any) -> Resource:
    """An adverse event put down to a drug, which is contained."""
    own = {
        "actuality": "actual",
        "event": {"text": text},
        "date": "2026-11-12",
        "contained": [{"resourceType": "Medication", "id": "drug", "code": concept(drug)}],
        "suspectEntity": [{"instance": {"reference": "#drug"}}],
    }
    return _resource("AdverseEvent", own, more)


def allergy(drug: str = INO, status: str = "active", **more: Any) -> Resource:
    """An allergy to a drug, confirmed."""
    own = {
        "subject": None,
        "patient": {"reference": f"Patient/{PATIENT_ID}"},
        "clinicalStatus": {"coding": [{"code": status}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": concept(drug),
    }
    return _resource("AllergyIntolerance", own, more)


def outcome(severity: str = "error", code: str = "exception") -> Resource:
    """An OperationOutcome of one issue."""
    issue = {"severity": severity, "code": code}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def bundle(*resources: Resource, **more: Any) -> Resource:
    """A complete searchset; an entry that has ``fullUrl`` or ``search`` is taken as it is."""
    whole = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "entry": [each if "resource" in each else {"resource": each} for each in resources],
        **more,
    }
    return {name: value for name, value in whole.items() if value is not None}


def prefetch(*resources: Resource, **more: Any) -> dict[str, Any]:
    """Every key answered: each resource under the key that finds its type, the others empty."""
    answers: dict[str, Any] = {PATIENT: patient()}
    for resource_type, key in KEY_OF.items():
        found = [each for each in resources if each["resourceType"] == resource_type]
        answers[key] = bundle(*found)
    return {**answers, **more}


def hook_call(
    *resources: Resource,
    drafts: Iterable[Resource] | None = None,
    hook: str = "order-sign",
    **more: Any,
) -> HookCall:
    """An order-sign call for one inotuzumab order, with the chart's resources prefetched."""
    orders = [medication_request(status="draft")] if drafts is None else list(drafts)
    elements: dict[str, Any] = {
        "service_id": f"inotuzumab-{hook}",
        "hook": hook,
        "hook_instance": "00000000-0000-4000-8000-000000000000",
        "patient_id": PATIENT_ID,
        "draft_orders": None if hook == "patient-view" else bundle(*orders),
        "prefetch": prefetch(*resources),
        "fhir_server": "https://ehr.example.org/fhir",
    }
    return HookCall(**{**elements, **more})


def chart_of(*resources: Resource, **more: Any) -> Chart:
    """The chart read from a call like that of ``hook_call``."""
    return read_chart(hook_call(*resources, **more), ALL_KEYS, terminology(), NOW)
