"""What every corner of extraction works on: the call's resources, and where problems are noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from cds_service.facts.answers import Source
from cds_service.facts.dates import moment
from cds_service.facts.model import Moment, Patient, SetAside
from cds_service.facts.quantity import MEASURED
from cds_service.facts.unknown import Reason
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
from cds_service.fhir.library import DRAFT_ORDERS, Found, Library, Ownership
from cds_service.fhir.peek import Resource, codings_of, each, text_at
from cds_service.fhir.read import PLAIN, read_by_model
from cds_service.terminology import Coding, Terminology

KEY_OF_TYPE = {
    "Patient": PATIENT,
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
"""The prefetch key whose search finds resources of a type."""

_NONE: frozenset[str] = frozenset()

Observed = tuple[Found, frozenset[str] | None]
"""An observation and the concepts its code names; None where one has to look closer: it has
components, or its code is none of ours."""


class Material:
    """The resources of one call, the value sets, and the list of what had to be set aside."""

    def __init__(
        self,
        library: Library,
        terminology: Terminology,
        now: datetime,
        analytes: frozenset[str] | None = None,
    ) -> None:
        """Start with nothing set aside and nothing known about the patient.

        ``analytes`` are those whose results are wanted; None wants all. ``measured`` are those of
        them that have numbers.
        """
        self.analytes = analytes
        self.measured = MEASURED if analytes is None else MEASURED & analytes
        self.library = library
        self.terminology = terminology
        self.now = now
        self.patient = Patient()
        self.aside: list[SetAside] = []
        self._by_owner: dict[str, tuple[list[Found], list[tuple[Found, Ownership]]]] = {}
        self._concepts: dict[int, frozenset[str]] = {}
        self._observations: list[Observed] | None = None
        self._named: set[frozenset[str] | None] = set()
        self._moments: dict[str, Moment | None] = {}

    def own(self, *types: str) -> list[Found]:
        """The resources of some types that are about the patient of the call."""
        if len(types) > 1:
            return [found for one in types for found in self.own(one)]
        return self._told_apart(types[0])[0]

    def strangers(self, one: str) -> list[tuple[Found, Ownership]]:
        """The resources of a type that are not, or perhaps not, about the patient of the call."""
        return self._told_apart(one)[1]

    def _told_apart(self, one: str) -> tuple[list[Found], list[tuple[Found, Ownership]]]:
        known = self._by_owner.get(one)
        if known is None:
            known = self._by_owner[one] = self.library.told_apart(one)
        return known

    def readable(self, found: Found, concerns: Iterable[str], need: str = "") -> Resource | None:
        """The resource, validated; None when it was set aside.

        ``concerns`` names what it is about, so that only those facts become unknown.
        """
        if PLAIN[found.type](found.resource):
            return found.resource
        resource, wrong = read_by_model(found.resource, found.type)
        if wrong:
            detail = "cannot read " + ", ".join(wrong[:3])
            self.set_aside(found, Reason.UNREADABLE, detail, concerns, need)
        return resource

    def set_aside(
        self,
        found: Found,
        reason: Reason,
        detail: str = "",
        concerns: Iterable[str] = (),
        need: str = "",
    ) -> None:
        """Note a resource that cannot be used, or not in full."""
        key = DRAFT_ORDERS if found.is_draft else need or KEY_OF_TYPE.get(found.type, found.key)
        self.aside.append(SetAside(key, found.reference, reason, detail, frozenset(concerns)))

    def concepts(self, concept: object) -> frozenset[str]:
        """The value-set concepts the codings of a CodeableConcept name."""
        # Several corners ask about the same element, which lives as long as the call.
        known = self._concepts.get(id(concept))
        if known is None:
            known = self._concepts[id(concept)] = self._named_by(concept)
        return known

    def _named_by(self, concept: object) -> frozenset[str]:
        codings = concept.get("coding") if type(concept) is dict else None
        if type(codings) is list and len(codings) == 1 and type(codings[0]) is dict:
            return self._named_by_code(codings[0])
        found = _NONE
        for coding in codings_of(concept):
            named = self._named_by_code(coding)
            found = found | named if found else named
        return found

    def _named_by_code(self, coding: Resource) -> frozenset[str]:
        system, code = coding.get("system"), coding.get("code")
        if type(system) is str and type(code) is str:
            return self.terminology.concepts_of_code(system, code)
        return _NONE

    def observed(self) -> list[Observed]:
        """The patient's observations, those contained in them as members, and what each names."""
        if self._observations is None:
            self._observations = []
            for found in self.own("Observation"):
                self._observations.append(self._observed(found))
                if "hasMember" in found.resource:
                    self._observations += map(self._observed, self._members(found))
            self._named = {named for _, named in self._observations}
        return self._observations

    def _observed(self, found: Found) -> Observed:
        resource = found.resource
        if "component" in resource:
            return found, None
        return found, self._named_by(resource.get("code")) or None

    def observations_about(self, names: frozenset[str]) -> list[Found]:
        """The observations that may be about something with one of these names, as they came."""
        observed = self.observed()
        telling = {named for named in self._named if named is None or not named.isdisjoint(names)}
        return [found for found, named in observed if named in telling] if telling else []

    def moment_of(self, written: object) -> Moment | None:
        """A date or time as it is written, None when it cannot be read.

        It is read once for all that state it: the results of one sample do.
        """
        if not isinstance(written, str):
            return None
        if written not in self._moments:
            self._moments[written] = _moment(written.strip())
        return self._moments[written]

    def _members(self, found: Found) -> Iterator[Found]:
        for member in each(found.resource, "hasMember"):
            if text_at(member, "reference").startswith("#"):
                inner = self.library.resolve(member, found)
                if inner is not None and inner.type == "Observation":
                    yield inner


def codings(concept: object) -> tuple[Coding, ...]:
    """The codings of a CodeableConcept (or a list of them); wrong parts are left out."""
    return tuple(
        Coding(
            text_at(coding, "system") or None,
            text_at(coding, "code") or None,
            text_at(coding, "display") or None,
        )
        for coding in codings_of(concept)
    )


def moment_at(value: object, *path: str) -> Moment | None:
    """The date or time at the end of a path, None when there is none that can be read."""
    return _moment(text_at(value, *path))


def moment_in(part: Resource, name: str) -> Moment | None:
    """The date or time of one element, None when there is none that can be read."""
    text = part.get(name)
    return _moment(text.strip()) if isinstance(text, str) else None


def _moment(text: str) -> Moment | None:
    if not text:
        return None
    try:
        return moment(text)
    except ValueError:
        return None


def source(found: Found, element: str = "") -> Source:
    """Where a fact was read."""
    return Source(found.reference, element)
