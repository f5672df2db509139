"""Numeric results, vital signs and ECG intervals: values, units, dates and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from cds_service.facts.extract.borrowed import with_borrowed_limits
from cds_service.facts.extract.limits import limits_of
from cds_service.facts.extract.material import Material, codings, moment_at, source
from cds_service.facts.extract.neutrophils import with_added_neutrophils
from cds_service.facts.extract.numbers import measured_of, number_of
from cds_service.facts.extract.words import tidy
from cds_service.facts.model import LabResult, Measured, Moment
from cds_service.facts.quantity import (
    MAX_UNIT,
    canonical,
    canonical_unit,
    contradicts,
    read_printed,
)
from cds_service.facts.quantity import measured as measured_amount
from cds_service.facts.unknown import Reason, Unknown
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, each, name_of, text_at, texts_of

IGNORED = frozenset({"entered-in-error", "cancelled"})
FINDINGS = frozenset({"pregnancy-test", "cd22", "immunophenotype"})
"""Analytes whose result may be words; words are read as a finding, not here."""

FINAL = frozenset({"final", "amended", "corrected"})
_CD22 = re.compile(r"(?<!anti-)\bCD22\b(?!.*\bCAR\b)", re.IGNORECASE)
"""A result called CD22; neither an antibody against it nor CAR-T cells."""

MAX_REASON = 80
"""Letters of a laboratory's own words that we repeat."""


def read_labs(material: Material) -> tuple[LabResult, ...]:
    """Every result of an analyte we know, from observations, their components and members."""
    found = [
        result
        for observation in observations(material)
        for result in _results_of(observation, material)
    ]
    return with_borrowed_limits(with_added_neutrophils(tuple(found)), material.patient)


def observations(material: Material) -> Iterator[Found]:
    """The patient's observations, and those contained in them as members."""
    for found in material.own("Observation"):
        yield found
        for member in each(found.resource, "hasMember"):
            if text_at(member, "reference").startswith("#"):
                inner = material.library.resolve(member, found)
                if inner is not None and inner.type == "Observation":
                    yield inner


def analytes_of(concept: object, material: Material) -> frozenset[str]:
    """The analytes with a number that a code names, as far as they are asked for."""
    wanted = material.analytes
    return frozenset(
        name
        for name in named(concept, material)
        if (wanted is None or name in wanted) and canonical_unit(name)
    )


def named(concept: object, material: Material) -> frozenset[str]:
    """What a code names; where it is none of ours, CD22 is known by its words.

    Else a local code for CD22 would be told as a result that is not on file.
    """
    coded = material.concepts(concept)
    if coded or not any(_CD22.search(words) for words in texts_of(concept)):
        return coded
    return frozenset({"cd22"})


def _results_of(found: Found, material: Material) -> Iterator[LabResult]:
    """The results in one observation: its own, and one for each component we know."""
    own = analytes_of(found.resource.get("code"), material)
    parts = [
        (part, number, analytes)
        for number, part in enumerate(each(found.resource, "component"))
        if (analytes := analytes_of(part.get("code"), material))
    ]
    concerns = own.union(*(analytes for _, _, analytes in parts))
    if not concerns or text_at(found.resource, "status") in IGNORED:
        return
    resource = material.readable(found, concerns)
    if resource is None:
        return
    for analyte in sorted(own):
        if (not parts or has_value(resource)) and not is_finding(analyte, resource):
            yield _result(analyte, resource, resource, found, "", material)
    for part, number, analytes in parts:
        for analyte in sorted(analytes):
            if not is_finding(analyte, part):
                yield _result(analyte, part, resource, found, f"component[{number}]", material)


def has_value(part: Resource) -> bool:
    """Whether an observation or component holds a value of any type, readable or not."""
    return any(name.startswith("value") for name in part)


def is_finding(analyte: str, part: Resource) -> bool:
    """Whether the result is to be read as words: it has a value, and that is no number."""
    return analyte in FINDINGS and has_value(part) and value_of(part) is None


def _result(
    analyte: str,
    part: Resource,
    whole: Resource,
    found: Found,
    element: str,
    material: Material,
) -> LabResult:
    """One result: ``part`` holds the value (the observation itself or a component of it)."""
    when = effective(whole)
    name = material.terminology.display_name(analyte)
    amount, problem = _amount(part, name, when)
    result = LabResult(
        analyte=analyte,
        value=None,
        when=when,
        source=source(found, element),
        status="final" if text_at(whole, "status") in FINAL else "preliminary",
        code=_code(part, analyte, material),
        performer=_performer(whole),
        specimen=text_at(whole, "specimen", "reference") or text_at(whole, "specimen", "display"),
        issued=_issued(whole),
        problem=problem,
    )
    if amount is None:
        return result
    if contradicts(analyte, amount):
        detail = f"given in {amount.unit}, which is no unit of {name}"
        return replace(result, problem=Unknown(name, Reason.CONFLICT, detail, found.reference))
    limits = limits_of(part, amount, analyte, material.patient, when)
    in_canonical = canonical(analyte, amount)
    if in_canonical is None and limits.uln is None:
        unit = f'"{amount.unit[:MAX_UNIT]}"' if amount.unit else "no unit"
        return replace(result, problem=Unknown(name, Reason.UNIT, unit, found.reference))
    return replace(
        result,
        value=amount,
        canonical=in_canonical,
        uln=limits.uln,
        lln=limits.lln,
        uln_note=limits.note,
    )


def effective(observation: Resource) -> Moment | None:
    """When the specimen was taken or the patient measured; the end of a period.

    A result without such a time is as old as the day it was issued: it may be older, but a raised
    value without a time should not be passed over.
    """
    return (
        moment_at(observation, "effectiveDateTime")
        or moment_at(observation, "effectiveInstant")
        or moment_at(observation, "effectivePeriod", "end")
        or moment_at(observation, "effectivePeriod", "start")
        or moment_at(observation, "issued")
    )


def _amount(
    part: Resource, name: str, when: Moment | None
) -> tuple[Measured | None, Unknown | None]:
    """The value, or why there is none."""
    dated = f"result of {when}" if when else "result without a date"
    if not has_value(part):
        absent = name_of(part.get("dataAbsentReason"))
        why = f"{dated} has no value" + (f" ({absent[:MAX_REASON]})" if absent else "")
        return None, Unknown(name, Reason.NOT_RECORDED, why)
    amount = value_of(part)
    if amount is None or (amount.value.lo is not None and amount.value.lo < 0):
        return None, Unknown(name, Reason.UNREADABLE, f"{dated} is not a number we understand")
    return amount, None


def value_of(part: Resource) -> Measured | None:
    """The number of a result, from a quantity, an integer, or a text that is plainly a number."""
    if "valueQuantity" in part:
        return measured_of(part["valueQuantity"])
    if "valueString" in part:
        return read_printed(tidy(text_at(part, "valueString")))
    if "valueInteger" in part:
        number = number_of(part["valueInteger"])
        return None if number is None else measured_amount(number, "")
    return None


def _code(part: Resource, analyte: str, material: Material) -> str:
    """The first coding that names the analyte, as ``system|code``."""
    for coding in codings(part.get("code")):
        if analyte in material.terminology.concepts_of((coding,)):
            return f"{coding.system}|{coding.code}"
    return ""


def _performer(observation: Resource) -> str:
    for performer in each(observation, "performer"):
        if name := text_at(performer, "reference") or text_at(performer, "display"):
            return name
    return ""


def _issued(observation: Resource) -> datetime | None:
    issued = moment_at(observation, "issued")
    return issued.at if issued else None
