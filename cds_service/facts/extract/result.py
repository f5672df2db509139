"""What one result says, field by field and only when somebody asks.

Of most results a chart holds only the date is asked for: a newer one counts.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple

from cds_service.facts.answers import Source
from cds_service.facts.cheap import kept
from cds_service.facts.dates import instant
from cds_service.facts.extract.borrowed import Lenders
from cds_service.facts.extract.limits import Limits, limits_of
from cds_service.facts.extract.material import Material, codings, moment_at, moment_in, source
from cds_service.facts.extract.numbers import measured_of, number_of
from cds_service.facts.extract.words import tidy
from cds_service.facts.interval import Interval
from cds_service.facts.model import LabResult, Measured, Moment
from cds_service.facts.quantity import MAX_UNIT, canonical, contradicts, measured, read_printed
from cds_service.facts.unknown import Reason, Unknown
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, each, name_of, text_at, text_in

FINAL = frozenset({"final", "amended", "corrected"})

MAX_REASON = 80
"""Letters of a laboratory's own words that we repeat."""


class _Judged(NamedTuple):
    """What a result amounts to; ``own`` are limits that were needed to tell, None where not."""

    value: Measured | None = None
    canonical: Interval | None = None
    problem: Unknown | None = None
    own: Limits | None = None


def result_of(
    analyte: str,
    part: Resource,
    whole: Resource,
    found: Found,
    element: str,
    material: Material,
    lenders: Lenders,
) -> LabResult:
    """The result of an analyte that ``part`` holds, with ``whole`` for all but its value.

    The part is the observation itself, or a component of it, which ``element`` then names.
    """
    # The lender is not the result itself: all results would hold each other, and their memory wait
    # for the garbage collector, which stops a call for longer than it takes.
    lender = partial(_Sent, analyte, part, whole, found, element, material)
    lenders.results.append((analyte, lender))
    sent = _Borrowing(analyte, part, whole, found, element, material)
    sent.lenders = lenders
    return LabResult.read_from(sent)


class _Sent:
    """What one result says by itself, with fields of ``LabResult`` under their names."""

    def __init__(
        self,
        analyte: str,
        part: Resource,
        whole: Resource,
        found: Found,
        element: str,
        material: Material,
    ) -> None:
        self.analyte = analyte
        self._part = part
        self._whole = whole
        self._found = found
        self._element = element
        self._material = material

    @property
    def when(self) -> Moment | None:
        return effective(self._whole, self._material)

    @property
    def source(self) -> Source:
        return source(self._found, self._element)

    @property
    def status(self) -> Literal["final", "preliminary"]:
        return "final" if text_in(self._whole, "status") in FINAL else "preliminary"

    @kept
    def code(self) -> str:
        """The first coding that names the analyte, as ``system|code``."""
        for coding in codings(self._part.get("code")):
            if self.analyte in self._material.terminology.concepts_of((coding,)):
                return f"{coding.system}|{coding.code}"
        return ""

    @kept
    def performer(self) -> str:
        for performer in each(self._whole, "performer"):
            if name := text_in(performer, "reference") or text_in(performer, "display"):
                return name
        return ""

    @property
    def specimen(self) -> str:
        specimen = self._whole.get("specimen")
        return text_at(specimen, "reference") or text_at(specimen, "display")

    @property
    def issued(self) -> datetime | None:
        issued = self._whole.get("issued")
        return instant(issued.strip()) if isinstance(issued, str) else None

    @property
    def value(self) -> Measured | None:
        return self._judged.value

    @property
    def canonical(self) -> Interval | None:
        return self._judged.canonical

    @property
    def problem(self) -> Unknown | None:
        return self._judged.problem

    @kept
    def own(self) -> Limits:
        """The limits that came with it, none where there is no value."""
        judged = self._judged
        if judged.own is not None or judged.value is None:
            return judged.own or Limits()
        return self._limits_beside(judged.value)

    @kept
    def _judged(self) -> _Judged:
        """The value, or what is the matter with it."""
        amount = value_of(self._part) if has_value(self._part) else None
        if amount is None or _is_negative(amount):
            return _Judged(problem=self._no_number())
        # A unit that can be converted is one the analyte may have.
        in_canonical = canonical(self.analyte, amount)
        if in_canonical is not None:
            return _Judged(amount, in_canonical)
        if contradicts(self.analyte, amount):
            detail = f"given in {amount.unit}, which is no unit of {self._name}"
            return _Judged(problem=self._unusable(Reason.CONFLICT, detail))
        own = self._limits_beside(amount)
        if own.uln is not None:
            return _Judged(amount, own=own)
        unit = f'"{amount.unit[:MAX_UNIT]}"' if amount.unit else "no unit"
        return _Judged(problem=self._unusable(Reason.UNIT, unit))

    def _limits_beside(self, amount: Measured) -> Limits:
        return limits_of(self._part, amount, self.analyte, self._material.patient, self.when)

    def _unusable(self, reason: Reason, detail: str) -> Unknown:
        return Unknown(self._name, reason, detail, self._found.reference)

    def _no_number(self) -> Unknown:
        """Why a result has no value."""
        when = self.when
        dated = f"result of {when}" if when else "result without a date"
        if has_value(self._part):
            detail = f"{dated} is not a number we understand"
            return Unknown(self._name, Reason.UNREADABLE, detail)
        absent = name_of(self._part.get("dataAbsentReason"))
        why = f"{dated} has no value" + (f" ({absent[:MAX_REASON]})" if absent else "")
        return Unknown(self._name, Reason.NOT_RECORDED, why)

    @property
    def _name(self) -> str:
        return self._material.terminology.display_name(self.analyte)


class _Borrowing(_Sent):
    """A result with the limits that count for it, and so every field of ``LabResult``."""

    lenders: Lenders

    @property
    def uln(self) -> Measured | None:
        return self._limits.uln

    @property
    def lln(self) -> Measured | None:
        return self._limits.lln

    @property
    def uln_from(self) -> str:
        return self._limits.borrowed_from

    @property
    def uln_note(self) -> str:
        return self._limits.note

    @kept
    def _limits(self) -> Limits:
        """Its own limits, or else borrowed ones."""
        own, amount = self.own, self._judged.value
        if own.uln is not None or amount is None:
            return own
        return self.lenders.limits_for(self, amount, self._material.patient)


def effective(observation: Resource, material: Material) -> Moment | None:
    """When the specimen was taken or the patient measured; the end of a period.

    A result without such a time is as old as the day it was issued: it may be older, but a raised
    value without a time should not be passed over.
    """
    return (
        material.moment_of(observation.get("effectiveDateTime"))
        or moment_in(observation, "effectiveInstant")
        or moment_at(observation, "effectivePeriod", "end")
        or moment_at(observation, "effectivePeriod", "start")
        or moment_in(observation, "issued")
    )


def has_value(part: Resource) -> bool:
    """Whether an observation or component holds a value of any type, readable or not."""
    return "valueQuantity" in part or any(name.startswith("value") for name in part)


def _is_negative(amount: Measured) -> bool:
    least = amount.value.lo
    return least is not None and least.numerator < 0


def value_of(part: Resource) -> Measured | None:
    """The number of a result, from a quantity, an integer, or a text that is plainly a number."""
    if "valueQuantity" in part:
        return measured_of(part["valueQuantity"])
    if "valueString" in part:
        return read_printed(tidy(text_in(part, "valueString")))
    if "valueInteger" in part:
        number = number_of(part["valueInteger"])
        return None if number is None else measured(number, "")
    return None
