"""Dose reductions for toxicity, as far as orders and records of doses say so in words.

R4 has no element for it; a status reason or a text does ("25 % reduction for ALT"). A change of
dose because of a remission is not a reduction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction

from cds_service.facts.answers import Source
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.course import GIVEN
from cds_service.facts.derive.view import View
from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse
from cds_service.facts.regimen import Regimen

_REDUCED = re.compile(
    r"\b(?:dos(?:e|es|age)[ -](?:was |is |were |level )?(?:reduc\w+|lowered|decreased)"
    r"|(?:reduc\w+|lowered|decreased) (?:the |inotuzumab |of )*(?:dos(?:e|es|age)|by\b)"
    r"|\d+ ?% (?:dose )?reduction|reduc\w+ (?:for|due|because|owing|after)\b)",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:no|not|without|never)\b(?:\W+\w+){0,3}?\W+(?:reduc\w+|lowered|decreased)"
    r"|\breduc\w+ (?:is |was )?not\b",
    re.IGNORECASE,
)
_REMISSION = re.compile(r"\b(?:CRi?|remission|respon(?:se|der|ding|ded))\b", re.IGNORECASE)
_TOXICITY = re.compile(
    r"\b(?:\w*toxic\w*|liver|hepat\w*|bilirubin|transaminas\w*|alt|ast|alp|ggt|lipase|amylase"
    r"|neutropeni\w*|thrombocytopeni\w*|cytopeni\w*|adverse|infection|bleeding|reaction|qt\w*)\b",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\b(\d{1,2}) ?(?:%|percent\b)")
_HARDLY = Fraction(9, 10)
"""A dose this near to a labelled level, or nearer, is that level and not a reduced one."""


MOST_TOLD = 20
"""Reductions looked at; the earliest ones, because every reduced dose since counts for them."""


@cheap_dataclass(frozen=True, slots=True)
class Level:
    """A reduced dose on file: in mg/m2, the labelled dose, its part of that, and its day."""

    amount: Fraction
    labelled: Fraction
    part: Fraction
    day: date | None


@cheap_dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction on file: the order or dose that tells of it, and the lowest doses that show it.

    ``part`` is the share that the words leave ("25 % reduction" leaves 3/4), None when they name
    none. ``levels`` hold one level for each labelled dose.
    """

    words: str
    source: Source
    part: Fraction | None
    levels: tuple[Level, ...] = ()


@cheap_dataclass(frozen=True, slots=True)
class Reductions:
    """What the chart tells of reductions, and every dose that shows one, the lowest first.

    ``is_whole`` is False when more are told than are looked at.
    """

    told: tuple[Reduction, ...] = ()
    levels: tuple[Level, ...] = ()
    is_whole: bool = True


def reductions(view: View, substance: str, body: Interval | None) -> Reductions:
    """The reductions that the chart tells of; those that no dose shows have no level."""
    regimen, uses = view.regimen(substance), tuple(_uses(view, substance))
    told = [use for use in uses if tells_of_reduction(_words(use))]
    kept = told if len(told) <= MOST_TOLD else sorted(told, key=_day_or_never)[:MOST_TOLD]
    if not kept or regimen is None:
        return Reductions(tuple(_reduction(use, ()) for use in kept))
    shown = [(use, level) for use in uses if (level := _level(use, body, regimen))]
    found: list[Reduction] = []
    counted: dict[int, Level] = {}
    for use in kept:
        since = _day(use)
        levels = [each for other, each in shown if other is use or _is_since(each, since)]
        found.append(_reduction(use, levels))
        counted |= {id(each): each for each in levels}
    lowest_first = sorted(counted.values(), key=lambda each: each.amount)
    return Reductions(tuple(found), tuple(lowest_first), len(kept) == len(told))


def _reduction(use: DrugUse, levels: Iterable[Level]) -> Reduction:
    lowest: dict[Fraction, Level] = {}
    for each in levels:
        known = lowest.setdefault(each.labelled, each)
        if each.amount < known.amount:
            lowest[each.labelled] = each
    words = _words(use)
    return Reduction(words.strip(), use.source, _part(words), tuple(lowest.values()))


def _is_since(level: Level, since: date | None) -> bool:
    return since is not None and level.day is not None and level.day >= since


def tells_of_reduction(words: str) -> bool:
    """Whether a text says that a dose was reduced, and not because of a response."""
    if not _REDUCED.search(words) or _DENIED.search(words):
        return False
    return bool(_TOXICITY.search(words)) or not _REMISSION.search(words)


def amount_per_m2(use: DrugUse, body: Interval | None) -> Interval | None:
    """The dose of an order or record in mg/m2: its mg over the surface, else as written."""
    if use.dose and body:
        return use.dose.value.per(body)
    return use.dose_per_m2.value if use.dose_per_m2 else None


def _uses(view: View, substance: str) -> Iterator[DrugUse]:
    """Orders of the substance, wherever they stand, and doses of it that were given."""
    for use in view.uses.of_word(substance):
        recorded = use.kind == "order" or use.status in GIVEN
        if recorded and use.status != "entered-in-error":
            yield use


def _words(use: DrugUse) -> str:
    return f"{use.status_reason} {use.text}"


def _day(use: DrugUse) -> date | None:
    known = (use.start.day if use.start else None, use.authored.day if use.authored else None)
    return min(use.days, default=next((day for day in known if day), None))


def _part(words: str) -> Fraction | None:
    found = _PERCENT.search(words)
    return 1 - Fraction(int(found[1]), 100) if found else None


def _day_or_never(use: DrugUse) -> date:
    return _day(use) or date.max


def _level(use: DrugUse, body: Interval | None, regimen: Regimen) -> Level | None:
    """The dose of an order or record on file, if it is a reduced one."""
    amount = amount_per_m2(use, body)
    if use.role != "on-file" or amount is None or not amount.number:
        return None
    labelled = labelled_level(amount.number, regimen)
    part = amount.number / labelled
    return Level(amount.number, labelled, part, _day(use)) if part < _HARDLY else None


def labelled_level(amount: Fraction, regimen: Regimen) -> Fraction:
    """The lowest labelled dose that an amount may be a part of, in mg/m2."""
    levels = sorted(
        {dose.amount.value for cycle in regimen.cycles.values() for dose in cycle.doses}
    )
    return next((level for level in levels if amount <= level / _HARDLY), levels[-1])
