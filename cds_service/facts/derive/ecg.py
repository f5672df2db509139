"""Whether an ECG with a corrected QT interval is due.

One is wanted from the days before the first dose or later, and after each current drug of a class
was begun. A result that is preliminary, undated or unreadable leaves open whether it is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache

from cds_service.facts.answers import Answer, Later, Question, Reading, Source, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.derive import when
from cds_service.facts.derive.drugs import NEEDS, is_live, unidentified
from cds_service.facts.derive.lab import Found
from cds_service.facts.derive.order import planned_day
from cds_service.facts.derive.qtc import WHAT, latest
from cds_service.facts.derive.results import Usable
from cds_service.facts.derive.view import ASKED, UNIDENTIFIED, View, days, only, slug, slugs
from cds_service.facts.interval import Truth
from cds_service.facts.model import LabResult, Moment
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import OBSERVATIONS
from cds_service.terminology import Terminology


@cheap_dataclass(frozen=True, slots=True)
class Want:
    """One reason to have an ECG: from a day on, or later than a moment.

    ``lacking`` completes the sentence "no ECG with QTc ...". With neither the time is not known;
    ``vague``: an ECG that looks too early may be late enough.
    """

    lacking: str
    source: Source | None = None
    from_day: date | None = None
    after: Moment | None = None
    vague: bool = False

    def is_met_by(self, moment: Moment | None) -> Truth:
        """Whether an ECG of that moment is the one wanted."""
        met = self._is_late_enough(moment) if moment else None
        return None if met is False and self.vague else met

    def _is_late_enough(self, moment: Moment) -> Truth:
        if self.from_day:
            if moment.first >= self.from_day:
                return True
            return False if moment.last < self.from_day else None
        return when.is_before(self.after, moment) if self.after else None


def answer(question: Question, view: View) -> Answer:
    """One reading: due, not due, or not known."""
    analytes = slugs(question, "analytes")
    results = [result for analyte in analytes for result in view.labs(analyte)]
    gaps = view.gaps((OBSERVATIONS,), WHAT, analytes)
    wants = (*_before_first_dose(question, view), *_since_begun(question, view))
    judged = [(want, _is_met(want, results, gaps, view)) for want in wants]
    lacking = [want for want, met in judged if met is False]
    due: Value = bool(lacking)
    if not lacking:
        left_open = [want for want, met in judged if met is None]
        due = next(_open(question, view, left_open, gaps), False)
    shown = Later(lambda: _shown(view, lacking, latest(view, analytes)))
    sources = tuple(want.source for want in lacking if want.source)
    return only(question, Reading({"due": due}, shown, sources))


def _shown(view: View, lacking: list[Want], newest: Found) -> dict[str, object]:
    return {
        "lacking": lacking[0].lacking if lacking else "",
        "items": [want.lacking for want in lacking],
        "latest": _latest_text(view, newest.results),
        "topics": {"due": newest.gaps if newest.nothing_usable else ()},
    }


def _is_met(
    want: Want, results: Iterable[LabResult], gaps: tuple[Unknown, ...], view: View
) -> Truth:
    """Met by a usable final for certain; open when another result, or an unread one, may do."""
    may_be_met = bool(gaps)
    for result in results:
        moment = None if _is_ahead(result, view) else result.when
        met = want.is_met_by(moment)
        if met and result.value and result.status == "final":
            return True
        may_be_met = may_be_met or met is not False
    return None if may_be_met else False


def _is_ahead(result: LabResult, view: View) -> bool:
    return result.when is not None and when.is_ahead(result.when, view.now)


def _open(
    question: Question, view: View, left_open: list[Want], gaps: tuple[Unknown, ...]
) -> Iterator[Unknown]:
    """What keeps it open, when nothing is surely lacking."""
    if left_open:
        yield from gaps
        yield Unknown(WHAT, Reason.AMBIGUOUS, f"whether one counts {left_open[0].lacking}")
    if slugs(question, "since_start_of"):
        yield from _drug_gaps(question, view)


def _before_first_dose(question: Question, view: View) -> Iterator[Want]:
    """From so many days before the first dose, given or now ordered, to now."""
    substance, within = slug(question, "dose_of"), days(question, "within") or timedelta()
    first, unsure = view.doses(substance).first, bool(view.dose_gaps(substance, ""))
    if first:
        text = f"since {within.days} days before the first dose ({first.day})"
        yield Want(text, first.source, first.day - within, vague=unsure)
    elif not unsure:
        planned = (planned_day(view, order) for order in view.drafts(substance))
        day = min(planned, default=view.today)
        yield Want(f"in the {within.days} days before the first dose", None, day - within)
    else:
        # A first dose may have been given, nobody knows when; any ECG may be late enough.
        yield Want("from before the first dose on")


def _since_begun(question: Question, view: View) -> Iterator[Want]:
    """Later than the start of each current systemic drug of the class; the newest first."""
    members = _members(question, view.terminology)
    begun: list[tuple[date, Want]] = []
    for use in view.uses.of(members):
        if use.role != "on-file" or use.local_use or not is_live(use, view.now):
            continue
        named = use.substances & members
        start, name = use.start or use.authored, " and ".join(view.names(named))
        if start is None:
            begun.append((date.min, Want(f"since {name} began", use.source)))
        elif start.first <= view.today:
            begun.append(
                (start.last, Want(f"since {name} began on {start}", use.source, after=start))
            )
    yield from (want for _, want in sorted(begun, key=lambda pair: pair[0], reverse=True))


def _drug_gaps(question: Question, view: View) -> Iterator[Unknown]:
    """Drugs that may be of the class and that we do not know of."""
    yield from view.gaps(NEEDS, "active medications", _members(question, view.terminology))
    for use in view.uses.of_word(UNIDENTIFIED):
        if use.role == "on-file" and is_live(use, view.now):
            yield unidentified(use)


@lru_cache(maxsize=ASKED)
def _members(question: Question, terminology: Terminology) -> frozenset[str]:
    classes = slugs(question, "since_start_of")
    return frozenset[str]().union(*map(terminology.substances_in, classes))


def _latest_text(view: View, results: tuple[Usable, ...]) -> str:
    """``QTc (Fridericia) 431 ms on 2026-10-01``; empty when none is on file."""
    if not results:
        return ""
    one = results[0]
    return f"{view.name(one.result.analyte)} {one.value.printed} on {one.when}"
