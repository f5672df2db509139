"""Amounts and their units: one spelling per unit, and one small table of conversions.

The table is closed on purpose. General unit libraries read ``K/uL`` as kelvin and take one
milliequivalent of magnesium for one millimole; here a unit that is not in the table of the analyte
is not understood, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from cds_service.facts.interval import Interval
from cds_service.facts.model import Measured

_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "mg/dL": (),
    "umol/L": ("mcmol/L", "micromol/L"),
    "mmol/L": (),
    "mEq/L": (),
    "g/dL": (),
    "g/L": (),
    "mL/min": (),
    "U/L": ("IU/L", "[IU]/L", "units/L", "unit/L"),
    "ukat/L": ("mckat/L", "microkat/L"),
    # Thousands per microlitre and billions per litre are the same number.
    "10*9/L": (
        *("10^9/L", "10e9/L", "x10*9/L", "x10^9/L", "x10e9/L", "x109/L", "/nL"),
        *("10*3/uL", "10^3/uL", "10e3/uL", "x10*3/uL", "x10^3/uL", "x10e3/uL", "x103/uL"),
        *("10*3/mm3", "10^3/mm3", "10^3/mm^3", "x10^3/mm3", "x10e3/mm3", "K/mm3"),
        *("10*3/mcL", "10^3/mcL", "10e3/mcL", "x10*3/mcL", "x10^3/mcL", "x10e3/mcL", "x103/mcL"),
        *("x10(3)/uL", "x10(3)/mcL", "x10(9)/L", "10*3/cumm", "10^3/cumm", "1000/uL", "1000/mcL"),
        *("K/uL", "K/mcL", "thousand/uL", "thousands/uL", "thou/uL", "thou/mcL", "Gpt/L", "Tsd/uL"),
    ),
    "/uL": (
        "/mcL",
        "/mm3",
        "/mm^3",
        "cells/uL",
        "cells/mcL",
        "cells/mm3",
        "#/uL",
        "/cumm",
        "/cmm",
        "cells/cumm",
        "10*6/L",
        "10^6/L",
    ),
    "%": ("percent",),
    "kg": ("kgs",),
    "g": ("gram", "grams"),
    "[lb_av]": ("lb", "lbs", "pound", "pounds"),
    "cm": (),
    "m": (),
    "[in_i]": ("in", "inch", "inches"),
    "m2": ("m^2", "m*2", "sqm"),
    "ms": ("msec", "millisecond", "milliseconds"),
    "s": ("sec", "second", "seconds"),
    "mg": ("milligram", "milligrams"),
    "ug": ("mcg", "microgram", "micrograms"),
    "mg/m2": ("mg/m^2", "mg/sqm"),
    "ug/m2": ("mcg/m2", "ug/m^2", "mcg/m^2"),
}
_SUPERSCRIPTS = str.maketrans({"²": "^2", "³": "^3", "⁹": "^9"})
_ANNOTATION = re.compile(r"\{[^{}]*\}")


def _key(unit: str) -> str:
    """Spelling without micro signs, superscripts, spaces, annotations and letter case."""
    plain = unit.translate(_SUPERSCRIPTS).replace("µ", "u").replace("μ", "u").replace("×", "x")
    return "".join(_ANNOTATION.sub("", plain).split()).casefold()


_UNITS: Mapping[str, str] = {
    _key(spelling): unit
    for unit, spellings in _SPELLINGS.items()
    for spelling in (unit, *spellings)
}

_ENZYME = {"U/L": Fraction(1), "ukat/L": Fraction(60)}
_BILIRUBIN = {"mg/dL": Fraction(1), "umol/L": 1 / Fraction("17.104")}
_CALCIUM = {"mmol/L": Fraction(1), "mg/dL": Fraction("0.2495"), "mEq/L": Fraction(1, 2)}
_CELLS = {"10*9/L": Fraction(1), "/uL": Fraction("0.001")}
_PERCENT = {"%": Fraction(1)}
_WEIGHT = {"kg": Fraction(1), "g": Fraction("0.001"), "[lb_av]": Fraction("0.45359237")}
_TIME = {"ms": Fraction(1), "s": Fraction(1000)}

_TO_CANONICAL: Mapping[str, Mapping[str, Fraction]] = {
    **dict.fromkeys(("total-bilirubin", "direct-bilirubin", "indirect-bilirubin"), _BILIRUBIN),
    **dict.fromkeys(("alt", "ast", "alp", "ggt", "ldh", "amylase", "lipase"), _ENZYME),
    **dict.fromkeys(("calcium", "calcium-ionized"), _CALCIUM),
    "magnesium": {"mmol/L": Fraction(1), "mg/dL": Fraction("0.4114"), "mEq/L": Fraction(1, 2)},
    "potassium": {"mmol/L": Fraction(1), "mEq/L": Fraction(1)},
    "creatinine": {"mg/dL": Fraction(1), "umol/L": 1 / Fraction("88.4")},
    "creatinine-clearance": {"mL/min": Fraction(1)},
    "albumin": {"g/dL": Fraction(1), "g/L": Fraction(1, 10)},
    "urate": {"mg/dL": Fraction(1)},
    "phosphate": {"mg/dL": Fraction(1)},
    **dict.fromkeys(
        ("anc", "anc-segmented-only", "bands", "platelets", "wbc", "blasts-absolute"), _CELLS
    ),
    **dict.fromkeys(
        ("neutrophil-percent", "blasts-percent", "marrow-blasts-percent", "cd22", "mrd"), _PERCENT
    ),
    **dict.fromkeys(("body-weight", "body-weight-stated"), _WEIGHT),
    "body-height": {"cm": Fraction(1), "m": Fraction(100), "[in_i]": Fraction("2.54")},
    "bsa": {"m2": Fraction(1)},
    **dict.fromkeys(("qtc", "qtc-bazett", "qtc-fridericia", "qt-uncorrected"), _TIME),
    "dose": {"mg": Fraction(1), "ug": Fraction("0.001")},
    "dose-per-m2": {"mg/m2": Fraction(1), "ug/m2": Fraction("0.001")},
}
"""Factor from each unit into the canonical one, which is the first. ``dose`` is a drug amount."""

_CANONICAL = {analyte: next(iter(units)) for analyte, units in _TO_CANONICAL.items()}

MEASURED = frozenset(_TO_CANONICAL)
"""The analytes that have numbers."""

MAX_UNIT = 40
"""A longer text is no unit, and is not worth a look."""

_DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    # Mass and amount of substance stand for one another: codes of the two are mixed up in charts.
    "concentration": ("mg/dL", "umol/L", "mmol/L", "mEq/L", "g/dL", "g/L"),
    "activity": ("U/L", "ukat/L"),
    "count": ("10*9/L", "/uL"),
    "fraction": ("%",),
    "mass": ("kg", "g", "[lb_av]", "mg", "ug"),
    "length": ("cm", "m", "[in_i]"),
    "area": ("m2",),
    "time": ("ms", "s"),
    "dose": ("mg/m2", "ug/m2"),
    "clearance": ("mL/min",),
}
_DIMENSION_OF = {unit: name for name, units in _DIMENSIONS.items() for unit in units}
_POSSIBLE = {
    analyte: frozenset(_DIMENSION_OF[unit] for unit in units)
    for analyte, units in _TO_CANONICAL.items()
}

MAX_DIGITS = 30
"""Numbers longer or with larger exponents than any measurement are not read."""

_COMPARATORS = {"≤": "<=", "≥": ">="}
_NUMBER = re.compile(
    r"(?P<comparator><=|>=|[<>≤≥])?\s*(?P<number>\d+(?:[.,]\d+)?)"
    r"(?:\s*(?P<unit>[^\W\d_].*|[%/\[{#µμ×].*)|\s+(?P<power>10.*))?",
    re.ASCII,
)
_FLAG = re.compile(r"\s+(?:\((?:HH?|LL?)\)|HH?|LL?|\*)$")


def normal_unit(unit: str) -> str:
    """The one spelling of a unit ("K/uL" and "10*3/uL" are "10*9/L"); unknown ones as written."""
    known = _AS_LISTED.get(unit)
    if known is not None:
        return known
    return _spelled(unit) if len(unit) <= MAX_UNIT else unit.strip()


def _spelled(unit: str) -> str:
    # Case tells giga from gram here, and nowhere else in the table.
    if unit.strip() in ("G/L", "G/l"):
        return "10*9/L"
    return _UNITS.get(_key(unit), unit.strip())


_AS_LISTED: Mapping[str, str] = {
    spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in (unit, *spellings)
}
"""The usual spellings, which need no thought."""


def is_known_unit(unit: str) -> bool:
    """Whether the unit is in the table, in any of its spellings."""
    return unit in _AS_LISTED or normal_unit(unit) in _SPELLINGS


def canonical_unit(analyte: str) -> str:
    """The unit thresholds of an analyte are written in; empty for an analyte without numbers."""
    return _CANONICAL.get(analyte, "")


def is_sane(number: Decimal | int) -> bool:
    """Whether a number could be a measurement at all; a huge exponent would cost minutes."""
    if isinstance(number, int):
        return number.bit_length() <= MAX_DIGITS * 3
    return number.is_finite() and abs(number.adjusted()) <= MAX_DIGITS >= len(number.as_tuple()[1])


def _printed(number: Decimal) -> str:
    """All digits of a number; empty for one that is not sane."""
    text = str(number)
    # Of such a text every digit is a digit of the number, or a zero before or behind them.
    if len(text) <= MAX_DIGITS and "E" not in text and number.is_finite():
        return text
    return f"{number:f}" if is_sane(number) else ""


def measured(number: Decimal, unit: str, comparator: str = "") -> Measured:
    """An amount from its number, unit and FHIR comparator (``<``, ``<=``, ``>``, ``>=``).

    "< 0.2" is the interval from zero up to 0.2.

    Raises:
        ValueError: for any other comparator, or a number no measurement has.
    """
    digits = _printed(number)
    if not digits:
        raise ValueError("not a number a measurement can have")
    value = _interval(Fraction(*number.as_integer_ratio()), comparator)
    return Measured(value, normal_unit(unit), f"{comparator}{digits} {unit}".strip())


def _interval(number: Fraction, comparator: str) -> Interval:
    if not comparator:
        return Interval(number, number)
    zero = Fraction(0) if number > 0 else None
    match comparator:
        case "<":
            return Interval(zero, number, hi_open=True)
        case "<=":
            return Interval(zero, number)
        case ">":
            return Interval(number, None, lo_open=True)
        case ">=":
            return Interval(number, None)
    raise ValueError("not a comparator: expected <, <=, > or >=")


def parse_measured(text: str) -> Measured | None:
    """Read "1.8 mg/dL", "<0.2 mg/dL" or "> 25", with a decimal point; None for anything else."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None or "," in found["number"]:
        return None
    return _from_match(found)


def read_printed(text: str) -> Measured | None:
    """Read a result as a laboratory printed it, with decimal point or comma.

    A separator before exactly three digits may mark thousands ("1,234", "150.000"): such a text
    is not read, unless it begins with zero. A flag at the end ("H", "(L)", "*") is ignored.
    """
    found = _NUMBER.fullmatch(_FLAG.sub("", text.strip()))
    if found is None or re.fullmatch(r"[1-9]\d*[.,]\d{3}", found["number"]):
        return None
    return _from_match(found)


def _from_match(found: re.Match[str]) -> Measured | None:
    number = Decimal(found["number"].replace(",", "."))
    comparator = found["comparator"] or ""
    if not is_sane(number):
        return None
    unit = (found["unit"] or found["power"] or "").strip()
    return measured(number, unit, _COMPARATORS.get(comparator, comparator))


def canonical(analyte: str, amount: Measured) -> Interval | None:
    """The amount in the analyte's canonical unit; None when its unit is not in the table."""
    if _CANONICAL.get(analyte) == amount.unit:
        return amount.value
    factor = _TO_CANONICAL.get(analyte, {}).get(normal_unit(amount.unit))
    if factor is None or factor == 1:
        return None if factor is None else amount.value
    return amount.value.scaled(factor)


def contradicts(analyte: str, amount: Measured) -> bool:
    """Whether a unit we know is one this analyte is never measured in, such as mg/dL for ALT.

    A unit we do not know contradicts nothing; it is not understood.
    """
    possible = _POSSIBLE.get(analyte)
    if possible is None:
        return False
    dimension = _DIMENSION_OF.get(normal_unit(amount.unit))
    return dimension is not None and dimension not in possible


def converted(analyte: str, amount: Measured, unit: str) -> Measured | None:
    """The amount in another unit of the analyte's table, None when not convertible.

    An amount that already has the unit is returned as it is, whether in the table or not.
    """
    if amount.unit == unit:
        return amount
    wanted = normal_unit(unit)
    if normal_unit(amount.unit) == wanted:
        return amount
    in_canonical = canonical(analyte, amount)
    factor = _TO_CANONICAL.get(analyte, {}).get(wanted)
    if in_canonical is None or factor is None:
        return None
    return Measured(in_canonical.scaled(1 / factor), wanted, amount.printed)
