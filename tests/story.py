"""Builders for whole stories: a chart in plain FHIR, the drafts, one call, the cards.

Written from the clinical catalogue and the FHIR specification alone, without looking at how the
service reads, so that a misreading on one side is not repeated on the other.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.fhir_search import Resource, prefetched

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PATIENT = "p-1"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
NDC = "http://hl7.org/fhir/sid/ndc"
_ids = count(1)

LOINC_OF = {
    "bilirubin": "1975-2",
    "alt": "1742-6",
    "ast": "1920-8",
    "alp": "6768-6",
}
RXNORM_OF = {
    "inotuzumab": "1942950",
    "busulfan": "1828",
    "melphalan": "6718",
    "cyclophosphamide": "3002",
    "ondansetron": "26225",
    "amiodarone": "703",
    "fluconazole": "4450",
    "ursodiol": "11065",
    "voriconazole": "121243",
    "diphenhydramine": "3498",
    "fludarabine": "24698",
    "thiotepa": "10473",
    "ifosfamide": "5657",
}


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(days_ago: float) -> str:
    return (NOW - timedelta(days=days_ago)).strftime("%Y-%m-%d")


def patient(**more: Any) -> Resource:
    return {
        "resourceType": "Patient",
        "id": PATIENT,
        "gender": "female",
        "birthDate": "1980-05-01",
        **more,
    }


def _resource(kind: str, **elements: Any) -> Resource:
    return {
        "resourceType": kind,
        "id": f"{kind.lower()}-{next(_ids)}",
        "subject": {"reference": f"Patient/{PATIENT}"},
        **elements,
    }


def drug(name: str) -> dict[str, Any]:
    if name in RXNORM_OF:
        return {"coding": [{"system": RXNORM, "code": RXNORM_OF[name], "display": name}]}
    return {"text": name}


def order(name: str, **more: Any) -> Resource:
    return _resource(
        "MedicationRequest",
        **{
            "status": "draft",
            "intent": "order",
            "medicationCodeableConcept": drug(name),
            "authoredOn": ago(0),
            **more,
        },
    )


def on_file(name: str, **more: Any) -> Resource:
    return order(name, **{"status": "active", "authoredOn": ago(3), **more})


def given(name: str, days_ago: float, **more: Any) -> Resource:
    return _resource(
        "MedicationAdministration",
        **{
            "status": "completed",
            "medicationCodeableConcept": drug(name),
            "effectiveDateTime": ago(days_ago),
            **more,
        },
    )


def lab(name: str, value: str, uln: str | None, days_ago: float = 1, **more: Any) -> Resource:
    """A result such as ``lab("bilirubin", "1.9 mg/dL", "1.2")``."""
    number, unit = value.split(" ", 1)
    quantity: dict[str, Any] = {"value": float(number), "unit": unit}
    result = _resource(
        "Observation",
        status="final",
        code={"coding": [{"system": LOINC, "code": LOINC_OF[name]}]},
        effectiveDateTime=ago(days_ago),
        valueQuantity=quantity,
    )
    if uln is not None:
        result["referenceRange"] = [{"high": {"value": float(uln), "unit": unit}}]
    return {**result, **more}


def liver(
    bilirubin: str = "0.6", alt: str = "20", ast: str = "20", days_ago: float = 1
) -> list[Resource]:
    """A whole liver panel with ULN 1.2 mg/dL and 40 U/L."""
    return [
        lab("bilirubin", f"{bilirubin} mg/dL", "1.2", days_ago),
        lab("alt", f"{alt} U/L", "40", days_ago),
        lab("ast", f"{ast} U/L", "40", days_ago),
        lab("alp", "80 U/L", "120", days_ago),
    ]


def condition(code: str, system: str = ICD, status: str = "active", **more: Any) -> Resource:
    return _resource(
        "Condition",
        clinicalStatus={
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": status,
                }
            ]
        },
        code={"coding": [{"system": system, "code": code}]},
        **more,
    )


def transplant_planned(in_days: float | None = 20, **more: Any) -> Resource:
    planned = {} if in_days is None else {"occurrenceDateTime": day(-in_days)}
    return _resource(
        "ServiceRequest",
        **{
            "status": "active",
            "intent": "plan",
            "code": {"coding": [{"system": SNOMED, "code": "234336002"}]},
            **planned,
            **more,
        },
    )


def course(cycles: int, last_dose_days_ago: int = 14) -> list[Resource]:
    """Administrations of that many whole cycles, three weekly doses each, 28 days apart."""
    doses = []
    for cycle in range(cycles):
        for week in range(3):
            days_before_last = (cycles - 1 - cycle) * 28 + (2 - week) * 7
            doses.append(given("inotuzumab", last_dose_days_ago + days_before_last))
    return doses


def response(days_ago: float, remission: bool = True) -> Resource:
    code = "550991000124107" if remission else "271299001"
    return _resource(
        "Observation",
        status="final",
        code={"coding": [{"system": LOINC, "code": "97509-4"}]},
        effectiveDateTime=ago(days_ago),
        valueCodeableConcept={"coding": [{"system": SNOMED, "code": code}]},
    )


def mrd(days_ago: float, value: str = "negative") -> Resource:
    return _resource(
        "Observation",
        status="final",
        code={"text": "MRD by flow cytometry, bone marrow"},
        effectiveDateTime=ago(days_ago),
        valueString=value,
    )


def coded(system: str, code: str) -> dict[str, Any]:
    """A CodeableConcept with one coding and no words."""
    return {"coding": [{"system": system, "code": code}]}


def procedure(code: str, days_ago: float, system: str = SNOMED, **more: Any) -> Resource:
    return _resource(
        "Procedure",
        **{
            "status": "completed",
            "code": coded(system, code),
            "performedDateTime": day(days_ago),
            **more,
        },
    )


def observation(code: dict[str, Any], days_ago: float = 1, **more: Any) -> Resource:
    """A final result with any code and value: a local MRD code, a panel, a text."""
    return _resource(
        "Observation", status="final", code=code, effectiveDateTime=ago(days_ago), **more
    )


def care_plan(**more: Any) -> Resource:
    return _resource("CarePlan", **{"status": "active", "intent": "plan", **more})


def goal(text: str, **more: Any) -> Resource:
    return _resource("Goal", **{"lifecycleStatus": "active", "description": {"text": text}, **more})


def dated(resource: Resource, in_days: float) -> Resource:
    """The order with its one planned day."""
    return {**resource, "dosageInstruction": [{"timing": {"event": [day(-in_days)]}}]}


WEIGHT, HEIGHT, BSA = 70.0, 170.0, 1.818
"""In kg, cm and m2 (Mosteller)."""

STANDARD_COURSE = {
    0: (1, 1, 0.8),
    7: (1, 8, 0.5),
    14: (1, 15, 0.5),
    21: (2, 1, 0.5),
    28: (2, 8, 0.5),
    35: (2, 15, 0.5),
}
"""By days from the first dose: cycle, day of the cycle, mg/m2; a responder from cycle 2 on."""
GRAFT_DAY = 66


def result(code: str, value: float, unit: str, days_ago: float = 1, **more: Any) -> Resource:
    """A result by its LOINC code, without a range unless ``within`` adds one."""
    quantity = {"value": value, "unit": unit}
    return observation(coded(LOINC, code), days_ago, **{"valueQuantity": quantity, **more})


def within(low: float, high: float, unit: str) -> dict[str, Any]:
    """The reference range of a result."""
    limits = {"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}
    return {"referenceRange": [limits]}


def work_up(panel: list[Resource] | None = None) -> list[Resource]:
    """What is done in the days before a dose, all of it normal; ``panel`` are the liver tests."""
    return [
        *(liver() if panel is None else panel),
        result("751-8", 2.5, "10*9/L"),
        result("777-3", 150, "10*9/L"),
        result("6690-2", 4.2, "10*9/L"),
        result("30376-8", 0, "10*9/L"),
        result("2823-3", 4.1, "mmol/L", **within(3.5, 5.1, "mmol/L")),
        result("2601-3", 0.85, "mmol/L", **within(0.7, 1.05, "mmol/L")),
        result("2000-8", 2.3, "mmol/L", **within(2.1, 2.6, "mmol/L")),
        result("76634-5", 415, "ms"),
        result("29463-7", WEIGHT, "kg"),
        result("8302-2", HEIGHT, "cm"),
        result("2532-0", 200, "U/L", **within(100, 250, "U/L")),
        observation(coded(LOINC, "2118-8"), valueString="negative"),
    ]


def whole_chart(today: int = 21, panel: list[Resource] | None = None) -> list[Resource]:
    """Everything the label asks for, on a day of the standard course counted from its first dose.

    The dose of that day is not in it; ``panel`` takes the place of the normal liver tests.
    """
    doses = [
        given("inotuzumab", today - on, dosage={"dose": milligrams(per_m2)})
        for on, (_, _, per_m2) in STANDARD_COURSE.items()
        if on < today
    ]
    assessed = [response(today - 19), mrd(today - 19)] if today > 20 else []
    b_cell_all = condition("277571004", SNOMED, onsetDateTime=day(today + 400))
    return [
        condition("C91.02", onsetDateTime=day(today + 30)),
        {**b_cell_all, "code": {**b_cell_all["code"], "text": "B-ALL, Philadelphia-negative"}},
        care_plan(title="Second-line therapy: inotuzumab ozogamicin", created=day(today + 10)),
        result("51124-6", 95, "%", today + 20),
        transplant_planned(GRAFT_DAY - today),
        on_file("ursodiol"),
        on_file("allopurinol"),
        *doses,
        *work_up(panel),
        *assessed,
    ]


def milligrams(per_m2: float) -> dict[str, Any]:
    """The dose of the patient whose body surface is ``BSA``."""
    return {"value": round(per_m2 * BSA, 2), "unit": "mg"}


def dosed(today: int = 21) -> Resource:
    """The draft for a day of the standard course, with dose, route and infusion."""
    cycle, day_of_cycle, per_m2 = STANDARD_COURSE[today]
    how = "in 50 mL 0.9 % sodium chloride, IV over 1 hour"
    return order(
        "inotuzumab",
        dosageInstruction=[
            {
                "text": f"C{cycle}D{day_of_cycle}: {per_m2} mg/m2 {how}",
                "timing": {"event": [day(0)]},
                "route": {"text": "intravenous"},
                "doseAndRate": [{"doseQuantity": milligrams(per_m2)}],
            }
        ],
    )


def premedication() -> list[Resource]:
    """Single doses on the day: a corticosteroid, an antipyretic, an antihistamine."""
    once = {"dosageInstruction": [{"timing": {"event": [day(0)], "repeat": {"count": 1}}}]}
    names = ("dexamethasone", "acetaminophen", "diphenhydramine")
    return [order(name, **once) for name in names]


def only(chapter: str, cards: dict[str, dict[str, Any]]) -> list[str]:
    """The rules with a card that belong to a chapter, such as ``INO-LIV``."""
    return [rule for rule in cards if rule.startswith(chapter)]


class Story:
    """One call to a running app: ``Story(client).sign(drafts, chart)``."""

    def __init__(self, client: Any) -> None:
        self.client = client
        services = client.get("/cds-services").get_json()["services"]
        self.templates = {s["hook"]: s.get("prefetch", {}) for s in services}

    def body(
        self, hook: str, drafts: list[Resource], chart: list[Resource], **context: Any
    ) -> dict[str, Any]:
        call: dict[str, Any] = {
            "hook": hook,
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": {"userId": "Practitioner/1", "patientId": PATIENT, **context},
            "prefetch": prefetched(self.templates[hook], PATIENT, [patient(), *chart]),
        }
        if hook != "patient-view":
            call["context"]["draftOrders"] = {
                "resourceType": "Bundle",
                "entry": [{"resource": each} for each in drafts],
            }
        return call

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.client.post(path, data=json.dumps(body), content_type="application/json")

    def cards(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.post(f"/cds-services/inotuzumab-{body['hook']}", body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: list[dict[str, Any]] = answer.get_json()["cards"]
        return found

    def sign(self, drafts: list[Resource], chart: list[Resource]) -> dict[str, dict[str, Any]]:
        """Cards of an order-sign call by rule id."""
        return by_rule(self.cards(self.body("order-sign", drafts, chart)))

    def view(self, chart: list[Resource]) -> dict[str, dict[str, Any]]:
        """Cards of a patient-view call by rule id."""
        return by_rule(self.cards(self.body("patient-view", [], chart)))

    def select(
        self, selected: list[Resource], background: list[Resource], chart: list[Resource]
    ) -> dict[str, dict[str, Any]]:
        """Cards of an order-select call by rule id."""
        body = self.body(
            "order-select",
            [*selected, *background],
            chart,
            selections=[f"{r['resourceType']}/{r['id']}" for r in selected],
        )
        return by_rule(self.cards(body))

    def verdicts(self, body: dict[str, Any]) -> dict[str, str]:
        """Verdicts of /explain by rule id."""
        answer = self.post(f"/explain/inotuzumab-{body['hook']}", body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return {rule["id"]: rule["verdict"] for rule in answer.get_json()["rules"]}


def by_rule(cards: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    codes = [card["source"]["topic"]["code"] for card in cards]
    assert len(codes) == len(set(codes)), f"a rule with two cards: {codes}"
    return dict(zip(codes, cards, strict=True))
