"""Results that are no numbers: a pregnancy test, CD22 in words, an immunophenotype."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.extract.labs import FINDINGS, IGNORED, asked_of, is_finding
from cds_service.facts.extract.limits import limits_of
from cds_service.facts.extract.marker_words import names_marker, says_expressed, says_positive
from cds_service.facts.extract.material import Material, source
from cds_service.facts.extract.result import FINAL, effective, has_value, value_of
from cds_service.facts.extract.words import tidy
from cds_service.facts.model import FindingResult, Moment
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, codings_of, each, name_of, text_at, text_in, texts_of

PREGNANCY_TEST, CD22, IMMUNOPHENOTYPE = "pregnancy-test", "cd22", "immunophenotype"
NEGATIVE, POSITIVE = "result-negative", "result-positive"

MAX_WORDS = 80
"""A finding longer than this is a report and is not repeated on a card."""

_INTERPRETATIONS = {"pos": True, "det": True, "neg": False, "nd": False}
_OF_A_NUMBER = {"h": True, "hh": True, "hu": True, "n": False, "l": False, "ll": False}
"""Codes of HL7's observation interpretation, for words and for numbers."""


def read_findings(material: Material) -> tuple[FindingResult, ...]:
    """Every result of an analyte that words may answer."""
    wanted = FINDINGS if material.analytes is None else FINDINGS & material.analytes
    return tuple(
        finding
        for found in material.observations_about(wanted)
        for finding in _findings(found, wanted, material)
    )


def _findings(found: Found, wanted: frozenset[str], material: Material) -> Iterator[FindingResult]:
    asked = [
        (element, part, analyte)
        for element, part, analytes in asked_of(found, wanted, material)
        for analyte in sorted(analytes)
        # CD22 in percent is a number like any other.
        if analyte != CD22 or is_finding(analyte, part)
    ]
    if not asked or text_in(found.resource, "status") in IGNORED:
        return
    whole = material.readable(found, {analyte for _, _, analyte in asked})
    if whole is None:
        return
    for element, part, analyte in asked:
        yield from _read(analyte, part, whole, found, element, material)


def _read(
    analyte: str, part: Resource, whole: Resource, found: Found, element: str, material: Material
) -> Iterator[FindingResult]:
    """The finding; and from an immunophenotype, what it says of CD22."""
    if not element and not has_value(part) and any(each(whole, "component")):
        return
    when = effective(whole, material)
    text = _text(part)
    result = FindingResult(
        analyte=analyte,
        positive=_positive(analyte, part, when, material),
        when=when,
        source=source(found, element),
        text=text if len(text) <= MAX_WORDS else "",
        status="final" if text_at(whole, "status") in FINAL else "preliminary",
    )
    yield result
    if analyte == IMMUNOPHENOTYPE and (said := says_expressed(CD22, text)) is not None:
        yield FindingResult(CD22, said, when, result.source, result.text, result.status)


def _positive(analyte: str, part: Resource, when: Moment | None, material: Material) -> bool | None:
    """Positive or negative; an immunophenotype as a whole is neither."""
    match analyte:
        case "pregnancy-test":
            return _pregnancy(part, when, material)
        case "cd22":
            return _agreed(_coded(part, material), _marker(_text(part)))
    return None


def _text(part: Resource) -> str:
    """What is printed as the result."""
    flag = part.get("valueBoolean")
    if isinstance(flag, bool):
        return "positive" if flag else "negative"
    amount = value_of(part)
    if amount is not None:
        return amount.printed
    return name_of(part.get("valueCodeableConcept")) or tidy(text_at(part, "valueString"))


def _pregnancy(part: Resource, when: Moment | None, material: Material) -> bool | None:
    """From words, or from a number and the upper limit of a woman who is not pregnant."""
    amount = value_of(part)
    if amount is None:
        return _agreed(_coded(part, material), says_positive(_text(part)))
    uln = limits_of(part, amount, PREGNANCY_TEST, material.patient, when).uln
    limit = uln.value.number if uln else None
    above = None if limit is None else amount.value.compare("gt", limit)
    return _agreed(above, _interpreted(part, {**_INTERPRETATIONS, **_OF_A_NUMBER}))


def _marker(text: str) -> bool | None:
    """Words of a CD22 result: those about CD22 if a marker is named, else all of them."""
    return says_expressed(CD22, text) if names_marker(text) else says_positive(text)


def _coded(part: Resource, material: Material) -> bool | None:
    """Positive or negative by flag, by code of the value, by interpretation."""
    flag = part.get("valueBoolean")
    concepts = material.concepts(part.get("valueCodeableConcept"))
    by_code = (concepts & {POSITIVE, NEGATIVE}) or None
    return _agreed(
        flag if isinstance(flag, bool) else None,
        None if by_code is None else by_code == {POSITIVE},
        _interpreted(part, _INTERPRETATIONS),
    )


def _interpreted(part: Resource, meanings: dict[str, bool]) -> bool | None:
    interpretation = part.get("interpretation")
    codes = [text_at(coding, "code").casefold() for coding in codings_of(interpretation)]
    said = [meanings[code] for code in codes if code in meanings]
    worded = [] if said else map(says_positive, texts_of(interpretation))
    return _agreed(*said, *worded)


def _agreed(*said: bool | None) -> bool | None:
    """What all say that say anything; None where they contradict each other."""
    known = {one for one in said if one is not None}
    return known.pop() if len(known) == 1 else None
