"""A hook call made from what a tester has: a Bundle, or a FHIR server and the id of a patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cds_service.clients import SANDBOX
from cds_service.decide import Parts
from cds_service.fhir.access.permission import Permission, Refusal, permission_of
from cds_service.fhir.bundle import Entry, State, entries_in
from cds_service.fhir.hook_call import HookCall
from cds_service.fhir.peek import text_at
from cds_service.rulebook.model import Service
from cds_service.terminology.systems import RXNORM
from cds_service.web.bundle_prefetch import (
    answered_types,
    as_entry,
    flaw_of,
    prefetch_from,
    type_of,
)
from cds_service.web.errors import malformed

JSON = dict[str, Any]

ORDER_TYPES = frozenset(
    {
        "DeviceRequest",
        "MedicationRequest",
        "NutritionOrder",
        "ServiceRequest",
        "VisionPrescription",
    }
)
"""What the order hooks carry as drafts (CDS Hooks Library 1.0.1, order-sign)."""

_USER = "Practitioner/workbench"
_INOTUZUMAB = "inotuzumab-ozogamicin"
_REFUSED: Mapping[Refusal, tuple[str, str]] = {
    Refusal.NO_SERVER: ("server", "is missing: the base URL of a FHIR server on this machine"),
    Refusal.UNREADABLE: ("server", "must be a plain URL, for example http://127.0.0.1:8090/fhir"),
    Refusal.NOT_LOOPBACK: (
        "server",
        "must be on this machine, for example http://127.0.0.1:8090/fhir: without a clients file "
        "no other server is asked",
    ),
    Refusal.PATIENT_ID: ("patient", "must be the FHIR id of one patient, without Patient/"),
}
_FLAWS = {
    State.TRUNCATED: "The Bundle has more pages: what is absent counts as not read.",
    State.FAILED: "The Bundle tells of a search that failed: what is absent counts as not read.",
    State.NOT_ALLOWED: "The Bundle tells of a search that was not allowed: what is absent counts "
    "as not read.",
}


def request_from(sent: Mapping[str, Any], parts: Parts) -> JSON:
    """The hook call under ``request``, and under ``notes`` what a tester should know of it.

    ``sent`` names a ``hook`` and has a ``bundle``, or a ``server`` and a ``patient``. ``order``
    true adds a draft order of inotuzumab without a dose, to be filled in.

    Raises:
        CallError: 400, at the member that cannot be used.
    """
    service = _service(sent.get("hook"), parts)
    if "bundle" in sent:
        return _from_bundle(sent, service, parts)
    if "server" in sent:
        return _from_server(sent, service, parts)
    raise malformed("there must be a bundle, or a server and a patient")


def _service(hook: object, parts: Parts) -> Service:
    for service in parts.rulebook.services:
        if service.hook == hook:
            return service
    known = ", ".join(service.hook for service in parts.rulebook.services)
    raise malformed(f"hook must be one of {known}", "hook")


def _from_bundle(sent: Mapping[str, Any], service: Service, parts: Parts) -> JSON:
    bundle = sent["bundle"]
    if text_at(bundle, "resourceType") != "Bundle":
        raise malformed("bundle.resourceType must be Bundle", "bundle.resourceType")
    if not isinstance(bundle.get("entry"), list):
        raise malformed("bundle.entry must be an array", "bundle.entry")
    entries = list(entries_in(bundle))
    patient = _only_patient(entries)
    takes_drafts = service.hook != "patient-view"
    drafts = [each for each in entries if takes_drafts and _is_draft(each)]
    on_file = [each for each in entries if not (takes_drafts and _is_draft(each))]
    templates = parts.prefetch[service.id]
    flaw = flaw_of(bundle)
    patient_id = text_at(patient.resource, "id")
    request = _request(sent, service, parts, patient_id, drafts)
    request["prefetch"] = prefetch_from(patient, on_file, templates, flaw)
    notes = [*_told(on_file, answered_types(templates.values())), *_told_drafts(request)]
    return {"request": request, "notes": notes + ([_FLAWS[flaw]] if flaw else [])}


def _only_patient(entries: Sequence[Entry]) -> Entry:
    patients = [entry for entry in entries if type_of(entry) == "Patient"]
    if not patients:
        problem = "the Bundle holds no Patient: add the one whose chart this is"
        raise malformed(problem, "bundle.entry", "required")
    ids = {text_at(entry.resource, "id") for entry in patients}
    if len(ids) > 1:
        problem = f"the Bundle holds {len(ids)} patients: leave the one whose chart this is"
        raise malformed(problem, "bundle.entry")
    if "" in ids:
        raise malformed("the Patient of the Bundle has no id", "bundle.entry", "required")
    return patients[0]


def _is_draft(entry: Entry) -> bool:
    return type_of(entry) in ORDER_TYPES and text_at(entry.resource, "status") == "draft"


def _from_server(sent: Mapping[str, Any], service: Service, parts: Parts) -> JSON:
    if not parts.settings.is_sandbox:
        raise malformed("a FHIR server is asked in sandbox mode only", "server", "not-supported")
    patient_id = text_at(sent, "patient").removeprefix("Patient/")
    asked = permission_of(
        HookCall(
            service_id=service.id,
            hook=service.hook,
            hook_instance="",
            patient_id=patient_id,
            fhir_server=text_at(sent, "server"),
            client=SANDBOX,
        )
    )
    if not isinstance(asked, Permission):
        place, problem = _REFUSED[asked]
        raise malformed(f"{place} {problem}", place)
    request = _request(sent, service, parts, patient_id, [])
    request["fhirServer"] = asked.base.url
    note = "The chart is fetched from the FHIR server when the request is fired."
    return {"request": request, "notes": [note, *_told_drafts(request)]}


def _request(
    sent: Mapping[str, Any],
    service: Service,
    parts: Parts,
    patient_id: str,
    drafts: Sequence[Entry],
) -> JSON:
    context: JSON = {"userId": _USER, "patientId": patient_id}
    if service.hook != "patient-view":
        orders = [as_entry(each) for each in drafts]
        if sent.get("order") is True:
            orders.append({"resource": _order_of_inotuzumab(patient_id, parts)})
        context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": orders}
        if service.hook == "order-select":
            context["selections"] = [_reference(each["resource"]) for each in orders]
    return {"hook": service.hook, "hookInstance": parts.new_id(), "context": context}


def _order_of_inotuzumab(patient_id: str, parts: Parts) -> JSON:
    """What the tester goes on to fill in: a dose of ours would pass for a proposal."""
    codings = (each for each in parts.terminology.codes(_INOTUZUMAB) if each.system == RXNORM)
    coding = next(codings)
    return {
        "resourceType": "MedicationRequest",
        "id": "workbench-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [{"system": RXNORM, "code": coding.code, "display": coding.display}],
            "text": coding.display,
        },
        "subject": {"reference": f"Patient/{patient_id}"},
        "authoredOn": parts.clock().isoformat(timespec="seconds"),
    }


def _reference(resource: Mapping[str, Any]) -> str:
    return f"{text_at(resource, 'resourceType')}/{text_at(resource, 'id')}"


def _told(on_file: Sequence[Entry], answered: frozenset[str]) -> Iterator[str]:
    """What was taken over by type, and how much was not; no word of the Bundle's own."""
    types = Counter(type_of(entry) for entry in on_file)
    used = ", ".join(f"{types[name]} {name}" for name in sorted(answered & types.keys()))
    yield f"Taken over: {used}."
    if left := sum(number for name, number in types.items() if name not in answered):
        yield f"Left out: {left} resources of types that no rule of this hook reads."


def _told_drafts(request: JSON) -> Iterator[str]:
    if "draftOrders" in request["context"]:
        drafts = len(request["context"]["draftOrders"]["entry"])
        yield f"Draft orders: {drafts or 'none; write one into context.draftOrders'}."
    if "selections" in request["context"]:
        yield "All of them are selected; context.selections names them."
