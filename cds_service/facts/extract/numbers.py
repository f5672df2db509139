"""FHIR quantities as measured amounts."""

from __future__ import annotations

import re
from decimal import Decimal

from cds_service.facts.interval import Interval
from cds_service.facts.model import Measured
from cds_service.facts.quantity import is_known_unit, is_sane, measured
from cds_service.fhir.peek import Resource, at, text_in

_PLAIN_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?", re.ASCII)


def number_of(value: object) -> Decimal | None:
    """A JSON number, or one sent as text; None for anything no measurement can be."""
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value) if is_sane(value) else None


def unit_of(quantity: Resource) -> str:
    """The unit: the code when it is one we know, else the printed unit, else the code."""
    code = text_in(quantity, "code")
    if code and is_known_unit(code):
        return code
    return text_in(quantity, "unit") or code


def measured_of(quantity: object, default_unit: str = "") -> Measured | None:
    """A Quantity as a measured amount; None when it has no usable number or comparator."""
    if type(quantity) is not dict:
        return None
    value = quantity.get("value")
    # Whether a measurement can have this number is looked at once, below.
    number = value if type(value) is Decimal else number_of(value)
    if number is None:
        return None
    try:
        return measured(number, unit_of(quantity) or default_unit, text_in(quantity, "comparator"))
    except ValueError:
        return None


def range_of(value: object) -> Measured | None:
    """A Range of one unit as everything between its ends; None unless both ends are numbers."""
    low, high = measured_of(at(value, "low")), measured_of(at(value, "high"))
    if low is None or high is None or low.unit != high.unit:
        return None
    if low.value.lo is None or high.value.hi is None or low.value.lo > high.value.hi:
        return None
    printed = f"{low.printed.partition(' ')[0]} to {high.printed}"
    return Measured(Interval(low.value.lo, high.value.hi), low.unit, printed)
