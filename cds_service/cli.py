"""The command line: ``cds-service --help``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from cds_service.cards.templates import speak
from cds_service.console import cards_text, outcome_text, verdicts_text
from cds_service.data import rules_dir
from cds_service.demo_command import demo_traffic
from cds_service.engine.reference import judge_plain
from cds_service.engine.verdict import Verdict
from cds_service.errors import CDSServiceError, RulesError
from cds_service.facts.answers import Answer, Question
from cds_service.facts.derive import answer_all
from cds_service.facts.model import Chart
from cds_service.facts.regimen import load_regimens
from cds_service.operate import log_group, store_group
from cds_service.rulebook.catalogue import catalogue
from cds_service.rulebook.commands import Report, lint_report, mutants_report, test_report
from cds_service.rulebook.judging import CaseJudge
from cds_service.rulebook.loader import load_rulebook, read_rulebook
from cds_service.rulebook.lock import lock_complaints, read_lock, unlocked, write_lock
from cds_service.rulebook.model import Case, Rulebook
from cds_service.rulebook.vocabulary_page import vocabulary_page
from cds_service.settings import Settings
from cds_service.terminology import Terminology

if TYPE_CHECKING:
    from werkzeug.test import Client


@click.group()
def main() -> None:
    """CDS Hooks service that checks inotuzumab ozogamicin orders against the patient's chart."""


main.add_command(demo_traffic)
main.add_command(log_group)
main.add_command(store_group)


@main.command()
def serve() -> None:
    """Serve CDS Hooks over HTTP, by default on http://127.0.0.1:8080.

    Without CDS_CLIENTS, the YAML file of the EHRs that may call, this is sandbox mode: nobody is
    authenticated. Every setting comes from the environment:

    \b
    CDS_HOST, CDS_PORT    where to listen (127.0.0.1, 8080)
    CDS_WORKERS           worker processes (one per core)
    CDS_PUBLIC_URL        base URL as clients see it; the aud of their tokens
    CDS_CLIENTS           clients file; every call then needs a valid JWT
    CDS_WORKBENCH_PASSWORD, CDS_WORKBENCH_HEADER
                          with CDS_CLIENTS, one of them opens the workbench (off)
    CDS_DATABASE_URL      SQLAlchemy URL of the store (SQLite under CDS_VAR_DIR)
    CDS_VAR_DIR           folder of what this installation writes (var)
    CDS_HASH_KEY          secret of the keyed hashes (made under CDS_VAR_DIR)
    CDS_RULES_DIR         rule files (the bundled ones)
    CDS_PROFILE           label where they differ: US or EU (US)
    CDS_FHIR_DEADLINE_MS  time for all FHIR calls of one hook call (2000)
    CDS_QUIET_HOURS       how long an answered card is not repeated (24)
    CDS_MAX_BODY_MB       largest request body (10)
    CDS_LOG_LEVEL         DEBUG, INFO, WARNING, ERROR or CRITICAL (INFO)
    """  # noqa: D301 - The backspace itself tells click to keep these lines as they are.
    from cds_service.serve import serve as run

    run(os.environ)


_request = click.argument("file", type=click.File("rb"))
_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as it is sent.")
_at = click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Judge as of this moment (UTC) instead of now.",
)


@main.command()
@_request
@_json
@_at
def check(file: BinaryIO, as_json: bool, at: datetime | None) -> None:
    """Print the cards that the CDS Hooks request in FILE gets ("-" reads standard input)."""
    answer = _fired("cds-services", file, at)
    _print(answer, cards_text(answer), as_json=as_json)


@main.command()
@_request
@_json
@_at
@click.option("--only", type=click.Choice(["fires", "silent", "unknown"]), default=None)
def explain(file: BinaryIO, as_json: bool, at: datetime | None, only: str | None) -> None:
    """Print every rule's verdict on the request in FILE, and why, clause by clause."""
    answer = _fired("explain", file, at)
    _print(answer, verdicts_text(answer, only=only or ""), as_json=as_json)


@main.command()
@click.argument("name", required=False)
def fixture(name: str | None) -> None:
    """Print a synthetic patient's request, its dates moved to today; without NAME, the cast."""
    from cds_service.fixtures import list_fixtures, load_fixture
    from cds_service.strict_json import dumps

    if name is None:
        for each in list_fixtures():
            click.echo(f"{each.name:36} {each.hook:13} {each.title}")
        return
    try:
        click.echo(dumps(load_fixture(name, datetime.now(UTC))))
    except CDSServiceError as error:
        raise click.ClickException(str(error)) from None


def _fired(endpoint: str, file: BinaryIO, at: datetime | None) -> dict[str, Any]:
    """The answer to a request file, through the same HTTP edge that an EHR meets."""
    body = file.read()
    path = f"/{endpoint}/{_service_of(body)}"
    answer = _client(at).post(path, data=body, content_type="application/json")
    content: dict[str, Any] = answer.get_json()
    if answer.status_code != HTTPStatus.OK:
        for line in outcome_text(answer.status_code, content):
            click.echo(line, err=True)
        sys.exit(1)
    return content


def _client(at: datetime | None) -> Client:
    """The whole service, without a network; its clock stands at ``at`` when given.

    Whoever runs this command is no caller to authenticate.
    """
    from cds_service.app import create_app

    clock = (lambda: at.replace(tzinfo=UTC)) if at else None
    try:
        settings = replace(Settings.from_environment(), clients=None)
        return create_app(settings, clock).test_client()
    except CDSServiceError as error:
        raise click.ClickException(str(error)) from None


def _service_of(body: bytes) -> str:
    """The service that answers the request's hook; order-sign tells what is wrong with the rest."""
    from cds_service.strict_json import JSONError, parse

    try:
        request = parse(body)
    except JSONError:
        request = None
    hook = request.get("hook") if isinstance(request, dict) else None
    known = ("order-sign", "order-select", "patient-view")
    return f"inotuzumab-{hook if hook in known else known[0]}"


def _print(answer: Mapping[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)


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


@rules.command("vocabulary")
def rules_vocabulary() -> None:
    """Print the words of rules and cases as docs/writing-a-rule.md shows them."""
    click.echo(vocabulary_page())


@rules.command("lock")
@_folder
@click.option("--check", is_flag=True, help="Only say whether the lock holds; write nothing.")
def rules_lock(folder: Path, check: bool) -> None:
    """Lock what each rule says; refuse one that changed under the same version."""
    rulebook = _sound_rulebook(folder)
    lock = read_lock(folder)
    refused = tuple(lock_complaints(rulebook, lock))
    behind = unlocked(rulebook, lock)
    if refused or (check and behind):
        new = f"not locked as they stand: {', '.join(behind)}; run `cds-service rules lock`"
        _finish(Report(refused or (new,), clean=False))
    if not check:
        write_lock(rulebook, folder)
    _finish(Report((f"{len(rulebook.rules)} rules locked",), clean=True))


@rules.command("catalogue")
@_folder
def rules_catalogue(folder: Path) -> None:
    """Print the rulebook as a page for people, as kept in docs/rules.md."""
    click.echo(catalogue(_sound_rulebook(folder)), nl=False)


@rules.command("coverage")
def rules_coverage() -> None:
    """Print for each rule its cases and the bundled patients that fire it."""
    from cds_service.burden import coverage_text, fired_by
    from cds_service.fixtures import list_fixtures, load_fixture
    from cds_service.strict_json import dumps

    client = _client(None)
    now = datetime.now(UTC)
    bodies = {each.name: dumps(load_fixture(each.name, now)) for each in list_fixtures()}
    for line in coverage_text(_sound_rulebook(rules_dir()), fired_by(client, bodies)):
        click.echo(line)


@rules.command("burden")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_at
def rules_burden(folder: Path, at: datetime | None) -> None:
    """Fire every request file (*.json) in FOLDER; print cards per call, by rule and indicator."""
    from cds_service.burden import burden_text, measured

    for line in burden_text(measured(_client(at), folder.glob("*.json"))):
        click.echo(line)


def _sound_rulebook(folder: Path) -> Rulebook:
    try:
        return load_rulebook(folder, _terminology(folder))
    except RulesError as error:
        raise click.ClickException(str(error)) from None


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
    regimens = load_regimens(folder / "regimens")

    def answer(questions: Sequence[Question], chart: Chart) -> Mapping[Question, Answer]:
        return answer_all(questions, chart, terminology, regimens)

    return CaseJudge(rulebook, terminology, answer, judge_plain)


def _summary(verdict: Verdict, case: Case) -> str:
    """The sentence on the card of a case."""
    return speak(verdict, hook=case.hook, profile=case.profile).summary
