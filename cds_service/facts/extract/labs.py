"""Numeric results, vital signs and ECG intervals: which observations hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from cds_service.facts.extract.borrowed import Lenders
from cds_service.facts.extract.material import Material
from cds_service.facts.extract.neutrophils import with_added_neutrophils
from cds_service.facts.extract.result import has_value, result_of, value_of
from cds_service.facts.model import LabResult
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, each, text_in, texts_of
from cds_service.fhir.read import PLAIN

IGNORED = frozenset({"entered-in-error", "cancelled"})
FINDINGS = frozenset({"pregnancy-test", "cd22", "immunophenotype"})
"""Analytes whose result may be words; words are read as a finding, not here."""

_CD22 = re.compile(r"(?<!anti-)\bCD22\b", re.IGNORECASE)
_CAR = re.compile(r"\bCAR\b", re.IGNORECASE)

Asked = tuple[str, Resource, frozenset[str]]
"""A part of an observation, where it stands, and which of the analytes asked for it names."""


def read_labs(material: Material) -> tuple[LabResult, ...]:
    """Every result of an analyte we know, from observations, their components and members."""
    lenders = Lenders()
    found: list[LabResult] = []
    wanted = _Wanted(material.measured)
    is_plain = PLAIN["Observation"]
    for observation, named in material.observed():
        if named is None:
            found += _results_of(observation, material, lenders)
            continue
        analytes = wanted[named]
        if not analytes:
            continue
        resource = observation.resource
        if not is_plain(resource):
            found += _results_of(observation, material, lenders)
        elif resource["status"] not in IGNORED:
            for analyte in analytes:
                if analyte not in FINDINGS or not is_finding(analyte, resource):
                    found.append(
                        result_of(analyte, resource, resource, observation, "", material, lenders)
                    )
    return with_added_neutrophils(found)


class _Wanted(dict[frozenset[str], tuple[str, ...]]):
    """Of the concepts a code names those that are wanted, in the order of the alphabet."""

    def __init__(self, among: frozenset[str]) -> None:
        super().__init__()
        self._among = among

    def __missing__(self, named: frozenset[str]) -> tuple[str, ...]:
        found = self[named] = tuple(sorted(named & self._among))
        return found


def asked_of(found: Found, among: frozenset[str], material: Material) -> list[Asked]:
    """The observation itself and its components, as far as their codes name one of some analytes.

    What stands in a component is called ``component[0]``; the observation's own has no name.
    """
    resource = found.resource
    own = named(resource.get("code"), material) & among
    asked = [("", resource, own)] if own else []
    if "component" in resource:
        for number, part in enumerate(each(resource["component"])):
            if analytes := named(part.get("code"), material) & among:
                asked.append((f"component[{number}]", part, analytes))
    return asked


def named(concept: object, material: Material) -> frozenset[str]:
    """What a code names; where it is none of ours, CD22 is known by its words.

    Else a local code for CD22 would be told as a result that is not on file.
    """
    coded = material.concepts(concept)
    if coded or not any(_is_called_cd22(words) for words in texts_of(concept)):
        return coded
    return frozenset({"cd22"})


def _is_called_cd22(words: str) -> bool:
    """Whether a result is called CD22; neither an antibody against it nor CAR-T cells.

    The last mention in a line tells: what CAR follows it follows all.
    """
    if "22" not in words:
        return False
    return any(
        _CAR.search(line, found[-1].end()) is None
        for line in words.split("\n")
        if (found := list(_CD22.finditer(line)))
    )


def _results_of(found: Found, material: Material, lenders: Lenders) -> Iterator[LabResult]:
    """The results in one observation: its own, and one for each component we know."""
    asked = asked_of(found, material.measured, material)
    if not asked or text_in(found.resource, "status") in IGNORED:
        return
    whole = material.readable(found, chain.from_iterable(names for _, _, names in asked))
    if whole is None:
        return
    for element, part, analytes in asked:
        # The elements that could not be read are taken out of the whole.
        holder = part if element else whole
        if not element and len(asked) > 1 and not has_value(whole):
            continue
        for analyte in sorted(analytes) if len(analytes) > 1 else analytes:
            if analyte not in FINDINGS or not is_finding(analyte, holder):
                yield result_of(analyte, holder, whole, found, element, material, lenders)


def is_finding(analyte: str, part: Resource) -> bool:
    """Whether the result is to be read as words: it has a value, and that is no number."""
    return analyte in FINDINGS and has_value(part) and value_of(part) is None
