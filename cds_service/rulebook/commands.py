"""What ``cds-service rules lint | test | mutants`` print, line by line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from cds_service.rulebook.cases import CaseResult, run
from cds_service.rulebook.complaints import Complaints
from cds_service.rulebook.model import Case, Rule, Rulebook
from cds_service.rulebook.mutants import Survey, survey

JudgeCase = Callable[[Rule, Case], Any]


@dataclass(frozen=True, slots=True)
class Report:
    """The lines to print, and whether everything was right."""

    lines: tuple[str, ...]
    clean: bool


def lint_report(rulebook: Rulebook, complaints: Complaints, ids: Collection[str]) -> Report:
    """Every complaint (about the rules asked for), or how much was found in order."""
    lines = tuple(_complaints_about(complaints, ids))
    rules = _asked(rulebook, ids)
    cases = sum(len(rule.cases) for rule in rules)
    in_order = f"{len(rules)} rules with {cases} cases: nothing to complain about"
    return Report(lines or (in_order,), not lines)


def test_report(
    rulebook: Rulebook,
    complaints: Complaints,
    ids: Collection[str],
    judge_case: JudgeCase,
    render_summary: Callable[[Any, Case], str],
) -> Report:
    """Every case that fails, and the count of all."""
    broken = tuple(_complaints_about(complaints, ids))
    results = [
        run(rule, case, judge_case, render_summary)
        for rule in _asked(rulebook, ids)
        for case in rule.cases
    ]
    failed = [result for result in results if not result.passed]
    count = f"{len(results)} cases, {len(failed)} failed"
    return Report((*broken, *map(str, failed), count), not failed and not broken)


def mutants_report(
    rulebook: Rulebook, complaints: Complaints, ids: Collection[str], judge_case: JudgeCase
) -> Report:
    """Every mutant that no case notices, and the count of all.

    A rule with failing cases is not mutated: every mutant of it would look noticed.
    """
    broken = [*_complaints_about(complaints, ids)]
    surveys: list[Survey] = []
    for rule in _asked(rulebook, ids):
        failed = [result for result in _results(rule, judge_case) if not result.passed]
        if failed:
            broken.append(f"{rule.file}:1: has failing cases; mend them before its mutants")
        else:
            surveys.append(survey(rule, judge_case))
    unclean = [str(each) for each in surveys if not each.clean]
    total = sum(each.count for each in surveys)
    alive = sum(len(each.survivors) for each in surveys)
    count = f"{total} mutants of {len(surveys)} rules, {alive} not noticed by any case"
    return Report((*broken, *unclean, count), not unclean and not broken)


def _results(rule: Rule, judge_case: JudgeCase) -> Iterator[CaseResult]:
    return (run(rule, case, judge_case) for case in rule.cases)


def _asked(rulebook: Rulebook, ids: Collection[str]) -> list[Rule]:
    return [rule for id_, rule in rulebook.rules.items() if not ids or id_ in ids]


def _complaints_about(complaints: Complaints, ids: Collection[str]) -> Iterator[str]:
    for file, line, message in sorted(complaints.lines):
        name = file.rpartition("/")[2].upper()
        if not ids or any(name.startswith(f"{id_}-") for id_ in ids):
            yield f"{file}:{line}: {message}"
