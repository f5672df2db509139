"""What was read for a clause: each reading in words, its number and day, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.engine.reference import all_of, judge_test
from cds_service.engine.verdict import ClauseVerdict
from cds_service.facts.answers import Reading, Source
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.unknown import Unknown
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.model import Clause
from cds_service.web.shown import shown
from cds_service.web.words import field_value, interval_words, plain, spaced

_AMOUNT = re.compile(r"(?P<value>(?:[<>≤≥]=?\s?)?\d+(?:\.\d+)?)(?: (?P<unit>\S+))?")
_DOSAGE = "dosageInstruction"

# Where the value of a resource stands when the reading does not say: FHIR's names, with [x] for
# an element that has several types.
_ELEMENT_OF_TYPE: Mapping[str, str] = {
    "AdverseEvent": "event",
    "AllergyIntolerance": "code",
    "Condition": "code",
    "MedicationAdministration": "medication[x]",
    "MedicationRequest": "medication[x]",
    "MedicationStatement": "medication[x]",
    "Observation": "value[x]",
    "Procedure": "code",
    "ServiceRequest": "code",
}
_ELEMENT_OF_KIND: Mapping[tuple[str, str], str] = {
    ("dose_ordered", "MedicationRequest"): _DOSAGE,
    ("exposure", "MedicationAdministration"): "effective[x]",
    ("infusion", "MedicationRequest"): _DOSAGE,
    ("order", "MedicationRequest"): _DOSAGE,
    ("preparation", "MedicationRequest"): "note",
    ("schedule", "MedicationRequest"): _DOSAGE,
}


def facts(verdict: ClauseVerdict) -> Iterator[dict[str, Any]]:
    """Every reading of a clause, and whether it holds (None: that cannot be known).

    ``value`` is as printed in the chart, else the number the clause tests; neither is there when
    nothing is known of it.
    """
    clause, kind = verdict.clause, verdict.clause.question.kind
    for reading in verdict.answer.readings:
        yield {
            "text": "; ".join(filter(None, (_words(kind, reading), *_not_told(clause, reading)))),
            **_amount(clause, reading),
            **_date(reading),
            "holds": True if reading in verdict.holding else _holds(clause, reading),
            "sources": _sources(kind, reading),
        }


def found(kind: str, reading: Reading) -> str:
    """A reading in words, with the resources it was read from; empty when it states nothing."""
    words = _words(kind, reading)
    references = ", ".join(dict.fromkeys(source.reference for source in reading.sources))
    return f"{words} ({references})" if words and references else words


def _words(kind: str, reading: Reading) -> str:
    return "; ".join(shown(kind, reading)) or "; ".join(_tested_fields(reading))


def _tested_fields(reading: Reading) -> Iterator[str]:
    for name, value in reading.fields.items():
        if words := field_value(value):
            yield f"{spaced(name)}: {words}"


def _not_told(clause: Clause, reading: Reading) -> Iterator[str]:
    """What a clause tests and the reading has no value for: not known, or it does not apply."""
    for field in dict.fromkeys(test.field for test in clause.tests):
        value = reading.fields.get(field)
        if isinstance(value, Unknown):
            yield f"{spaced(field)} unknown, {value}"
        elif value is None:
            yield f"{spaced(field)} does not apply"


def _holds(clause: Clause, reading: Reading) -> Truth:
    return all_of([judge_test(test, reading.fields.get(test.field)) for test in clause.tests])


def _amount(clause: Clause, reading: Reading) -> dict[str, str]:
    """The number of a reading with its unit: as printed, else as far as the tested one is known."""
    if value := plain(reading.show.get("value")):
        return _with_unit(value, plain(reading.show.get("unit")))
    if printed := _AMOUNT.fullmatch(plain(reading.show.get("text"))):
        return _with_unit(printed["value"], printed["unit"] or "")
    fields = KINDS[clause.question.kind].fields
    for test in clause.tests:
        tested = reading.fields.get(test.field)
        if isinstance(tested, Interval):
            unit = fields[test.field].unit if test.field in fields else ""
            return _with_unit(interval_words(tested), unit)
    return {}


def _with_unit(value: str, unit: str) -> dict[str, str]:
    return {"value": value, "unit": unit} if unit else {"value": value}


def _date(reading: Reading) -> dict[str, str]:
    date = plain(reading.show.get("date"))
    return {"date": date} if date else {}


def _sources(kind: str, reading: Reading) -> list[dict[str, str]]:
    return [
        {"reference": source.reference, "element": _element(kind, source)}
        for source in dict.fromkeys(reading.sources)
    ]


def _element(kind: str, source: Source) -> str:
    """The element as the reading names it, else the one that says it in such a resource."""
    if source.element:
        return source.element
    resource_type = source.reference.partition("/")[0]
    usual = _ELEMENT_OF_TYPE.get(resource_type, "")
    return _ELEMENT_OF_KIND.get((kind, resource_type), usual)
