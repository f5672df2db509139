"""Dose reductions for toxicity, as far as orders and records of doses say so in words.

R4 has no element for it; a status reason or a text does ("25 % reduction for ALT"). A change of
dose because of a remission is not a reduction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from cds_service.facts.answers import Source
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


@dataclass(frozen=True, slots=True)
class Level:
    """A reduced dose on file: in mg/m2, its part of the labelled dose, and its day."""

    amount: Fraction
    part: Fraction
    day: date | None


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction on file: the order or dose that tells of it, and the doses that show it.

    ``part`` is the share that the words leave ("25 % reduction" leaves 3/4), None when they name
    none.
    """

    words: str
    source: Source
    day: date | None
    part: Fraction | None
    levels: tuple[Level, ...] = ()


def reductions(view: View, substance: str, body: Interval | None) -> tuple[Reduction, ...]:
    """Every reduction that the chart tells of; those that no dose shows have no level."""
    regimen = view.regimen(substance)
    told = [use for use in _uses(view, substance) if tells_of_reduction(_words(use))]
    return tuple(
        Reduction(
            _words(use).strip(),
            use.source,
            _day(use),
            _part(_words(use)),
            tuple(_levels(view, substance, use, body, regimen)) if regimen else (),
        )
        for use in told
    )


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
    for use in view.chart.drugs:
        recorded = use.kind == "order" or use.status in GIVEN
        if substance in use.substances and recorded and use.status != "entered-in-error":
            yield use


def _words(use: DrugUse) -> str:
    return f"{use.status_reason} {use.text}"


def _day(use: DrugUse) -> date | None:
    known = (use.start.day if use.start else None, use.authored.day if use.authored else None)
    return min(use.days, default=next((day for day in known if day), None))


def _part(words: str) -> Fraction | None:
    found = _PERCENT.search(words)
    return 1 - Fraction(int(found[1]), 100) if found else None


def _levels(
    view: View, substance: str, told: DrugUse, body: Interval | None, regimen: Regimen
) -> Iterator[Level]:
    """The reduced doses on file from the day of the reduction on."""
    since = _day(told)
    for use in _uses(view, substance):
        day = _day(use)
        later = use is told or (since is not None and day is not None and day >= since)
        amount = amount_per_m2(use, body)
        if use.role == "on-file" and later and amount and amount.number:
            part = amount.number / labelled_level(amount.number, regimen)
            if part < _HARDLY:
                yield Level(amount.number, part, day)


def labelled_level(amount: Fraction, regimen: Regimen) -> Fraction:
    """The lowest labelled dose that an amount may be a part of, in mg/m2."""
    levels = sorted(
        {dose.amount.value for cycle in regimen.cycles.values() for dose in cycle.doses}
    )
    return next((level for level in levels if amount <= level / _HARDLY), levels[-1])
