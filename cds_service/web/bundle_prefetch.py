"""A Bundle that somebody has at hand, as the prefetch an EHR would have sent from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from cds_service.fhir.bundle import Entry, State, entries_in, state_of_search
from cds_service.fhir.peek import Resource, codings_of, each, text_at
from cds_service.terminology.systems import canonical_code, canonical_system

MEDICATIONS = "medications"
"""A key of the caller's own: what orders refer to is found under whichever key it came."""

_STATE_NOT_WHOLE = (State.FAILED, State.NOT_ALLOWED, State.TRUNCATED)
_UNREAD_PAGE = {"relation": "next", "url": "urn:cds-service:not-in-the-bundle"}
_ISSUES = {State.FAILED: "exception", State.NOT_ALLOWED: "forbidden"}


def prefetch_from(
    patient: Entry, entries: Sequence[Entry], templates: Mapping[str, str], flaw: State | None
) -> dict[str, Any]:
    """Every template answered from the entries, as one page each.

    ``flaw`` says why the Bundle does not hold all there is: nothing may then look like "none".
    Whose a resource is does not matter here, so that one of another patient is reported.
    """
    prefetch = {
        key: _search(template, entries, flaw) if "?" in template else _read(patient)
        for key, template in templates.items()
    }
    medications = [each for each in entries if type_of(each) == "Medication"]
    return prefetch | ({MEDICATIONS: _searchset(medications, None)} if medications else {})


def answered_types(templates: Collection[str]) -> frozenset[str]:
    """The resource types that some template, or an order's reference, brings."""
    searched = (template.partition("?")[0].partition("/")[0] for template in templates)
    return frozenset((*searched, "Medication"))


def flaw_of(bundle: object) -> State | None:
    """Why a Bundle, or one inside it, does not hold everything that was searched for."""
    for one in _bundles(bundle):
        types = [type_of(entry) for entry in entries_in(one)]
        state = state_of_search(one, types[0] if types else "")
        if state in _STATE_NOT_WHOLE:
            return state
    return None


def type_of(entry: Entry) -> str:
    """The resource type of an entry."""
    return text_at(entry.resource, "resourceType")


def as_entry(entry: Entry) -> dict[str, Any]:
    """The entry of a Bundle again, with the address that references may use."""
    address = {"fullUrl": entry.full_url} if entry.full_url else {}
    return {**address, "resource": entry.resource}


def _bundles(value: object) -> Iterator[object]:
    """The Bundle and those in it, to any depth, without Python's call stack."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if text_at(found, "resourceType") == "Bundle":
            yield found
            waiting.extend(entry.get("resource") for entry in each(found, "entry"))


def _read(patient: Entry) -> Resource:
    """The resource alone, unless references know it by an address that its id does not tell."""
    if patient.full_url.rpartition("/")[2].rpartition(":")[2] == text_at(patient.resource, "id"):
        return patient.resource
    return _searchset([patient], None) if patient.full_url else patient.resource


def _search(template: str, entries: Sequence[Entry], flaw: State | None) -> dict[str, Any]:
    """A searchset in the order of the Bundle: what is not paged need not be sorted."""
    resource_type, _, query = template.partition("?")
    wanted = frozenset(dict(parse_qsl(query)).get("code", "").split(",")) - {""}
    found = [
        entry
        for entry in entries
        if type_of(entry) == resource_type and (not wanted or wanted & _codes(entry.resource))
    ]
    return _searchset(found, flaw)


def _codes(resource: Resource) -> frozenset[str]:
    """Every ``system|code`` of a resource and its components, as our templates write them."""
    concepts = [resource.get("code"), *(part.get("code") for part in each(resource, "component"))]
    return frozenset(
        f"{system}|{canonical_code(system, text_at(coding, 'code'))}"
        for concept in concepts
        for coding in codings_of(concept)
        for system in (canonical_system(text_at(coding, "system")),)
    )


def _searchset(found: Sequence[Entry], flaw: State | None) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "entry": [as_entry(entry) for entry in found],
    }
    if flaw is State.TRUNCATED:
        whole["link"] = [_UNREAD_PAGE]
    elif flaw is not None:
        issue = {"severity": "error", "code": _ISSUES[flaw]}
        outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
        whole["entry"].append({"resource": outcome, "search": {"mode": "outcome"}})
    return whole
