"""Alkylating agents given or ordered as conditioning for a transplant.

With a known graft day (day 0) those of the window before it count; the substance used against
graft-versus-host disease does not count from day 0 on. Without one, those within the window of each
other count, and none older than the window. Two orders of one ingredient are one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.course import GIVEN
from cds_service.facts.derive.drugs import is_live, item
from cds_service.facts.derive.transplant import graft_day, grafts, intended, statements
from cds_service.facts.derive.view import (
    ASKED,
    UNIDENTIFIED,
    View,
    days,
    is_live_order,
    only,
    slug,
    slugs,
)
from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse, Moment
from cds_service.facts.order_sets import is_conditioning
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS, MEDICATION_REQUESTS
from cds_service.terminology import Terminology

_MEDICATIONS = (MEDICATION_REQUESTS, MEDICATION_ADMINISTRATIONS)
_WHAT = "conditioning drugs"


@cheap_dataclass(frozen=True, slots=True)
class Course:
    """What a question asks about: the drugs that count, and the time around day 0."""

    alkylators: frozenset[str]
    typical: frozenset[str]
    prophylaxis: str
    window: timedelta
    day0: Moment | None


@cheap_dataclass(frozen=True, slots=True)
class Given:
    """One alkylator on one day, given or ordered. ``undated``: ordered without naming a day."""

    substance: str
    use: DrugUse
    day: date
    undated: bool = False


def answer(question: Question, view: View) -> Answer:
    """One reading about the conditioning that is going on or being ordered."""
    course = _course(question, view)
    counted = _counted(view, course)
    unidentified = _unidentified(view, counted)
    gaps = view.gaps(_MEDICATIONS, _WHAT, course.alkylators)
    doubts = tuple(
        Unknown(_WHAT, Reason.UNRESOLVED, reference=use.source.reference) for use in unidentified
    )
    fields: dict[str, Value] = {
        "alkylators": _count(counted, gaps, len(unidentified)),
        "drafted": any(each.use.role == "draft" for each in counted),
        "ordered": _ordered(view, course, counted, gaps),
        "transplant_evidence": _transplant_evidence(view, course, counted),
        "contains": _contains(counted, slug(question, "substance"), (*gaps, *doubts)),
    }
    sources = tuple(dict.fromkeys(each.use.source for each in counted))
    reading = Reading(fields, Later(lambda: _shown(view, course, counted)), sources)
    return only(question, reading, (*gaps, *doubts))


def _course(question: Question, view: View) -> Course:
    alkylators, typical = _drugs(question, view.terminology)
    window = days(question, "window") or timedelta(0)
    return Course(
        alkylators=alkylators,
        typical=typical,
        prophylaxis=slug(question, "prophylaxis_after_graft"),
        window=window,
        day0=graft_day(view, window),
    )


@lru_cache(maxsize=ASKED)
def _drugs(question: Question, terminology: Terminology) -> tuple[frozenset[str], frozenset[str]]:
    """The drugs that count, and those of them that are given for nothing else."""
    members = (terminology.substances_in(each) for each in slugs(question, "class"))
    return frozenset[str]().union(*members), frozenset(slugs(question, "typical"))


def _counted(view: View, course: Course) -> tuple[Given, ...]:
    """The alkylators of the window, one entry per ingredient and use."""
    found = [
        each
        for use in view.uses.of(course.alkylators)
        if _may_count(use)
        for substance in sorted(use.substances & course.alkylators)
        for each in _days_of(use, substance, view.today)
    ]
    if course.day0:
        within = _before_graft(found, course, course.day0)
    else:
        within = _close_together(found, course, view)
    return tuple({(each.substance, each.use.source): each for each in within}.values())


def _may_count(use: DrugUse) -> bool:
    """Ordered, being given or given; for systemic use."""
    if use.local_use or use.do_not_perform:
        return False
    if use.kind == "administration":
        return use.status in GIVEN
    return is_live_order(use) or (use.kind == "order" and use.status == "completed")


def _days_of(use: DrugUse, substance: str, today: date) -> Iterable[Given]:
    """Each day named; an order in force that names none is for today at the earliest."""
    written = use.authored.day if use.authored else None
    named = use.days if use.start or use.days != (written,) else ()
    if not named and use.start and use.start.day:
        named = (use.start.day,)
    if named:
        return [Given(substance, use, day) for day in named]
    if is_live_order(use):
        return [Given(substance, use, max(written or today, today), undated=True)]
    return [Given(substance, use, written)] if written else []


def _before_graft(found: list[Given], course: Course, day0: Moment) -> list[Given]:
    """Those of the window before day 0.

    An order without a day may be for any day from now on: one of a typical drug is for nothing
    else, and another counts with the conditioning it stands beside.
    """
    early = [each for each in found if each.day <= _last_day(each, course, day0)]
    first = day0.first - course.window
    sure = [
        each
        for each in early
        if each.day >= first or (each.undated and each.substance in course.typical)
    ]
    return [each for each in early if each in sure or (sure and each.undated)]


def _last_day(given: Given, course: Course, day0: Moment) -> date:
    """Until when it is conditioning; the prophylaxis against GvHD begins on day 0."""
    return day0.last - timedelta(days=1 if given.substance == course.prophylaxis else 0)


def _close_together(found: list[Given], course: Course, view: View) -> list[Given]:
    """The window with most ingredients, of what is recent or ahead and since the last graft."""
    recent = view.today - course.window
    last_graft = max((each.performed.last for each in grafts(view) if each.performed), default=None)
    current = [
        each for each in found if each.day >= recent and not (last_graft and each.day <= last_graft)
    ]
    windows = [
        [each for each in current if timedelta(0) <= each.day - start.day <= course.window]
        for start in current
    ]
    return max(windows, key=lambda window: _weight(window, view.now), default=[])


def _weight(window: list[Given], now: datetime) -> tuple[int, bool, bool, int, date]:
    """Most ingredients first, then what is being ordered, then what is in force."""
    return (
        len({each.substance for each in window}),
        any(each.use.role == "draft" for each in window),
        any(is_live(each.use, now) for each in window),
        len(window),
        max(each.day for each in window),
    )


def _unidentified(view: View, counted: tuple[Given, ...]) -> list[DrugUse]:
    """Live drugs nobody could identify, ordered together with an alkylator or as conditioning."""
    sets = {each.use.order_set for each in counted if each.use.order_set}
    return [
        use
        for use in view.uses.of_word(UNIDENTIFIED)
        if use.kind != "statement"
        and is_live(use, view.now)
        and (use.order_set in sets or is_conditioning(use.order_set))
    ]


def _count(counted: tuple[Given, ...], gaps: tuple[Unknown, ...], unidentified: int) -> Interval:
    found = len({each.substance for each in counted})
    return Interval.at_least(found) if gaps else Interval.between(found, found + unidentified)


def _ordered(
    view: View, course: Course, counted: tuple[Given, ...], gaps: tuple[Unknown, ...]
) -> bool | Unknown:
    """Whether one is ordered now or in force, as conditioning and not as other chemotherapy."""
    is_over = course.day0 is not None and course.day0.last < view.today
    live = [each for each in counted if is_live(each.use, view.now) and not is_over]
    if not live:
        return gaps[0] if gaps else False
    if course.day0:
        return True
    return _transplant_evidence(view, course, tuple(live))


def _transplant_evidence(view: View, course: Course, counted: tuple[Given, ...]) -> bool | Unknown:
    """A typical drug among them, a known day 0, or a transplant said to be intended."""
    if course.day0 or any(each.substance in course.typical for each in counted):
        return True
    found = intended(view, *statements(view, course.typical))
    if isinstance(found, str):
        return found == "yes"
    return False if found.reason is Reason.NOT_RECORDED else found


def _contains(
    counted: tuple[Given, ...], substance: str, gaps: tuple[Unknown, ...]
) -> bool | Unknown | None:
    if not substance:
        return None
    if any(each.substance == substance for each in counted):
        return True
    return gaps[0] if gaps else False


def _shown(view: View, course: Course, counted: tuple[Given, ...]) -> dict[str, object]:
    ingredients = {each.substance for each in counted}
    return {
        "names": view.names(ingredients),
        "count": len(ingredients),
        "day0": str(course.day0) if course.day0 else "",
        "items": [
            item(view.terminology, each.substance, each.use) | {"day": each.day.isoformat()}
            for each in sorted(counted, key=lambda each: (each.day, each.substance))
        ],
    }
