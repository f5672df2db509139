"""Every resource of a hook call, once, by type and by any form of reference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Literal, NamedTuple

from cds_service.fhir.bundle import Entry, entries_in, entry_of, only_type_in, sent_entries
from cds_service.fhir.hook_call import HookCall
from cds_service.fhir.peek import Resource, each, text_at, text_in
from cds_service.fhir.references import Reference, origin_of, parse_reference, without_version

Role = Literal["draft", "background", "on-file"]
Ownership = Literal["ours", "foreign", "unreadable"]

DRAFT_ORDERS = "draftOrders"
_SUBJECTS = ("subject", "patient")


class Found(NamedTuple):
    """A resource and how it came: under which key (``draftOrders`` or a prefetch key).

    ``about`` is how it names its subject, where that was looked at when it came.
    """

    resource: Resource
    type: str
    reference: str
    key: str
    role: Role = "on-file"
    full_url: str = ""
    about: object = None

    @property
    def is_draft(self) -> bool:
        """Whether it came in the hook's context, selected or not."""
        return self.role != "on-file"


class Library:
    """The resources of a call, each ``Type/id`` once.

    Of two with the same the draft counts, else the one updated later, else the first.
    """

    def __init__(self, call: HookCall) -> None:
        """Index the drafts first, then every prefetch value, under our keys or the client's."""
        self._patient_id = call.patient_id
        self._origin = origin_of(call.fhir_server)
        self._by_type: dict[str, dict[object, Found]] = defaultdict(dict)
        self._by_reference: dict[str, Found] = {}
        self._by_url: dict[str, Found] = {}
        self._is_ours: dict[str, bool] = {}
        selected = selected_references(call)
        for entry in entries_in(call.draft_orders):
            self._add(entry, DRAFT_ORDERS, _draft_role(call, entry, selected))
        self.only_types: dict[str, str] = {}
        """By prefetch key the type of all that was sent there; see ``only_type_in``."""
        for key, value in call.prefetch.items():
            only = only_type_in(value)
            if only is None:
                self._add_on_file(sent_entries(value), key)
                continue
            self.only_types[key] = only
            if only:
                self._add_on_file(value["entry"], key)

    def _add_on_file(self, entries: Iterable[Resource], key: str) -> None:
        """Entries of a prefetch value; what has type, id and no namesake goes in at once."""
        new = tuple.__new__
        known_types, by_reference, by_url = self._by_type, self._by_reference, self._by_url
        for entry in entries:
            resource = entry["resource"]
            resource_type, resource_id = resource.get("resourceType"), resource.get("id")
            # A type that is known is known without blanks around it.
            if (
                type(resource_type) is not str
                or type(resource_id) is not str
                or resource_type not in known_types
                or not (resource_id := resource_id.strip())
                or (reference := f"{resource_type}/{resource_id}") in by_reference
            ):
                self._add(entry_of(entry), key, "on-file")
                continue
            url = entry.get("fullUrl")
            full_url = url.strip() if type(url) is str else ""
            subject = resource.get("subject")
            about = subject.get("reference") if type(subject) is dict else None
            found = new(
                Found, (resource, resource_type, reference, key, "on-file", full_url, about)
            )
            by_reference[reference] = known_types[resource_type][reference] = found
            if full_url:
                if "/_history/" in full_url:
                    full_url = without_version(full_url)
                if full_url not in by_url:
                    by_url[full_url] = found

    def _add(self, entry: Entry, key: str, role: Role) -> None:
        resource, full_url = entry
        resource_type = text_in(resource, "resourceType")
        if resource_id := text_in(resource, "id"):
            reference = f"{resource_type}/{resource_id}"
            found = Found(resource, resource_type, reference, key, role, full_url)
            counts = self._which_counts(found)
            self._by_reference[reference] = self._by_type[resource_type][reference] = counts
            if full_url:
                self._by_url.setdefault(without_version(full_url), counts)
            return
        reference = full_url or f"{resource_type or 'resource'} without id"
        found = Found(resource, resource_type, reference, key, role, full_url)
        # What has no id is told by its address: a second one there is the same resource.
        if not full_url or self._by_url.setdefault(without_version(full_url), found) is found:
            self._by_type[resource_type][object()] = found

    def _which_counts(self, found: Found) -> Found:
        """A resource with an id, unless what is known under that id counts."""
        known = self._by_reference.get(found.reference)
        if known is None:
            return found
        if not _takes_the_place_of(known, found):
            return known
        if known.full_url:
            self._by_url[without_version(known.full_url)] = found
        return found

    def of_type(self, *types: str) -> Iterator[Found]:
        """The resources of some types, whoever's they are, in the order they came."""
        return chain.from_iterable(self._by_type.get(one, {}).values() for one in types)

    def drafts(self) -> Iterator[Found]:
        """Everything that came in the hook's context, of whatever type."""
        for found in self.of_type(*sorted(self._by_type)):
            if found.is_draft:
                yield found

    @property
    def types(self) -> frozenset[str]:
        """The types there are; the empty text stands for resources that do not name theirs."""
        return frozenset(self._by_type)

    def resolve(self, reference: object, base: Found) -> Found | None:
        """The resource a Reference element of ``base`` points to, if the call holds it."""
        text = text_at(reference, "reference")
        if not text:
            return None
        parsed = parse_reference(text)
        if parsed.contained:
            return _contained(parsed.contained, base)
        if parsed.text in self._by_url:
            return self._by_url[parsed.text]
        return self._by_reference.get(parsed.local) if self._is_here(parsed) else None

    def _is_here(self, reference: Reference) -> bool:
        """Whether the reference is to the call's own server, or names no server to tell."""
        return reference.origin == "" or self._origin in ("", reference.origin)

    def told_apart(self, one: str) -> tuple[list[Found], list[tuple[Found, Ownership]]]:
        """The resources of a type that are about the patient of the call, and all others."""
        ours: list[Found] = []
        others: list[tuple[Found, Ownership]] = []
        usual = ""
        for found in self._by_type.get(one, {}).values():
            # Nearly all name their patient in the same words: those are judged once.
            if usual and found.about == usual:
                ours.append(found)
                continue
            ownership = self.ownership(found)
            if ownership == "ours":
                ours.append(found)
                if one != "Patient" and isinstance(found.about, str):
                    usual = usual or found.about
            else:
                others.append((found, ownership))
        return ours, others

    def ownership(self, found: Found) -> Ownership:
        """Whether a resource is about the patient of the call.

        A subject that is missing, contained, or given by identifier or display alone is taken for
        the patient: there is nothing to compare.
        """
        if found.type == "Patient":
            return "ours" if text_at(found.resource, "id") == self._patient_id else "foreign"
        for name in _SUBJECTS:
            subject = found.resource.get(name)
            reference = subject.get("reference") if isinstance(subject, dict) else None
            if reference is None:
                continue
            if not isinstance(reference, str):
                return "unreadable"
            is_ours = self._is_ours.get(reference)
            if is_ours is None:
                is_ours = self._is_ours[reference] = self._is_patient(reference)
            return "ours" if is_ours else "foreign"
        return "ours"

    def _is_patient(self, text: str) -> bool:
        parsed = parse_reference(text)
        if parsed.contained or not parsed.text:
            return True
        entry = self._by_url.get(parsed.text)
        if entry is not None and entry.type == "Patient":
            return text_at(entry.resource, "id") in ("", self._patient_id)
        if parsed.type:
            return (
                parsed.type == "Patient" and parsed.id == self._patient_id and self._is_here(parsed)
            )
        return parsed.text.rpartition(":")[2] == self._patient_id


def _takes_the_place_of(known: Found, other: Found) -> bool:
    """Whether another form of a resource was updated later, so that a correction counts."""
    before, after = _last_updated(known), _last_updated(other)
    return not known.is_draft and before is not None and after is not None and before < after


def _last_updated(found: Found) -> datetime | None:
    """The instant of its server's last change, None when it cannot be compared with another."""
    try:
        instant = datetime.fromisoformat(text_at(found.resource, "meta", "lastUpdated"))
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _contained(contained_id: str, base: Found) -> Found | None:
    for resource in each(base.resource, "contained"):
        if text_at(resource, "id").removeprefix("#") == contained_id:
            return Found(
                resource,
                text_at(resource, "resourceType"),
                f"{base.reference}#{contained_id}",
                base.key,
                base.role,
            )
    return None


def selected_references(call: HookCall) -> Mapping[str, str]:
    """What order-select selects: ``Type/id`` to the text as it was sent."""
    return {parse_reference(text).local or text: text for text in call.selections}


def _draft_role(call: HookCall, entry: Entry, selected: Mapping[str, str]) -> Role:
    if call.hook != "order-select":
        return "draft"
    resource = entry.resource
    names = (
        f"{text_at(resource, 'resourceType')}/{text_at(resource, 'id')}",
        text_at(resource, "id"),
        entry.full_url,
    )
    return "draft" if any(name and name in selected for name in names) else "background"
