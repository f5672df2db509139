"""By how much a clause that failed on a number missed its limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from cds_service.engine.reference import judge_test
from cds_service.engine.verdict import ClauseVerdict
from cds_service.facts.answers import Reading
from cds_service.facts.interval import Interval
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.model import Clause, Rule, Test
from cds_service.web.asked import tested, unit_of
from cds_service.web.words import interval_words, number, plain, short, spaced, unit_after

_FIRES: Mapping[str, str] = {
    "gt": "fires above {}",
    "gte": "fires at {} or more",
    "lt": "fires below {}",
    "lte": "fires at {} or less",
    "eq": "fires at exactly {}",
}
_DIGITS = 6
_DIGITS_TO_READ = 4
_TIMES = "times_uln"


@dataclass(frozen=True, slots=True)
class _Miss:
    """A test that a number failed: what is known of the number, and its end next to the limit."""

    reading: Reading
    test: Test
    known: Interval
    nearest: Fraction
    limit: Fraction

    @property
    def share(self) -> Fraction:
        """How far off, as a share of the limit: comparable between tests of different units."""
        return abs(self.limit - self.nearest) / (abs(self.limit) or 1)

    def told(self, digits: int) -> str:
        """The number in so many significant digits, never nearer to the limit than it is."""
        return short(self.nearest, upwards=self.nearest > self.limit, digits=digits)


def gap(verdict: ClauseVerdict, rule: Rule) -> dict[str, str] | None:
    """How far the number nearest to firing is from its limit; None unless a number failed.

    ``difference`` is exactly what lies between ``value`` and ``limit``; a value with more than six
    digits is rounded away from the limit. Of several readings the nearest counts, of several
    numbers in it the one farthest off. What also fails and is no number is named in the words.
    """
    if verdict.truth is not False:
        return None
    missed = [worst for each in verdict.answer.readings if (worst := _worst(verdict.clause, each))]
    if not missed:
        return None
    kind = verdict.clause.question.kind
    nearest = min(
        missed, key=lambda each: (bool(_besides(verdict.clause, each.reading)), each.share)
    )
    value = nearest.told(_DIGITS)
    unit = unit_of(kind, nearest.test, rule)
    besides = [tested(kind, test, rule) for test in _besides(verdict.clause, nearest.reading)]
    words = f"{_measured(nearest, kind, unit)}, {_fires(nearest, unit)}"
    return {
        "value": value,
        "limit": number(nearest.limit),
        "unit": unit,
        "difference": number(abs(nearest.limit - Fraction(value))),
        "words": "; ".join((words, *(f"not so either: {each}" for each in besides))),
    }


def _worst(clause: Clause, reading: Reading) -> _Miss | None:
    return max(_misses(clause, reading), key=lambda each: each.share, default=None)


def _misses(clause: Clause, reading: Reading) -> Iterator[_Miss]:
    for test in clause.tests:
        value, limit = reading.fields.get(test.field), test.operand
        if (
            isinstance(value, Interval)
            and isinstance(limit, Fraction)
            and judge_test(test, value) is False
        ):
            yield _Miss(reading, test, value, _nearest_end(value, limit), limit)


def _nearest_end(known: Interval, limit: Fraction) -> Fraction:
    """The end of an interval that a limit outside of it is next to."""
    ends = [end for end in (known.lo, known.hi) if end is not None]
    return min(ends, key=lambda end: abs(limit - end))


def _besides(clause: Clause, reading: Reading) -> list[Test]:
    """The tests of a reading that fail and have no number to tell by how much."""
    return [
        test
        for test in clause.tests
        if judge_test(test, value := reading.fields.get(test.field)) is False
        and not (isinstance(value, Interval) and isinstance(test.operand, Fraction))
    ]


def _measured(miss: _Miss, kind: str, unit: str) -> str:
    """``total bilirubin 1.19 mg/dL is 0.9916 x ULN``, ``days since last 13 days``."""
    value = miss.told(_DIGITS)
    if Fraction(value) != miss.nearest:
        value = miss.told(_DIGITS_TO_READ)
    known = value if miss.known.number is not None else interval_words(miss.known)
    name, text = (plain(miss.reading.show.get(each)) for each in ("name", "text"))
    if name and miss.test.field == _TIMES:
        return f"{name} {f'{text} is ' if text else ''}{known}{unit_after(unit)}"
    if name and miss.test.field == "value":
        return f"{name} {known}{unit_after(unit)}"
    if not unit:
        return f"{KINDS[kind].fields[miss.test.field].meaning}: {known}"
    field = spaced(miss.test.field)
    says_unit = field.rstrip("s") == unit.rstrip("s")
    return f"{name} {field} {known}{'' if says_unit else unit_after(unit)}".lstrip()


def _fires(miss: _Miss, unit: str) -> str:
    """``fires above 1.5 x ULN (1.8 mg/dL)``."""
    words = _FIRES[miss.test.op].format(f"{number(miss.limit)}{unit_after(unit)}")
    printed = _printed_limit(miss)
    return f"{words} ({printed})" if printed else words


def _printed_limit(miss: _Miss) -> str:
    """A limit in multiples of the ULN in the unit that the result was printed in."""
    printed, known = _decimal(plain(miss.reading.show.get("value"))), miss.known.number
    if miss.test.field != _TIMES or not printed or not known:
        return ""
    limit = short(miss.limit * printed / known, upwards=miss.nearest < miss.limit)
    return f"{limit}{unit_after(plain(miss.reading.show.get('unit')))}"


def _decimal(text: str) -> Fraction | None:
    try:
        return Fraction(Decimal(text))
    except (InvalidOperation, ValueError, OverflowError):
        return None
