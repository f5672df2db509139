"""Procedures that some rule may ask about, transplants above all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cds_service.facts.extract.concept_words import procedures_in_words, telling
from cds_service.facts.extract.material import Material, moment_at, source
from cds_service.facts.extract.words import transplant_stance
from cds_service.facts.model import ProcedureEntry
from cds_service.fhir.peek import text_at, texts_of
from cds_service.terminology import Terminology

_NOT_THE_GRAFT = re.compile(
    r"harvest|collection|mobili[sz]|apheresis|donor|donat|boost|lymphocyte|biops", re.IGNORECASE
)


def read_procedures(material: Material) -> tuple[ProcedureEntry, ...]:
    """The patient's procedures of every concept we know; others are left unread."""
    return tuple(_entries(material))


def _entries(material: Material) -> Iterator[ProcedureEntry]:
    for found in material.own("Procedure"):
        code = found.resource.get("code")
        words = list(texts_of(code))
        concepts = material.concepts(code) or _worded(code) or _named(words, material.terminology)
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


def _named(words: Iterable[str], terminology: Terminology) -> frozenset[str]:
    return procedures_in_words(telling(words, terminology.procedures_in), terminology)


def _worded(code: object) -> frozenset[str]:
    """A transplant under a code we do not know, when its words are plain."""
    words = list(texts_of(code))
    if transplant_stance(words) != "yes" or any(map(_NOT_THE_GRAFT.search, words)):
        return frozenset()
    autologous = any("autolog" in text.casefold() for text in words)
    return frozenset({"hsct", "hsct-autologous"} if autologous else {"hsct"})
