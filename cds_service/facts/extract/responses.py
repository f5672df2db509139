"""Response to treatment and minimal residual disease, however it is coded or worded.

A diagnosis recorded as in remission is a condition and is read there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from cds_service.facts.extract.labs import IGNORED
from cds_service.facts.extract.material import Material, source
from cds_service.facts.extract.result import FINAL, effective, value_of
from cds_service.facts.extract.words import (
    mrd_in,
    says_negative,
    says_remission,
    speaks_of_mrd,
    tidy,
)
from cds_service.facts.interval import Interval
from cds_service.facts.model import ResponseEntry
from cds_service.facts.quantity import canonical, read_printed
from cds_service.facts.vocabulary import RECENT_OBSERVATIONS
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, codings_of, each, text_at, texts_of

STATUS, MARROW_BLASTS, MRD = "disease-status", "marrow-blasts-percent", "mrd"
ASSESSMENTS = (STATUS, MARROW_BLASTS, MRD)
_ASSESSED = frozenset(ASSESSMENTS)
FULL, INCOMPLETE_COUNTS = "cr-candidate", "cri"
PARTIAL_OR_WORSE, NO_EVIDENCE = "not-cr", "status-not-cr-evidence"
NEGATIVE, POSITIVE = "result-negative", "result-positive"

CR_BLASTS = Fraction(5)
"""Complete remission needs marrow blasts under 5 % (catalogue 0.5)."""

MRD_LIMIT = Fraction("0.01")
"""MRD below 0.01 % is negative (terminology notes, section 6)."""

MAX_WORDS = 80
"""A finding longer than this is a report and is not repeated on a card."""

_PERCENTAGE = re.compile(r"(?:<=?|>=?|≤|≥)?\s*\d+(?:[.,]\d+)?\s*%")
_RESPONSE_WORDS = ("response", "remission", "disease status", "marrow", "leuk", "lymphoblast")


def read_responses(material: Material) -> tuple[ResponseEntry, ...]:
    """Every assessment of response or MRD, coded, local or in words."""
    return tuple(
        entry
        for found in material.observations_about(_ASSESSED)
        if (concerns := _concerns(found.resource, material))
        for entry in _entries(found, concerns, material)
    )


def _entries(found: Found, concerns: frozenset[str], material: Material) -> Iterator[ResponseEntry]:
    if text_at(found.resource, "status") in IGNORED:
        return
    resource = material.readable(found, concerns, need=RECENT_OBSERVATIONS)
    if resource is None:
        return
    parts = [resource, *each(resource, "component")]
    judged = [_judge(part, material) for part in parts if _has_value(part)]
    if not judged:
        return
    yield ResponseEntry(
        when=effective(resource, material),
        source=source(found),
        label=_label(resource),
        remission=_agreed(remission for remission, _ in judged),
        mrd_negative=_agreed(mrd for _, mrd in judged),
        status="final" if text_at(resource, "status") in FINAL else "preliminary",
    )


def _label(resource: Resource) -> str:
    """What was assessed and, unless it is a report of its own, what was found."""
    name = next(texts_of(resource.get("code")), "response")
    amount = value_of(resource) if "valueQuantity" in resource else None
    found = next(texts_of(resource.get("valueCodeableConcept")), "")
    found = found or text_at(resource, "valueString") or (amount.printed if amount else "")
    return f"{name}: {found}" if 0 < len(found) <= MAX_WORDS else name


def _agreed(said: Iterator[bool | None]) -> bool | None:
    """What the parts say; the worse where they differ."""
    known = [each_said for each_said in said if each_said is not None]
    return all(known) if known else None


def _concerns(resource: Resource, material: Material) -> frozenset[str]:
    """Which kinds of assessment an observation holds; empty for everything else in a chart."""
    kinds = {_kind(resource, material)}
    if "component" in resource:
        kinds |= {_kind(part, material) for part in each(resource, "component")}
    return frozenset(filter(None, kinds))


def _kind(part: Resource, material: Material) -> str:
    code = part.get("code")
    concepts = material.concepts(code)
    if concepts:
        return next((known for known in ASSESSMENTS if known in concepts), "")
    words = " ".join(_words(code))
    if speaks_of_mrd(words):
        return MRD
    if "valueQuantity" in part:
        return ""
    said = _value_words(part)
    if speaks_of_mrd(said):
        return MRD
    heard = said if _is_about_response(words) else _long(said)
    if heard and says_remission(heard) is not None:
        return STATUS
    return STATUS if "valueBoolean" in part and says_remission(words) else ""


def _words(concept: object) -> Iterator[str]:
    """The words of a CodeableConcept, and the codes that are words, as local codes often are."""
    yield from texts_of(concept)
    codes = (text_at(coding, "code") for coding in codings_of(concept))
    yield from (code.replace("_", " ") for code in codes if not code.isdigit())


def _is_about_response(words: str) -> bool:
    return any(word in words.casefold() for word in _RESPONSE_WORDS)


def _long(words: str) -> str:
    """Only phrases about remission itself count outside a response: other letters mean others."""
    return words if "remission" in words.casefold() else ""


def _value_words(part: Resource) -> str:
    return "; ".join([text_at(part, "valueString"), *_words(part.get("valueCodeableConcept"))])


def _has_value(part: Resource) -> bool:
    return any(name.startswith("value") for name in part)


def _judge(part: Resource, material: Material) -> tuple[bool | None, bool | None]:
    """Remission and MRD as one part says: an observation or a component."""
    kind = _kind(part, material)
    said = _value_words(part)
    if kind == MARROW_BLASTS:
        return _remission_by_blasts(part), None
    if kind == MRD:
        about_response = _is_about_response(" ".join(_words(part.get("code"))))
        return says_remission(said if about_response else _long(said)), _mrd(part, said, material)
    coded = _coded_remission(part, material)
    return (_worded_remission(part, said) if coded is None else coded), mrd_in(said)


def _coded_remission(part: Resource, material: Material) -> bool | None:
    concepts = material.concepts(part.get("valueCodeableConcept"))
    if concepts & {FULL, INCOMPLETE_COUNTS}:
        return True
    return False if concepts & {PARTIAL_OR_WORSE, NO_EVIDENCE} else None


def _worded_remission(part: Resource, said: str) -> bool | None:
    """In words; or yes or no to a code that names remission."""
    asked = says_remission(" ".join(texts_of(part.get("code"))))
    answer = part.get("valueBoolean")
    if answer is None:
        answer = {"yes": True, "no": False}.get(said.strip("; ").casefold())
    if asked and isinstance(answer, bool):
        return answer
    return says_remission(said)


def _remission_by_blasts(part: Resource) -> bool | None:
    """Blasts of 5 % or more are no remission; fewer alone do not make one."""
    amount = value_of(part)
    percent = canonical(MARROW_BLASTS, amount) if amount else None
    return False if percent and percent.compare("gte", CR_BLASTS) else None


def _mrd(part: Resource, said: str, material: Material) -> bool | None:
    """MRD negative or not, from a flag, a code, a number with its detection limit, or words."""
    flag = part.get("valueBoolean")
    words = " ".join(texts_of(part.get("code")))
    if isinstance(flag, bool):
        return flag if says_negative(words) else not flag
    if coded := material.concepts(part.get("valueCodeableConcept")) & {NEGATIVE, POSITIVE}:
        return coded == {NEGATIVE}
    if (worded := says_negative(said)) is not None:
        return worded
    percent = _mrd_percent(part, said)
    return None if percent is None else percent.compare("lt", MRD_LIMIT)


def _mrd_percent(part: Resource, said: str) -> Interval | None:
    """The level in percent, from the value or from the one percentage in its words."""
    amount = value_of(part)
    if amount is None:
        levels = _PERCENTAGE.findall(tidy(said))
        amount = read_printed(levels[0]) if len(levels) == 1 else None
    return canonical(MRD, amount) if amount else None
