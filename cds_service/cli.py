"""The command line: ``cds-service --help``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from cds_service.cards.templates import speak
from cds_service.data import rules_dir
from cds_service.engine.reference import judge_plain
from cds_service.engine.verdict import Verdict
from cds_service.errors import RulesError
from cds_service.facts.answers import Answer, Question
from cds_service.facts.model import Chart
from cds_service.facts.regimen import load_regimens
from cds_service.rulebook.commands import Report, lint_report, mutants_report, test_report
from cds_service.rulebook.judging import CaseJudge
from cds_service.rulebook.loader import read_rulebook
from cds_service.rulebook.model import Case, Rulebook
from cds_service.terminology import Terminology


@click.group()
def main() -> None:
    """CDS Hooks service that checks inotuzumab ozogamicin orders against the patient's chart."""


@main.group()
def rules() -> None:
    """Check the rule files. Name rule ids, such as INO-VOD-12, to see only those."""


_folder = click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=rules_dir,
    help="Folder of the rule files; the bundled one when left out.",
)
_ids = click.argument("ids", nargs=-1)


@rules.command("lint")
@_folder
@_ids
def rules_lint(folder: Path, ids: tuple[str, ...]) -> None:
    """Complain about everything wrong in the rule files, with file, line and the nearest word."""
    _finish(lint_report(*read_rulebook(folder, _terminology(folder)), ids))


@rules.command("test")
@_folder
@_ids
def rules_test(folder: Path, ids: tuple[str, ...]) -> None:
    """Run the cases of the rules."""
    terminology = _terminology(folder)
    rulebook, complaints = read_rulebook(folder, terminology)
    judge = _case_judge(folder, rulebook, terminology)
    _finish(test_report(rulebook, complaints, ids, judge, _summary))


@rules.command("mutants")
@_folder
@_ids
def rules_mutants(folder: Path, ids: tuple[str, ...]) -> None:
    """Change the rules in every small way and complain about changes that no case notices."""
    terminology = _terminology(folder)
    rulebook, complaints = read_rulebook(folder, terminology)
    judge = _case_judge(folder, rulebook, terminology)
    _finish(mutants_report(rulebook, complaints, ids, judge))


def _finish(report: Report) -> None:
    for line in report.lines:
        click.echo(line)
    sys.exit(0 if report.clean else 1)


def _terminology(folder: Path) -> Terminology:
    try:
        return Terminology.load(folder / "valuesets")
    except RulesError as error:
        raise click.ClickException(str(error)) from None


def _case_judge(folder: Path, rulebook: Rulebook, terminology: Terminology) -> CaseJudge:
    """Cases are judged by the plain evaluator: it says clause by clause why."""
    from cds_service.facts.derive import answer_all

    regimens = load_regimens(folder / "regimens")

    def answer(questions: Sequence[Question], chart: Chart) -> Mapping[Question, Answer]:
        return answer_all(questions, chart, terminology, regimens)

    return CaseJudge(rulebook, terminology, answer, judge_plain)


def _summary(verdict: Verdict, case: Case) -> str:
    """The sentence on the card of a case."""
    return speak(verdict, hook=case.hook, profile=case.profile).summary
