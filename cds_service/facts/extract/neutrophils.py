"""Neutrophils that a laboratory counts in two parts (terminology notes, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from cds_service.facts.interval import Interval
from cds_service.facts.model import LabResult, Measured
from cds_service.facts.quantity import canonical, converted

ANC, SEGMENTED, BANDS = "anc", "anc-segmented-only", "bands"


def with_added_neutrophils(results: Sequence[LabResult]) -> tuple[LabResult, ...]:
    """The results, and an ANC for every sample of which only segmented and bands were counted.

    Of one sample are two results of the same time and status. On a day with an ANC of its own
    nothing is added; segmented neutrophils without bands are no ANC.
    """
    return (*results, *_sums(results))


def _sums(results: Sequence[LabResult]) -> Iterator[LabResult]:
    if SEGMENTED not in {each.analyte for each in results}:
        return
    counted = {each.when for each in results if each.analyte == ANC and each.value}
    days = {when.day for when in counted if when}
    bands = {
        (each.when, each.status): each.value
        for each in results
        if each.analyte == BANDS and each.value
    }
    for segmented in results:
        when = segmented.when
        if segmented.analyte != SEGMENTED or when is None or when.day is None or when.day in days:
            continue
        total = _sum(segmented.value, bands.get((when, segmented.status)))
        if total:
            yield LabResult(
                analyte=ANC,
                value=total,
                when=when,
                source=segmented.source,
                status=segmented.status,
                canonical=canonical(ANC, total),
                performer=segmented.performer,
                specimen=segmented.specimen,
                issued=segmented.issued,
            )


def _sum(segmented: Measured | None, bands: Measured | None) -> Measured | None:
    """Both together in the unit of the first; None unless both are exact numbers."""
    if segmented is None or bands is None:
        return None
    more = converted(ANC, bands, segmented.unit)
    one, other = segmented.value.number, more.value.number if more else None
    if one is None or other is None:
        return None
    return Measured(
        Interval.exactly(one + other), segmented.unit, f"{_plain(one + other)} {segmented.unit}"
    )


def _plain(number: Fraction) -> str:
    """As a decimal number: counts and the factors between their units are all decimal."""
    decimal = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{decimal.normalize():f}"
