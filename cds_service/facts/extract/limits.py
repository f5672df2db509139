"""The laboratory's own limits of one result (terminology notes, section 7.1, items 1 to 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.extract.numbers import measured_of, number_of
from cds_service.facts.extract.words import tidy
from cds_service.facts.interval import Interval
from cds_service.facts.model import Measured, Moment, Patient
from cds_service.facts.quantity import converted, normal_unit, read_printed
from cds_service.fhir.peek import Resource, at, codings_of, each, text_at, texts_of

_SEXES = {
    "248153007": "male",
    "248152002": "female",
    "male": "male",
    "female": "female",
    "m": "male",
    "f": "female",
    "men": "male",
    "women": "female",
}
"""Words and SNOMED CT codes (FHIR value set referencerange-appliesto) for a range of one sex."""

_SPECIAL = frozenset({"type", "appliesTo", "age"})
"""What says that a range is another than the normal one of everybody."""

_YEARS = {"a": 1, "y": 1, "yr": 1, "yrs": 1, "year": 1, "years": 1}
_MONTHS = {"mo": 1, "month": 1, "months": 1}
_DAYS = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7}

_SPAN = re.compile(r"(?P<low>\d+(?:[.,]\d+)?)\s*(?:-|–|to)\s*(?P<high>\d.*)")
_BELOW = re.compile(r"(?:<=?|≤|up to)\s*(?P<high>\d.*)", re.IGNORECASE)
_ABOVE = re.compile(r"(?:>=?|≥)\s*(?P<low>\d.*)")


@cheap_dataclass(frozen=True, slots=True)
class Limits:
    """Upper and lower limit of normal in the unit of the value; ``note`` says what was odd.

    ``borrowed_from`` says where the upper one came from when not with the result.
    """

    uln: Measured | None = None
    lln: Measured | None = None
    note: str = ""
    borrowed_from: str = ""


def limits_of(
    result: Resource, value: Measured, analyte: str, patient: Patient, when: Moment | None
) -> Limits:
    """The limits printed with a result, of the ranges that are normal ranges and fit the patient.

    Where several remain, the lower ULN and the higher LLN count, and the note says so.
    """
    pairs = [
        pair
        for each_range in each(result, "referenceRange")
        if _SPECIAL.isdisjoint(each_range)
        or (_is_normal(each_range) and _fits(each_range, patient, when))
        for pair in _limits_in(each_range, value, analyte)
    ]
    highs = [high for _, high in pairs if high is not None]
    uln = min(highs, key=_exact, default=None)
    lln = max((low for low, _ in pairs if low is not None), key=_exact, default=None)
    notes = []
    if len(highs) > 1 and (different := len({high.value for high in highs})) > 1:
        notes.append(f"lowest of {different} limits given")
    if uln is not None and _was_converted(uln):
        notes.append(f"converted from {uln.printed}")
    return Limits(uln, lln, "; ".join(notes))


def _exact(limit: Measured) -> Fraction:
    number = limit.value.number
    return Fraction(0) if number is None else number


def _is_normal(each_range: Resource) -> bool:
    """Of type normal, or untyped. Treatment, therapeutic and critical ranges are not."""
    kind = each_range.get("type")
    if kind is None:
        return True
    codes = {text_at(coding, "code").casefold() for coding in codings_of(kind)} - {""}
    words = " ".join(texts_of(kind)).casefold()
    if not codes and not words:
        return True
    return "normal" in codes or "normal" in words or "reference" in words


def _fits(each_range: Resource, patient: Patient, when: Moment | None) -> bool:
    """Not certainly for somebody else: another sex or another age."""
    return _fits_sex(each_range, patient.sex) and _fits_age(each_range, patient, when)


def _fits_sex(each_range: Resource, sex: str) -> bool:
    applies = each_range.get("appliesTo")
    if applies is None:
        return True
    said = [text_at(coding, "code") for coding in codings_of(applies)] + list(texts_of(applies))
    sexes = {_SEXES[word.casefold()] for word in said if word.casefold() in _SEXES}
    return not sexes or sex not in ("male", "female") or sex in sexes


def _fits_age(each_range: Resource, patient: Patient, when: Moment | None) -> bool:
    age = at(each_range, "age")
    if patient.birth is None or when is None or age is None:
        return True
    low, high = at(age, "low"), at(age, "high")
    old_enough = _age_at_least(patient.birth, when, low)
    young_enough = _age_at_most(patient.birth, when, high)
    return old_enough and young_enough


def _age_at_least(birth: Moment, when: Moment, limit: object) -> bool:
    bound = number_of(at(limit, "value"))
    lived = _lived(birth, when, limit)
    return bound is None or lived is None or lived >= bound


def _age_at_most(birth: Moment, when: Moment, limit: object) -> bool:
    bound = number_of(at(limit, "value"))
    lived = _lived(birth, when, limit)
    return bound is None or lived is None or lived <= bound


def _lived(birth: Moment, when: Moment, limit: object) -> int | None:
    """Completed years, months, weeks or days, in the unit of the limit; None for another unit."""
    unit = (text_at(limit, "code") or text_at(limit, "unit")).casefold()
    months = (when.last.year - birth.first.year) * 12 + when.last.month - birth.first.month
    months -= when.last.day < birth.first.day
    if unit in _YEARS:
        return months // 12
    if unit in _MONTHS:
        return months
    if unit in _DAYS:
        return (when.last - birth.first).days // _DAYS[unit]
    return None


def _limits_in(
    each_range: Resource, value: Measured, analyte: str
) -> Iterator[tuple[Measured | None, Measured | None]]:
    """Low and high of a range in the unit of the value; one without a unit has the value's."""
    low, high = each_range.get("low"), each_range.get("high")
    if low is None and high is None:
        pair = _printed_limits(text_at(each_range, "text"))
    else:
        pair = (measured_of(low, value.unit), measured_of(high, value.unit))
    if any(pair):
        yield _in_unit(pair[0], value, analyte), _in_unit(pair[1], value, analyte)


def _in_unit(limit: Measured | None, value: Measured, analyte: str) -> Measured | None:
    """The limit as one number in the unit of the value; None when that cannot be had."""
    if limit is None:
        return None
    end = limit.value.hi if limit.value.hi is not None else limit.value.lo
    if end is None or end.numerator <= 0:
        return None
    if end is limit.value.lo is limit.value.hi and limit.unit == value.unit:
        return limit
    exact = Measured(Interval.exactly(end), limit.unit or value.unit, limit.printed)
    return converted(analyte, exact, value.unit)


def _printed_limits(printed: str) -> tuple[Measured | None, Measured | None]:
    """The limits in "0.2-1.2 mg/dL", "< 1.2" or "> 1.0"; none for anything less plain."""
    text = tidy(printed)
    if found := _SPAN.fullmatch(text):
        high = read_printed(found["high"])
        low = read_printed(f"{found['low']} {high.unit}") if high else None
        if low and high and _exact(low) < _exact(high):
            return low, high
    if found := _BELOW.fullmatch(text):
        return None, read_printed(found["high"])
    if found := _ABOVE.fullmatch(text):
        return read_printed(found["low"]), None
    return None, None


def _was_converted(limit: Measured) -> bool:
    printed_unit = limit.printed.partition(" ")[2]
    if printed_unit == limit.unit:
        return False
    return printed_unit != "" and normal_unit(printed_unit) != limit.unit
