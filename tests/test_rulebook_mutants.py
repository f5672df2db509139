"""Every small change of a rule must be noticed by one of its cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from rulebook_files import RULE, folder_with, good_rule, load, terminology, with_line

from cds_service.engine.reference import judge_plain
from cds_service.facts.answers import Answer, Question
from cds_service.facts.derive import answer_all
from cds_service.facts.model import Chart
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.judging import CaseJudge
from cds_service.rulebook.model import Rule, Rulebook
from cds_service.rulebook.mutants import STEPS, mutants_of, survey


def judge(rulebook: Rulebook) -> CaseJudge:
    """Cases judged by the real rooms above, without regimens."""

    def answer(questions: Sequence[Question], chart: Chart) -> Mapping[Question, Answer]:
        return answer_all(questions, chart, terminology(), {})

    return CaseJudge(rulebook, terminology(), answer, judge_plain)


def survivors(tmp_path: Path, text: str) -> list[str]:
    """The mutants that no case of the rule notices."""
    rulebook = load(folder_with(tmp_path, text))
    (rule,) = rulebook.rules.values()
    return [mutant.name for mutant in survey(rule, judge(rulebook)).survivors]


def test_a_rule_is_changed_in_every_small_way(tmp_path: Path) -> None:
    assert [mutant.name for mutant in mutants_of(good_rule(tmp_path))] == [
        "limit + 0.01",
        "limit - 0.01",
        "window + 1",
        "window - 1",
        "placed of order: not true",
        "drop order",
        "times_uln of bilirubin: gt to gte",
        "times_uln of bilirubin: gt to lt",
        "drop within of bilirubin",
        "drop bilirubin",
    ]


def mutant(rule: Rule, name: str) -> Rule:
    return {each.name: each.rule for each in mutants_of(rule)}[name]


def test_a_moved_number_moves_in_tests_and_selectors(tmp_path: Path) -> None:
    rule = good_rule(tmp_path)

    limit = mutant(rule, "limit + 0.01").variants[0].when[1]
    window = mutant(rule, "window - 1").variants[0].when[1]

    assert limit.tests[0].operand == Fraction("1.51")
    assert window.question.get("within") == 6
    assert window.tests == rule.variants[0].when[1].tests


def test_a_number_does_not_move_below_zero(tmp_path: Path) -> None:
    rule = good_rule(tmp_path, with_line("value: 7", "value: 0"))

    assert "window - 1" not in [each.name for each in mutants_of(rule)]


def test_a_number_that_is_only_printed_does_not_move(tmp_path: Path) -> None:
    text = with_line("parameters:\n", "parameters:\n  share: {value: 14, unit: '%', cite: label}\n")
    rule = good_rule(tmp_path, text.replace("Above {{", "{{ p.share }} % above {{"))

    assert not any("share" in each.name for each in mutants_of(rule))


VARIANTS = with_line(
    "card:\n",
    """\
variants:
  signed: {when: {setting: {fact: setting, hook: order-sign}}}
  selected: {when: {setting: {fact: setting, hook: order-select}}}
card:
""",
)


def test_variants_and_their_clauses_are_left_out_one_by_one(tmp_path: Path) -> None:
    text = VARIANTS.replace("    expect: fires\n", "    expect: fires\n    variant: signed\n")
    text += """\
  - {name: select, today: 2026-11-20, given: *above, expect: fires, variant: selected}
"""
    text = text.replace("hooks: [order-sign]", "hooks: [order-sign, order-select]").replace(
        "given: *above, expect", "hook: order-select, given: *above, expect"
    )
    rule = good_rule(tmp_path, text)
    names = [each.name for each in mutants_of(rule)]

    assert names[-2:] == ["drop variant signed", "drop variant selected"]
    assert {"drop order", "drop order in signed alone", "drop setting in selected"} <= set(names)
    assert len(names) == len(set(names))
    assert [v.name for v in mutant(rule, "drop variant signed").variants] == ["selected"]
    alone = mutant(rule, "drop order in signed alone")
    assert [len(variant.when) for variant in alone.variants] == [2, 3]


def test_what_no_case_tries_is_found(tmp_path: Path) -> None:
    """The good rule has no case at its window and none without an order."""
    assert survivors(tmp_path, RULE) == [
        "window + 1",
        "window - 1",
        "drop order",
        "drop within of bilirubin",
    ]


COMPLETE = (
    RULE
    + """\
  - name: silent without an order
    today: 2026-11-20
    given: {bilirubin: *bili}
    expect: silent
  - name: fires at seven days
    today: 2026-11-20
    given: {<<: *above, bilirubin: {<<: *bili, at: 2026-11-13}}
    expect: fires
  - name: unknown at eight days
    today: 2026-11-20
    given: {<<: *above, bilirubin: {<<: *bili, at: 2026-11-12}}
    expect: {unknown: bilirubin}
"""
)


def test_a_rule_with_all_its_cases_has_no_survivor(tmp_path: Path) -> None:
    assert survivors(tmp_path, COMPLETE) == []


def test_the_survey_says_which_case_is_missing(tmp_path: Path) -> None:
    rulebook = load(folder_with(tmp_path, RULE))
    (rule,) = rulebook.rules.values()

    said = str(survey(rule, judge(rulebook)))

    assert (
        'rules/liver/ino-liv-07-bilirubin-raised.yaml:1: no case notices "window + 1"; add a case '
        "between 7 and 8 days, or at exactly 7"
    ) in said
    assert 'notices "drop order"; add a case where only clause "order" fails' in said


EXPLAINED = "equivalent_mutants:\n  - {mutant: drop order, because: a trial}\ncases:\n"


def test_an_explained_mutant_may_survive(tmp_path: Path) -> None:
    assert "drop order" not in survivors(tmp_path, with_line("cases:\n", EXPLAINED))


def test_an_explanation_that_is_not_needed_is_an_error(tmp_path: Path) -> None:
    rulebook = load(folder_with(tmp_path, COMPLETE.replace("cases:\n", EXPLAINED, 1)))
    (rule,) = rulebook.rules.values()

    found = survey(rule, judge(rulebook))

    assert (found.survivors, found.stale, found.clean) == ((), ("drop order",), False)


def test_rules_beside_are_judged_in_the_same_call(tmp_path: Path) -> None:
    """A rule that another one silences is silent in a case that names that other one."""
    other = RULE.replace("INO-LIV-07", "INO-LIV-01")
    quiet = with_line("indicator: warning", "indicator: warning\nunless_fires: [INO-LIV-01]")
    folder = folder_with(tmp_path, quiet)
    (folder / "liver" / "ino-liv-01-louder.yaml").write_text(other, encoding="utf-8")
    rulebook = load(folder)
    rule = rulebook.rules["INO-LIV-07"]
    case = rule.cases[0]
    judge_case: Callable[..., object] = judge(rulebook)

    assert judge_case(rule, case).outcome == "fires"
    beside = replace(case, name="beside", beside=("INO-LIV-01",))
    assert judge_case(rule, beside).outcome == "silent"


@pytest.mark.parametrize("unit", [f.unit for k in KINDS.values() for f in k.fields.values()])
def test_every_unit_of_the_vocabulary_has_a_step(unit: str) -> None:
    """Days, years and counts move by one; anything finer must be listed."""
    assert unit in ("", "days", "years") or unit in STEPS
