"""Every promise of docs/security.md names tests, and each of them exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+\.py::[^`]+)`", PAGE)))
PROMISES = re.findall(
    r"^\* .+\n(?:^  .*\n)*", PAGE.partition("## What we promise")[2].partition("\n## ")[0], re.M
)


@cache
def there_are(file: str) -> frozenset[str]:
    """The tests of a file: ``test_x``, ``TestY`` and ``TestY::test_x``."""
    found = set()
    for node in ast.parse((TESTS / file).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            inner = (each for each in node.body if isinstance(each, ast.FunctionDef))
            found |= {node.name, *(f"{node.name}::{each.name}" for each in inner)}
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return frozenset(found)


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_holds_a_promise_exists(named: str) -> None:
    file, _, name = named.partition("::")

    assert name.rpartition("::")[2].startswith(("test_", "Test"))
    assert name in there_are(file)


def test_every_promise_is_held_by_a_test() -> None:
    assert len(PROMISES) > 40
    assert [each for each in PROMISES if "`test_" not in each] == []


def test_every_page_it_points_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (TESTS.parent / "docs" / target).exists(), target
