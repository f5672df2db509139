"""JSON without surprises: exact numbers, no duplicate keys, nothing that Python adds to the format.

What the standard library would let pass (NaN, a key given twice, a number that fills the memory)
is refused here with the path of the place, so that no later part has to think about it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import Any

JSON = Any
"""A JSON value; numbers are int or Decimal, never float."""

MAX_DEPTH = 100
MAX_NUMBER_LENGTH = 100
MAX_EXPONENT = 100

_WORDS = {None: "null", True: "true", False: "false"}
_PLAIN_KEY = re.compile(r"_?[a-z][A-Za-z.-]{0,63}")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_ONE_KIND = bytes.maketrans(b"[]", b"{}")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class JSONError(ValueError):
    """The bytes are not JSON that we accept: ``path`` says where, the message what."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem)
        self.path = path


class _Refused:
    """Stands in the tree for a value that may not be there, until its path is known."""

    def __init__(self, problem: str) -> None:
        self.problem = problem


def parse(body: bytes) -> JSON:
    """The value written in the bytes; lone surrogates in it are replaced.

    Raises:
        JSONError: when the bytes are not UTF-8, not JSON, nested deeper than ``MAX_DEPTH``, or
            hold a duplicate key, NaN, Infinity or a number beyond all measure.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise JSONError(f"the body is not UTF-8 at byte {error.start}") from None
    refused: list[_Refused] = []
    try:
        tree = _loads(text, refused)
    except json.JSONDecodeError as error:
        raise JSONError(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise JSONError(_TOO_DEEP) from None
    _refuse_depth(body)
    if refused:
        raise next(_refusals(tree, ""))
    return _without_lone_surrogates(tree) if "\\ud" in text or "\\uD" in text else tree


_TOO_DEEP = f"the body is nested deeper than {MAX_DEPTH} levels"


def _loads(text: str, refused: list[_Refused]) -> JSON:
    def instead(problem: str) -> _Refused:
        refused.append(_Refused(problem))
        return refused[-1]

    def members(pairs: list[tuple[str, JSON]]) -> JSON:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        names = [name for name, _ in pairs]
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        return {**found, twice: instead("the key is given more than once")}

    def number(kind: Callable[[str], int | Decimal]) -> Callable[[str], JSON]:
        def read(digits: str) -> JSON:
            if len(digits) <= MAX_NUMBER_LENGTH:
                with suppress(InvalidOperation):  # an exponent of its own hundred digits
                    value = kind(digits)
                    if isinstance(value, int) or abs(value.adjusted()) <= MAX_EXPONENT:
                        return value
            return instead("the number is too long, too large or too close to zero")

        return read

    return json.loads(
        text,
        object_pairs_hook=members,
        parse_int=number(int),
        parse_float=number(Decimal),
        parse_constant=lambda name: instead(f"{name} is not a JSON number"),
    )


def _refuse_depth(body: bytes) -> None:
    """Of JSON only the brackets outside of strings are kept; innermost pairs go until none is left.

    The text alone tells the depth, much faster than a walk through the tree.
    """
    plain = _ESCAPED.sub(b"", body) if b"\\" in body else body
    brackets = b"".join(plain.split(b'"')[::2]).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"{}", b"")
    if brackets:
        raise JSONError(_TOO_DEEP)


def _refusals(node: JSON, path: str) -> Iterator[JSONError]:
    if isinstance(node, _Refused):
        yield JSONError(node.problem, path)
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _refusals(child, under(path, name))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _refusals(child, f"{path}[{index}]")


def under(path: str, name: str) -> str:
    """The path of a member. A key that does not look like one of FHIR's is not repeated.

    It may be anything: a name begins with a capital, and an identifier has digits.
    """
    shown = name if _PLAIN_KEY.fullmatch(name) else "…"
    return f"{path}.{shown}" if path else shown


def _without_lone_surrogates(node: JSON) -> JSON:
    if isinstance(node, str):
        return _LONE_SURROGATES.sub("\ufffd", node)
    if isinstance(node, dict):
        return {_without_lone_surrogates(k): _without_lone_surrogates(v) for k, v in node.items()}
    if isinstance(node, list):
        return [_without_lone_surrogates(child) for child in node]
    return node


def dumps(value: JSON) -> bytes:
    """The value as UTF-8 JSON; a Decimal keeps every digit (0.80 stays 0.80).

    Raises:
        TypeError: for a float, or anything else JSON does not know.
        ValueError: for a Decimal that is no number.
    """
    return _written(value).encode("utf-8", "replace")


def _written(value: JSON) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(_members(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_written, value)) + "]"
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, (int, Decimal)):
        return _digits(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _members(value: Mapping[str, JSON]) -> Iterator[str]:
    for name, member in value.items():
        yield f"{encode_basestring(name)}:{_written(member)}"


def _digits(number: int | Decimal) -> str:
    if isinstance(number, Decimal) and not number.is_finite():
        raise ValueError("JSON has no NaN and no Infinity")
    return str(number)
