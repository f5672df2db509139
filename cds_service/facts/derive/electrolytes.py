"""Potassium, magnesium and calcium below their lower limit of normal.

The limit is the laboratory's own, else the one the rule gives for the electrolyte. Total calcium is
corrected for albumin where the rule asks for albumin: corrected = measured + factor x (normal
albumin - albumin), the usual formula (project choice, not from the label).

Calcium that is low as measured is open without an albumin of the same window, because low albumin
may explain it. Calcium that is not low as measured counts as not low then: only an albumin above
normal would lower it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache, partial

from cds_service.facts.answers import Answer, Later, Question, Reading, Source, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.derive import when
from cds_service.facts.derive.lab import STALE, Found, Window, find, window_of
from cds_service.facts.derive.lab_panel import grouped
from cds_service.facts.derive.numbers import rounded
from cds_service.facts.derive.results import Usable
from cds_service.facts.derive.view import ASKED, View, number, only, slugs
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import Measured
from cds_service.facts.quantity import canonical, canonical_unit
from cds_service.facts.unknown import Reason, Unknown

CALCIUM = "calcium"
ALBUMIN = "albumin"

_ONE_MG_DL = Measured(Interval.exactly(1), "mg/dL", "1 mg/dL")


@cheap_dataclass(frozen=True, slots=True)
class Level:
    """One result against its limit. ``why``: what keeps it open when ``low`` is None.

    ``item`` works out what a card says of it.
    """

    low: Truth
    item: Callable[[], dict[str, object]]
    source: Source
    why: Unknown | None = None


@cheap_dataclass(frozen=True, slots=True)
class Electrolyte:
    """What the results say of one electrolyte; ``gaps`` when they do not say all."""

    levels: list[Level]
    gaps: list[Unknown]

    def low(self) -> Truth:
        """Low when any result is; not low when every result that could be there is not."""
        low: Truth = False if self.levels and not self.gaps else None
        for level in self.levels:
            if level.low:
                return True
            if level.low is None:
                low = None
        return low

    @property
    def open(self) -> tuple[Unknown, ...]:
        """Why it is not known."""
        return (*self.gaps, *(level.why for level in self.levels if level.why))


def answer(question: Question, view: View) -> Answer:
    """One reading: how many electrolytes are low, and which."""
    window = window_of(question, view)
    lows: list[Level] = []
    open_: dict[Unknown, None] = {}
    sure = unsure = 0
    for analytes in _asked(question):
        one = _electrolyte(question, view, analytes, window)
        low = one.low()
        if low:
            sure += 1
            lows += [level for level in one.levels if level.low]
        elif low is None:
            unsure += 1
            open_.update(dict.fromkeys(one.open))
    gaps = tuple(open_)
    count: Value = Interval.between(sure, sure + unsure)
    if gaps and not sure:
        count = gaps[0]
    sources = tuple([level.source for level in lows])
    shown = Later(lambda: _shown(sure, lows))
    return only(question, Reading({"low": count}, shown, sources), gaps)


@lru_cache(maxsize=ASKED)
def _asked(question: Question) -> tuple[tuple[str, ...], ...]:
    """The electrolytes asked about, each by the analytes that tell of it."""
    asked = (each for each in slugs(question, "analytes") if each != ALBUMIN)
    return tuple(map(tuple, grouped(asked).values()))


def _shown(sure: int, lows: list[Level]) -> dict[str, object]:
    items = [level.item() for level in lows]
    return {
        "low": sure,
        "names": tuple(str(each["name"]) for each in items),
        "lows": tuple(f"{each['name']} {each['text']} ({each['date']})" for each in items),
        "items": items,
    }


def _electrolyte(
    question: Question, view: View, analytes: tuple[str, ...], window: Window
) -> Electrolyte:
    levels: list[Level] = []
    gaps: list[Unknown] = []
    nothing: list[Found] = []
    for analyte in analytes:
        found = find(view, analyte, window)
        if found.nothing_usable:
            nothing.append(found)
            continue
        levels += [_level(question, view, one, window) for one in found.results]
        gaps += found.gaps
    if len(nothing) == len(analytes):
        gaps += nothing[0].gaps
    return Electrolyte(levels, gaps)


def _level(question: Question, view: View, one: Usable, window: Window) -> Level:
    """One result against the laboratory's limit, or the one the rule gives."""
    analyte, source = one.result.analyte, one.result.source
    name = view.name(analyte)
    value = one.result.canonical
    if value is None:
        why = Unknown(name, Reason.UNIT, f"result of {one.when}", source.reference)
        return Level(None, dict, source, why)
    limit, is_own = _limit(question, one)
    if limit is None:
        why = Unknown(name, Reason.NO_LIMIT, f"result of {one.when}", source.reference)
        return Level(None, dict, source, why)

    def item(note: str = "") -> dict[str, object]:
        return _item(view, one, name, note, _limit_text(one, limit, is_own=is_own))

    if analyte == CALCIUM and ALBUMIN in slugs(question, "analytes"):
        albumin = _albumin(view, window)
        if albumin is None:
            return _uncorrected(one, value.compare("lt", limit), name, item)
        value = _corrected(question, value, albumin)
        item = partial(item, _correction_text(value, one, albumin))
    low = value.compare("lt", limit)
    if low is not None:
        return Level(low, item, source)
    vague = Unknown(name, Reason.AMBIGUOUS, f"result of {one.when}", source.reference)
    return Level(None, item, source, vague)


def _uncorrected(
    one: Usable, low: Truth, name: str, item: Callable[[], dict[str, object]]
) -> Level:
    """Without albumin: not low as measured is not low, anything else is open."""
    source = one.result.source
    if low is False:
        return Level(False, item, source)
    detail = f"{one.value.printed} on {one.when}, no albumin to correct it for"
    return Level(None, dict, source, Unknown(name, Reason.AMBIGUOUS, detail, source.reference))


def _limit(question: Question, one: Usable) -> tuple[Fraction | None, bool]:
    """The lower limit in the canonical unit, and whether it is the laboratory's own."""
    analyte, lln = one.result.analyte, one.result.lln
    own = canonical(analyte, lln) if lln else None
    if own and own.number is not None:
        return own.number, True
    return number(question, f"{analyte}_floor"), False


def _limit_text(one: Usable, limit: Fraction, *, is_own: bool) -> str:
    analyte, lln = one.result.analyte, one.result.lln
    if lln and is_own:
        return lln.printed if " " in lln.printed else f"{lln.printed} {lln.unit}"
    return f"{_plain(limit)} {canonical_unit(analyte)}, usual limit, none came with the result"


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
        "age": when.age(one.when, view.now, STALE),
    }
