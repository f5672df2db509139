"""Orders, statements and administrations of medications, and doses recorded as procedures."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.extract import dosage as dosing
from cds_service.facts.extract.dose_text import dose_in_words
from cds_service.facts.extract.material import Material, codings, moment_at, source
from cds_service.facts.extract.medication import drug_of
from cds_service.facts.extract.numbers import measured_of
from cds_service.facts.extract.order_text import stated_place
from cds_service.facts.extract.orders import order_of
from cds_service.facts.extract.routes import route_of
from cds_service.facts.model import DrugUse, Moment
from cds_service.facts.quantity import converted
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, at, each, name_of, text_at
from cds_service.terminology import Resolution


def read_drugs(material: Material) -> tuple[DrugUse, ...]:
    """Every use of a medication by the patient, identified or not, drafts first."""
    return (
        *_orders(material),
        *_statements(material),
        *_administrations(material),
        *_procedures(material),
    )


def _readable(material: Material, resource_type: str) -> list[tuple[Found, Resolution, Resource]]:
    """The medications of a type with their drug, those left out that are surely about none of ours.

    A draft always stays: it is what the call is about.
    """
    readable = []
    for found in material.own(resource_type):
        drug = drug_of(found, material)
        if drug.by == "code" and not drug.substances and not found.is_draft:
            continue
        resource = material.readable(found, drug.substances)
        if resource is not None:
            readable.append((found, drug, resource))
    return readable


def _orders(material: Material) -> list[DrugUse]:
    return [
        order_of(found, drug, resource, material)
        for found, drug, resource in _readable(material, "MedicationRequest")
    ]


def _statements(material: Material) -> Iterator[DrugUse]:
    for found, drug, resource in _readable(material, "MedicationStatement"):
        dosages = list(each(resource, "dosage"))
        timing = dosing.timing_of(dosages)
        yield DrugUse(
            substances=drug.substances,
            kind="statement",
            role="on-file",
            status=text_at(resource, "status") or "unknown",
            source=source(found),
            label=drug.label,
            resolved_by=drug.by,
            local_use=dosing.is_local(drug, dosages),
            route=route_of(dosages),
            one_off=dosing.is_one_off(dosages, timing),
            start=_effective_start(resource),
            end=dosing.latest(
                (moment_at(resource, "effectivePeriod", "end"), dosing.last_end(timing))
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
            local_use=dosing.is_local(drug, [dosage]),
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


def _effective_start(resource: Resource) -> Moment | None:
    return moment_at(resource, "effectiveDateTime") or moment_at(
        resource, "effectivePeriod", "start"
    )
