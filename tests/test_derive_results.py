"""Which results count: looking from the newest back finds what looking at every one finds."""

from __future__ import annotations

import copy
import gc
import weakref
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.facts.answers import Later, Question, WithLast
from cds_service.facts.course import Dose
from cds_service.facts.derive import ANSWERS, when
from cds_service.facts.derive.index import Index
from cds_service.facts.derive.lab import (
    SAME_TIME,
    Found,
    Window,
    contradict,
    find,
    recency,
)
from cds_service.facts.derive.results import Results, Usable
from cds_service.facts.derive.view import View
from cds_service.facts.unknown import Reason, Unknown
from tests.builders import NOW, chart, draft, lab, on, regimens, source, terminology

BILIRUBIN = "total-bilirubin"
ZONES = [UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=13))]


def every_result_looked_at(view: View, window: Window) -> Found:
    """The plain reading: each result is judged for itself, and then with the newest that counts."""
    now, name, among = view.now, view.name(BILIRUBIN), view.labs(BILIRUBIN)
    doubts = [(each, why) for each in among if (why := why_not(each, name, window, now))]
    doubtful = {id(each) for each, _ in doubts}
    usable = [
        one
        for each in among
        if id(each) not in doubtful and (one := Usable.of(each)) and fits(one.when, window, now)
    ]
    finals = [each for each in usable if each.result.status == "final"]
    newest = max(finals, key=lambda each: recency(each, now), default=None)
    beside = [each for each in usable if each is not newest and stands_beside(each, newest, now)]
    results = ((newest,) if newest else ()) + tuple(beside)
    gaps = tuple(why for each, why in doubts if may_be_newer(each, newest, now))
    if newest:
        return Found(results, (*gaps, *window.dose_gaps))
    if results:
        preliminary = (
            Unknown(name, Reason.PRELIMINARY, f"result of {one.when}", one.result.source.reference)
            for one in results
        )
        return Found(results, (*gaps, *window.dose_gaps, *preliminary))
    if gaps:
        return Found((), gaps, all(gap.reason is Reason.NOT_RECORDED for gap in gaps))
    return Found((), (), nothing_usable=True)


def fits(moment, window, now) -> bool | None:
    truths = (
        when.is_within(moment, now, window.within),
        when.is_after_dose(moment, window.after) if window.after else True,
        when.is_before(moment, window.before) if window.before else True,
    )
    return False if False in truths else None if None in truths else True


def why_not(result, name, window, now) -> Unknown | None:
    reference = result.source.reference
    if result.when is None:
        return Unknown(name, Reason.NO_DATE, "a result without a date", reference)
    if when.is_ahead(result.when, now):
        return Unknown(name, Reason.CONFLICT, f"a result dated ahead, {result.when}", reference)
    if fits(result.when, window, now) is None:
        return Unknown(name, Reason.NO_DATE, f"a result of {result.when}", reference)
    if fits(result.when, window, now) and result.value is None:
        problem = result.problem or Unknown(name, Reason.UNREADABLE)
        detail = problem.detail or f"the result of {result.when}"
        return replace(problem, what=name, detail=detail, reference=reference)
    return None


def may_be_newer(result, newest, now) -> bool:
    if newest is None:
        return True
    latest = when.span(newest.when, now.tzinfo)[1]
    if result.when is None:
        return result.issued is None or result.issued > latest
    return when.span(result.when, now.tzinfo)[1] >= latest


def stands_beside(one, newest, now) -> bool:
    if one.result.status == "preliminary":
        return newest is None or recency(one, now) > recency(newest, now)
    return newest is not None and contradict(newest, one, SAME_TIME, now)


def minutes_ago(minutes: int, zone) -> str:
    return (NOW - timedelta(minutes=minutes)).astimezone(zone).isoformat()


times = st.builds(
    minutes_ago,
    st.integers(-3000, 15000) | st.sampled_from([0, 30, 60, 61, 1440, 10080, 10081]),
    st.sampled_from(ZONES),
)
dates = st.integers(-3, 12) | times | st.sampled_from([None, "2026", "2026-11", "2026-10", "2025"])
issues = st.none() | st.builds(
    lambda minutes: NOW - timedelta(minutes=minutes), st.integers(0, 12000)
)
problems = st.sampled_from(
    [
        None,
        Unknown("a result", Reason.UNIT, "in furlongs"),
        Unknown("a result", Reason.NOT_RECORDED),
        Unknown("a result", Reason.CONFLICT, "mg/dL and U/L"),
    ]
)


@st.composite
def results(draw):
    value = draw(st.sampled_from(["1.0 mg/dL", "1.9 mg/dL", "17 umol/L", "< 0.2 mg/dL", None]))
    return lab(
        BILIRUBIN,
        value,
        at=draw(dates),
        status=draw(st.sampled_from(["final", "final", "preliminary"])),
        issued=draw(issues),
        problem=draw(problems) if value is None else None,
    )


windows = st.builds(
    Window,
    within=st.sampled_from([None, timedelta(days=1), timedelta(days=7), timedelta(days=10**6)]),
    after=st.none()
    | st.builds(
        lambda back, has_time: Dose(
            (NOW - timedelta(days=back)).date(),
            source("MedicationAdministration"),
            at=NOW - timedelta(days=back) if has_time else None,
        ),
        st.integers(0, 9),
        st.booleans(),
    ),
    before=st.none() | st.builds(on, st.integers(-2, 9) | st.just("2026-11")),
    dose_gaps=st.sampled_from([(), (Unknown("a dose", Reason.FAILED),)]),
)


@settings(max_examples=300)
@given(st.lists(results(), max_size=8), windows)
def test_looking_from_the_newest_back_finds_what_looking_at_every_result_finds(found, window):
    view = View(chart(*found), terminology(), regimens())
    plain, quick = every_result_looked_at(view, window), find(view, BILIRUBIN, window)

    assert quick.results == plain.results
    assert quick.nothing_usable == plain.nothing_usable
    if plain.gaps or plain.results:
        assert quick.gaps == plain.gaps
    else:
        (nothing,) = quick.gaps
        assert nothing.reason in (Reason.NOT_FOUND, Reason.TOO_OLD)


@given(st.lists(results(), max_size=8), st.none() | st.integers(0, 9).map(timedelta))
def test_nothing_of_a_period_lies_before_its_oldest_instant(found, period):
    among = Results(found, NOW)
    kept = {each.place for each in among.back_to(when.oldest(NOW, period))}
    for place, result in enumerate(found):
        if result.when and when.is_within(result.when, NOW, period) is not False:
            assert place in kept


@given(st.lists(results(), max_size=8))
def test_a_time_line_loses_and_repeats_no_result(found):
    among = Results(found, NOW)
    dated = [each.place for each in among.back_to(None)]
    undated = [place for place, _ in among.undated]
    assert sorted([*dated, *undated]) == list(range(len(found)))


@given(
    st.lists(st.frozensets(st.sampled_from("abcd")), max_size=6),
    st.frozensets(st.sampled_from("abcde")),
)
def test_an_index_finds_what_bears_one_of_the_words_in_the_order_of_the_chart(facts, words):
    found = Index(enumerate(facts), lambda fact: fact[1]).of(words)
    assert found == tuple(each for each in enumerate(facts) if each[1] & words)


def test_words_are_worked_out_once_and_only_when_one_is_read():
    asked: list[int] = []

    def words():
        asked.append(1)
        return {"name": "ALT", "count": 2}

    later = Later(words)
    assert asked == []
    assert later == {"name": "ALT", "count": 2}
    assert dict(later) == {**later}
    assert "name" in later
    assert "unit" not in later
    assert len(later) == 2
    assert repr(later) == "{'name': 'ALT', 'count': 2}"
    assert asked == [1]


def test_the_last_field_is_worked_out_once_and_only_when_it_is_read():
    asked: list[int] = []

    def last() -> str:
        asked.append(1)
        return "ahead"

    fields = WithLast({"count": True}, "days", last)
    assert (fields["count"], fields.get("count"), fields.get("other")) == (True, True, None)
    assert list(fields) == ["count", "days"]
    assert len(fields) == 2
    assert asked == []
    assert fields.get("days") == "ahead"
    assert fields == {"count": True, "days": "ahead"} == fields
    assert list(fields) == ["count", "days"]
    assert len(fields) == 2
    assert repr(fields) == "{'count': True, 'days': 'ahead'}"
    assert asked == [1]


def test_a_field_that_is_missing_is_no_last_one():
    with pytest.raises(KeyError):
        WithLast({}, "days", lambda: None)["day"]


def test_two_questions_that_ask_the_same_are_one():
    one = Question("lab", (("analyte", "alt"), ("within", Fraction(7))))

    assert Question("lab", (("analyte", "alt"), ("within", Fraction(14, 2)))) is one
    assert Question("lab", (("analyte", "alt"),)) != one
    assert copy.copy(one) is one is copy.deepcopy(one)
    assert repr(one).startswith("Question(kind='lab', selectors=(('analyte', 'alt'),")


def test_a_question_that_nobody_asks_any_more_is_forgotten():
    asked = weakref.ref(Question("lab", (("analyte", "nobody-asks"),)))
    gc.collect()

    assert asked() is None


def test_nothing_of_a_chart_waits_for_the_garbage_collector():
    """What was worked out for a chart goes with it, so that no patient's data lingers."""
    view = View(
        chart(draft(), lab(BILIRUBIN, "1.9 mg/dL", uln="1.2 mg/dL")), terminology(), regimens()
    )
    gone = weakref.ref(view)
    gc.disable()
    try:
        answers = [ANSWERS[each.kind](each, view) for each in QUESTIONS]
        assert [answer.readings[0].show for answer in answers]
        del answers, view
        assert gone() is None
    finally:
        gc.enable()


INO = ("substance", "inotuzumab-ozogamicin")
QUESTIONS = (
    Question("lab", (("analyte", BILIRUBIN), ("within", Fraction(7)))),
    Question("dose_ordered", (INO,)),
    Question("order", (INO,)),
    Question("schedule", (INO,)),
    Question("body", (INO,)),
    Question("transplant"),
    Question("conflicts", (("analytes", (BILIRUBIN,)),)),
    Question("drugs", (INO,)),
)


def test_the_time_line_of_nothing_is_empty():
    assert not list(Results((), datetime(2026, 1, 1, tzinfo=UTC)).back_to(None))
