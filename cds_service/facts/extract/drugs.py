"""Orders, statements and administrations of medications, and doses recorded as procedures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from cds_service.facts.extract import dosage as dosing
from cds_service.facts.extract.dose_text import dose_in_words
from cds_service.facts.extract.infusion import infusion_of
from cds_service.facts.extract.material import Material, codings, moment_at, source
from cds_service.facts.extract.medication import drug_of
from cds_service.facts.extract.numbers import measured_of
from cds_service.facts.extract.order_text import stated_place
from cds_service.facts.extract.regimen_name import order_set_of
from cds_service.facts.extract.routes import route_of
from cds_service.facts.model import DrugUse, Moment
from cds_service.facts.quantity import converted
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, at, each, name_of, text_at
from cds_service.terminology import Resolution

_KNOWN_STATUS = frozenset(
    {"active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft"}
)
"""What R4 calls the states of a medication request, without "unknown"."""


def read_drugs(material: Material) -> tuple[DrugUse, ...]:
    """Every use of a medication by the patient, identified or not, drafts first."""
    return tuple(
        use
        for uses in (_orders, _statements, _administrations, _procedures)
        for use in uses(material)
    )


def _readable(
    material: Material, resource_type: str
) -> Iterator[tuple[Found, Resolution, Resource]]:
    """The medications of a type with their drug, those left out that are surely about none of ours.

    A draft always stays: it is what the call is about.
    """
    for found in material.own(resource_type):
        drug = drug_of(found, material)
        if drug.by == "code" and not drug.substances and not found.is_draft:
            continue
        resource = material.readable(found, drug.substances)
        if resource is not None:
            yield found, drug, resource


def _orders(material: Material) -> Iterator[DrugUse]:
    for found, drug, resource in _readable(material, "MedicationRequest"):
        dosages = list(each(resource, "dosageInstruction"))
        words = [text_at(dosage, "text") for dosage in dosages]
        texts = words + [text_at(dosage, "patientInstruction") for dosage in dosages]
        texts += [text_at(note, "text") for note in each(resource, "note")]
        place = stated_place([*texts, text_at(found.resource, "groupIdentifier", "value")])
        authored = moment_at(resource, "authoredOn")
        supply_end = moment_at(resource, "dispenseRequest", "validityPeriod", "end")
        supply_start = moment_at(resource, "dispenseRequest", "validityPeriod", "start")
        events = dosing.events_in(dosages)
        start = dosing.first_start(dosages, events) or supply_start
        dose = dosing.dose_in(dosages, "dose") or dose_in_words(words, "dose")
        yield DrugUse(
            substances=drug.substances,
            kind="order",
            role=found.role,
            status=_order_status(found, resource),
            source=source(found),
            label=drug.label,
            resolved_by=drug.by,
            intent=text_at(resource, "intent"),
            local_use=_is_local(drug, dosages),
            route=route_of(dosages),
            one_off=dosing.is_one_off(dosages, events),
            do_not_perform=resource.get("doNotPerform") is True,
            start=start,
            end=dosing.latest((dosing.last_end(dosages, events), supply_end)),
            authored=authored,
            days=_planned_days(events, start, authored),
            dose=dose,
            dose_per_m2=dosing.dose_in(dosages, "dose-per-m2")
            or dose_in_words(words, "dose-per-m2"),
            cycle=place.cycle,
            day=place.day,
            cycle_source="order text" if place.cycle else "",
            status_reason=name_of(resource.get("statusReason")),
            text=" ".join(filter(None, texts)),
            order_set=order_set_of(found, material),
            infusion=infusion_of(found, dosages, dose, material) if found.is_draft else None,
        )


def _order_status(found: Found, resource: Resource) -> str:
    """As it stands; an order being signed is a draft unless a status we know says otherwise."""
    status = text_at(resource, "status")
    if found.is_draft:
        return status if status in _KNOWN_STATUS else "draft"
    return status or "unknown"


def _planned_days(
    events: Sequence[Moment], start: Moment | None, authored: Moment | None
) -> tuple[date, ...]:
    """The days named; else the first day of the period; else the day the order was written."""
    if days := dosing.event_days(events):
        return tuple(days)
    return tuple(moment.day for moment in (start or authored,) if moment and moment.day)


def _statements(material: Material) -> Iterator[DrugUse]:
    for found, drug, resource in _readable(material, "MedicationStatement"):
        dosages = list(each(resource, "dosage"))
        events = dosing.events_in(dosages)
        yield DrugUse(
            substances=drug.substances,
            kind="statement",
            role="on-file",
            status=text_at(resource, "status") or "unknown",
            source=source(found),
            label=drug.label,
            resolved_by=drug.by,
            local_use=_is_local(drug, dosages),
            route=route_of(dosages),
            one_off=dosing.is_one_off(dosages, events),
            start=_effective_start(resource),
            end=dosing.latest(
                (moment_at(resource, "effectivePeriod", "end"), dosing.last_end(dosages, events))
            ),
            authored=moment_at(resource, "dateAsserted"),
            status_reason=name_of(resource.get("statusReason")),
            text=" ".join(filter(None, (text_at(dosage, "text") for dosage in dosages))),
        )


def _administrations(material: Material) -> Iterator[DrugUse]:
    for found, drug, resource in _readable(material, "MedicationAdministration"):
        dosage = next(each(resource, "dosage"), {})
        amount = measured_of(at(dosage, "dose"))
        texts = [
            text_at(dosage, "text"),
            *(text_at(note, "text") for note in each(resource, "note")),
        ]
        place = stated_place(texts)
        start = _effective_start(resource)
        yield DrugUse(
            substances=drug.substances,
            kind="administration",
            role="on-file",
            status=text_at(resource, "status"),
            source=source(found),
            label=drug.label,
            resolved_by=drug.by,
            local_use=_is_local(drug, [dosage]),
            route=route_of([dosage]),
            one_off=True,
            start=start,
            end=moment_at(resource, "effectivePeriod", "end") or start,
            days=(start.day,) if start and start.day else (),
            dose=converted("dose", amount, "mg") if amount else dose_in_words(texts[:1], "dose"),
            dose_per_m2=(
                converted("dose-per-m2", amount, "mg/m2")
                if amount
                else dose_in_words(texts[:1], "dose-per-m2")
            ),
            cycle=place.cycle,
            day=place.day,
            cycle_source="note" if place.cycle else "",
            status_reason=name_of(resource.get("statusReason")),
            text=" ".join(filter(None, texts)),
        )


def _procedures(material: Material) -> Iterator[DrugUse]:
    """Doses recorded by a billing or procedure code of the drug itself (J9229)."""
    for found in material.own("Procedure"):
        codes = codings(found.resource.get("code"))
        drug = material.terminology.resolve_drug(codes)
        if drug.by != "code":
            continue
        resource = material.readable(found, drug.substances)
        if resource is None:
            continue
        start = moment_at(resource, "performedDateTime") or moment_at(
            resource, "performedPeriod", "start"
        )
        yield DrugUse(
            substances=drug.substances,
            kind="administration",
            role="on-file",
            status=text_at(resource, "status"),
            source=source(found),
            label=drug.label,
            one_off=True,
            start=start,
            end=moment_at(resource, "performedPeriod", "end") or start,
            days=(start.day,) if start and start.day else (),
        )


def _is_local(drug: Resolution, dosages: list[Resource]) -> bool:
    """As the route says; where none is named, as the product code or the product's name says."""
    by_route = dosing.local_use(dosages)
    if by_route is not None:
        return by_route
    return drug.local_use or dosing.is_local_form(drug.label)


def _effective_start(resource: Resource) -> Moment | None:
    return moment_at(resource, "effectiveDateTime") or moment_at(
        resource, "effectivePeriod", "start"
    )
