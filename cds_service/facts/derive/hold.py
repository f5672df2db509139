"""A dose that was held, and for how long.

Held: an administration that was not done, an order put on hold, or an order stopped or cancelled
for toxicity, whose planned day has come and after which no dose was given. What the hold asks of
the next dose is told by the regimen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from cds_service.facts.answers import Answer, Question, Reading, Source, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.derive.numbers import rounded
from cds_service.facts.derive.order import planned_day
from cds_service.facts.derive.view import View, only, slug
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import DrugUse
from cds_service.facts.regimen import Regimen
from cds_service.facts.unknown import Reason, Unknown

_HELD = {"administration": ("not-done", "on-hold"), "order": ("on-hold",)}
_ENDED = {"administration": ("stopped",), "order": ("stopped", "cancelled")}

_TOXIC = re.compile(
    r"toxic|adverse|side[- ]?effect|intoler|sintol|reaction|\bgrade\s?[1-4]\b|\bliver\b|hepat"
    r"|bilirubin|transaminas|\b(?:alt|ast|lfts?|qtc?|vod|sos)\b|cytopeni|neutropeni|lipase"
    r"|pancreat|bleed|h[a]?emorrhag|infection|sepsis",
    re.IGNORECASE,
)
_NOT_TOXIC = re.compile(
    r"request|refus|declin|holiday|vacation|travel|schedul|appointment|supply|stock|availab"
    r"|insur|duplicate|altchoice|alternative|washout|logistic|no[- ]show|error|non-avail",
    re.IGNORECASE,
)


@cheap_dataclass(frozen=True, slots=True)
class Hold:
    """A dose held on a day. ``for_toxicity`` is None when the reason does not tell."""

    day: date
    reason: str
    for_toxicity: Truth
    source: Source


def answer(question: Question, view: View) -> Answer:
    """One reading about the earliest hold since the last dose, of those that may be for toxicity.

    Holds known to have another reason are passed over while there is any other.
    """
    substance = slug(question, "substance")
    gaps = view.dose_gaps(substance, f"whether a dose of {view.name(substance)} was held")
    found = holds(view, substance)
    toxic = [each for each in found if each.for_toxicity is not False]
    hold = min(toxic or found, key=lambda each: each.day, default=None)
    if hold is None:
        unknown = (*gaps, *_undated(view, substance))
        return only(question, Reading({"held": False}, _NOTHING_SHOWN), unknown)
    return only(question, _reading(view, substance, hold, toxic, gaps))


def holds(view: View, substance: str) -> tuple[Hold, ...]:
    """Every dose held since the last one given, up to today."""
    return view.once(("holds", substance), lambda: tuple(_holds(view, substance)))


def _holds(view: View, substance: str) -> Iterator[Hold]:
    last = view.doses(substance).last
    for use, reason in _held(view, substance):
        due = [day for day in _days(use) if (last is None or day > last.day)]
        if due and min(due) <= view.today:
            yield Hold(min(due), use.status_reason, reason, use.source)


def for_toxicity(reason: str) -> Truth:
    """Whether a recorded reason names toxicity; None for no reason or one we cannot tell."""
    if _TOXIC.search(reason):
        return True
    return False if _NOT_TOXIC.search(reason) else None


def _held(view: View, substance: str) -> Iterator[tuple[DrugUse, Truth]]:
    """What was held, or ended for toxicity, and whether it was for toxicity."""
    for use in view.uses.of_word(substance):
        if use.role != "on-file" or use.do_not_perform:
            continue
        held = use.status in _HELD.get(use.kind, ())
        if held or use.status in _ENDED.get(use.kind, ()):
            reason = for_toxicity(use.status_reason)
            if held or reason:
                yield use, reason


def _days(use: DrugUse) -> tuple[date, ...]:
    """The days the dose was planned for; else the day it began or was written."""
    known = (use.start.day if use.start else None, use.authored.day if use.authored else None)
    return use.days or tuple(day for day in known if day)[:1]


def _undated(view: View, substance: str) -> Iterator[Unknown]:
    for use, _ in _held(view, substance):
        if not _days(use):
            what = f"when the held {view.name(substance)} dose was planned"
            yield Unknown(what, Reason.NO_DATE, reference=use.source.reference)


def _reading(
    view: View, substance: str, hold: Hold, toxic: list[Hold], gaps: tuple[Unknown, ...]
) -> Reading:
    planned = (planned_day(view, order) for order in view.drafts(substance))
    days = (min(planned, default=view.today) - hold.day).days
    regimen = view.regimen(substance)
    # A dose that nobody told us of may have ended the hold.
    unsure = gaps[0] if gaps else None
    fields: dict[str, Value] = {
        "held": unsure or True,
        "for_toxicity": unsure or _is_toxic(view, substance, toxic),
        "days": unsure or Interval.exactly(days),
        "step": unsure or (step(days, regimen) if regimen else None),
    }
    shown = {
        **(_figures(regimen) if regimen else _NOTHING_SHOWN),
        "days": str(days),
        "date": hold.day.isoformat(),
        "reason": hold.reason,
    }
    return Reading(fields, shown, (hold.source,))


def _is_toxic(view: View, substance: str, toxic: list[Hold]) -> bool | Unknown:
    if any(each.for_toxicity for each in toxic):
        return True
    if not toxic:
        return False
    what = f"why {view.name(substance)} was held"
    return Unknown(
        f"{what} on {toxic[0].day}",
        Reason.NOT_RECORDED,
        toxic[0].reason,
        toxic[0].source.reference,
        plainly=what,
    )


def step(days: int, regimen: Regimen) -> str | None:
    """What a hold of so many days asks of the next doses, by the regimen; None for no day."""
    after = {name: figure.value for name, figure in regimen.reductions.items()}
    if days < 1:
        return None
    if days < after["next_dose_omitted_after_hold"]:
        return "delay"
    if days < after["reduced_after_hold"]:
        return "omit"
    return "reduce" if days <= after["stopped_after_hold"] else "stop"


def _figures(regimen: Regimen) -> dict[str, object]:
    """The regimen's numbers for the card."""
    figures = {name: _text(figure.value) for name, figure in regimen.reductions.items()}
    return {
        "apart": str(regimen.minimum_interval),
        "omit_from": figures["next_dose_omitted_after_hold"],
        "reduce_from": figures["reduced_after_hold"],
        "stop_after": figures["stopped_after_hold"],
        "reduction": figures["first_reduction"],
        "doses_left": figures["second_reduction"],
    }


def _text(value: Fraction) -> str:
    return rounded(value).removesuffix(".00")


_NOTHING_SHOWN = dict.fromkeys(
    ("days", "date", "reason", "apart", "omit_from", "reduce_from", "stop_after", "reduction"), ""
) | {"doses_left": ""}
