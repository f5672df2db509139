"""One suite over all rule files: lint clean, every case as expected, every mutant noticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

import pytest
from rulebook_files import terminology

from cds_service.cards.templates import speak
from cds_service.data import rules_dir
from cds_service.engine.reference import judge_plain
from cds_service.engine.verdict import Verdict
from cds_service.facts.answers import Answer, Question
from cds_service.facts.derive import answer_all
from cds_service.facts.model import Chart
from cds_service.facts.regimen import Regimen, load_regimens
from cds_service.rulebook.cases import run
from cds_service.rulebook.complaints import Complaints
from cds_service.rulebook.judging import CaseJudge
from cds_service.rulebook.loader import read_rulebook
from cds_service.rulebook.model import Case, Rule, Rulebook
from cds_service.rulebook.mutants import survey


@cache
def loaded() -> tuple[Rulebook, Complaints]:
    """The bundled rules and what is wrong with them."""
    return read_rulebook(rules_dir(), terminology())


@cache
def regimens() -> dict[str, Regimen]:
    return load_regimens(rules_dir() / "regimens")


@cache
def judge_case() -> CaseJudge:
    """Cases judged by the plain evaluator."""

    def answer(questions: Sequence[Question], chart: Chart) -> Mapping[Question, Answer]:
        return answer_all(questions, chart, terminology(), regimens())

    return CaseJudge(loaded()[0], terminology(), answer, judge_plain)


def sentence(verdict: Verdict, case: Case) -> str:
    return speak(verdict, hook=case.hook, profile=case.profile).summary


def every_rule() -> list[Rule]:
    return list(loaded()[0].rules.values())


def every_case() -> list[object]:
    return [
        pytest.param(rule, case, id=f"{rule.id}: {case.name}")
        for rule in every_rule()
        for case in rule.cases
    ]


def test_no_rule_file_is_complained_about() -> None:
    assert loaded()[1].lines == []


@pytest.mark.parametrize(("rule", "case"), every_case())
def test_case(rule: Rule, case: Case) -> None:
    result = run(rule, case, judge_case(), sentence)

    assert result.passed, str(result)


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: cast(Rule, rule).id)
def test_some_case_notices_every_mutant(rule: Rule) -> None:
    found = survey(rule, judge_case())

    assert found.count
    assert found.clean, str(found)


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: cast(Rule, rule).id)
def test_an_unsigned_rule_names_no_reviewer(rule: Rule) -> None:
    assert bool(rule.sign_off.by) == bool(rule.sign_off.on)
