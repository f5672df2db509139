"""The line of therapy, where a plan, an order or a diagnosis states it.

FHIR has no element for it: it stands in an extension, or in the title of a plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cds_service.facts.extract.conditions import status_code
from cds_service.facts.extract.material import Material, moment_at, source
from cds_service.facts.extract.numbers import number_of
from cds_service.facts.extract.words import may_hold, tidy
from cds_service.facts.model import LineStatement, Moment
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, codings_of, each, text_at, texts_of

MAX_LINE = 15
"""A higher number is no line of therapy."""

_VOID = frozenset({"entered-in-error", "revoked", "cancelled", "refuted"})
_DATES = {
    "CarePlan": (("period", "start"), ("created",)),
    "MedicationRequest": (("authoredOn",),),
    "Condition": (("recordedDate",), ("onsetDateTime",)),
}

_ORDINALS = {
    **{"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7},
    **{"front": 1, "initial": 1},
}
_NUMBER = rf"(?:{'|'.join(_ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th))"
_OF_THERAPY = r"(?: of)? (?:therapy|treatment|chemotherapy)"
_LINE = re.compile(
    rf"\b(?P<nth>{_NUMBER})[- ]?line\b"
    rf"|\bline{_OF_THERAPY}(?: no\.?| number)?[ :#]*(?P<after>\d{{1,2}})\b(?![./%]\d)"
    r"|(?:^|(?:therapy|treatment|chemotherapy)[- ])line (?:no\.? ?|number ?|# ?)?"
    r"(?P<count>\d{1,2})\b(?![./%]\d)",
    re.IGNORECASE,
)
_SALVAGE = re.compile(
    rf"\b(?P<nth>{_NUMBER})[- ]salvage\b"
    r"|\bsalvage (?:(?:therapy|treatment|chemotherapy) )?(?:no\.? ?|number ?|# ?)?"
    r"(?P<count>\d{1,2})\b(?! ?(?:%|mg|days?|weeks?|cycles?|courses?|[./]\d))",
    re.IGNORECASE,
)
_ANY_SALVAGE = re.compile(r"\bsalvage\b", re.IGNORECASE)
_NOT_THE_LINE = re.compile(
    # No statement of the line being given: one that is over, denied, or only thought of.
    r"\b(?:after|following|failed|failure|failing|prior|previous\w*|refractory to"
    r"|(?:relaps|progress)\w+ (?:on|during|under)|post|not|no(?!\.? ?\d)|without"
    r"|consider\w*|possible|if|plan for|versus|vs|or (?:later|beyond|higher|more)|next"
    # Other lines than those of leukaemia therapy.
    r"|central|venous|arterial|peripheral|picc|catheter|port|iv|infusion|cell line|antibiotic\w*"
    r"|antiemetic\w*|anti-emetic\w*|antifungal\w*|gvhd|prophyla\w+|analges\w+|pain|infection)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<!\bno)[;.!?](?:\s|$)", re.IGNORECASE)
_BARE = re.compile(rf"(?:line )?(?:(?P<count>\d{{1,2}})|(?P<nth>{_NUMBER}))", re.IGNORECASE)


def read_lines(material: Material) -> tuple[LineStatement, ...]:
    """Every line of therapy that is stated; none is inferred from drugs."""
    return tuple(
        statement
        for found in material.own("CarePlan", "MedicationRequest", "Condition")
        if (found.type == "CarePlan" or "extension" in found.resource)
        and not _is_void(found.resource)
        for statement in _statements(found)
    )


def _is_void(resource: Resource) -> bool:
    statuses = (text_at(resource, "status"), status_code(resource.get("verificationStatus")))
    return not _VOID.isdisjoint(statuses)


def _statements(found: Found) -> Iterator[LineStatement]:
    if found.type == "CarePlan":
        for element in ("title", "description"):
            text = text_at(found.resource, element)
            if line := stated_line(text):
                yield LineStatement(line, source(found, element), text, _date(found))
    for extension in each(found.resource, "extension"):
        if line := _extended(extension):
            label = f"line of therapy {line}"
            yield LineStatement(line, source(found, "extension"), label, _date(found))


def _date(found: Found) -> Moment | None:
    dates = (moment_at(found.resource, *path) for path in _DATES[found.type])
    return next(filter(None, dates), None)


def stated_line(text: str) -> int | None:
    """The line a text states: "second-line", "line of therapy 3", "salvage 1" (which is line 2).

    None when it names no line, two different ones, one that is over or only considered, or a
    salvage and a line that do not agree.
    """
    if not may_hold(text, "line", "salvage"):
        return None
    lines = {line for part in _SENTENCE.split(tidy(text)) for line in _lines_in(part)}
    return lines.pop() if len(lines) == 1 else None


def _lines_in(part: str) -> Iterator[int]:
    if _NOT_THE_LINE.search(part):
        return
    salvage = [_number(found) + 1 for found in _SALVAGE.finditer(part)]
    lines = [_number(found) for found in _LINE.finditer(part)]
    # "Second-line salvage" may be the second line or the second salvage.
    if lines and not salvage and _ANY_SALVAGE.search(part):
        return
    yield from (line for line in (*salvage, *lines) if 0 < line <= MAX_LINE)


def _number(found: re.Match[str]) -> int:
    groups = found.groupdict()
    written = next(filter(None, groups.values())).casefold()
    return _ORDINALS.get(written) or int(re.sub(r"\D", "", written))


def _extended(extension: Resource) -> int | None:
    """The number in an extension for the line of therapy, as an integer or in words."""
    if not text_at(extension, "url").casefold().rstrip("/").endswith("line-of-therapy"):
        return None
    for name in ("valueInteger", "valuePositiveInt", "valueUnsignedInt"):
        number = number_of(extension.get(name))
        if number is not None and number in range(1, MAX_LINE + 1):
            return int(number)
    lines = {line for text in _words(extension) if (line := _bare_line(text))}
    return lines.pop() if len(lines) == 1 else None


def _words(extension: Resource) -> Iterator[str]:
    concept = extension.get("valueCodeableConcept")
    yield from texts_of(concept)
    yield text_at(extension, "valueCoding", "display")
    yield text_at(extension, "valueString")
    if not any(texts_of(concept)):
        yield from (text_at(coding, "code") for coding in codings_of(concept))


def _bare_line(text: str) -> int | None:
    """In an extension a number alone is enough."""
    plain = tidy(text)
    found = _BARE.fullmatch(plain)
    line = _number(found) if found else stated_line(plain)
    return line if line and line <= MAX_LINE else None
