"""Two evaluators judge; what either finds is shown, and where they differ it is said."""

from cds_service.engine.durable import DurableEngine
from cds_service.engine.judge import judge, questions_of
from cds_service.engine.port import EngineError, Finding
from cds_service.engine.reference import judge_plain
from cds_service.facts.answers import Question
from tests.engine_builders import (
    ALT,
    NO_ALT,
    ORDER,
    answer,
    answers,
    clause,
    exactly,
    reading,
    rule,
    test,
    variant,
)

PLACED = clause(ORDER, test("placed", "is", True))
HIGH = clause(ALT, test("times_uln", "gt", "1.5"))
LEFT = clause(Question("unassessed"), test("count", "gt", "0"))
HIGH_ALT = answer(ALT, reading(times_uln=exactly("2")))
LOW_ALT = answer(ALT, reading(times_uln=exactly("1")))
AN_ORDER = answer(ORDER, reading(placed=True))


class Says:
    """An engine that always finds the same."""

    available = True

    def __init__(self, *found, fails=None):
        self.found = frozenset(Finding(*each) for each in found)
        self.fails = fails

    def findings(self, rules, answers):
        if self.fails:
            raise self.fails
        return self.found


def test_two_that_agree_give_the_plain_verdict():
    rules = [rule(variant(HIGH)), rule(variant(PLACED), id="INO-T-02")]
    chart = answers(HIGH_ALT, AN_ORDER)

    assert judge(rules, chart, DurableEngine.of([rules])) == judge_plain(rules, chart)
    assert judge(rules, chart, None) == judge_plain(rules, chart)


def test_what_only_the_engine_finds_is_shown_and_said(caplog):
    disagreements = []

    (verdict,) = judge(
        [rule(variant(PLACED, HIGH))],
        answers(AN_ORDER, LOW_ALT),
        Says(("INO-T-01", "only")),
        on_disagreement=disagreements.append,
    )

    assert verdict.outcome == "fires"
    assert verdict.because == "engines disagree"
    assert verdict.speaking.variant.name == "only"
    assert [each.truth for each in verdict.speaking.clauses] == [True, True]
    assert verdict.speaking.clauses[1].holding == LOW_ALT.readings
    assert disagreements == ["INO-T-01"]
    (record,) = caplog.records
    assert (record.message, record.rule) == ("engines disagree", "INO-T-01")


def test_what_only_the_plain_evaluator_finds_is_shown_and_said():
    (verdict,) = judge([rule(variant(HIGH))], answers(HIGH_ALT), Says())

    assert verdict.outcome == "fires"
    assert verdict.because == "engines disagree"
    assert verdict.speaking.clauses[0].holding == HIGH_ALT.readings


def test_of_two_variants_found_apart_the_first_speaks():
    both = rule(variant(PLACED, HIGH, name="grave"), variant(PLACED, name="plain"))

    (verdict,) = judge([both], answers(AN_ORDER, LOW_ALT), Says(("INO-T-01", "grave")))

    assert verdict.speaking.variant.name == "grave"
    assert [each.outcome for each in verdict.variants] == ["fires", "fires"]


def test_an_engine_that_fails_leaves_the_plain_verdict_and_is_said(caplog):
    failures = []

    (verdict,) = judge(
        [rule(variant(HIGH))],
        answers(HIGH_ALT),
        Says(fails=EngineError("act clauses0")),
        on_failure=lambda: failures.append("failed"),
    )

    assert (verdict.outcome, verdict.because) == ("fires", "")
    assert failures == ["failed"]
    (record,) = caplog.records
    assert (record.message, record.step) == ("engine failed", "act clauses0")


def test_what_an_engine_had_found_before_it_failed_is_shown():
    found = frozenset({Finding("INO-T-01", "only")})

    (verdict,) = judge(
        [rule(variant(HIGH))], answers(LOW_ALT), Says(fails=EngineError("act", found))
    )

    assert (verdict.outcome, verdict.because) == ("fires", "engines disagree")


def test_an_error_nobody_foresaw_is_a_failure_without_its_text(caplog):
    """
    Its text may hold a fact of the patient.
    """
    (verdict,) = judge([rule(variant(HIGH))], answers(HIGH_ALT), Says(fails=ValueError("4.2 mg")))

    assert verdict.outcome == "fires"
    assert caplog.records[0].step == "ValueError"
    assert "4.2" not in caplog.text


def test_an_engine_that_is_not_available_is_not_asked(caplog):
    broken = Says(fails=EngineError("broken"))
    broken.available = False

    assert judge([rule(variant(HIGH))], answers(HIGH_ALT), broken)[0].outcome == "fires"
    assert caplog.records == []


def test_a_disagreement_counts_for_what_follows():
    """
    A rule that only the engine finds silences the lesser one as any other.
    """
    lesser = rule(variant(PLACED), id="INO-T-02", unless_fires=["INO-T-01"])

    verdicts = judge(
        [rule(variant(HIGH)), lesser],
        answers(LOW_ALT, AN_ORDER),
        Says(("INO-T-01", "only"), ("INO-T-02", "only")),
    )

    assert [each.outcome for each in verdicts] == ["fires", "silent"]


def test_the_engine_is_not_asked_about_the_last_stage():
    rules = [rule(variant(LEFT), id="INO-DATA-01"), rule(variant(HIGH))]
    chart = answers(answer(ALT, gaps=[NO_ALT]))

    verdicts = judge(rules, chart, DurableEngine.of([rules]))

    assert [each.outcome for each in verdicts] == ["fires", "unknown"]


def test_shadow_rules_are_judged_too():
    shadow = rule(variant(HIGH), status="shadow")

    assert judge([shadow], answers(HIGH_ALT), DurableEngine.of([[shadow]]))[0].outcome == "fires"


def test_questions_are_asked_once_in_the_order_of_the_rules():
    rules = [
        rule(variant(LEFT, PLACED), id="INO-DATA-01"),
        rule(variant(HIGH, PLACED), variant(HIGH)),
    ]

    assert questions_of(rules) == (ORDER, ALT)
