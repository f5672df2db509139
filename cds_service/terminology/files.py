"""Reading `rules/valuesets/`: one file per concept and code system, `text.yaml`, `families.yaml`.

The form of the files is told in `rules/valuesets/README.md`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import yaml

from cds_service.terminology.model import (
    DRUG_KINDS,
    KINDS,
    USES,
    Families,
    Kind,
    Row,
    Use,
    ValueSet,
    Words,
)
from cds_service.terminology.placed import PlacedFile

TEXT_FILE = "text.yaml"
FAMILIES_FILE = "families.yaml"

_FILE_KEYS = (
    "concept",
    "kind",
    "title",
    "system",
    "dated",
    "licence",
    "use",
    "note",
    "codes",
    "unverified",
)
_FILE_REQUIRED = ("concept", "kind", "title", "system", "dated", "licence")
_ROW_KEYS = ("code", "display", "substance", "use", "verified", "note", "tier", "tier_seen")
_ROW_REQUIRED = ("code", "display", "verified")
_TIERS = ("seen", "recalled")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def read_value_sets(folder: Path, complaints: list[str]) -> list[ValueSet]:
    """Every value set of a folder, in the order of the file names; complaints are added."""
    paths = [
        path
        for path in sorted(folder.glob("*.yaml"))
        if path.name not in (TEXT_FILE, FAMILIES_FILE)
    ]
    if not paths:
        complaints.append(f"{folder.name}:1: no value set files are here.")
    value_sets = (_value_set(PlacedFile(path, complaints)) for path in paths)
    return [value_set for value_set in value_sets if value_set]


def read_words(folder: Path, complaints: list[str]) -> Words:
    """`text.yaml`; a folder without it knows each substance by its own name only."""
    path = folder / TEXT_FILE
    if not path.exists():
        return Words({}, {}, {})
    file = PlacedFile(path, complaints)
    root = file.root()
    sections = (
        file.fields(root, ("words", "names", "diluents", "conditions", "procedures"))
        if root
        else {}
    )
    names = file.entries(sections["names"]) if "names" in sections else {}
    return Words(
        words=dict(file.lists(sections.get("words"), "words of")),
        names={key: text for key, node in names.items() if (text := file.text(node, "name"))},
        diluents=dict(file.lists(sections.get("diluents"), "words of")),
        conditions=dict(file.lists(sections.get("conditions"), "words of")),
        procedures=dict(file.lists(sections.get("procedures"), "words of")),
    )


def read_families(folder: Path, complaints: list[str]) -> Families:
    """`families.yaml`; a folder without it has no families.

    A member nothing else names is allowed: a site may have left its files out.
    """
    path = folder / FAMILIES_FILE
    if not path.exists():
        return Families({}, {})
    file = PlacedFile(path, complaints)
    root = file.root()
    sections = file.fields(root, ("includes", "excludes")) if root else {}
    return Families(
        includes=dict(file.lists(sections.get("includes"), "members of")),
        excludes=dict(file.lists(sections.get("excludes"), "substances left out of")),
    )


def _value_set(file: PlacedFile) -> ValueSet | None:
    root = file.root()
    if root is None:
        return None
    fields = file.fields(root, _FILE_KEYS, _FILE_REQUIRED)
    concept = _concept(file, fields.get("concept"))
    kind = cast(Kind | None, file.choice(fields.get("kind"), "kind", KINDS))
    title = file.text(fields.get("title"), "title")
    system = file.text(fields.get("system"), "system")
    dated = file.day(fields.get("dated"), "dated")
    use = cast(Use | None, file.choice(fields.get("use"), "use", USES))
    file.text(fields.get("licence"), "licence")
    if not (concept and kind and title and system and dated):
        return None
    _check_unverified(file, fields.get("unverified"))
    rows = (_row(file, node, kind, use) for node in file.items(fields.get("codes"), "codes"))
    return ValueSet(
        concept=concept,
        kind=kind,
        title=title,
        system=system,
        dated=dated,
        rows=tuple(row for row in rows if row),
        place=file.place(fields["kind"]),
    )


def _concept(file: PlacedFile, node: yaml.Node | None) -> str | None:
    concept = file.text(node, "concept")
    named = file.path.name.partition(".")[0]
    if concept and concept != named:
        file.complain(f'concept "{concept}" is not what the file is named for, "{named}".', node)
    return concept


def _row(file: PlacedFile, node: yaml.Node, kind: Kind, use: Use | None) -> Row | None:
    required = (*_ROW_REQUIRED, "substance") if kind in DRUG_KINDS else _ROW_REQUIRED
    fields = file.fields(node, _ROW_KEYS, required)
    code = file.text(fields.get("code"), "code")
    display = file.text(fields.get("display"), "display")
    own_use = cast(Use | None, file.choice(fields.get("use"), "use", USES))
    file.text(fields.get("verified"), "verified")
    file.choice(fields.get("tier"), "tier", _TIERS)
    substances = _substances(file, fields.get("substance"), kind)
    if not (code and display):
        return None
    return Row(code, display, substances, own_use or use, file.place(node))


def _substances(file: PlacedFile, node: yaml.Node | None, kind: Kind) -> tuple[str, ...]:
    if node is not None and kind not in DRUG_KINDS:
        file.complain(f"a code of kind {kind} has no substance.", node)
        return ()
    slugs = file.texts(node, "substance") if node else ()
    for slug in slugs:
        if not _SLUG.fullmatch(slug):
            file.complain(f'substance "{slug}" must be lower-case words joined by hyphens.', node)
    return slugs


def _check_unverified(file: PlacedFile, node: yaml.Node | None) -> None:
    """A code listed for a site to check is never matched, but must still be readable."""
    for row in file.items(node, "unverified"):
        fields = file.fields(row, _ROW_KEYS, ("display", "note"))
        file.text(fields.get("code"), "code")
