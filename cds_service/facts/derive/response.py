"""Response to treatment: after the cycle before the one ordered, or within the first cycles.

An assessment counts for a cycle when it is dated after that cycle's last dose. A diagnosis coded as
in remission and dated so counts as CR or CRi, and says nothing of MRD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.course import Cycle, Dose
from cds_service.facts.derive import when
from cds_service.facts.derive.condition import COUNTED
from cds_service.facts.derive.order import planned_day, position
from cds_service.facts.derive.view import View, number, only, slug
from cds_service.facts.interval import Truth
from cds_service.facts.model import ConditionEntry, Moment, ResponseEntry
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import CONDITIONS, OBSERVATIONS, RECENT_OBSERVATIONS

_NEEDS = (OBSERVATIONS, RECENT_OBSERVATIONS, CONDITIONS)
_ALL = frozenset({"b-all", "all-unspecified-lineage"})
_IN_REMISSION = "all-in-remission"
_CONCERNS = ("disease-status", "mrd", "cri", "marrow-blasts-percent", _IN_REMISSION, *_ALL)
_FIELDS = ("assessed", "remission", "mrd_assessed", "mrd_negative", "goal_reached")

_SINCE_FIRST = "response since the first dose"


@cheap_dataclass(frozen=True, slots=True)
class Period:
    """When an assessment must be dated to count: after a dose, and up to a day (if one is given).

    ``words`` end the sentence "response ...": "after cycle 2". ``after`` is None when doses must
    have been given that are not on file. ``anywhere``: the best of the period counts, not the last.
    """

    words: str
    cycle: int
    after: Dose | None
    until: date | None = None
    anywhere: bool = False


def answer(question: Question, view: View) -> Answer:
    """One reading; without an earlier cycle its fields do not apply."""
    substance = slug(question, "substance")
    period = _period(question, view, substance)
    if period is None:
        return only(question, _not_applicable(view, substance))
    gaps = _gaps(view, substance, period)
    if period.after is None and not _any_on_file(view):
        return only(question, _judged((), period, gaps), gaps)
    if period.after is None:
        detail = f"the doses of cycle {period.cycle} are not on file"
        unplaced = Unknown(f"response {period.words}", Reason.NOT_RECORDED, detail)
        return only(question, _reading(dict.fromkeys(_FIELDS, unplaced), (), period), gaps)
    entries, doubts = _entries_of(view, period, period.after)
    return only(question, _judged(entries, period, (*gaps, *doubts)), (*gaps, *doubts))


def remission_since_first_dose(view: View, substance: str) -> tuple[bool | Unknown | None, str]:
    """The latest word on CR or CRi since the first dose, and the assessments in words.

    None when no dose was given, so that there is nothing to respond to.
    """
    key = ("remission since the first dose", substance)
    return view.once(key, lambda: _remission_since_first_dose(view, substance))


def _remission_since_first_dose(view: View, substance: str) -> tuple[bool | Unknown | None, str]:
    begun = view.cycles(substance)
    if not begun:
        later = _ordered_cycle(view, substance) > 1
        gaps = view.dose_gaps(substance, _SINCE_FIRST)
        unplaced = Unknown(_SINCE_FIRST, Reason.NOT_RECORDED, "the doses given are not on file")
        return (gaps[0] if gaps else unplaced if later else None), ""
    first = begun[0].doses[0]
    period = Period("since the first dose", begun[-1].number, first)
    gaps = _gaps(view, substance, period)
    entries, doubts = _entries_of(view, period, first)
    word = _part(entries, lambda each: each.remission, _SINCE_FIRST, period, (*gaps, *doubts))
    telling = (each for each in entries if each.remission is not None)
    return word, "; ".join(f"{each.label} ({each.when})" for each in telling)


def _any_on_file(view: View) -> bool:
    """Whether any assessment is there that may belong to a cycle whose doses are unknown."""
    return bool(view.chart.responses) or any(_remissions(view))


def _not_applicable(view: View, substance: str) -> Reading:
    """No cycle before this one, as far as the course is known for certain."""
    what = "response to the last cycle"
    gaps = view.dose_gaps(substance, what)
    if view.regimen(substance) is None:
        gaps = (Unknown(what, Reason.NOT_RECORDED, "no regimen tells the cycles"),)
    fields: dict[str, Value] = dict.fromkeys(_FIELDS, gaps[0] if gaps else None)
    return Reading(fields, {"text": "", "date": "", "cycle": ""})


def _period(question: Question, view: View, substance: str) -> Period | None:
    begun = view.cycles(substance)
    cycles = number(question, "within_cycles")
    if cycles is None:
        return _after_last_cycle(view, substance, begun)
    count = int(cycles)
    words = f"in the first {count} cycles"
    if not begun:
        missed = _ordered_cycle(view, substance) > 1
        return Period(words, count, None, anywhere=True) if missed else None
    until = begun[count].day1 if len(begun) > count else None
    return Period(words, count, begun[0].doses[0], until, anywhere=True)


def _after_last_cycle(view: View, substance: str, begun: tuple[Cycle, ...]) -> Period | None:
    """From the last dose of the cycle before the one ordered; of the last one without an order."""
    orders = view.drafts(substance)
    if not orders:
        return _after(begun[-1].number, begun[-1]) if begun else None
    _, place = min(
        ((planned_day(view, each), position(view, substance, each)) for each in orders),
        key=lambda pair: (pair[0], -(pair[1].cycle or 1)),
    )
    ordered = place.cycle or 1
    if ordered <= 1:
        return None
    earlier = begun if place.inferred is None or place.inferred.opens_cycle else begun[:-1]
    return _after(ordered - 1, earlier[-1] if earlier else None)


def _after(cycle: int, given: Cycle | None) -> Period:
    return Period(f"after cycle {cycle}", cycle, given.doses[-1] if given else None)


def _ordered_cycle(view: View, substance: str) -> int:
    """The latest cycle ordered."""
    places = [position(view, substance, order).cycle for order in view.drafts(substance)]
    return max((cycle for cycle in places if cycle), default=1)


def _gaps(view: View, substance: str, period: Period) -> tuple[Unknown, ...]:
    what = f"response {period.words}"
    unread = view.gaps(_NEEDS, what, _CONCERNS)
    return tuple(dict.fromkeys((*unread, *view.dose_gaps(substance, what))))


def _entries_of(
    view: View, period: Period, after: Dose
) -> tuple[tuple[ResponseEntry, ...], tuple[Unknown, ...]]:
    """The assessments of a period, the latest last, and those that may or may not belong to it.

    Preliminary ones count only where there is no final one.
    """
    found: list[tuple[Moment, ResponseEntry]] = []
    doubts: list[Unknown] = []
    what = f"response {period.words}"
    for entry in (*view.chart.responses, *_remissions(view)):
        belongs = _belongs(entry.when, period, after)
        reference = entry.source.reference
        if belongs is None:
            doubts.append(Unknown(what, Reason.NO_DATE, entry.label, reference))
        elif belongs and entry.when and not when.is_ahead(entry.when, view.now):
            found.append((entry.when, entry))
    finals = [pair for pair in found if pair[1].status == "final"]
    if found and not finals:
        doubts.append(Unknown(what, Reason.PRELIMINARY))
    ordered = sorted(finals or found, key=lambda pair: pair[0].last)
    return tuple(entry for _, entry in ordered), tuple(doubts)


def _belongs(moment: Moment | None, period: Period, after: Dose) -> Truth:
    """An assessment of the day on which the next cycle begins was made before its first dose."""
    if moment is None:
        return None
    if period.until and moment.first > period.until:
        return False
    later = when.is_after_dose(moment, after)
    return None if later and period.until and moment.last > period.until else later


def _remissions(view: View) -> Iterator[ResponseEntry]:
    """Diagnoses of ALL in remission, as assessments of the day they were coded."""
    for entry in view.chart.conditions:
        if entry.verification in COUNTED and _is_remission(entry):
            coded = entry.onset if _IN_REMISSION in entry.concepts else entry.abatement
            yield ResponseEntry(coded or entry.recorded, entry.source, entry.label, remission=True)


def _is_remission(entry: ConditionEntry) -> bool:
    if _IN_REMISSION in entry.concepts:
        return entry.clinical_status in ("", "active", "remission")
    return entry.clinical_status == "remission" and bool(entry.concepts & _ALL)


def _topics(fields: Mapping[str, Value]) -> dict[str, tuple[Unknown, ...]]:
    """What a card says that speaks because nothing was assessed, or because MRD was not."""
    open_ = [each for each in fields.values() if isinstance(each, Unknown)]
    mrd = fields["mrd_negative"]
    return {
        "assessed": tuple(dict.fromkeys(open_)),
        "mrd_assessed": (mrd,) if isinstance(mrd, Unknown) else (),
    }


def _judged(
    entries: tuple[ResponseEntry, ...], period: Period, gaps: tuple[Unknown, ...]
) -> Reading:
    response, mrd = f"response {period.words}", f"MRD {period.words}"
    remission = _part(entries, lambda each: each.remission, response, period, gaps)
    negative = _part(entries, lambda each: each.mrd_negative, mrd, period, gaps)
    has_mrd = any(each.mrd_negative is not None for each in entries)
    fields = {
        "assessed": any(map(_is_response, entries)) or (gaps[0] if gaps else False),
        "remission": remission,
        "mrd_assessed": has_mrd or (_renamed(gaps[0], mrd) if gaps else False),
        "mrd_negative": negative,
        "goal_reached": _both(remission, negative),
    }
    return _reading(fields, entries, period)


def _is_response(entry: ResponseEntry) -> bool:
    """Whether it is more than an MRD result, which says nothing of CR or CRi."""
    return entry.remission is not None or entry.mrd_negative is None


def _part(
    entries: tuple[ResponseEntry, ...],
    say: Callable[[ResponseEntry], bool | None],
    what: str,
    period: Period,
    gaps: tuple[Unknown, ...],
) -> bool | Unknown:
    """What the assessments say of one part: the latest that says anything, or the best of all."""
    said = [(each.when, answer) for each in entries if (answer := say(each)) is not None]
    if not said:
        return _renamed(gaps[0], what) if gaps else Unknown(what, Reason.NOT_RECORDED)
    if period.anywhere:
        best = any(answer for _, answer in said)
        return _renamed(gaps[0], what) if gaps and not best else best
    latest, last_word = said[-1]
    if any(answer is not last_word for moment, answer in said if moment == latest):
        return Unknown(what, Reason.CONFLICT, f"both answers on {latest}")
    return last_word


def _renamed(gap: Unknown, what: str) -> Unknown:
    return Unknown(what, gap.reason, gap.detail, gap.reference)


def _both(one: bool | Unknown, other: bool | Unknown) -> bool | Unknown:
    """Both hold: no as soon as one does not, unknown as long as one may not."""
    if one is False or other is False:
        return False
    return next((each for each in (one, other) if isinstance(each, Unknown)), True)


def _reading(
    fields: Mapping[str, Value], entries: tuple[ResponseEntry, ...], period: Period
) -> Reading:
    shown = {
        "text": "; ".join(f"{each.label} ({each.when})" for each in entries),
        "date": str(entries[-1].when) if entries else "",
        "cycle": str(period.cycle),
        "topics": _topics(fields),
    }
    return Reading(fields, shown, tuple(each.source for each in entries))
