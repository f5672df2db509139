"""Where results are kept, and the page that tells the last of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT
from benchmarks.tables import (
    Result,
    goals_table,
    growth_table,
    instructions_table,
    memory_table,
    phases_table,
    told,
)

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "performance.md"
KINDS = ("bench", "memory", "instructions")
BEFORE = "before.json"
"""Commit d8a6a78, measured the same way: where the work on speed began."""


def keep(result: Result, kind: str) -> Path:
    """Keep a result of one of `KINDS` and tell it on the page; the file it is kept in."""
    name = f"{result['date'][:10]}-{result['commit'].rstrip('+')}-{kind}.json"
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / name
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    PAGE.write_text(with_blocks(PAGE.read_text("utf-8"), kind, name), "utf-8")
    return path


def with_blocks(page: str, kind: str, name: str) -> str:
    """The page, telling the result of this name.

    Raises:
        ValueError: when the marks of a table are missing.
    """
    for block, text in _blocks(kind, name).items():
        begin, end = f"<!-- {block} -->", f"<!-- end of {block} -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the page has no place for {block}")
        page = f"{before}{begin}\n\n{text}\n\n{end}{after}"
    return page


def told_results(page: str) -> dict[str, str]:
    """The name of the result of each kind that the page tells."""
    names = re.findall(
        r"\(\.\./benchmarks/results/(\S+?-(bench|memory|instructions)\.json)\)", page
    )
    return {kind: name for name, kind in names}


def _blocks(kind: str, name: str) -> dict[str, str]:
    result = _result(name)
    source = f"{told(result)} [Everything measured](../benchmarks/results/{name})."
    before = _result(BEFORE)
    if kind == "memory":
        return {"memory": "\n\n".join([goals_table(result), memory_table(result), source])}
    if kind == "instructions":
        return {"instructions": f"{instructions_table(result)}\n\n{source}"}
    return {
        "goals": f"{goals_table(result, before)}\n\n{source}",
        "growth": growth_table(result),
        "phases": phases_table(result, before),
    }


def _result(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / name).read_text("utf-8"))
    return result
