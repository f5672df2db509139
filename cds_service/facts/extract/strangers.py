"""Resources not used at all: another patient's, of another FHIR version, or no resource."""

from __future__ import annotations

from cds_service.facts.extract.material import KEY_OF_TYPE, Material
from cds_service.facts.extract.medication import MEDICATION_USES, drug_of
from cds_service.facts.model import SetAside
from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import MEDICATION_REQUESTS, SERVICE_REQUESTS
from cds_service.fhir.bundle import broken_entries
from cds_service.fhir.hook_call import HookCall
from cds_service.fhir.library import DRAFT_ORDERS, Found, selected_references
from cds_service.fhir.peek import text_at

SELECTIONS = "selections"

OLDER_TYPES = {
    "MedicationOrder": MEDICATION_REQUESTS,
    "MedicationPrescription": MEDICATION_REQUESTS,
    "ProcedureRequest": SERVICE_REQUESTS,
    "ReferralRequest": SERVICE_REQUESTS,
    "DiagnosticOrder": SERVICE_REQUESTS,
    "DiagnosticRequest": SERVICE_REQUESTS,
}
"""Resource types that FHIR had before R4, with the key of what R4 calls them."""


def set_strangers_aside(call: HookCall, material: Material) -> None:
    """Note every resource that must not be used, and every selection that points to nothing."""
    _note_broken_entries(call, material)
    _note_owners(material)
    _note_older_versions(material)
    _note_lost_selections(call, material)


def _note_broken_entries(call: HookCall, material: Material) -> None:
    looked_at = material.library.only_types
    on_file = [each for each in call.prefetch.items() if each[0] not in looked_at]
    for key, value in ((DRAFT_ORDERS, call.draft_orders), *on_file):
        for place in broken_entries(value):
            material.aside.append(SetAside(key, place, Reason.UNREADABLE, "holds no resource"))
    for found in material.library.of_type(""):
        material.set_aside(found, Reason.UNREADABLE, "a resource without a type", need=found.key)


def _note_owners(material: Material) -> None:
    """Other patients' resources, of the types we read and of any type among the drafts."""
    types = (material.library.types - {"", "Patient", "Medication"}) - OLDER_TYPES.keys()
    for one in sorted(types):
        for found, ownership in material.strangers(one):
            if one not in KEY_OF_TYPE and not found.is_draft:
                continue
            concerns = _concerns(found, material)
            if ownership == "foreign":
                material.set_aside(found, Reason.FOREIGN, concerns=concerns)
            else:
                detail = "cannot read whose it is"
                material.set_aside(found, Reason.UNREADABLE, detail, concerns)


def _concerns(found: Found, material: Material) -> frozenset[str]:
    """What a resource is about, as far as its code tells; empty when it tells nothing we know."""
    if found.type in MEDICATION_USES:
        return drug_of(found, material).substances
    return material.concepts(found.resource.get("code"))


def _note_older_versions(material: Material) -> None:
    there = material.library.types
    for older, key in OLDER_TYPES.items():
        if older not in there:
            continue
        for found in material.library.of_type(older):
            detail = f"{older} is not FHIR R4; this service reads R4 only"
            material.set_aside(found, Reason.UNREADABLE, detail, need=key)


def _note_lost_selections(call: HookCall, material: Material) -> None:
    if call.hook != "order-select":
        return
    drafts = {
        name
        for found in material.library.drafts()
        for name in (found.reference, text_at(found.resource, "id"), found.full_url)
    }
    for selected, text in selected_references(call).items():
        if selected not in drafts:
            detail = "the selection points to no draft order"
            material.aside.append(SetAside(SELECTIONS, text, Reason.NOT_FOUND, detail))
