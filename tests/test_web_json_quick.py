"""The quick way of reading and writing JSON: it agrees with the plain one, whatever comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.strict_json import Shape, dumps, parse, plain
from cds_service.strict_json.careful import read_carefully
from cds_service.strict_json.limits import MAX_DEPTH, JSONError, is_too_deep
from cds_service.strict_json.quick import InDoubtError, read_quickly
from cds_service.strict_json.writing import written

TRICKY = (
    *(":", ": ", ",", "[", "]", "{", "}", "a", "b", " ", "9", "ä", "😀", "\x7f", "\u2028"),
    *(r"\"", r"\\", r"\/", r"\n", r"\u003a", r"\u003A", r"\u0022", r"\u005c", r"\u00b5"),
    *(r"\ud83d\ude00", r"\uD83D\uDE00", r"\ud800", r"\udc00", r"\":", r"\\u003a"),
)
"""What a string may hold that could be mistaken for the structure around it."""


class Word(StrEnum):
    YES = "yes"


def strings(most: int) -> st.SearchStrategy[str]:
    pieces = st.lists(st.sampled_from(TRICKY), max_size=most)
    return pieces.map(lambda found: f'"{"".join(found)}"')


spaces = st.sampled_from(["", "", "", " ", "\n", "\t\r "])
numbers = st.one_of(
    st.from_regex(
        r"\A-?(0|[1-9][0-9]{0,120})(\.[0-9]{1,120})?([eE][+-]?[0-9]{1,30})?\Z", fullmatch=True
    ),
    st.sampled_from(["-0", "-0.0", "0.80", "1E5", "1e-7", "1E400", "1e-101", "0e101", "0E-200"]),
    st.integers(15, 25).map(lambda length: "9" * length),
    st.integers(95, 105).map(lambda length: "9" * length),
)
leaves = numbers | strings(6) | st.sampled_from(["null", "true", "false", "NaN", "-Infinity", ""])


def members(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.builds("{0}{1}{0}:{0}{2}{0}".format, spaces, strings(2), inner)
    return st.lists(member, max_size=4).map(lambda found: "{" + ",".join(found) + "}")


def items(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    item = st.builds("{0}{1}{0}".format, spaces, inner)
    return st.lists(item, max_size=4).map(lambda found: "[" + ",".join(found) + "]")


fractions = st.decimals(-1_000, 1_000, places=2)
json_values = st.recursive(
    st.text('ab[]{}"\\:é', max_size=6) | st.integers() | fractions | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"\\'), inner),
    max_leaves=8,
)

texts = st.recursive(leaves, lambda inner: members(inner) | items(inner), max_leaves=12)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Text that is JSON, or nearly: a few of its characters may be lost or doubled."""
    text = draw(texts)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(["", *'{}[]":,\\0.e-'])) + text[place + 1 :]
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode()


IN_DOUBT = "in doubt"


def read(reader: Callable[[], object]) -> str:
    """What was read, each number by type and digits; or why and where it was refused."""
    try:
        return repr(reader())
    except InDoubtError:
        return IN_DOUBT
    except JSONError as refused:
        return f"{refused.path}: {refused}"


@settings(max_examples=1_500)
@given(bodies())
def test_what_is_read_quickly_reads_the_same_with_care(body: bytes) -> None:
    text = body.decode("utf-8-sig")

    assert read(lambda: parse(body)) == read(lambda: read_carefully(text, body))


@given(json_values)
def test_what_comes_as_we_write_it_is_read_the_same(value: object) -> None:
    body = dumps(value)

    assert read(lambda: read_quickly(body)) == read(lambda: read_carefully(body.decode(), body))


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_the_same(body: bytes) -> None:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    assert read(lambda: parse(body)) == read(lambda: read_carefully(text, body))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '{"a": ":", "a": 1}',
        r'{"a": 1, "\u0061": 2}',
        r'{"a": "\u003a", "a": 1}',
        r'{"b": "\u003A", "a": 1, "a": {"c": ":"}}',
        '{"a": {"b": ":", "b": "::"}}',
        '[1, {"": null, "": null}]',
        '{"a":1,"a":1}',
        '{"a":":","b":{"c":0.80,"c":"::"}}',
    ],
)
def test_a_key_given_twice_is_found_whatever_else_holds_a_colon(text: str) -> None:
    with pytest.raises(InDoubtError):
        read_quickly(text.encode())
    with pytest.raises(JSONError, match="more than once"):
        parse(text.encode())


@pytest.mark.parametrize("start", range(15))
@pytest.mark.parametrize("digit", "19")
def test_an_integer_of_more_than_a_hundred_digits_is_found_wherever_it_stands(
    start: int, digit: str
) -> None:
    text = " " * start + digit * 101

    with pytest.raises(InDoubtError):
        read_quickly(text.encode())
    assert read_quickly(text[:-1].encode()) == int(digit * 100)


def deep(levels: int, beside: object) -> object:
    """So many levels, each with something beside the next one."""
    nested: object = []
    for level in range(levels - 1):
        nested = [beside, nested, beside] if level % 2 else {"]": nested, "b": beside}
    return nested


def levels_of(value: object) -> int:
    """How deep a value is, by a walk through it."""
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(levels_of, inner), default=0)


@settings(max_examples=300)
@given(st.builds(deep, st.integers(1, 110), json_values))
def test_how_deep_a_text_is_shows_in_its_brackets_and_in_what_was_read(value: object) -> None:
    body, levels = dumps(value), levels_of(value)

    assert is_too_deep(body) == (levels > MAX_DEPTH)
    if levels != MAX_DEPTH:
        assert (read(lambda: read_quickly(body)) == IN_DOUBT) == (levels > MAX_DEPTH)


def test_what_charts_hold_is_read_without_a_second_look() -> None:
    chart = {
        "url": "https://ehr.example.org:8443/fhir",
        "unit": ["{cells}/uL", "mm[Hg]", "µmol/L", 'he said "no"'],
        "waveform": " ".join(str(2_000 + each % 97) for each in range(500)),
        "signature": "7" * 100,
        "value": 12,
        "multipleBirth": False,
    }
    for text in (json.dumps(chart), json.dumps(chart, ensure_ascii=False, indent=2)):
        assert read_quickly(text.encode()) == chart
    exact = {**chart, "low": [Decimal("0.80"), Decimal("-1.0")]}
    assert repr(read_quickly(dumps(exact))) == repr(exact)


plain_texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
odd_values = st.one_of(
    st.floats(),
    st.decimals(),
    st.integers(-(10**40), 10**40),
    plain_texts,
    st.sampled_from(
        [None, True, False, Word.YES, b"x", Fraction(1, 2), date(2026, 1, 2), UUID(int=7)]
    ),
    st.sampled_from([frozenset({1}), MappingProxyType({"a": Decimal("0.80")}), (1, "a"), object]),
)
odd_keys = st.one_of(
    plain_texts, st.sampled_from([Word.YES, 1, None, True, b"x", date(2026, 1, 2)])
)
values = st.recursive(
    odd_values,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(plain_texts, inner, max_size=4)
        | st.dictionaries(odd_keys, inner, max_size=2)
    ),
    max_leaves=12,
)


def told(writer: Callable[[], bytes]) -> bytes | str:
    try:
        return writer()
    except (TypeError, ValueError) as refused:
        return f"{type(refused).__name__}: {refused}"


@settings(max_examples=1_000)
@given(values)
def test_what_is_written_quickly_is_written_the_same_with_care(value: object) -> None:
    assert told(lambda: dumps(value)) == told(lambda: written(value).encode("utf-8", "replace"))


def test_every_character_is_written_in_the_one_form() -> None:
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))

    assert dumps([every]) == written([every]).encode()


class Told(Shape):
    """An object of fixed members."""

    first_member: str
    anything: object = None
    more: tuple[Told, ...] = ()


@given(st.text(alphabet=st.characters(), max_size=5), values)
def test_an_object_of_fixed_members_is_written_as_one_of_any(text: str, value: object) -> None:
    def shaped() -> bytes:
        return dumps(Told(text, plain(value), (Told("x"),)))

    def free() -> bytes:
        members = {"firstMember": text, "anything": value, "more": [{"firstMember": "x"}]}
        return dumps({name: each for name, each in members.items() if each is not None})

    assert told(shaped) == told(free)
