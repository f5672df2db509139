"""Adverse events, allergies and intolerances, with the drugs they are put down to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cds_service.facts.extract.conditions import status_code
from cds_service.facts.extract.material import Material, codings, moment_at, source
from cds_service.facts.extract.medication import referred_drug
from cds_service.facts.extract.numbers import number_of
from cds_service.facts.model import HarmEntry
from cds_service.facts.unknown import Reason
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, at, codings_of, each, text_at, texts_of

_SEVERITIES = ("mild", "moderate", "severe", "life-threatening")
_SEVERITY_CODES = {"255604002": "mild", "6736007": "moderate", "24484000": "severe"}
"""SNOMED CT codes of the FHIR value set condition-severity."""

_LIFE_THREATENING = re.compile(r"\blife[- ]?threatening\b|\bfatal\b|\bdeath\b", re.IGNORECASE)
_ANAPHYLAXIS = re.compile(r"(?<!\bno )(?<!\bwithout )\banaphyla\w+", re.IGNORECASE)
"""Severe by definition: CTCAE has no anaphylaxis below grade 3."""

_GRADE_NAMES = {1: "mild", 2: "moderate", 3: "severe", 4: "life-threatening"}
"""How CTCAE describes its grades; grade 5 is death."""

_GRADE = re.compile(
    r"\bgr(?:ade)?\.?\s?(?:[≥>]=?\s?)?(?P<number>[0-5]|I{1,3}|IV|V)(?:\s?(?:-|–|to|/)\s?(?P<to>[1-5]|I{1,3}|IV|V))?"
    r"(?![\w.]\d|\w)",
    re.IGNORECASE,
)
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5}

_OVER = frozenset({"resolved", "recovered", "resolvedwithsequelae", "recovered with sequelae"})
_UNRELATED = re.compile(r"\b(?:unrelated|not[- ]related|no relation\w*)\b", re.IGNORECASE)
_REFUTED = frozenset({"refuted", "entered-in-error"})


def read_harms(material: Material) -> tuple[HarmEntry, ...]:
    """Every adverse event that happened, and every allergy to a substance we know."""
    return (*_events(material), *_allergies(material))


def _events(material: Material) -> Iterator[HarmEntry]:
    """Events that happened; a near miss and an event graded 0 did not."""
    for found in material.own("AdverseEvent"):
        suspects = list(_suspects(found, material))
        substances = frozenset[str]().union(
            *(drugs for drugs, related in suspects if related)
        ) or frozenset[str]().union(*(drugs for drugs, _ in suspects))
        event = found.resource.get("event")
        texts = list(texts_of(event))
        substances = substances or _named_in(texts, material)
        concepts = material.concepts(event) | _resulting(found, material)
        resource = material.readable(found, substances | concepts)
        if resource is None or text_at(resource, "actuality") == "potential":
            continue
        grade = _grade(resource, texts)
        if grade == 0:
            continue
        yield HarmEntry(
            kind="adverse-event",
            substances=substances,
            label=next(iter(texts), "adverse event"),
            source=source(found),
            concepts=concepts,
            severity=_event_severity(resource, grade),
            grade=grade,
            onset=moment_at(resource, "date")
            or moment_at(resource, "detected")
            or moment_at(resource, "recordedDate"),
            ended=_is_over(resource),
            related=not suspects or any(related for _, related in suspects),
        )


def _suspects(found: Found, material: Material) -> Iterator[tuple[frozenset[str], bool]]:
    """The substances of each suspect, and whether it is not said to be unrelated."""
    for suspect in each(found.resource, "suspectEntity"):
        drug = referred_drug(suspect.get("instance"), found, material)
        named = drug.substances or frozenset(filter(None, (_slug(drug.label),)))
        yield named, not any(map(_is_unrelated, each(suspect, "causality")))


def _slug(label: str) -> str:
    """A drug that no value set knows, under a name of its own: it is suspected, not one of ours."""
    return "-".join(re.findall(r"[^\W_]+", label.casefold()))


def _is_unrelated(causality: Resource) -> bool:
    assessment = causality.get("assessment")
    said = [text_at(causality, "productRelatedness"), *texts_of(assessment)]
    said += [text_at(coding, "code") for coding in codings_of(assessment)]
    return any(_UNRELATED.search(words) for words in said)


def _named_in(texts: Iterable[str], material: Material) -> frozenset[str]:
    """The substances an event's own words name ("infusion reaction to inotuzumab")."""
    return frozenset[str]().union(
        *(material.terminology.resolve_drug((), words).substances for words in texts)
    )


def _resulting(found: Found, material: Material) -> frozenset[str]:
    """The concepts of the conditions an event led to."""
    conditions = (
        material.library.resolve(reference, found)
        for reference in each(found.resource, "resultingCondition")
    )
    return frozenset[str]().union(
        *(material.concepts(each.resource.get("code")) for each in conditions if each)
    )


def _grade(event: Resource, texts: Iterable[str]) -> int | None:
    """The CTCAE grade, from an extension or words; the highest where several are written."""
    extended = [grade for each_one in each(event, "extension") for grade in _extended(each_one)]
    words = [*texts_of(event.get("severity")), *texts]
    worded = [grade for text in words for grade in _grades_in(text)]
    return max(extended or worded, default=None)


def _extended(extension: Resource) -> Iterator[int]:
    """The grade in an extension called one, whatever its type."""
    if not text_at(extension, "url").casefold().rstrip("/").endswith("grade"):
        return
    concept = extension.get("valueCodeableConcept")
    codes = [text_at(coding, "code") for coding in codings_of(concept)]
    coding = extension.get("valueCoding")
    plain = [*codes, text_at(coding, "code"), text_at(extension, "valueCode")]
    plain += [text_at(extension, "valueString")]
    for value in (extension.get("valueInteger"), *plain):
        number = number_of(value)
        if number is not None and number in range(6):
            yield int(number)
    for text in (*texts_of(concept), text_at(coding, "display"), text_at(extension, "valueString")):
        yield from _grades_in(text)


def _grades_in(text: str) -> Iterator[int]:
    for found in _GRADE.finditer(text):
        for name in ("number", "to"):
            written = (found[name] or "").upper()
            if written:
                yield _ROMAN.get(written) or int(written)


def _event_severity(event: Resource, grade: int | None) -> str:
    """As coded or worded; else as its grade is described; else life-threatening if so reported."""
    stated = _severity(event.get("severity"))
    graded = _GRADE_NAMES.get(min(grade, 4), "") if grade else ""
    serious = " ".join(texts_of(event.get("seriousness")))
    if stated or graded:
        return stated or graded
    worded = " ".join(texts_of(event.get("event")))
    return _severity_in(serious) or ("severe" if _ANAPHYLAXIS.search(worded) else "")


def _severity(concept: object) -> str:
    """The worst severity a concept names."""
    said = [text_at(coding, "code") for coding in codings_of(concept)] + list(texts_of(concept))
    known = [_severity_in(words) for words in said]
    return max(filter(None, known), key=_SEVERITIES.index, default="")


def _severity_in(words: str) -> str:
    plain = words.casefold()
    if _LIFE_THREATENING.search(plain):
        return _SEVERITIES[3]
    first = plain.partition(" ")[0]
    return _SEVERITY_CODES.get(plain) or (first if first in _SEVERITIES else "")


def _is_over(event: Resource) -> bool:
    """Resolved, with or without sequelae; or with a date of resolution in an extension."""
    outcome = event.get("outcome")
    said = {status_code(outcome), *(words.casefold() for words in texts_of(outcome))}
    return bool(said & _OVER) or any(
        text_at(extension, "url").casefold().endswith(("resolveddate", "resolved-date"))
        and moment_at(extension, "valueDateTime") is not None
        for extension in each(event, "extension")
    )


def _allergies(material: Material) -> Iterator[HarmEntry]:
    """Allergies and intolerances to substances we know, save those refuted.

    One that does not say to what could be to anything, and is set aside.
    """
    for found in material.own("AllergyIntolerance"):
        status = status_code(found.resource.get("verificationStatus"))
        if status in _REFUTED:
            continue
        reactions = list(each(found.resource, "reaction"))
        causes = [found.resource.get("code"), *(part.get("substance") for part in reactions)]
        substances = frozenset[str]().union(*(_substances(cause, material) for cause in causes))
        names = [words for cause in causes for words in texts_of(cause)]
        if not substances:
            if not names:
                detail = "does not say what the allergy is to"
                material.set_aside(found, Reason.UNRESOLVED, detail)
            continue
        resource = material.readable(found, substances)
        if resource is None:
            continue
        clinical = status_code(resource.get("clinicalStatus"))
        effects = [concept for part in reactions for concept in _concepts(part, "manifestation")]
        yield HarmEntry(
            kind="allergy",
            substances=substances,
            label=next(iter(names), "allergy"),
            source=source(found),
            concepts=frozenset[str]().union(*map(material.concepts, effects)),
            severity=_allergy_severity(resource, reactions),
            onset=moment_at(resource, "onsetDateTime")
            or moment_at(resource, "onsetPeriod", "start")
            or moment_at(resource, "lastOccurrence")
            or moment_at(resource, "recordedDate"),
            ended=clinical == "resolved",
            active=clinical in ("", "active"),
        )


def _substances(concept: object, material: Material) -> frozenset[str]:
    words = text_at(concept, "text") or None
    return material.terminology.resolve_drug(codings(concept), words).substances


def _concepts(part: Resource, element: str) -> Iterator[object]:
    value = at(part, element)
    yield from value if isinstance(value, list) else [value]


def _allergy_severity(resource: Resource, reactions: Iterable[Resource]) -> str:
    """The worst reaction; where none is graded, high criticality or anaphylaxis is severe.

    FHIR calls criticality high when a next exposure may threaten life or an organ.
    """
    said = [text_at(part, "severity").casefold() for part in reactions]
    known = [word for word in said if word in _SEVERITIES]
    effects = [words for part in reactions for words in texts_of(part.get("manifestation"))]
    high = text_at(resource, "criticality") == "high" or any(map(_ANAPHYLAXIS.search, effects))
    return max(known, key=_SEVERITIES.index, default="severe" if high else "")
