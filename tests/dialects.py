"""Requests as known clients send them, and what a client of a dialect is answered.

Each builder states what is on record about one client, and no more: the shape is theirs, chart and
drafts are those of a story. What is recorded of each client is told in `docs/dialects.md`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from cds_service.app import join_parts
from cds_service.clients import Client
from cds_service.data import fixtures_dir
from cds_service.decide import Parts, decide
from cds_service.fixtures import load_fixture
from cds_service.settings import Settings
from cds_service.store.port import NoLog
from cds_service.store.records import CallRecord
from cds_service.strict_json import dumps
from cds_service.web.call_schema import Caller, hook_call
from cds_service.web.card_form import as_sent
from tests.fhir_search import Resource
from tests.golden import FIXTURES, WRITTEN_FOR
from tests.story import PATIENT, Story

JSON = dict[str, Any]
EPIC = Client("Epic hospital", dialect="epic")
KEPT_FOR_EPIC = ("nadia-qt-three-drugs", "dmitri-vod-now", "petra-premedication-only")
EPIC_SERVER = "https://ehr.example.org/interconnect/api/FHIR/R4"
RXNORM_OID = "urn:oid:2.16.840.1.113883.6.88"
GPI = "urn:oid:2.16.840.1.113883.6.68"
LOCAL_DRUGS = "urn:oid:2.16.840.1.113883.6.253"
DOSE_TYPES = "urn:oid:1.2.840.114350.1.13.0.1.7.10.768076.4019"


# ---------------------------------------------------------------------------- what they send


def epic_call(told: Story, hook: str, drafts: list[Resource], chart: list[Resource]) -> JSON:
    """Epic: its extensions, a UUID of version 1, a token of five minutes, medications apart."""
    orders = [entry for draft in drafts for entry in epic_entries(draft)]
    body = told.body(hook, [], chart, userId="PractitionerRole/eRole1")
    if hook != "patient-view":
        body["context"]["draftOrders"] = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": each} for each in orders],
        }
    if hook == "order-select":
        body["context"]["selections"] = [f"{each['resourceType']}/{each['id']}" for each in drafts]
    return {
        **body,
        "hookInstance": "5d7b8a36-c3f1-11f0-9c1e-0242ac120002",
        "fhirServer": EPIC_SERVER,
        "fhirAuthorization": {
            "access_token": "an-epic-token",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "Observation.Read (Labs) (R4) PATIENT.READ medication medication.create",
            "subject": "aeac3da7-6481-45af-ad41-42e5e701141d",
        },
        "prefetch": {key: epic_answer(value) for key, value in body["prefetch"].items()},
        "extension": {
            "com.epic.cdshooks.request.bpa-trigger-action": "23",
            "com.epic.cdshooks.request.cds-hooks-specification-version": "1.1",
            "com.epic.cdshooks.request.fhir-version": "R4",
            "com.epic.cdshooks.request.criteria-id": "8883611",
            "com.epic.cdshooks.request.epic-version": "10.9",
            "com.epic.cdshooks.request.cds-hooks-implementation-version": "1.0",
            "com.epic.cdshooks.request.cds-hooks-su-version": "0",
            "internal.epic.cdshooks.request.epic-emp-id": "17805",
        },
    }


def epic_entries(draft: Resource) -> list[Resource]:
    """A draft whose drug is a further entry, with its subject absolute, its category an object."""
    order = {
        **draft,
        "subject": {"reference": f"{EPIC_SERVER}/Patient/{PATIENT}"},
        "category": {"coding": [{"code": "inpatient"}], "text": "Inpatient"},
    }
    concept = order.pop("medicationCodeableConcept", None)
    if concept is None:
        return [order]
    (rxnorm,) = concept["coding"]
    medication = {
        "resourceType": "Medication",
        "id": f"eMed-{draft['id']}",
        "code": {
            "coding": [
                {"system": LOCAL_DRUGS, "code": "60044"},
                {"system": GPI, "code": "99000000000000"},
                {"system": RXNORM_OID, "code": rxnorm["code"]},
            ],
            "text": rxnorm["display"].upper(),
        },
    }
    order["medicationReference"] = {
        "reference": f"{EPIC_SERVER}/Medication/{medication['id']}",
        "display": rxnorm["display"].upper(),
    }
    return [order, medication]


def epic_answer(value: Any) -> Any:
    """An empty search arrives as an outcome: nothing found, which is no failure."""
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle" or value["entry"]:
        return value
    none_found = {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "warning",
                "code": "processing",
                "details": {
                    "coding": [
                        {
                            "system": "urn:oid:1.2.840.114350.1.13.861.1.7.2.657369",
                            "code": "4101",
                            "display": "Resource request returns no results.",
                        }
                    ],
                    "text": "Resource request returns no results.",
                },
            }
        ],
    }
    return {**value, "total": 0, "entry": [{"resource": none_found, "search": {"mode": "outcome"}}]}


def typed_doses(**amounts: tuple[float, str]) -> Resource:
    """A dosage with one dose for each of Epic's types: ``ordered=(0.8, "mg/m2")``."""
    doses = [
        {
            "type": {"coding": [{"system": DOSE_TYPES, "display": kind}], "text": kind},
            "doseQuantity": {"value": value, "unit": unit},
        }
        for kind, (value, unit) in (
            (name.replace("_", "-"), amount) for name, amount in amounts.items()
        )
    ]
    return {"text": "IV over 1 hour", "doseAndRate": doses}


def sandbox_call(told: Story, hook: str, drafts: list[Resource], chart: list[Resource]) -> JSON:
    """CDS Hooks Sandbox: a server without a token, no encounter, a category that is an object."""
    inpatient = {"coding": [{"code": "inpatient", "display": "Inpatient"}]}
    sent = [{**each, "category": inpatient} for each in drafts]
    selections = [f"{each['resourceType']}/{each['id']}" for each in sent]
    chosen = {"selections": selections} if hook == "order-select" else {}
    body = told.body(hook, sent, chart, **chosen)
    return {**body, "fhirServer": "https://sandbox.example.org/v/r4/fhir"}


def crd_generator_call(told: Story, drafts: list[Resource], chart: list[Resource]) -> JSON:
    """Da Vinci CRD request generator: one instance for ever, an empty token, keys of its own."""
    body = told.body("order-sign", drafts, [])
    by_type: dict[str, list[Resource]] = {}
    for each in (*drafts, *chart):
        by_type.setdefault(each["resourceType"], []).append(each)
    own = {
        f"{type_[0].lower()}{type_[1:]}Bundle": {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": each} for each in found],
        }
        for type_, found in by_type.items()
    }
    return {
        **body,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": "https://ehr.example.org/r4",
        "fhirAuthorization": {
            "access_token": "",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/Patient.read patient/Observation.read",
            "subject": "cds-service4",
        },
        "prefetch": {"patient": body["prefetch"]["patient"], **own},
        "extension": {"davinci-crd.configuration": {"max-cards": 10, "alt-drug": True}},
    }


def cerner_call(told: Story, chart: list[Resource]) -> JSON:
    """Oracle Health (Cerner), beta of 2021: patient-view alone, as CDS Hooks 1.0 has it."""
    body = told.body("patient-view", [], chart, encounterId="97953477")
    return {**body, "fhirServer": "https://fhir.example.com/r4"}


# ---------------------------------------------------------------------------- what they get


@dataclass
class Kept(NoLog):
    """A card log that holds what it is told."""

    records: list[CallRecord] = field(default_factory=list)

    def record(self, call: CallRecord) -> None:
        self.records.append(call)


@dataclass(frozen=True)
class Answer:
    """What a client was sent, and what was kept of it."""

    sent: JSON
    kept: CallRecord

    @property
    def cards(self) -> dict[str, JSON]:
        """The cards by rule id."""
        return {card["source"]["topic"]["code"]: card for card in self.sent["cards"]}


@cache
def _parts() -> Parts:
    return join_parts(Settings(), clock=lambda: WRITTEN_FOR)


def answered(body: Mapping[str, Any], client: Client, profile: str = "US") -> Answer:
    """The answer to a body when this client sends it; ids are counted, the clock stands still."""
    numbers, log = count(1), Kept()
    parts = replace(_parts(), card_log=log, new_id=lambda: _uuid(next(numbers)))
    service = parts.rulebook.service(f"inotuzumab-{body['hook']}")
    assert service is not None
    call = hook_call(json.loads(dumps(body), parse_float=Decimal), service, Caller(client, profile))
    sent = json.loads(dumps(as_sent(decide(call, parts, "call-1").cards)), parse_float=Decimal)
    return Answer(sent, log.records[0])


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def fired(fixture: str, client: Client = EPIC) -> Answer:
    """The answer to a synthetic patient's request when this client sends it."""
    return answered(load_fixture(fixture, WRITTEN_FOR), client, FIXTURES[fixture].profile)


def golden_file(fixture: str) -> Path:
    """Where the kept answer to Epic lies."""
    return fixtures_dir() / "golden-epic" / f"{fixture}.json"


def write() -> None:
    """Keep what the service of today answers Epic."""
    for name in KEPT_FOR_EPIC:
        answer = json.loads(dumps(fired(name).sent))
        text = json.dumps(answer, indent=1, ensure_ascii=False)
        golden_file(name).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.dialects --write   (rewrites fhir_fixtures/golden-epic)")
    write()
