"""The words a template finds behind its names, and how a value is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from cds_service.cards.text import escaped, listed
from cds_service.engine.verdict import ClauseVerdict
from cds_service.facts.answers import Reading, words_of
from cds_service.facts.interval import Interval
from cds_service.facts.model import Moment
from cds_service.facts.unknown import Unknown

_JOINED = {"names": "name", "texts": "text"}
"""Words that join another word of all readings."""


class Words:
    """The words behind a name: ``bilirubin.text``, ``p.bilirubin_limit``.

    ``shown`` are those of the reading itself, as they are.
    """

    __slots__ = ("shown",)

    def __init__(self, shown: Mapping[str, object]) -> None:
        self.shown = shown

    def __getitem__(self, word: str) -> object:
        return _wrapped(self.shown[word])

    def __iter__(self) -> Iterator[str]:
        return iter(self.shown)


class ClauseWords(Words):
    """The words of the worst reading that holds, ``all`` of them, and their joined ``names``."""

    __slots__ = ("_readings",)

    def __init__(self, verdict: ClauseVerdict) -> None:
        readings = verdict.holding
        self._readings = worst_first(readings) if len(readings) > 1 else readings
        self.shown = words_of(self._readings[0]) if readings else {}

    def __getitem__(self, word: str) -> object:
        if word == "all":
            return tuple([Words(words_of(each)) for each in self._readings]) or Names()
        if word in _JOINED and word not in self.shown and (said := self._each(_JOINED[word])):
            return Names(said)
        return _wrapped(self.shown[word])

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*(word for word in _JOINED if self._each(_JOINED[word])), "all"))
        yield from (word for word in self.shown if word not in _JOINED and word != "all")

    def _each(self, word: str) -> tuple[str, ...]:
        said = (reading.show.get(word) for reading in self._readings)
        return tuple(dict.fromkeys(each for each in said if isinstance(each, str)))


class Names(tuple[str, ...]):
    """Several names, printed as ``a, b and c``; a summary shortens them where it must."""

    __slots__ = ()

    def __str__(self) -> str:
        return listed(self)


class OurText(str):
    """A sentence of the rulebook; ``markdown`` is the same made ready for the detail once."""

    __slots__ = ("markdown",)

    def __init__(self, text: str) -> None:
        self.markdown = escaped(text)


def _wrapped(value: object) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        for each in value:
            if not isinstance(each, str):
                return tuple(map(_wrapped, value))
        return Names(value)
    return Words(value) if isinstance(value, (dict, Mapping)) else value


def worst_first(readings: Sequence[Reading]) -> Sequence[Reading]:
    """Highest multiple of ULN first; what has none keeps its place after them."""
    return sorted(readings, key=_times_uln, reverse=True) if readings[1:] else readings


def _times_uln(reading: Reading) -> Fraction:
    times = reading.fields.get("times_uln")
    if not isinstance(times, Interval):
        return Fraction(-1)
    return times.lo if times.lo is not None else (times.hi or Fraction(0))


def printed(value: object) -> str:
    """How a value of a reading or a parameter is written.

    Raises:
        TypeError: for None and for anything else that has no words of its own.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return plain_number(value)
    if isinstance(value, (int, Decimal)):
        return plain_number(Fraction(value))
    if isinstance(value, (date, Moment, Names, Unknown)):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no words for a card")


def plain_number(number: Fraction) -> str:
    """A number as people write it, exact up to six places, else rounded to two: ``1.5``."""
    if number.denominator == 1:
        return str(number.numerator)
    for places in range(1, 7):
        scaled, rest = divmod(number.numerator * 10**places, number.denominator)
        if not rest:
            return f"{Decimal(scaled).scaleb(-places):f}"
    return f"{Decimal(round(number * 100)).scaleb(-2):f}"
