"""Medications ordered, taken or given now or in the days before.

What is in force counts, and what ended within the period; a record that does not say when it ended
leaves it open. Local use does not count, and neither does a route the rule leaves out.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive.drugs import NEEDS, is_live, item
from cds_service.facts.derive.view import ASKED, DRAFTS, View, days, only, slug, slugs
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import DrugUse
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS
from cds_service.terminology import Terminology

_ENDED = ("completed", "stopped", "active", "draft", "on-hold", "in-progress", "intended")


def answer(question: Question, view: View) -> Answer:
    """One reading: how many distinct ingredients, and which."""
    wanted = _wanted(question, view.terminology)
    within = days(question, "within") or timedelta()
    found: list[tuple[str, DrugUse]] = []
    doubts: dict[Unknown, None] = {}
    for use in view.uses.of(wanted):
        if use.do_not_perform or use.local_use or _is_left_out(use, question):
            continue
        recent = _is_recent(use, within, view)
        for substance in sorted(use.substances & wanted):
            if recent:
                found.append((substance, use))
            elif recent is None:
                what = f"when {view.name(substance)} was given last"
                doubts[Unknown(what, Reason.NO_DATE, reference=use.source.reference)] = None
    gaps = (
        *view.gaps((DRAFTS, *NEEDS, MEDICATION_ADMINISTRATIONS), "recent medications", wanted),
        *doubts,
    )
    sure = len({substance for substance, _ in found})
    count: Value = Interval.at_least(sure) if gaps else Interval.exactly(sure)
    shown = Later(lambda: _shown(view, found, slugs(question, "class")))
    sources = tuple(use.source for _, use in found)
    return only(question, Reading({"count": count}, shown, sources), gaps)


@lru_cache(maxsize=ASKED)
def _wanted(question: Question, terminology: Terminology) -> frozenset[str]:
    members = (terminology.substances_in(each) for each in slugs(question, "class"))
    return frozenset(slugs(question, "substance")).union(*members)


def _shown(
    view: View, found: list[tuple[str, DrugUse]], classes: tuple[str, ...]
) -> dict[str, object]:
    ingredients = {substance for substance, _ in found}
    return {
        "names": view.names(ingredients),
        "items": _items(view, found, classes),
        "count": len(ingredients),
    }


def _is_left_out(use: DrugUse, question: Question) -> bool:
    route = slug(question, "except_route")
    return bool(route) and route in use.route.casefold()


def _is_recent(use: DrugUse, within: timedelta, view: View) -> Truth:
    if is_live(use, view.now):
        return True
    if use.status not in _ENDED:
        return False
    today = view.today
    known = [day for day in (*use.days, use.end.last if use.end else None) if day]
    if use.start:
        known.append(use.start.first)
    if any(timedelta() <= today - day <= within for day in known):
        return True
    is_over = use.end is not None or (use.kind == "administration" and bool(known))
    return False if is_over else None


def _items(
    view: View, found: list[tuple[str, DrugUse]], classes: tuple[str, ...]
) -> list[dict[str, object]]:
    """Each ingredient once, with its latest use."""
    newest: dict[str, DrugUse] = {}
    for substance, use in found:
        known = newest.get(substance)
        if known is None or _last(use) >= _last(known):
            newest[substance] = use
    return [
        {**item(view.terminology, substance, use, classes), "last": _last(use)}
        for substance, use in sorted(newest.items())
    ]


def _last(use: DrugUse) -> str:
    """The latest day of it that is known, as ISO text."""
    known = [day.isoformat() for day in use.days]
    known += [str(moment) for moment in (use.start, use.end) if moment]
    return max(known, default="")
