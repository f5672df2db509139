"""Diagnoses that some rule may ask about."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.facts.extract.bleeding_words import BLEEDING, bleeding_words
from cds_service.facts.extract.concept_words import (
    conditions_in_words,
    past_conditions_in_words,
    telling,
)
from cds_service.facts.extract.leukaemia_words import LEUKAEMIAS, leukaemia_words
from cds_service.facts.extract.material import Material, codings, moment_at, moment_in, source
from cds_service.facts.model import ConditionEntry
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, codings_of, text_at, texts_of
from cds_service.terminology import Terminology

_SEVERITIES = {
    "24484000": "severe",
    "6736007": "moderate",
    "255604002": "mild",
    "severe": "severe",
    "moderate": "moderate",
    "mild": "mild",
}
"""SNOMED CT codes of the FHIR value set condition-severity, and their words."""


_NONE: frozenset[str] = frozenset()
_MATTER_WHEN_PAST = frozenset({"vod-sos", "long-qt", "torsades"})
"""Diagnoses that rules ask about whenever they were: their history is read from words as well."""


def read_conditions(material: Material) -> tuple[ConditionEntry, ...]:
    """The patient's conditions of every concept we know; others are left unread."""
    entries = (_entry(found, material) for found in material.own("Condition"))
    return tuple(entry for entry in entries if entry is not None)


def _entry(found: Found, material: Material) -> ConditionEntry | None:
    code = found.resource.get("code")
    coded = material.concepts(code)
    words = tuple(texts_of(code))
    past = _NONE
    concepts = coded
    if not coded:
        worded = telling(words, material.terminology.conditions_in)
        if worded:
            concepts = conditions_in_words(worded, material.terminology)
            past = _NONE if concepts else _past(worded, material.terminology)
            concepts = concepts or past
    if not concepts:
        return None
    if not concepts.isdisjoint(LEUKAEMIAS):
        concepts |= leukaemia_words(words)
    if BLEEDING in concepts:
        concepts |= bleeding_words(words)
    resource = material.readable(found, concepts)
    if resource is None:
        return None
    return ConditionEntry(
        concepts=concepts,
        clinical_status="resolved" if past else status_code(resource.get("clinicalStatus")),
        verification=status_code(resource.get("verificationStatus")),
        source=source(found),
        label=words[0] if words else _named(code, material),
        onset=moment_in(resource, "onsetDateTime") or moment_at(resource, "onsetPeriod", "start"),
        abatement=moment_in(resource, "abatementDateTime")
        or moment_at(resource, "abatementPeriod", "end"),
        recorded=moment_in(resource, "recordedDate"),
        severity=_severity(resource),
        by_words=not coded,
    )


def _named(code: object, material: Material) -> str:
    """What to call a diagnosis that came as a code without words: as its value set does."""
    return next(filter(None, map(material.terminology.display_of, codings(code))), "")


def _past(words: Iterable[str], terminology: Terminology) -> frozenset[str]:
    """What the words say was once: the entry may be active, the diagnosis in it is over."""
    return past_conditions_in_words(words, terminology) & _MATTER_WHEN_PAST


def status_code(status: object) -> str:
    """The code of a status, whether a CodeableConcept or (before R4) a plain code."""
    if isinstance(status, str):
        return status.strip().casefold()
    for coding in codings_of(status):
        if code := text_at(coding, "code"):
            return code.casefold()
    return text_at(status, "text").casefold()


def _severity(resource: Resource) -> str:
    severity = resource.get("severity")
    if severity is None:
        return ""
    said = [text_at(coding, "code") for coding in codings_of(severity)] + list(texts_of(severity))
    return next(
        (_SEVERITIES[word.casefold()] for word in said if word.casefold() in _SEVERITIES), ""
    )
