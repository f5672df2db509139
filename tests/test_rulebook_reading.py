"""YAML as rule files use it: exact numbers, plain words, each key once, every line known."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.rulebook.complaints import Complaints
from cds_service.rulebook.reading import Fields, Items, parse


def fields(text: str) -> Fields:
    """The mapping a text holds, which must be without fault."""
    complaints = Complaints("file")
    read = parse(text, complaints)
    assert read is not None
    assert not complaints.lines
    return read


def complaint(text: str) -> str:
    """The first complaint about a text, as ``line: message``."""
    complaints = Complaints("file")
    parse(text, complaints)
    _, line, message = complaints.lines[0]
    return f"{line}: {message}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.50", Decimal("1.50")),
        ("-2", -2),
        ("007", "007"),
        ("1.0.0", "1.0.0"),
        ("1e3", "1e3"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("null", None),
        ("", None),
        ("1975-2", "1975-2"),
        ("12:30", "12:30"),
        ("2026-11-20", date(2026, 11, 20)),
        ('"2026-11-20"', "2026-11-20"),
        ("2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"),
    ],
)
def test_a_plain_word_is_read_without_surprises(text: str, value: object) -> None:
    read = fields(f"key: {text}")["key"]

    assert read == value
    assert type(read) is type(value)


def test_the_key_on_stays_a_word() -> None:
    """YAML 1.1 reads it as true; a rule's history has a day under it."""
    assert fields("on: 2026-11-20") == {"on": date(2026, 11, 20)}


def test_keys_and_items_know_their_lines() -> None:
    read = fields("a: 1\nb:\n  - x\n\n  - y\n")

    assert read.lines == {"a": 1, "b": 2}
    assert read["b"].lines == [3, 5]


def test_a_merged_key_keeps_its_own_line_and_gives_way() -> None:
    read = fields("base: &base\n  x: 1\n  y: 2\nmine:\n  <<: *base\n  y: 3\n")
    mine = read["mine"]

    assert mine == {"x": 1, "y": 3}
    assert isinstance(mine, Fields)
    assert mine.lines == {"x": 2, "y": 6}


def test_the_first_of_several_merged_mappings_wins() -> None:
    assert fields("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}")["c"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", '2: "a" is here twice; keep one'),
        ("a: &a [*a]", "1: an anchor must not hold itself"),
        ("a: &a {<<: *a}", "1: an anchor must not hold itself"),
        ("a: {<<: 1}", '1: "<<" must name a mapping, such as *anchor'),
        ("? [1]\n: 2", "1: a key must be a plain word"),
        ("a: !!python/name:os.system x", '1: the tag "tag:yaml.org,2002:python/name:os.system" '),
        ("a: !!int x", "1: x is not a number we can read"),
        ("a: " + "9" * 5000, "1: 99999999999999999999 is not a number we can read"),
        ("a: 2026-02-30", "1: 2026-02-30 is not a day of the calendar"),
        ("- a", '1: the file must be a mapping of "key: value" lines'),
        ("", '1: the file must be a mapping of "key: value" lines'),
        ("a: {b", "1: not YAML: "),
        ("a: *b", "1: not YAML: "),
        ("a: 1\n---\nb: 1", "2: not YAML: "),
        ("a: \x00", "1: not YAML: it holds a character that text may not hold"),
        ("[" * 10_000, "1: lists and mappings are nested too deeply to be read"),
    ],
)
def test_what_cannot_be_read_is_complained_about(text: str, message: str) -> None:
    assert complaint(text).startswith(message)


@given(st.text())
def test_any_text_is_read_or_complained_about(text: str) -> None:
    complaints = Complaints("file")

    assert parse(text, complaints) is not None or complaints.lines


@given(st.text(alphabet="ab:-{}[]&*<!|>'\"#,? \n1.~%@`"))
def test_any_text_of_yaml_signs_is_read_or_complained_about(text: str) -> None:
    complaints = Complaints("file")

    assert parse(text, complaints) is not None or complaints.lines


_SIGNS = (
    *"abc:-?#&*!|>'\"%@`{}[],~ \n\t.ä\\",
    *(": ", "- ", "# ", "---\n", "...", "\n  ", "\n    ", "key: ", "|\n  ", ">-\n  ", "\\n"),
    *("<<: *a", "&a ", "!!str ", "12", "1.50", "2026-11-20"),
)


@given(st.lists(st.sampled_from(_SIGNS), max_size=25).map("".join))
def test_what_is_read_quickly_is_the_same(text: str) -> None:
    slow, quick = Complaints("file"), Complaints("file")
    slowly, quickly = parse(text, slow), parse(text, quick, quickly=True)

    if not quick.lines and not slow.lines:
        assert quickly == slowly
        assert _lines(quickly) == _lines(slowly)


def _lines(read: object) -> object:
    """The lines of everything a text holds."""
    if isinstance(read, Fields):
        return read.line, read.lines, [_lines(value) for value in read.values()]
    if isinstance(read, Items):
        return read.line, [_lines(value) for value in read]
    return None


@pytest.mark.parametrize("quickly", [False, True])
def test_a_file_nested_very_deeply_is_refused_and_ends_nothing(quickly: bool) -> None:
    complaints = Complaints("file")

    assert parse("[" * 50_000, complaints, quickly=quickly) is None
    assert len(complaints.lines) == 1
