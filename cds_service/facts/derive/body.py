"""Body surface: as recorded, else computed from weight and height; and why it cannot be had.

The label doses by body surface and names no formula; Mosteller's is used and named. A weight that
the patient only stated is no weight for dosing and is not read as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from math import isqrt

from cds_service.facts.answers import Answer, Later, Question, Reading, Source, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.derive import patient
from cds_service.facts.derive.lab import Found, find, recency, within
from cds_service.facts.derive.numbers import plain, rounded
from cds_service.facts.derive.results import Usable
from cds_service.facts.derive.view import View, only, slug
from cds_service.facts.interval import Interval
from cds_service.facts.regimen import Figure
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import BODY, OBSERVATIONS

SURFACE = "body surface area"
_SCALE = 10**20


@cheap_dataclass(frozen=True, slots=True)
class WeightChange:
    """How far the weight moved since the surface on file was determined, in percent of it."""

    before: Usable
    now: Usable
    percent: Fraction


@cheap_dataclass(frozen=True, slots=True)
class Surface:
    """The body surface in m2, or why there is none.

    ``words`` say how it is known: ``1.90 m2 (on file, 2026-11-19)``. ``missing`` names what is
    lacking; ``certain`` says that all searches were answered, so that it is truly not there.
    ``gaps``: why a later measurement may exist. ``change`` is set when the weight moved too far.
    """

    value: Interval | None
    words: str
    missing: Unknown
    parts: tuple[Unknown, ...] = ()
    certain: bool = True
    gaps: tuple[Unknown, ...] = ()
    sources: tuple[Source, ...] = ()
    change: WeightChange | None = None


def answer(question: Question, view: View) -> Answer:
    """Whether there is a usable body surface, and whether the weight moved away from it.

    ``show["topics"]``: what a card about this says is missing, so that none repeats it.
    """
    substance = slug(question, "substance")
    if view.regimen(substance) is None:
        untold = Unknown(SURFACE, Reason.NOT_RECORDED, "no regimen tells how it is had")
        return Answer(question, (), (untold,))
    found = surface(view, substance)
    usable: Value = True
    if found.value is None:
        usable = False if found.certain else found.missing
    fields: dict[str, Value] = {"usable": usable, "weight_changed": found.change is not None}
    return only(question, Reading(fields, Later(lambda: _shown(found)), found.sources), found.gaps)


def surface(view: View, substance: str) -> Surface:
    """The surface on file, unless the weight moved too far since; else Mosteller's formula.

    Raises:
        KeyError: for a substance without a regimen, which says how old a weight may be.
    """
    return view.once(("surface", substance), lambda: _surface(view, substance))


def _surface(view: View, substance: str) -> Surface:
    limits = _limits(view, substance)
    on_file = find(view, "bsa", within(None))
    weight = find(view, "body-weight", within(_days(limits["weight_within"])))
    height = find(view, "body-height", within(_height_window(view, limits)))
    gaps = view.gaps((OBSERVATIONS,), SURFACE, BODY)
    recorded = _final(on_file)
    change = _weight_change(view, recorded, limits) if recorded else None
    if recorded and change is None:
        words = f"{recorded.value.printed} (on file, {recorded.when})"
        value = recorded.result.canonical
        return Surface(value, words, _missing(()), gaps=gaps, sources=(recorded.result.source,))
    kilograms, centimetres = _final(weight), _final(height)
    computed = _mosteller(kilograms, centimetres)
    if computed:
        value, words, sources = computed
        return Surface(value, words, _missing(()), gaps=gaps, sources=sources, change=change)
    measured = ((weight, kilograms), (height, centimetres))
    parts = tuple(found.gaps[0] for found, final in measured if not final and found.gaps)
    certain = bool(recorded) or on_file.nothing_usable
    certain = certain and (weight.nothing_usable or height.nothing_usable)
    return Surface(None, "", _missing(parts), parts, certain, gaps, change=change)


def mosteller(cm: Fraction, kg: Fraction) -> Fraction:
    """The square root of cm x kg / 3600 in m2: exact where it can be, else to 20 decimals."""
    square = cm * kg / 3600
    above, below = isqrt(square.numerator), isqrt(square.denominator)
    if above**2 == square.numerator and below**2 == square.denominator:
        return Fraction(above, below)
    return Fraction(isqrt(square.numerator * _SCALE**2 // square.denominator), _SCALE)


def _limits(view: View, substance: str) -> Mapping[str, Figure]:
    regimen = view.regimen(substance)
    if regimen is None:
        raise KeyError(f"no regimen says how a body surface is had for {substance}")
    return regimen.body_surface


def _days(figure: Figure) -> timedelta:
    return timedelta(days=int(figure.value))


def _height_window(view: View, limits: Mapping[str, Figure]) -> timedelta:
    """Somebody who grows, or whose age is not known, needs a newer height."""
    age = patient.age(view)
    adult = isinstance(age, Interval) and age.compare("gte", limits["adult_age"].value)
    return _days(limits["height_within" if adult else "height_within_under_age"])


def _final(found: Found) -> Usable | None:
    """The newest final result that is a number above zero in a unit we know."""
    return next((each for each in found.results if _is_final(each)), None)


def _is_final(one: Usable) -> bool:
    canonical = one.result.canonical
    known = canonical is not None and canonical.number is not None and canonical.number > 0
    return known and one.result.status == "final"


def _number(one: Usable) -> Fraction:
    canonical = one.result.canonical
    return (canonical.number if canonical else None) or Fraction(0)


def _weight_change(
    view: View, recorded: Usable, limits: Mapping[str, Figure]
) -> WeightChange | None:
    """The change since the day of the recorded surface, when it is more than the limit.

    Compared are the last weight up to that day, from shortly before it, and the newest one after.
    """
    now = view.now
    weights = sorted(
        (one for each in view.labs("body-weight") if (one := Usable.of(each)) and _is_final(one)),
        key=lambda each: recency(each, now),
    )
    earliest = recorded.when.first - _days(limits["weight_within"])
    before = [each for each in weights if earliest <= each.when.first <= recorded.when.last]
    after = [each for each in weights if each.when.first > recorded.when.last]
    if not before or not after:
        return None
    old, new = before[-1], after[-1]
    percent = abs(_number(new) / _number(old) - 1) * 100
    return WeightChange(old, new, percent) if percent > limits["weight_change"].value else None


def _mosteller(
    weight: Usable | None, height: Usable | None
) -> tuple[Interval, str, tuple[Source, ...]] | None:
    if weight is None or height is None:
        return None
    area = mosteller(_number(height), _number(weight))
    words = (
        f"{rounded(area)} m2 (Mosteller, from {height.value.printed} of {height.when} "
        f"and {weight.value.printed} of {weight.when})"
    )
    return Interval.exactly(area), words, (weight.result.source, height.result.source)


def _missing(parts: tuple[Unknown, ...]) -> Unknown:
    """What is lacking, in one sentence."""
    reason = parts[0].reason if parts else Reason.NOT_FOUND
    return Unknown(SURFACE, reason, "; ".join(map(_why, parts)))


def _why(part: Unknown) -> str:
    return f"{part.what} {part.detail}" if part.detail else f"no {part.what}"


def _shown(found: Surface) -> dict[str, object]:
    change = found.change
    return {
        "text": found.words,
        "names": tuple(each.what for each in found.parts),
        "items": [
            {"name": each.what, "why": each.detail or str(each.reason)} for each in found.parts
        ],
        "change": f"{plain(change.percent)} %" if change else "",
        "weights": _weights(change) if change else "",
        "topics": {"usable": (found.missing, *found.parts), "weight_changed": (found.missing,)},
    }


def _weights(change: WeightChange) -> str:
    """``80 kg on 2026-10-01, 70 kg on 2026-11-19``."""
    return ", ".join(f"{one.value.printed} on {one.when}" for one in (change.before, change.now))
