"""A small rules folder to break: one good rule, the shared files, the bundled value sets."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from cds_service.data import rules_dir
from cds_service.errors import RulesError
from cds_service.rulebook.loader import load_rulebook
from cds_service.rulebook.model import Rule, Rulebook
from cds_service.terminology import Terminology

FILE = "rules/liver/ino-liv-07-bilirubin-raised.yaml"

RULE = """\
id: INO-LIV-07
version: 1.0.0
status: active
title: Bilirubin above a limit
hooks: [order-sign]
evidence: [A]
indicator: warning
why: It matters.
blind_spots: [None known.]
citations:
  label: {label: "A label", grade: A}
source: label
parameters:
  limit:  {value: 1.50, unit: x ULN, cite: label}
  window: {value: 7, unit: days, cite: local, note: our choice}
when:
  order:     {fact: order, substance: inotuzumab-ozogamicin, placed: true}
  bilirubin: {fact: lab, analyte: total-bilirubin, within: $window, times_uln: {gt: $limit}}
card:
  summary: "Bilirubin {{ bilirubin.text }} on {{ bilirubin.date }}"
  detail: |
    Above {{ p.limit }} × ULN.
suggestions:
  - {id: hold, label: Hold, action: hold-order, order: order}
override_reasons: [repeat-pending]
sign_off: {}
changes:
  - {version: 1.0.0, on: 2026-11-22, note: First.}
cases:
  - name: fires
    today: 2026-11-20
    given: &above
      order:     {fact: order, substance: inotuzumab-ozogamicin}
      bilirubin: &bili {fact: lab, analyte: total-bilirubin, value: 1.81 mg/dL, uln: 1.2 mg/dL,
                        at: 2026-11-19}
    expect: fires
    summary: "Bilirubin 1.81 mg/dL on 2026-11-19"
  - name: silent
    today: 2026-11-20
    given: {<<: *above, bilirubin: {<<: *bili, value: 1.80 mg/dL}}
    expect: silent
  - name: unknown
    today: 2026-11-20
    given: {<<: *above, bilirubin: {<<: *bili, uln: null}}
    expect: {unknown: bilirubin}
"""


@cache
def terminology() -> Terminology:
    """The bundled value sets, read once."""
    return Terminology.load(rules_dir() / "valuesets")


def with_line(old: str, new: str) -> str:
    """The good rule with one part replaced, which must be there exactly once or be a whole line."""
    assert old in RULE, f"the good rule does not hold: {old}"
    return RULE.replace(old, new, 1)


def folder_with(tmp_path: Path, *texts: str, file: str = FILE) -> Path:
    """A rules folder that holds these rule files; the first under the good rule's name."""
    folder = tmp_path / "rules"
    folder.mkdir(exist_ok=True)
    for name in ("services.yaml", "overrides.yaml", "suggestions.yaml", "evidence.yaml"):
        shutil.copy(rules_dir() / name, folder / name)
    for number, text in enumerate(texts):
        path = tmp_path / (file if number == 0 else file.replace(".yaml", f"s{number}.yaml"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def load(folder: Path) -> Rulebook:
    """The rulebook of a folder; RulesError when something is wrong with it."""
    return load_rulebook(folder, terminology())


def good_rule(tmp_path: Path, text: str = RULE) -> Rule:
    """The one rule of a folder that holds this text."""
    return load(folder_with(tmp_path, text)).rules["INO-LIV-07"]


def complaints_about(tmp_path: Path, *texts: str, file: str = FILE) -> tuple[str, ...]:
    """Everything the loader complains about."""
    with pytest.raises(RulesError) as error:
        load(folder_with(tmp_path, *texts, file=file))
    return error.value.complaints
