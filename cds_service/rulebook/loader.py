"""Loading the rulebook: all files of a rules folder, or all complaints about them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from cds_service.rulebook.build import Draft, build
from cds_service.rulebook.case_lint import lint_cases
from cds_service.rulebook.complaints import Complaints
from cds_service.rulebook.lint import lint, lint_together
from cds_service.rulebook.model import Rulebook
from cds_service.rulebook.reading import read
from cds_service.rulebook.shared_files import NAMES, Shared, load_shared
from cds_service.terminology import Terminology

_OTHER_ROOMS = ("valuesets", "regimens")


def load_rulebook(folder: Path, terminology: Terminology) -> Rulebook:
    """Read, check and lint every rule of a folder.

    Raises:
        RulesError: with every complaint about every file, each as ``file:line: message``.
    """
    rulebook, complaints = read_rulebook(folder, terminology)
    complaints.raise_if_any()
    return rulebook


def read_rulebook(folder: Path, terminology: Terminology) -> tuple[Rulebook, Complaints]:
    """The rules that can be used and every complaint: for authors, who mend one file at a time.

    A rulebook without fault, as a service starts with, is read quickly.
    """
    read_quickly = _read_rulebook(folder, terminology, quickly=True)
    _, complaints = read_quickly
    return _read_rulebook(folder, terminology, quickly=False) if complaints.lines else read_quickly


def _read_rulebook(
    folder: Path, terminology: Terminology, *, quickly: bool
) -> tuple[Rulebook, Complaints]:
    complaints = Complaints(folder.name)
    if not folder.is_dir():
        complaints.at(1, "there is no such folder of rules")
    shared = load_shared(folder, complaints)
    drafts = [
        draft
        for path in _rule_files(folder, complaints)
        if (draft := _draft(folder, path, shared, terminology, complaints, quickly=quickly))
    ]
    lint_together(drafts)
    for draft in drafts:
        complaints.take(draft.complaints)
    usable = sorted((d.rule for d in drafts if not d.complaints.lines), key=lambda rule: rule.id)
    rules = {rule.id: rule for rule in usable}
    rulebook = Rulebook(rules, shared.services, shared.resources, _hash_of(folder), shared.evidence)
    return rulebook, complaints


def _draft(
    folder: Path,
    path: Path,
    shared: Shared,
    terminology: Terminology,
    complaints: Complaints,
    *,
    quickly: bool,
) -> Draft | None:
    """The rule of one file, linted on its own once its words are right."""
    mine = Complaints(f"{folder.name}/{path.relative_to(folder).as_posix()}")
    document = read(path, mine, quickly=quickly)
    draft = document and build(document, path, _hash(path), shared, terminology, mine)
    if not draft:
        complaints.take(mine)
        return None
    if not mine.lines:
        lint(draft, terminology)
        lint_cases(draft, terminology)
    return draft


def _rule_files(folder: Path, complaints: Complaints) -> Iterator[Path]:
    """Every rule file in the order of names; files that nobody would read are complained about."""
    for path in sorted(folder.rglob("*.y*ml")):
        parts = path.relative_to(folder).parts
        if parts[0] in _OTHER_ROOMS or (len(parts) == 1 and path.name in NAMES):
            continue
        if len(parts) == 2 and path.suffix == ".yaml":
            yield path
            continue
        stray = Complaints(f"{folder.name}/{'/'.join(parts)}")
        stray.at(1, f"nothing reads this file; a rule is {folder.name}/<chapter>/<id>-<slug>.yaml")
        complaints.take(stray)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hash_of(folder: Path) -> str:
    """One hash over every data file of the folder, whatever its order on disk."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.yaml")):
        whole.update(f"{path.relative_to(folder).as_posix()} {_hash(path)}\n".encode())
    return whole.hexdigest()
