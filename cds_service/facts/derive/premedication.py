"""Which drug classes nothing in the orders covers on the days a dose is ordered for.

An order of several days or without an end stands for each of them; one that names no day of its own
goes with the orders it is signed with. Local use covers nothing.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from cds_service.facts.answers import Answer, Later, Question, Reading, Source, Value
from cds_service.facts.course import GIVEN
from cds_service.facts.derive.drugs import LIVE, NEEDS, unidentified
from cds_service.facts.derive.order import planned_days
from cds_service.facts.derive.view import ASKED, DRAFTS, UNIDENTIFIED, View, only, slug, slugs
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import DrugUse
from cds_service.facts.unknown import Reason, Unknown
from cds_service.terminology import Terminology

_NEEDS = (DRAFTS, *NEEDS)
_WHAT = "premedication"


def answer(question: Question, view: View) -> Answer:
    """The number of classes surely missing, up to the number perhaps missing."""
    planned = _dose_days(view, slug(question, "substance"))
    classes = slugs(question, "classes")
    covered = {each: _covered(view, each, planned) for each in classes}
    gaps = () if view.sent_whole else view.gaps(_NEEDS, _WHAT, _members(classes, view.terminology))
    doubts = (*gaps, *_unidentified(view, planned))
    absent = [each for each in classes if covered[each] is False]
    unsure = [each for each in classes if covered[each] is None]
    missing = [] if doubts else absent
    count: Value = Interval.between(len(missing), len(absent) + len(unsure))
    shown = Later(lambda: _shown(view, missing, planned))
    reading = Reading({"missing": count}, shown, _sources(view, classes))
    open_ = doubts if absent else ()
    return only(question, reading, (*open_, *(_unsure(view, each) for each in unsure)))


def _dose_days(view: View, substance: str) -> tuple[date, ...]:
    """The days of the doses ordered now, today or ahead."""
    days = {day for order in view.drafts(substance) for day in planned_days(view, order)}
    return tuple(sorted(days))


@lru_cache(maxsize=ASKED)
def _members(classes: tuple[str, ...], terminology: Terminology) -> frozenset[str]:
    return frozenset[str]().union(*map(terminology.substances_in, classes))


def _covered(view: View, drug_class: str, planned: tuple[date, ...]) -> Truth:
    """Whether every day has a drug of the class; None when a schedule leaves that open."""
    truths = [_covered_on(view, drug_class, day) for day in planned]
    if False in truths:
        return False
    return None if None in truths else True


def _covered_on(view: View, drug_class: str, day: date) -> Truth:
    best: Truth = False
    for use in view.uses.of(view.terminology.substances_in(drug_class)):
        covers = _covers(use, day)
        # Where it is used is looked up last: it takes the longest to tell.
        if covers is not False and covers is not best and not use.local_use:
            if covers:
                return True
            best = None
    return best


def _covers(use: DrugUse, day: date) -> Truth:
    """Whether one use stands for a day."""
    if use.do_not_perform:
        return False
    if use.kind == "administration":
        return use.status in GIVEN and day in _days(use)
    if use.kind == "order" and use.status == "completed":
        return day in _days(use)
    if use.status not in LIVE[use.kind] or (use.end and use.end.last < day):
        return False
    if use.one_off:
        return day in _days(use) or _goes_with_the_bundle(use)
    return use.start is None or use.start.first <= day


def _days(use: DrugUse) -> tuple[date, ...]:
    if use.days:
        return use.days
    start = use.start.day if use.start else None
    return (start,) if start else ()


def _goes_with_the_bundle(use: DrugUse) -> Truth:
    """A single dose without a day of its own: given with what it is signed with.

    On file, nobody knows which dose it was meant for.
    """
    written = use.authored.day if use.authored else None
    if use.start is not None or (use.days and use.days != (written,)):
        return False
    return True if use.role in ("draft", "background") else None


def _unidentified(view: View, planned: tuple[date, ...]) -> tuple[Unknown, ...]:
    """Drugs that might be of any class, because nobody could identify them."""
    return tuple(
        unidentified(use)
        for use in view.uses.of_word(UNIDENTIFIED)
        if any(_covers(use, day) is not False for day in planned)
    )


def _unsure(view: View, drug_class: str) -> Unknown:
    what = f"{_WHAT} ({view.name(drug_class)})"
    return Unknown(what, Reason.NO_DATE, "a single dose on file without a day")


def _sources(view: View, classes: tuple[str, ...]) -> tuple[Source, ...]:
    return tuple([use.source for use in view.uses.of(_members(classes, view.terminology))])


def _shown(view: View, missing: list[str], planned: tuple[date, ...]) -> dict[str, object]:
    names = tuple(view.name(each) for each in missing)
    lacking = [
        day for day in planned if any(_covered_on(view, each, day) is False for each in missing)
    ]
    return {
        "missing": len(missing),
        "names": names,
        "items": [{"name": name, "what": name} for name in names],
        "day": ", ".join(map(str, lacking[:3])),
    }
