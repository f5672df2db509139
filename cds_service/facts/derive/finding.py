"""Results of an analyte that words or a number may give: a pregnancy test, CD22."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cds_service.facts.answers import Answer, Question, Reading, Source, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.derive import when
from cds_service.facts.derive.lab import days_text
from cds_service.facts.derive.view import View, days, only, slug
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import Moment
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import OBSERVATIONS


@cheap_dataclass(frozen=True, slots=True)
class Result:
    """One result: positive or negative in words, or a number in the analyte's canonical unit.

    ``is_word``: given in words; then ``positive`` is None when they tell neither.
    """

    when: Moment | None
    text: str
    status: str
    source: Source
    is_word: bool
    positive: bool | None = None
    value: Interval | None = None


def answer(question: Question, view: View) -> Answer:
    """A reading per result of the window."""
    analyte = slug(question, "analyte")
    usable, doubts = _in_window(question, view)
    readings = tuple(_reading(view, analyte, each, usable) for each in usable)
    return Answer(question, readings, (*_unread(view, analyte), *doubts))


def answer_tested(question: Question, view: View) -> Answer:
    """Whether there is a result in the window; a preliminary one alone does not tell.

    ``show["topics"]`` is what a card says is missing that speaks because there is none.
    """
    analyte = slug(question, "analyte")
    usable, doubts = _in_window(question, view)
    finals = [each for each in usable if each.status == "final"]
    name = view.name(analyte)
    preliminary = [
        Unknown(name, Reason.PRELIMINARY, f"result of {each.when}", each.source.reference)
        for each in usable
    ]
    open_ = (*_unread(view, analyte), *doubts, *preliminary)
    missing = Unknown(name, Reason.NOT_FOUND, _period(question))
    done: Value = True if finals else next(iter(open_), False)
    shown = {"name": name, "topics": {"done": (missing,)}}
    return only(question, Reading({"done": done}, shown, tuple(each.source for each in finals)))


def _period(question: Question) -> str:
    within = days(question, "within")
    return f"none in the last {days_text(within)}" if within is not None else ""


def _unread(view: View, analyte: str) -> tuple[Unknown, ...]:
    return view.gaps((OBSERVATIONS,), view.name(analyte), (analyte,))


def _in_window(question: Question, view: View) -> tuple[list[Result], list[Unknown]]:
    """The usable results of the window, and those that may belong to it."""
    analyte, within = slug(question, "analyte"), days(question, "within")
    name, now = view.name(analyte), view.now
    usable: list[Result] = []
    doubts: list[Unknown] = []
    for each in _on_file(view, analyte):
        reference = each.source.reference
        if each.when is None:
            doubts.append(Unknown(name, Reason.NO_DATE, "a result without a date", reference))
        elif when.is_ahead(each.when, now):
            detail = f"a result dated ahead, {each.when}"
            doubts.append(Unknown(name, Reason.CONFLICT, detail, reference))
        elif (fits := when.is_within(each.when, now, within)) is None:
            doubts.append(Unknown(name, Reason.NO_DATE, f"a result of {each.when}", reference))
        elif fits:
            usable.append(each)
    return usable, doubts


def _on_file(view: View, analyte: str) -> Iterator[Result]:
    """Every result of an analyte, in words and in numbers."""
    for finding in view.chart.findings:
        if finding.analyte == analyte:
            yield Result(
                finding.when,
                finding.text,
                finding.status,
                finding.source,
                is_word=True,
                positive=finding.positive,
            )
    for lab in view.labs(analyte):
        text = lab.value.printed if lab.value else ""
        yield Result(lab.when, text, lab.status, lab.source, is_word=False, value=lab.canonical)


def _reading(view: View, analyte: str, result: Result, among: Iterable[Result]) -> Reading:
    name = view.name(analyte)
    moment = result.when
    unread = Unknown(name, Reason.UNREADABLE, f"result of {moment}", result.source.reference)
    fields: dict[str, Value] = {
        "positive": _positive(result, unread),
        "value": None if result.is_word else result.value or unread,
        "latest": not any(_is_later(other, result) for other in among),
        "days_ago": when.days_before(moment, view.now) if moment else unread,
    }
    shown = {
        "name": name,
        "text": result.text or {True: "positive", False: "negative", None: ""}[result.positive],
        "date": str(moment),
        "status": "" if result.status == "final" else result.status,
    }
    return Reading(fields, shown, (result.source,))


def _positive(result: Result, unread: Unknown) -> bool | Unknown | None:
    """What the words say; None for a number, which the rule compares itself."""
    if not result.is_word:
        return None
    return unread if result.positive is None else result.positive


def _is_later(other: Result, result: Result) -> Truth:
    """Whether a final result surely came after this one."""
    if other.status != "final" or other.when is None or result.when is None:
        return False
    return when.is_before(result.when, other.when)
