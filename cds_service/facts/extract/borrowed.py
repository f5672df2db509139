"""Limits for results that came without any (terminology notes, section 7.1, item 3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

from cds_service.facts.interval import Interval
from cds_service.facts.model import LabResult, Measured, Moment, Patient
from cds_service.facts.quantity import converted

LENDING = timedelta(days=90)
"""How far apart two results of one laboratory may lie for one to lend the other its range."""

ADULT = 18

# Published upper limits of total bilirubin in adults differ; between the two ends we do not know.
_BANDS = {
    "mg/dL": Measured(Interval(Fraction("1.0"), Fraction("1.3")), "mg/dL", "1.0 to 1.3 mg/dL"),
    "umol/L": Measured(Interval(Fraction(17), Fraction(22)), "umol/L", "17 to 22 umol/L"),
}


def with_borrowed_limits(results: tuple[LabResult, ...], patient: Patient) -> tuple[LabResult, ...]:
    """The results, each with a limit if one can be had.

    Its own; else that of the newest result with the same code and performer within 90 days; else,
    for the total bilirubin of an adult, a band. No band for anything or anybody else.
    """
    return tuple(
        result
        if result.uln is not None or result.value is None
        else _borrowing(result, results, patient)
        for result in results
    )


def _borrowing(result: LabResult, results: Iterable[LabResult], patient: Patient) -> LabResult:
    lender = max(_lenders(result, results), key=_newest, default=None)
    if lender is not None and lender.uln is not None and lender.when is not None:
        uln = _in_unit_of(result, lender.uln)
        lln = _in_unit_of(result, lender.lln)
        if uln is not None:
            return replace(
                result, uln=uln, lln=result.lln or lln, uln_from=f"range of {lender.when}"
            )
    band = _BANDS.get(result.value.unit if result.value else "")
    if band and result.analyte == "total-bilirubin" and _is_adult(patient, result.when):
        return replace(result, uln=band, uln_from="usual adult limits, none came with the result")
    return result


def _lenders(result: LabResult, results: Iterable[LabResult]) -> list[LabResult]:
    return [
        other
        for other in results
        if other.uln is not None
        and other.analyte == result.analyte
        and result.code == other.code
        and result.performer != ""
        and result.performer == other.performer
        and _is_near(result.when, other.when)
    ]


def _is_near(one: Moment | None, other: Moment | None) -> bool:
    if one is None or other is None:
        return False
    return abs(one.first - other.first) <= LENDING


def _newest(result: LabResult) -> tuple[int, float]:
    when = result.when
    if when is None:
        return 0, 0.0
    return when.last.toordinal(), when.at.timestamp() if when.at else 0.0


def _in_unit_of(result: LabResult, limit: Measured | None) -> Measured | None:
    if limit is None or result.value is None:
        return None
    return converted(result.analyte, limit, result.value.unit)


def _is_adult(patient: Patient, when: Moment | None) -> bool:
    if patient.birth is None or when is None:
        return False
    years = when.first.year - patient.birth.last.year
    had_birthday = (when.first.month, when.first.day) >= (
        patient.birth.last.month,
        patient.birth.last.day,
    )
    return years - (not had_birthday) >= ADULT
