"""What nothing on file is about is answered at once, and no differently from looking for it."""

from hypothesis import given

from cds_service.facts.answers import Answer, Question
from cds_service.facts.derive import ANSWERS, Answered
from cds_service.facts.derive.silence import Silences
from cds_service.facts.derive.view import ASKED, View
from tests.builders import (
    chart,
    condition,
    lab,
    order_on_file,
    question,
    regimens,
    terminology,
    unidentified,
    with_gaps,
)
from tests.test_derive_whole import QUESTIONS, charts

BILIRUBIN = question("lab", analyte="total-bilirubin", within=7)
URSODIOL = question("drugs", substance="ursodiol")
VOD = question("condition", concept="vod-sos")


def seen(of) -> View:
    return View(of, terminology(), regimens())


def told(answer: Answer) -> tuple[Question, list[object], object]:
    readings = [(dict(each.fields), dict(each.show), each.sources) for each in answer.readings]
    return answer.question, readings, answer.gaps


def answered(of, each: Question) -> Answer:
    return Answered(of, terminology(), regimens())[each]


def is_silent_about(of, each: Question) -> bool:
    """Whether the answer is one that stands ready for every such chart."""
    return answered(of, each) is answered(of, each)


@given(charts)
def test_what_is_answered_is_what_looking_through_the_chart_finds(of):
    for each in QUESTIONS:
        assert told(answered(of, each)) == told(ANSWERS[each.kind](each, seen(of)))


def test_a_chart_that_holds_other_things_is_silent_about_this():
    of = chart(lab("alt", "30 U/L"), order_on_file("busulfan"), condition("gilbert"))

    assert all(is_silent_about(of, each) for each in (BILIRUBIN, URSODIOL, VOD))


def test_what_is_on_file_is_looked_at():
    of = chart(lab("total-bilirubin", "1.0 mg/dL"), order_on_file("ursodiol"), condition("vod-sos"))

    assert not any(is_silent_about(of, each) for each in (BILIRUBIN, URSODIOL, VOD))


def test_nothing_is_silent_while_something_is_unread():
    of = with_gaps(chart(), "goals")

    assert not any(is_silent_about(of, each) for each in QUESTIONS)


def test_a_drug_that_nobody_identified_may_be_the_one_asked_for():
    assert not is_silent_about(chart(unidentified("study drug")), URSODIOL)


def test_no_more_silences_are_kept_than_a_rulebook_has_questions():
    kept = Silences(terminology())
    for days in range(ASKED + 1):
        assert kept[question("lab", analyte="alt", within=days + 1)]

    assert len(kept) == 1
