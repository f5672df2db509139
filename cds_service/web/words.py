"""Numbers, units and names of the vocabulary as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

from cds_service.facts.answers import Selector, Value
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Unknown

_SIX_DIGITS = Context(prec=6)


def number(value: Fraction) -> str:
    """A number in decimal digits; rounded to six significant ones only when it does not end."""
    quotient = Decimal(value.numerator) / value.denominator
    if Fraction(quotient) != value:
        quotient = _SIX_DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))
    return _digits(quotient)


def short(value: Fraction, *, upwards: bool, digits: int = 6) -> str:
    """A number in at most so many significant digits, rounded to one side when it has more.

    Rounded away from a limit it never seems to reach it: 1.49999999 is not told as 1.5.
    """
    rounding = ROUND_CEILING if upwards else ROUND_FLOOR
    context = Context(prec=digits, rounding=rounding)
    return _digits(context.divide(Decimal(value.numerator), Decimal(value.denominator)))


def _digits(value: Decimal) -> str:
    return f"{value.normalize():f}"


def spaced(name: str) -> str:
    """A word of the vocabulary: ``times_uln`` as ``times ULN``."""
    return name.replace("_", " ").replace("uln", "ULN")


def unit_after(unit: str) -> str:
    """A unit with the space before it, if there is one."""
    return f" {unit}" if unit else ""


def selected(value: Selector) -> str:
    """What a selector or a test asks for."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return number(value)
    return " or ".join(value) if isinstance(value, tuple) else value


def plain(value: object) -> str:
    """A shown value as text; lists joined, mappings without keys and what is yes or no."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        said = (each for each in value.values() if not isinstance(each, bool))
        return " ".join(filter(None, map(plain, said)))
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(filter(None, map(plain, value)))
    if isinstance(value, Fraction):
        return number(value)
    return str(value)


def field_value(value: Value) -> str:
    """The value of a field; empty when it is not known or does not apply."""
    if isinstance(value, Interval):
        return interval_words(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None or isinstance(value, Unknown) else str(value)


def interval_words(interval: Interval) -> str:
    """A number as far as it is known: ``1.2``, ``≥ 2``, ``> 1.2 and ≤ 1.6``."""
    if interval.number is not None:
        return number(interval.number)
    low = "" if interval.lo is None else f"{'>' if interval.lo_open else '≥'} {number(interval.lo)}"
    high = (
        "" if interval.hi is None else f"{'<' if interval.hi_open else '≤'} {number(interval.hi)}"
    )
    return " and ".join(filter(None, (low, high))) or "any number"
