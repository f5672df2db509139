"""An order-sign call of ordinary size: 1 patient, 1 draft, 50 observations, 20 medication requests
and 10 conditions, about 80 kB. Nobody's data; the dates lie before the moment it is made.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

PATIENT = "benchmark"
SERVICE = "inotuzumab-order-sign"

LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"

# Code, name, unit, low and high limit, and a value that is not remarkable.
LABS = (
    ("1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma", "mg/dL", "0.2", "1.2", "0.7"),
    ("1742-6", "Alanine aminotransferase [Enzymatic activity/volume]", "U/L", "7", "40", "31"),
    ("1920-8", "Aspartate aminotransferase [Enzymatic activity/volume]", "U/L", "8", "40", "28"),
    ("6768-6", "Alkaline phosphatase [Enzymatic activity/volume]", "U/L", "40", "130", "88"),
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", "3.5", "5.1", "4.1"),
    ("2601-3", "Magnesium [Moles/volume] in Serum or Plasma", "mmol/L", "0.7", "1.0", "0.85"),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", "0.6", "1.2", "0.9"),
    ("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", "150", "400", "87"),
    ("751-8", "Neutrophils [#/volume] in Blood by Automated count", "10*3/uL", "1.5", "7.5", "2.1"),
    ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL", "4", "11", "3.9"),
)
DRUGS = (
    ("519", "allopurinol"),
    ("161", "acetaminophen"),
    ("3498", "diphenhydramine"),
    ("3264", "dexamethasone"),
    ("4450", "fluconazole"),
    ("8591", "potassium chloride"),
    ("6585", "magnesium sulfate"),
    ("11065", "ursodiol"),
    ("5492", "hydrocortisone"),
    ("20610", "cetirizine"),
)
CONDITIONS = (
    (SNOMED, "277571004", "B-cell acute lymphoblastic leukemia"),
    (ICD10, "E80.4", "Gilbert syndrome"),
    (ICD10, "I10", "Essential (primary) hypertension"),
    (ICD10, "E03.9", "Hypothyroidism, unspecified"),
    (ICD10, "K21.9", "Gastro-esophageal reflux disease without esophagitis"),
)

EMPTY = (
    "recentObservations",
    "medicationStatements",
    "medicationAdministrations",
    "procedures",
    "serviceRequests",
    "carePlans",
    "goals",
    "adverseEvents",
    "allergyIntolerances",
)

Resource = dict[str, Any]


def order_sign_call(now: datetime | None = None, times: int = 1) -> bytes:
    """The body of the call, as an EHR sends it; with so many times the ordinary chart."""
    now = now or datetime.now(UTC)
    return json.dumps(
        {
            "hook": "order-sign",
            "hookInstance": "3b6d9c6e-6f6f-4d5e-9a53-0f5d3d7f0c11",
            "context": {
                "userId": "Practitioner/benchmark",
                "patientId": PATIENT,
                "draftOrders": _bundle([_draft(now)], "collection"),
            },
            "prefetch": {
                "patient": {"resourceType": "Patient", "id": PATIENT, "birthDate": "1971-03-09"},
                "observations": _bundle([_lab(number, now) for number in range(50 * times)]),
                "conditions": _bundle([_condition(number, now) for number in range(10 * times)]),
                "medicationRequests": _bundle([_medication(n, now) for n in range(20 * times)]),
                **{key: _bundle([]) for key in EMPTY},
            },
        },
        separators=(",", ":"),
    ).encode()


def _bundle(resources: list[Resource], kind: str = "searchset") -> Resource:
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {
                "fullUrl": f"https://ehr.example.org/{each['resourceType']}/{each['id']}",
                "resource": each,
            }
            for each in resources
        ],
    }
    return bundle | ({"total": len(resources)} if kind == "searchset" else {})


def _header(kind: str, number: int, now: datetime) -> Resource:
    """What a server adds to every resource."""
    return {
        "resourceType": kind,
        "id": f"{kind.lower()}-{number}",
        "meta": {
            "versionId": "1",
            "lastUpdated": (now - timedelta(days=1)).isoformat(timespec="seconds"),
        },
        "identifier": [
            {"system": "https://ehr.example.org/identifiers", "value": f"{kind}-{number:08}"}
        ],
    }


def _concept(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _subject(name: str = "subject") -> Resource:
    return {name: {"reference": f"Patient/{PATIENT}"}}


def _encounter() -> Resource:
    return {"encounter": {"reference": "Encounter/benchmark"}}


def _lab(number: int, now: datetime) -> Resource:
    code, name, unit, low, high, value = LABS[number % len(LABS)]
    drawn = now - timedelta(days=1 + 3 * (number // len(LABS)), hours=2)
    category = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        **_header("Observation", number, now),
        "status": "final",
        "category": [_concept(category, "laboratory", "Laboratory")],
        "code": _concept(LOINC, code, name),
        **_subject(),
        "effectiveDateTime": drawn.isoformat(timespec="seconds"),
        "issued": (drawn + timedelta(hours=1)).isoformat(timespec="seconds"),
        "performer": [{"reference": "Organization/laboratory"}],
        "valueQuantity": _quantity(value, unit),
        "referenceRange": [
            {"low": _quantity(low, unit), "high": _quantity(high, unit)},
        ],
    }


def _quantity(value: str, unit: str) -> Resource:
    return {"value": json.loads(value), "unit": unit, "system": UCUM, "code": unit}


def _medication(number: int, now: datetime) -> Resource:
    code, name = DRUGS[number % len(DRUGS)]
    written = now - timedelta(days=3 + number)
    return {
        **_header("MedicationRequest", number, now),
        "status": "active" if number < 14 else "completed",
        "intent": "order",
        "category": [{"text": "Outpatient"}],
        "medicationCodeableConcept": _concept(RXNORM, code, name),
        **_subject(),
        "authoredOn": written.isoformat(timespec="seconds"),
        "requester": {"reference": "Practitioner/benchmark"},
        "dosageInstruction": [
            {
                "text": f"{name} once daily by mouth",
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "route": _concept(SNOMED, "26643006", "Oral route"),
            }
        ],
        "dispenseRequest": {
            "validityPeriod": {"start": written.date().isoformat()},
            "numberOfRepeatsAllowed": 2,
        },
    }


def _condition(number: int, now: datetime) -> Resource:
    terms = "http://terminology.hl7.org/CodeSystem"
    return {
        **_header("Condition", number, now),
        "clinicalStatus": _concept(f"{terms}/condition-clinical", "active", "Active"),
        "verificationStatus": _concept(f"{terms}/condition-ver-status", "confirmed", "Confirmed"),
        "category": [
            _concept(f"{terms}/condition-category", "problem-list-item", "Problem List Item")
        ],
        "code": _concept(*CONDITIONS[number % len(CONDITIONS)]),
        **_subject(),
        "onsetDateTime": (now - timedelta(days=200 + number)).date().isoformat(),
        "recordedDate": (now - timedelta(days=190 + number)).date().isoformat(),
    }


def _draft(now: datetime) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": _concept(RXNORM, "1942950", "inotuzumab ozogamicin"),
        **_subject(),
        **_encounter(),
        "authoredOn": now.isoformat(timespec="seconds"),
        "requester": {"reference": "Practitioner/benchmark"},
        "dosageInstruction": [
            {
                "text": "C1D1: 1.4 mg IV over 1 hour",
                "timing": {"event": [now.date().isoformat()]},
                "doseAndRate": [{"doseQuantity": _quantity("1.4", "mg")}],
            }
        ],
    }
