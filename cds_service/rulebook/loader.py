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
from cds_service.terminology.lookup import Terminology

_OTHER_ROOMS = ("valuesets", "regimens")


def load_rulebook(folder: Path, terminology: Terminology) -> Rulebook:
    """Read, check and lint every rule of a folder.

    Raises:
        RulesError: with every complaint about every file, each as ``file:line: message``.
    """
    complaints = Complaints(folder.name)
    if not folder.is_dir():
        complaints.at(1, "there is no such folder of rules")
        complaints.raise_if_any()
    shared = load_shared(folder, complaints)
    drafts = []
    for path in _rule_files(folder, complaints):
        mine = Complaints(f"{folder.name}/{path.relative_to(folder).as_posix()}")
        draft = _draft(path, shared, terminology, mine)
        complaints.take(mine)
        drafts += [draft] if draft else []
    together = [_quiet(draft) for draft in drafts]
    lint_together(together)
    for draft in together:
        complaints.take(draft.complaints)
    complaints.raise_if_any()
    rules = sorted((draft.rule for draft in drafts), key=lambda rule: rule.id)
    return Rulebook(
        {rule.id: rule for rule in rules}, shared.services, shared.resources, _hash_of(folder)
    )


def _quiet(draft: Draft) -> Draft:
    """The draft with a fresh list of complaints."""
    return Draft(
        draft.rule, draft.document, Complaints(draft.complaints.file), draft.used_parameters
    )


def _draft(
    path: Path, shared: Shared, terminology: Terminology, complaints: Complaints
) -> Draft | None:
    document = read(path, complaints)
    if document is None:
        return None
    draft = build(document, path, _hash(path), shared, terminology, complaints)
    if draft and not complaints.lines:
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
