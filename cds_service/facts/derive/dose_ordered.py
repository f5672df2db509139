"""The dose of an order, beside what the label gives at its place in the course."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial, reduce

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.course import Dose
from cds_service.facts.derive.body import Surface, surface
from cds_service.facts.derive.expected_dose import Expected, expected_dose
from cds_service.facts.derive.numbers import plain
from cds_service.facts.derive.order import (
    Position,
    come_to,
    cycle_text,
    is_day_one,
    known_cycle,
    known_day,
    planned_day,
    planned_days,
    position,
    running_cycle,
)
from cds_service.facts.derive.reduction import (
    Level,
    Reduction,
    Reductions,
    amount_per_m2,
    reductions,
)
from cds_service.facts.derive.response import remission_since_first_dose
from cds_service.facts.derive.schedule import days_since_last
from cds_service.facts.derive.view import DRAFTS, SELECTIONS, View, number, slug
from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse
from cds_service.facts.regimen import Regimen
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS, MEDICATION_REQUESTS

_DOSE = "dose of this order"


@cheap_dataclass(frozen=True, slots=True)
class Ordered:
    """One draft with everything its dose is compared with."""

    use: DrugUse
    place: Position
    gaps: tuple[Unknown, ...]
    body: Surface
    per_m2: Interval | Unknown
    expected: Expected
    remission: bool | Unknown | None
    reductions: Reductions


@cheap_dataclass(frozen=True, slots=True)
class _Sum:
    """Doses in mg/m2, ``is_whole`` when the amount of each is known."""

    lo: Fraction
    hi: Fraction
    is_whole: bool


_NOTHING = _Sum(Fraction(0), Fraction(0), is_whole=True)


def answer(question: Question, view: View) -> Answer:
    """A reading per order of the substance that is being signed now."""
    substance = slug(question, "substance")
    regimen = view.regimen(substance)
    unread = view.gaps((DRAFTS, SELECTIONS), _DOSE, (substance,))
    if regimen is None:
        return Answer(question, (), (Unknown(_DOSE, Reason.NOT_RECORDED, "no regimen"), *unread))
    orders = view.once(("orders", substance), lambda: _orders(view, substance, regimen))
    tolerance = number(question, "tolerance") or Fraction(0)
    has_dose = any([each.use.dose for each, _ in orders])
    gaps = surface(view, substance).gaps if has_dose else ()
    readings = [_reading(view, substance, each, compared, tolerance) for each, compared in orders]
    return Answer(question, tuple(readings), (*unread, *gaps))


def _orders(
    view: View, substance: str, regimen: Regimen
) -> tuple[tuple[Ordered, Mapping[str, Value]], ...]:
    """Each draft, and how it compares whatever the tolerance: the same for every question."""
    body, drafts = surface(view, substance), view.drafts(substance)
    told = reductions(view, substance, body.value) if drafts else Reductions()
    orders = [_ordered(view, substance, regimen, use, body, told) for use in drafts]
    return tuple([(each, _compared(view, substance, each)) for each in orders])


def _ordered(
    view: View,
    substance: str,
    regimen: Regimen,
    use: DrugUse,
    body: Surface,
    told: Reductions,
) -> Ordered:
    place = position(view, substance, use)
    gaps = view.dose_gaps(substance, f"cycle of this {view.name(substance)} order")
    remission, _ = remission_since_first_dose(view, substance)
    cycle = known_cycle(view, substance, place, gaps)
    expected = expected_dose(regimen, cycle, known_day(place, gaps), remission)
    return Ordered(use, place, gaps, body, _per_m2(use, body), expected, remission, told)


def _per_m2(use: DrugUse, body: Surface) -> Interval | Unknown:
    """The dose over the surface; as written in mg/m2 where no mg are, or no surface is known."""
    amount = amount_per_m2(use, body.value)
    if amount is not None:
        return amount
    if use.dose:
        return body.missing
    return Unknown(_DOSE, Reason.NOT_RECORDED, reference=use.source.reference)


def _reading(
    view: View,
    substance: str,
    ordered: Ordered,
    compared: Mapping[str, Value],
    tolerance: Fraction,
) -> Reading:
    fields = {**compared, "other_level": _other_level(ordered, tolerance)}
    shown = Later(lambda: _shown(view, substance, ordered, compared, tolerance))
    return Reading(fields, shown, (ordered.use.source, *ordered.body.sources))


def _compared(view: View, substance: str, ordered: Ordered) -> Mapping[str, Value]:
    place, gaps = ordered.place, ordered.gaps
    over, under = _deviation(ordered)
    return {
        "cycle": known_cycle(view, substance, place, gaps),
        "day_one": is_day_one(view, substance, place, gaps),
        "days_since_last": days_since_last(view, substance, planned_days(view, ordered.use), gaps),
        "per_m2": ordered.per_m2,
        "over": over,
        "under": under,
        "remission": ordered.remission,
        "in_cycle": _sum_in_cycle(view, substance, ordered),
        "cumulative": _cumulative(view, substance, ordered),
        "reduced": _reduced(view, substance, ordered),
        "above_reduced": _above_reduced(view, substance, ordered),
    }


def _deviation(ordered: Ordered) -> tuple[Value, Value]:
    """Percent above and percent below the labelled dose; one of them is zero."""
    if ordered.use.dose and ordered.body.value is None:
        return ordered.body.missing, ordered.body.missing
    if isinstance(ordered.per_m2, Unknown):
        return ordered.per_m2, ordered.per_m2
    found = ordered.expected.deviation(ordered.per_m2)
    if found is None:
        vague = Unknown(_DOSE, Reason.AMBIGUOUS, reference=ordered.use.source.reference)
        return vague, vague
    return _positive(found.lo, found.hi), _positive(_minus(found.hi), _minus(found.lo))


def _minus(number: Fraction | None) -> Fraction:
    return -(number or Fraction(0))


def _positive(lo: Fraction | None, hi: Fraction | None) -> Interval:
    zero = Fraction(0)
    return Interval(max(lo or zero, zero), max(hi or zero, zero))


def _other_level(ordered: Ordered, tolerance: Fraction) -> bool | Unknown:
    """Whether a day 1 dose is the one for the other response, give or take the tolerance."""
    amount = ordered.per_m2
    if isinstance(amount, Unknown):
        return amount
    at = amount.number
    return at is not None and any(
        abs(at / level - 1) * 100 <= tolerance for level in ordered.expected.others
    )


def _sum_in_cycle(view: View, substance: str, ordered: Ordered) -> Interval | Unknown:
    """The doses of the cycle this order belongs to, with this one, in mg/m2."""
    running = running_cycle(view, substance, planned_day(view, ordered.use))
    opens = is_day_one(view, substance, ordered.place, ordered.gaps)
    inferred = ordered.place.inferred
    apart = opens is True or (inferred is not None and inferred.opens_cycle)
    held = running.doses if running and not apart else ()
    stated_later = opens is False and not held
    total = _with_this(view, ordered, reduce(partial(_plus, ordered.body.value), held, _NOTHING))
    if stated_later and isinstance(total, Interval) and total.lo is not None:
        return Interval.at_least(total.lo)
    return total


def _cumulative(view: View, substance: str, ordered: Ordered) -> Interval | Unknown:
    """All doses with this one, to a hundredth: rounded vials must not add up to a finding."""
    plus, day = partial(_plus, ordered.body.value), planned_day(view, ordered.use)
    total = _with_this(view, ordered, come_to(view, substance, "sum", _NOTHING, plus, day))
    if isinstance(total, Unknown):
        return total
    return Interval(_hundredth(total.lo), _hundredth(total.hi))


def _hundredth(number: Fraction | None) -> Fraction | None:
    return None if number is None else round(number, 2)


def _plus(body: Interval | None, total: _Sum, dose: Dose) -> _Sum:
    amount = _amount(dose, body)
    if amount is None or amount.lo is None or amount.hi is None:
        return replace(total, is_whole=False)
    return _Sum(total.lo + amount.lo, total.hi + amount.hi, total.is_whole)


def _with_this(view: View, ordered: Ordered, earlier: _Sum) -> Interval | Unknown:
    """Earlier doses and this order; at least so much where an amount or a record is missing."""
    if isinstance(ordered.per_m2, Unknown):
        return ordered.per_m2
    if ordered.per_m2.lo is None or ordered.per_m2.hi is None:
        return Unknown(_DOSE, Reason.AMBIGUOUS, reference=ordered.use.source.reference)
    count = len(planned_days(view, ordered.use))
    lo, hi = earlier.lo + ordered.per_m2.lo * count, earlier.hi + ordered.per_m2.hi * count
    return Interval(lo, hi if earlier.is_whole and not ordered.gaps else None)


def _amount(dose: Dose, body: Interval | None) -> Interval | None:
    if dose.amount and body:
        return dose.amount.value.per(body)
    return dose.per_m2.value if dose.per_m2 else None


def _reduced(view: View, substance: str, ordered: Ordered) -> bool | Unknown:
    if ordered.reductions.told:
        return True
    unread = _unread_reductions(view, substance)
    return unread[0] if unread else False


def _above_reduced(view: View, substance: str, ordered: Ordered) -> Interval | Unknown | None:
    """Percent above a reduced dose; none of it when no reduction is on file.

    Higher is what exceeds a reduced dose in mg/m2 and is a greater part of its own labelled dose:
    day 1 and the later days have different ones.
    """
    on_file = [each for each in ordered.reductions.told if each.source != ordered.use.source]
    if not on_file:
        unread = _unread_reductions(view, substance)
        return unread[0] if unread else None
    amount = ordered.per_m2
    if isinstance(amount, Unknown):
        return amount
    if amount.number is None:
        return Unknown(_DOSE, Reason.AMBIGUOUS, reference=ordered.use.source.reference)
    part = amount.number / max(ordered.expected.levels)
    found = [_above(amount.number, part, each) for each in on_file]
    known = [each for each in found if each is not None]
    if not known:
        source = on_file[0].source.reference
        return Unknown("dose after the reduction on file", Reason.NOT_RECORDED, reference=source)
    above = max(known)
    return Interval.exactly(above) if ordered.reductions.is_whole else Interval.at_least(above)


def _above(amount: Fraction, part: Fraction, reduction: Reduction) -> Fraction | None:
    """Percent above the doses that show a reduction, else above the share its words leave."""
    if reduction.levels:
        higher = [each for each in reduction.levels if amount > each.amount and part > each.part]
        return max(((amount / each.amount - 1) * 100 for each in higher), default=Fraction(0))
    if reduction.part:
        return max((part / reduction.part - 1) * 100, Fraction(0))
    return None


def _unread_reductions(view: View, substance: str) -> tuple[Unknown, ...]:
    needs = (MEDICATION_REQUESTS, MEDICATION_ADMINISTRATIONS)
    return view.gaps(needs, "dose reductions for toxicity", (substance,))


def _shown(
    view: View,
    substance: str,
    ordered: Ordered,
    compared: Mapping[str, Value],
    tolerance: Fraction,
) -> dict[str, object]:
    use, body = ordered.use, ordered.body
    _, response = remission_since_first_dose(view, substance)
    return {
        "label": use.label,
        "reference": use.source.reference,
        "cycle_text": cycle_text(view, substance, ordered.place, ordered.gaps),
        "cycle": "" if ordered.place.cycle is None else str(ordered.place.cycle),
        "date": planned_days(view, use)[0].isoformat(),
        "ordered": _ordered_text(ordered),
        "expected": _expected_text(ordered),
        "percent": _percent_text(ordered, tolerance),
        "bsa": body.words or "not known",
        "response": response,
        "reduction": _reduction_text(ordered),
        "in_cycle": _text(compared["in_cycle"], "mg/m2"),
        "cumulative": _text(compared["cumulative"], "mg/m2"),
    }


def _ordered_text(ordered: Ordered) -> str:
    """``1.6 mg (0.83 mg/m2)``, ``0.8 mg/m2``."""
    per_m2 = _text(ordered.per_m2, "mg/m2")
    if ordered.use.dose is None:
        return per_m2
    return f"{ordered.use.dose.printed} ({per_m2})" if per_m2 else ordered.use.dose.printed


def _expected_text(ordered: Ordered) -> str:
    """``0.5 mg/m2 (0.95 mg)``; both levels where the response is not known."""
    levels = ordered.expected.levels
    per_m2 = " or ".join(map(plain, levels)) + " mg/m2"
    area = ordered.body.value.number if ordered.body.value else None
    if area is None:
        return per_m2
    return f"{per_m2} ({' or '.join(plain(level * area) for level in levels)} mg)"


def _percent_text(ordered: Ordered, tolerance: Fraction) -> str:
    """``25 %``: how far the dose is from the labelled one, in either direction.

    ``over 10 %`` where rounding would print the tolerance for what is more.
    """
    over, under = _deviation(ordered)
    both = [each.number for each in (over, under) if isinstance(each, Interval)]
    known = [each for each in both if each is not None]
    if not known:
        return ""
    rounded = round(max(known), 1)
    over = "over " if rounded == tolerance < max(known) else ""
    return f"{over}{plain(rounded)} %"


def _reduction_text(ordered: Ordered) -> str:
    """``0.6 mg/m2 on 2026-10-05``: the reduced dose nearest below the ordered, else its words."""
    if ordered.reductions.levels:
        shown = _nearest_below(ordered.reductions.levels, ordered.per_m2)
        return f"{plain(shown.amount)} mg/m2" + (f" on {shown.day}" if shown.day else "")
    return next((each.words for each in ordered.reductions.told), "")


def _nearest_below(levels: Sequence[Level], ordered: Interval | Unknown) -> Level:
    """The highest of the levels, lowest first, below the dose ordered; else the lowest of all."""
    most = None if isinstance(ordered, Unknown) else ordered.number
    below = 0 if most is None else bisect_left(levels, most, key=_amount_of)
    if not below:
        return levels[0]
    return levels[bisect_left(levels, levels[below - 1].amount, key=_amount_of)]


def _amount_of(level: Level) -> Fraction:
    return level.amount


def _text(value: Value, unit: str) -> str:
    """``1.8 mg/m2``, ``at least 1.8 mg/m2``, nothing when it is not known."""
    if not isinstance(value, Interval) or value.lo is None:
        return ""
    if value.number is not None:
        return f"{plain(value.number)} {unit}"
    if value.hi is None:
        return f"at least {plain(value.lo)} {unit}"
    return f"{plain(value.lo)} to {plain(value.hi)} {unit}"
