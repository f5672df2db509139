"""Numbers as a card prints them."""

from __future__ import annotations

from fractions import Fraction

from cds_service.facts.interval import Interval

_PLACES = 2
_MOST_PLACES = 9


def times_text(times: Interval) -> str:
    """A multiple of ULN: ``1.58``, ``1.0``, ``1.38 to 1.8``, ``above 2.5``, ``below 0.17``."""
    if times.number is not None:
        return multiple(times.number)
    if times.hi is None:
        return f"above {multiple(times.lo)}" if times.lo is not None else ""
    if not times.lo:
        return f"{'below' if times.hi_open else 'at most'} {multiple(times.hi)}"
    return f"{multiple(times.lo)} to {multiple(times.hi)}"


def multiple(number: Fraction) -> str:
    """One decimal when that is exact, else two, or as many as it takes to tell it from one.

    1.5002 is not printed as 1.5 or 1.50, because 1.5 may be the very limit that it is above.
    """
    if (number * 10).denominator == 1:
        return _fixed(number, 1)
    for places in range(_PLACES, _MOST_PLACES):
        if round(number * 10**places) % 10 ** (places - 1):
            return _fixed(number, places)
    return _fixed(number, _MOST_PLACES)


def rounded(number: Fraction) -> str:
    """Two decimals, for a limit that was converted to another unit."""
    return _fixed(number, _PLACES)


def plain(number: Fraction) -> str:
    """As people write an amount: at most two decimals, none that are zero: ``1.9``, ``0.83``."""
    text = _fixed(number, _PLACES)
    return text.rstrip("0").rstrip(".")


def _fixed(number: Fraction, places: int) -> str:
    digits = f"{round(number * 10**places):0{places + 1}d}"
    return f"{digits[:-places]}.{digits[-places:]}"
