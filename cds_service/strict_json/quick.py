"""JSON read with msgspec, where the text as a whole proves that there is nothing to refuse.

msgspec is several times as fast as looking at every member, but keeps the last of two members of
one name and reads a number of any length. Each of the proofs below is one search through the text.
Whatever they leave in doubt is read carefully instead, which also finds the words for a refusal.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cds_service.strict_json.limits import JSON, MAX_NUMBER_LENGTH, exact, is_too_deep

_ONE_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_STEP = 10
_SOME_DIGITS = b"0" * (MAX_NUMBER_LENGTH // _STEP)
_TOO_MANY_DIGITS = b"0" * (MAX_NUMBER_LENGTH + 1)


class InDoubtError(ValueError):
    """It takes a careful look to tell what this text says, or what is wrong with it."""


def read_quickly(text: str, body: bytes) -> JSON:
    """The value that the text says, which ``body`` holds in UTF-8, if it is plainly acceptable.

    Raises:
        InDoubtError: when it may not be acceptable.
    """
    if _may_hold_long_integer(body):
        raise InDoubtError
    try:
        tree = _reader.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise InDoubtError from None
    if _may_lack_members(tree, body) or is_too_deep(body):
        raise InDoubtError
    return tree


def _fraction(digits: str) -> Decimal:
    """The number written so; of few digits without an exponent nothing is in doubt."""
    if len(digits) <= MAX_NUMBER_LENGTH and "e" not in digits and "E" not in digits:
        return Decimal(digits)
    value = exact(digits)
    if value is None:
        raise InDoubtError
    return value


_reader = msgspec.json.Decoder(float_hook=_fraction)
_writer = msgspec.json.Encoder()


def _may_lack_members(tree: JSON, body: bytes) -> bool:
    """Whether the tree may be without a member that the text has, for having another of its name.

    A colon of the text stands between a name and its value, or in a string. The tree written again
    has one for each member it holds and those in its strings, which writing does not escape and of
    which reading made none, unless the text escapes one. What the tree lacks is then at least the
    one colon of each member that went missing.
    """
    if b"\\" in body and (b"\\u003a" in body or b"\\u003A" in body):
        return True
    return body.count(b":") != _writer.encode(tree).count(b":")


def _may_hold_long_integer(body: bytes) -> bool:
    """Whether so many digits stand in a row that they may be an integer too long for us.

    Of a hundred bytes in a row, every tenth is among those that are looked at first.
    """
    some = body[::_STEP].translate(_ONE_DIGIT)
    return _SOME_DIGITS in some and _TOO_MANY_DIGITS in body.translate(_ONE_DIGIT)
