"""JSON in and out: exact, strict, and never a reason to fall over."""

import json
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.strict_json import JSONError, dumps, parse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_decimals_keep_every_digit_from_request_to_answer():
    assert dumps(parse(b'{"value": 0.80, "small": 1E-7}')) == b'{"value":0.80,"small":1E-7}'


def test_a_decimal_is_never_a_binary_float():
    assert parse(b"[1.1, 2]") == [Decimal("1.1"), 2]


@given(json_values)
def test_what_is_written_reads_the_same(value):
    readable = parse(json.dumps(value).encode())

    assert parse(dumps(readable)) == readable
    assert json.loads(dumps(readable)) == readable


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(body):
    with suppress(JSONError):
        dumps(parse(body))


@pytest.mark.parametrize(
    ("body", "path", "problem"),
    [
        (b'{"a": {"b": 1, "b": 2}}', "a.b", "more than once"),
        (b'{"a": 1, "a": {"b": 1, "b": 2}}', "a", "more than once"),
        (b'{"a": [0, {"c": NaN}]}', "a[1].c", "NaN"),
        (b"[-Infinity]", "[0]", "-Infinity"),
        (b'{"a": 1e999999999}', "a", "too large"),
        (b'{"a": 1e-999999999}', "a", "too close to zero"),
        (b'{"a": 1e' + b"9" * 30 + b"}", "a", "too large"),
        (b'{"a": 0e-' + b"9" * 30 + b"}", "a", "too close to zero"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a", "too long"),
        (b'{"Jane Roe": NaN}', "…", "NaN"),
        (b"[" * 101 + b"]" * 101, "", "nested deeper"),
        (b'{"a":' * 50_000, "", "nested deeper"),
        (b"[" * 2_000_000, "", "nested deeper"),
        (b"\xff\xfe{}", "", "not UTF-8"),
        ('{"a": "ä"}'.encode("latin-1"), "", "not UTF-8"),
        (b"", "", "not JSON"),
        (b"{} {}", "", "not JSON"),
        (b'{"a": 1,}', "", "not JSON"),
        (b"{'a': 1}", "", "not JSON"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else None,
)
def test_what_is_refused_is_named_with_its_place(body, path, problem):
    with pytest.raises(JSONError, match=problem) as refused:
        parse(body)

    assert refused.value.path == path


@given(
    st.from_regex(
        r"-?(0|[1-9][0-9]{0,120})(\.[0-9]{1,120})?([eE][+-]?[0-9]{1,30})?", fullmatch=True
    )
)
def test_any_number_is_read_exactly_or_refused(digits):
    with suppress(JSONError):
        assert parse(digits.encode()) == Decimal(digits)


def test_a_byte_order_mark_is_tolerated():
    assert parse(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_a_hundred_levels_are_read():
    assert parse(b"[" * 100 + b"]" * 100)


@pytest.mark.parametrize("text", ["]" * 200, "[" * 200, '\\"]]', "\\\\", '"', "\\"])
def test_brackets_within_strings_do_not_change_the_depth(text):
    deep: object = text
    for _ in range(50):
        deep = {text: [text, deep, text]}

    assert parse(json.dumps(deep).encode()) == deep
    with pytest.raises(JSONError, match="nested deeper"):
        parse(json.dumps([deep]).encode())


def test_lone_surrogates_are_replaced_in_keys_and_values():
    assert parse(rb'{"\ud800": ["\uDC00x", "\ud83d\ude00"]}') == {"\ufffd": ["\ufffdx", "😀"]}


@pytest.mark.parametrize("value", [1.5, Fraction(1, 2), {1, 2}, object()])
def test_what_json_does_not_know_is_not_written(value):
    with pytest.raises(TypeError):
        dumps({"a": [value]})


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_a_decimal_that_is_no_number_is_not_written(text):
    with pytest.raises(ValueError, match="JSON has no"):
        dumps([Decimal(text)])
