"""After every rule is judged for itself: the lesser are silent, the rest is said."""

from fractions import Fraction

from cds_service.engine.reference import judge_plain
from cds_service.facts.answers import Question
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from tests.engine_builders import (
    ALT,
    ALT_FAILED,
    BILIRUBIN,
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
AN_ORDER = answer(ORDER, reading(placed=True))
NO_ORDER = answer(ORDER, reading(placed=False))
UNKNOWN_ALT = answer(ALT, gaps=[NO_ALT])

SOMETHING_LEFT = clause(Question("unassessed"), test("count", "gt", "0"))
CRITICAL_LEFT = clause(Question("unassessed"), test("could_be_critical", "is", True))
DATA = rule(
    variant(SOMETHING_LEFT, CRITICAL_LEFT, name="critical"),
    variant(SOMETHING_LEFT, name="other"),
    id="INO-DATA-01",
)


def outcomes(verdicts):
    return {verdict.rule.id: verdict.outcome for verdict in verdicts}


def left_open(verdicts):
    """The reading that the last rule was judged on."""
    last = next(verdict for verdict in verdicts if verdict.rule.id == "INO-DATA-01")
    return last.variants[0].clauses[0].answer.readings[0]


GREATER = rule(variant(PLACED), id="INO-LIV-01")


def lesser(status="active"):
    return rule(variant(PLACED), id="INO-LIV-02", unless_fires=["INO-LIV-01"], status=status)


def test_a_rule_is_silent_when_one_fires_that_says_more():
    verdict, _ = judge_plain([lesser(), GREATER], answers(AN_ORDER))

    assert verdict.outcome == "silent"
    assert verdict.speaking is None
    assert verdict.because == "INO-LIV-01 fires and says more"


def test_an_unknown_rule_is_silent_too_when_one_fires_that_says_more():
    """
    Whatever the missing result were, it would be silent; so nothing is left open.
    """
    unknown = rule(variant(HIGH), id="INO-LIV-02", unless_fires=["INO-LIV-01"])

    verdicts = judge_plain([GREATER, unknown, DATA], answers(AN_ORDER, UNKNOWN_ALT))

    assert outcomes(verdicts) == {
        "INO-LIV-01": "fires",
        "INO-LIV-02": "silent",
        "INO-DATA-01": "silent",
    }


def test_a_rule_speaks_when_the_one_that_says_more_is_only_unknown():
    unknown = rule(variant(HIGH), id="INO-LIV-01")

    verdicts = judge_plain([unknown, lesser()], answers(AN_ORDER, UNKNOWN_ALT))

    assert outcomes(verdicts) == {"INO-LIV-01": "unknown", "INO-LIV-02": "fires"}


def test_says_more_passes_along():
    least = rule(variant(PLACED), id="INO-LIV-07", unless_fires=["INO-LIV-02"])

    verdicts = judge_plain([GREATER, lesser(), least], answers(AN_ORDER))

    assert outcomes(verdicts) == {
        "INO-LIV-01": "fires",
        "INO-LIV-02": "silent",
        "INO-LIV-07": "silent",
    }


def test_a_shadow_rule_silences_no_card():
    """
    It shows none itself, so the card would be lost.
    """
    shadow = rule(variant(PLACED), id="INO-LIV-01", status="shadow")

    assert outcomes(judge_plain([shadow, lesser()], answers(AN_ORDER)))["INO-LIV-02"] == "fires"
    assert (
        outcomes(judge_plain([shadow, lesser("shadow")], answers(AN_ORDER)))["INO-LIV-02"]
        == "silent"
    )


def test_one_thing_needed_by_two_rules_is_one_item():
    one, two = (rule(variant(HIGH), id=id_) for id_ in ("INO-LIV-02", "INO-LIV-01"))

    verdicts = judge_plain([one, DATA, two], answers(UNKNOWN_ALT))

    assert left_open(verdicts).show == {
        "items": [
            {
                "what": "ALT",
                "reason": "nothing found",
                "detail": "none in the last 7 days",
                "rules": ("INO-LIV-02", "INO-LIV-01"),
            }
        ],
        "reasons": [{"reason": "nothing found", "things": "ALT (none in the last 7 days)"}],
        "names": ("ALT",),
        "rules": ("INO-LIV-01", "INO-LIV-02"),
    }
    assert left_open(verdicts).fields["count"] == Interval.exactly(Fraction(1))


def test_two_unreadable_resources_are_one_item_with_two_sources():
    gaps = [
        Unknown("ALT", Reason.UNREADABLE, reference=f"Observation/{number}") for number in (1, 2)
    ]

    verdicts = judge_plain([rule(variant(HIGH)), DATA], answers(answer(ALT, gaps=gaps)))

    assert len(left_open(verdicts).show["items"]) == 1
    assert [each.reference for each in left_open(verdicts).sources] == [
        "Observation/1",
        "Observation/2",
    ]


def test_the_last_rule_keeps_its_place():
    verdicts = judge_plain([DATA, rule(variant(PLACED))], answers(NO_ORDER))

    assert [verdict.rule.id for verdict in verdicts] == ["INO-DATA-01", "INO-T-01"]
    assert verdicts[0].outcome == "silent"


def test_a_critical_rule_left_open_is_told_apart():
    critical = rule(variant(HIGH, indicator="critical"))

    verdicts = judge_plain([critical, DATA], answers(UNKNOWN_ALT))

    assert verdicts[1].speaking.variant.name == "critical"
    assert (
        judge_plain([rule(variant(HIGH)), DATA], answers(UNKNOWN_ALT))[1].speaking.variant.name
        == "other"
    )


MISSING = Question("lab_panel", (("analytes", ("alt", "total-bilirubin")),))
SAYS_MISSING = rule(variant(clause(MISSING, test("missing", "gt", "0"))), id="INO-LIV-05")


def panel(*topics):
    return answer(
        MISSING, reading({"topics": {"missing": topics}}, missing=exactly(str(len(topics))))
    )


def test_what_a_card_says_is_not_said_again():
    verdicts = judge_plain(
        [rule(variant(HIGH, indicator="critical")), SAYS_MISSING, DATA],
        answers(UNKNOWN_ALT, panel(NO_ALT)),
    )

    assert outcomes(verdicts)["INO-DATA-01"] == "silent"
    assert left_open(verdicts).fields["could_be_critical"] is False


def test_a_card_says_only_what_is_missing_for_the_field_it_speaks_of():
    """A card about an earlier transplant does not say that none is planned."""
    other = answer(MISSING, reading({"topics": {"else": (NO_ALT,)}}, missing=exactly("1")))

    verdicts = judge_plain([rule(variant(HIGH)), SAYS_MISSING, DATA], answers(UNKNOWN_ALT, other))

    assert outcomes(verdicts)["INO-DATA-01"] == "fires"


def test_too_old_and_not_found_are_one_thing_to_say():
    too_old = answer(ALT, gaps=[Unknown("ALT", Reason.TOO_OLD, "latest 2026-11-02")])

    verdicts = judge_plain(
        [rule(variant(HIGH)), SAYS_MISSING, DATA], answers(too_old, panel(NO_ALT))
    )

    assert outcomes(verdicts)["INO-DATA-01"] == "silent"


def test_a_failed_search_is_said_beside_a_card_that_found_nothing():
    verdicts = judge_plain(
        [rule(variant(HIGH)), SAYS_MISSING, DATA],
        answers(answer(ALT, gaps=[ALT_FAILED]), panel(NO_ALT)),
    )

    assert left_open(verdicts).show["items"][0]["reason"] == "search failed"


def test_another_missing_thing_is_still_said():
    low = clause(BILIRUBIN, test("times_uln", "gt", "1.5"))
    bilirubin = Unknown("total bilirubin", Reason.NOT_FOUND)

    verdicts = judge_plain(
        [rule(variant(HIGH)), rule(variant(low), id="INO-T-02"), SAYS_MISSING, DATA],
        answers(UNKNOWN_ALT, answer(BILIRUBIN, gaps=[bilirubin]), panel(NO_ALT)),
    )

    assert left_open(verdicts).show["names"] == ("total bilirubin",)
    assert left_open(verdicts).show["rules"] == ("INO-T-02",)


def test_a_silenced_card_says_nothing():
    """
    Its words are not on the screen, so the missing result must be named elsewhere.
    """
    silenced = rule(*SAYS_MISSING.variants, id="INO-LIV-05", unless_fires=["INO-LIV-01"])

    verdicts = judge_plain(
        [GREATER, rule(variant(HIGH)), silenced, DATA],
        answers(AN_ORDER, UNKNOWN_ALT, panel(NO_ALT)),
    )

    assert left_open(verdicts).show["names"] == ("ALT",)


def test_the_things_missing_are_gathered_by_reason():
    bilirubin = clause(BILIRUBIN, test("times_uln", "gt", "1.5"))
    verdicts = judge_plain(
        [rule(variant(HIGH)), rule(variant(bilirubin), id="INO-T-02"), DATA],
        answers(
            answer(ALT, gaps=[ALT_FAILED]),
            answer(BILIRUBIN, gaps=[Unknown("total bilirubin", Reason.FAILED)]),
        ),
    )

    assert left_open(verdicts).show["reasons"] == [
        {"reason": "search failed", "things": "ALT; total bilirubin"}
    ]


def test_a_quiet_rule_does_not_ask():
    """
    What a rule about data quality lacks matters only when a clinical rule lacks it too.
    """
    quiet = rule(variant(HIGH), id="INO-DATA-03", left_open="quiet")

    assert left_open(judge_plain([quiet, DATA], answers(UNKNOWN_ALT))).show["items"] == []


def test_what_charts_rarely_record_is_said_beside_other_gaps_and_never_alone():
    aside = rule(variant(HIGH), id="INO-VOD-06", left_open="aside")
    other = rule(variant(clause(BILIRUBIN, test("times_uln", "gt", "1.5"))), id="INO-T-02")
    no_bilirubin = answer(BILIRUBIN, gaps=[Unknown("total bilirubin", Reason.NOT_FOUND)])

    alone = left_open(judge_plain([aside, DATA], answers(UNKNOWN_ALT)))
    beside = left_open(judge_plain([aside, other, DATA], answers(UNKNOWN_ALT, no_bilirubin)))

    assert (alone.show["items"], alone.fields["count"]) == ([], Interval.exactly(0))
    assert beside.show["names"] == ("ALT", "total bilirubin")


def test_what_is_said_aside_is_said_alone_when_another_rule_needs_it():
    aside = rule(variant(HIGH), id="INO-VOD-06", left_open="aside")
    needy = rule(variant(HIGH), id="INO-T-02")

    assert left_open(judge_plain([aside, needy, DATA], answers(UNKNOWN_ALT))).show["names"] == (
        "ALT",
    )


def test_a_search_that_failed_is_said_even_aside():
    aside = rule(variant(HIGH), id="INO-VOD-06", left_open="aside")
    failed = answer(ALT, gaps=[ALT_FAILED])

    assert left_open(judge_plain([aside, DATA], answers(failed))).show["names"] == ("ALT",)


def test_a_shadow_rule_neither_asks_nor_says():
    shadow = rule(variant(HIGH), id="INO-T-02", status="shadow")
    says = rule(*SAYS_MISSING.variants, id="INO-LIV-05", status="shadow")

    assert left_open(judge_plain([shadow, DATA], answers(UNKNOWN_ALT))).show["items"] == []
    assert left_open(
        judge_plain([rule(variant(HIGH)), says, DATA], answers(UNKNOWN_ALT, panel(NO_ALT)))
    ).show["names"] == ("ALT",)


def test_a_rule_may_ask_more_than_what_is_left_open():
    both = rule(variant(SOMETHING_LEFT, PLACED), id="INO-DATA-01")

    judged = judge_plain([rule(variant(HIGH)), both], answers(UNKNOWN_ALT, NO_ORDER))

    assert outcomes(judged)["INO-DATA-01"] == "silent"
