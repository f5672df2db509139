"""What JSON we accept: how deep, how large a number, and how a refusal names its place."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any

JSON = Any
"""A JSON value; numbers are int or Decimal, never float."""

MAX_DEPTH = 100
MAX_NUMBER_LENGTH = 100
MAX_EXPONENT = 100

_LEVELS_CUT = 6
_PLAIN_KEY = re.compile(r"_?[a-z][A-Za-z.-]{0,63}")
_ONE_KIND = bytes.maketrans(b"[]", b"{}")
_IN_AND_OUT = bytes.maketrans(b"{}", b"\x01\xff")
_NEITHER_BRACKET_NOR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))


class JSONError(ValueError):
    """The bytes are not JSON that we accept: ``path`` says where, the message what."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem)
        self.path = path


def under(path: str, name: str) -> str:
    """The path of a member. A key that does not look like one of FHIR's is not repeated.

    It may be anything: a name begins with a capital, and an identifier has digits.
    """
    shown = name if _PLAIN_KEY.fullmatch(name) else "…"
    return f"{path}.{shown}" if path else shown


def exact(digits: str) -> Decimal | None:
    """The number written so, as it is written; None when it is beyond all measure."""
    if len(digits) > MAX_NUMBER_LENGTH:
        return None
    try:
        value = Decimal(digits)
    except InvalidOperation:  # an exponent of its own hundred digits
        return None
    return value if abs(value.adjusted()) <= MAX_EXPONENT else None


def is_too_deep(body: bytes) -> bool:
    """Whether a text that is JSON has more than ``MAX_DEPTH`` levels.

    The text alone tells it, much faster than a walk through the tree. Of the text only brackets
    and the quotes around strings are kept. Two quotes side by side can go: the number of quotes
    before each bracket stays odd or even, so what was inside of a string still is, and what
    stands inside can be cut out of a much shorter text. Then innermost pairs of brackets go,
    one level of every branch at a time, until so few are left that they can be counted singly.
    """
    plain = _without_escapes(body) if b"\\" in body else body
    outline = plain.translate(_ONE_KIND, _NEITHER_BRACKET_NOR_QUOTE).replace(b'""', b"")
    brackets = b"".join(outline.split(b'"')[::2])
    for _ in range(_LEVELS_CUT):
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"")
    steps = memoryview(brackets.translate(_IN_AND_OUT)).cast("b")
    return _LEVELS_CUT + max(accumulate(steps), default=0) > MAX_DEPTH


def _without_escapes(body: bytes) -> bytes:
    """The text without escaped backslashes, and then without escaped quotes."""
    return body.replace(b"\\\\", b"").replace(b'\\"', b"")
