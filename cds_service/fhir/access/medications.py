"""Medications that a resource of the call names but nobody sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from cds_service.fhir.access.base import Base
from cds_service.fhir.access.exchange import Exchange, FetchError
from cds_service.fhir.bundle import entries_in
from cds_service.fhir.hook_call import HookCall
from cds_service.fhir.library import Found, Library
from cds_service.fhir.peek import Resource, each, text_at
from cds_service.fhir.references import parse_reference
from cds_service.outbound import place_of

FETCHED_MEDICATIONS = "fetchedMedications"
"""The prefetch key of what was found; no template has it."""

MOST_MEDICATIONS = 50
_USES = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")
_TYPES = frozenset({"Medication", "Substance"})
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,256}")


class Named:
    """A Medication or Substance to be read: ``reference`` is ``Type/id``."""

    def __init__(self, reference: str) -> None:
        """Ask nothing yet."""
        self.reference = reference
        self.resource: Resource | None = None
        self.problem = "timeout"

    def fail(self, problem: FetchError) -> None:
        """Leave it unread."""
        self.problem = problem.why

    def fetch(self, exchange: Exchange) -> None:
        """Read it; what is not what was asked for is not taken."""
        try:
            found = exchange.get(f"{exchange.base.url}/{self.reference}")
        except FetchError as problem:
            self.fail(problem)
            return
        if f"{found['resourceType']}/{text_at(found, 'id')}" == self.reference:
            self.resource, self.problem = found, ""
        else:
            self.problem = "a resource of another type or id"


def unresolved_medications(call: HookCall, base: Base) -> list[str]:
    """``Type/id`` of every medication on this server that the patient's drugs and orders name.

    Drafts come first, so that they are served when there are too many.
    """
    if not _may_name_medications(call):
        return []
    library = Library(call)
    ours = (each for each in library.of_type(*_USES) if library.ownership(each) == "ours")
    uses = sorted(ours, key=lambda found: not found.is_draft)
    wanted = (
        (found, reference)
        for found in (*uses, *library.of_type("Medication"))
        for reference in _references_in(found.resource)
    )
    return _on_server(wanted, library, base)


def _may_name_medications(call: HookCall) -> bool:
    """A quick look that spares most calls the index."""
    return any(
        "medicationReference" in entry.resource or "ingredient" in entry.resource
        for value in (call.draft_orders, *call.prefetch.values())
        for entry in entries_in(value)
    )


def ingredients_of(fetched: Sequence[Named], call: HookCall, base: Base) -> list[str]:
    """``Type/id`` of the ingredients that fetched mixtures name and nobody has yet."""
    if not fetched:
        return []
    medications = [named.resource for named in fetched if named.resource]
    known = {f"{each['resourceType']}/{text_at(each, 'id')}" for each in medications}
    wanted = (
        (Found(resource, "Medication", "", FETCHED_MEDICATIONS), reference)
        for resource in medications
        for reference in _references_in(resource)
    )
    return [each for each in _on_server(wanted, Library(call), base) if each not in known]


def _references_in(resource: Resource) -> Iterator[Resource]:
    yield from each(resource, "medicationReference")
    for ingredient in each(resource, "ingredient"):
        yield from each(ingredient, "itemReference")


def _on_server(wanted: Iterable[tuple[Found, Resource]], library: Library, base: Base) -> list[str]:
    open_ones = (
        _local(text_at(reference, "reference"), base)
        for found, reference in wanted
        if library.resolve(reference, found) is None
    )
    return list(dict.fromkeys(filter(None, open_ones)))


def _local(text: str, base: Base) -> str:
    """The reference relative to the server; empty for anything else, which is never followed."""
    parsed = parse_reference(text)
    if parsed.type not in _TYPES or not _ID.fullmatch(parsed.id):
        return ""
    url = base.resolve(parsed.text)
    is_ours = url and place_of(url).path == f"{base.place.path}/{parsed.local}"
    return parsed.local if is_ours else ""
