"""Procedures that some rule may ask about, transplants above all."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.extract.material import Material, moment_at, source
from cds_service.facts.model import ProcedureEntry
from cds_service.fhir.peek import text_at, texts_of


def read_procedures(material: Material) -> tuple[ProcedureEntry, ...]:
    """The patient's procedures of every concept we know; others are left unread."""
    return tuple(_entries(material))


def _entries(material: Material) -> Iterator[ProcedureEntry]:
    for found in material.own("Procedure"):
        concepts = material.concepts(found.resource.get("code"))
        if not concepts:
            continue
        resource = material.readable(found, concepts)
        if resource is None:
            continue
        yield ProcedureEntry(
            concepts=concepts,
            status=text_at(resource, "status"),
            source=source(found),
            label=next(texts_of(resource.get("code")), ""),
            performed=moment_at(resource, "performedDateTime")
            or moment_at(resource, "performedPeriod", "end")
            or moment_at(resource, "performedPeriod", "start"),
        )
