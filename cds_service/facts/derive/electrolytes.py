"""Potassium, magnesium and calcium below their lower limit of normal.

The limit is the laboratory's own, else the one the rule gives for the electrolyte. Total calcium is
corrected for albumin where the rule asks for albumin: corrected = measured + factor x (normal
albumin - albumin), the usual formula (project choice, not from the label).

Calcium that is low as measured is open without an albumin of the same window, because low albumin
may explain it. Calcium that is not low as measured counts as not low then: only an albumin above
normal would lower it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from cds_service.facts.answers import Answer, Question, Reading, Source, Value
from cds_service.facts.derive import when
from cds_service.facts.derive.lab import STALE, Found, Window, find, window_of
from cds_service.facts.derive.lab_panel import grouped
from cds_service.facts.derive.numbers import rounded
from cds_service.facts.derive.results import Usable
from cds_service.facts.derive.view import View, number, only, slugs
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import Measured
from cds_service.facts.quantity import canonical, canonical_unit
from cds_service.facts.unknown import Reason, Unknown

CALCIUM = "calcium"
ALBUMIN = "albumin"

_ONE_MG_DL = Measured(Interval.exactly(1), "mg/dL", "1 mg/dL")


@dataclass(frozen=True, slots=True)
class Level:
    """One result against its limit. ``why``: what keeps it open when ``low`` is None."""

    low: Truth
    item: dict[str, object]
    source: Source
    why: Unknown | None = None


@dataclass(frozen=True, slots=True)
class Electrolyte:
    """What the results say of one electrolyte; ``gaps`` when they do not say all."""

    levels: tuple[Level, ...]
    gaps: tuple[Unknown, ...]

    @property
    def low(self) -> Truth:
        """Low when any result is; not low when every result that could be there is not."""
        if any(level.low for level in self.levels):
            return True
        settled = self.levels and all(level.low is False for level in self.levels)
        return False if settled and not self.gaps else None

    @property
    def open(self) -> tuple[Unknown, ...]:
        """Why it is not known."""
        return (*self.gaps, *(level.why for level in self.levels if level.why))


def answer(question: Question, view: View) -> Answer:
    """One reading: how many electrolytes are low, and which."""
    window = window_of(question, view)
    each = [
        _electrolyte(question, view, analytes, window)
        for analytes in grouped(
            each for each in slugs(question, "analytes") if each != ALBUMIN
        ).values()
    ]
    lows = [level for one in each for level in one.levels if level.low]
    sure = sum(one.low is True for one in each)
    unsure = sum(one.low is None for one in each)
    gaps = tuple(dict.fromkeys(gap for one in each if one.low is None for gap in one.open))
    count: Value = Interval(Fraction(sure), Fraction(sure + unsure))
    if gaps and not sure:
        count = gaps[0]
    shown = {
        "low": sure,
        "names": tuple(str(level.item["name"]) for level in lows),
        "lows": tuple(
            f"{level.item['name']} {level.item['text']} ({level.item['date']})" for level in lows
        ),
        "items": [level.item for level in lows],
    }
    sources = tuple(level.source for level in lows)
    return only(question, Reading({"low": count}, shown, sources), gaps)


def _electrolyte(
    question: Question, view: View, analytes: list[str], window: Window
) -> Electrolyte:
    found = [find(view, analyte, window) for analyte in analytes]
    there = [each for each in found if not each.nothing_usable]
    levels = tuple(_level(question, view, one, window) for each in there for one in each.results)
    return Electrolyte(levels, _gaps(there or found[:1]))


def _gaps(found: list[Found]) -> tuple[Unknown, ...]:
    return tuple(gap for each in found for gap in each.gaps)


def _level(question: Question, view: View, one: Usable, window: Window) -> Level:
    """One result against the laboratory's limit, or the one the rule gives."""
    analyte, source = one.result.analyte, one.result.source
    name = view.name(analyte)
    value, note = one.result.canonical, ""
    if value is None:
        why = Unknown(name, Reason.UNIT, f"result of {one.when}", source.reference)
        return Level(None, {}, source, why)
    limit, limit_text = _limit(question, one)
    if limit is None:
        why = Unknown(name, Reason.NO_LIMIT, f"result of {one.when}", source.reference)
        return Level(None, {}, source, why)
    if analyte == CALCIUM and ALBUMIN in slugs(question, "analytes"):
        albumin = _albumin(view, window)
        if albumin is None:
            return _uncorrected(view, one, value.compare("lt", limit), limit_text)
        value = _corrected(question, value, albumin)
        note = _correction_text(value, one, albumin)
    low = value.compare("lt", limit)
    vague = Unknown(name, Reason.AMBIGUOUS, f"result of {one.when}", source.reference)
    item = _item(view, one, name, note, limit_text)
    return Level(low, item, source, vague if low is None else None)


def _uncorrected(view: View, one: Usable, low: Truth, limit_text: str) -> Level:
    """Without albumin: not low as measured is not low, anything else is open."""
    name, source = view.name(CALCIUM), one.result.source
    if low is False:
        return Level(False, _item(view, one, name, "", limit_text), source)
    detail = f"{one.value.printed} on {one.when}, no albumin to correct it for"
    return Level(None, {}, source, Unknown(name, Reason.AMBIGUOUS, detail, source.reference))


def _limit(question: Question, one: Usable) -> tuple[Fraction | None, str]:
    """The lower limit in the canonical unit, and as printed."""
    analyte, lln = one.result.analyte, one.result.lln
    own = canonical(analyte, lln) if lln else None
    if lln and own and own.number is not None:
        return own.number, lln.printed if " " in lln.printed else f"{lln.printed} {lln.unit}"
    floor = number(question, f"{analyte}_floor")
    if floor is None:
        return None, ""
    text = f"{_plain(floor)} {canonical_unit(analyte)}, usual limit, none came with the result"
    return floor, text


def _plain(value: Fraction) -> str:
    return rounded(value).rstrip("0").rstrip(".")


def _albumin(view: View, window: Window) -> Usable | None:
    """The albumin that counts in the same window; the first where several do."""
    found = find(view, ALBUMIN, window).results
    return next((one for one in found if one.result.canonical is not None), None)


def _corrected(question: Question, calcium: Interval, albumin: Usable) -> Interval:
    normal = number(question, "albumin_normal") or Fraction(0)
    factor = number(question, "calcium_per_albumin") or Fraction(0)
    one_mg_dl = canonical(CALCIUM, _ONE_MG_DL)
    level = albumin.result.canonical
    if one_mg_dl is None or one_mg_dl.number is None or level is None:
        return calcium
    step = factor * one_mg_dl.number
    return Interval(
        None if calcium.lo is None or level.hi is None else calcium.lo + step * (normal - level.hi),
        None if calcium.hi is None or level.lo is None else calcium.hi + step * (normal - level.lo),
        calcium.lo_open or level.hi_open,
        calcium.hi_open or level.lo_open,
    )


def _correction_text(corrected: Interval, one: Usable, albumin: Usable) -> str:
    unit = one.value.unit
    in_unit = canonical(CALCIUM, Measured(Interval.exactly(1), unit, ""))
    number_ = corrected.number
    if number_ is None or in_unit is None or in_unit.number is None:
        return f"corrected for albumin {albumin.value.printed} of {albumin.when}"
    value = f"{rounded(number_ / in_unit.number)} {unit}"
    return f"{value} corrected for albumin {albumin.value.printed} of {albumin.when}"


def _item(view: View, one: Usable, name: str, note: str, limit_text: str) -> dict[str, object]:
    return {
        "name": name,
        "text": one.value.printed,
        "date": str(one.when),
        "note": note,
        "limit": limit_text,
        "status": "" if one.result.status == "final" else one.result.status,
        "age": when.age(one.when, view.chart.now, STALE),
    }
