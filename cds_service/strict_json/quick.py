"""JSON read with msgspec, where what was read proves that there is nothing to refuse.

msgspec is several times as fast as looking at every member, but keeps the last of two members of
one name, reads a number of any length and goes as deep as it can. Each of the proofs below is one
search through the text or one walk of C code through the tree. Whatever they leave in doubt is read
carefully instead, which also finds the words for a refusal.
"""

from __future__ import annotations

from decimal import Decimal
from gc import get_referents

import msgspec

from cds_service.strict_json.limits import JSON, MAX_DEPTH, MAX_NUMBER_LENGTH, exact

_ONE_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_STEP = 14
_SOME_DIGITS = b"0" * (MAX_NUMBER_LENGTH // _STEP)
_TOO_MANY_DIGITS = b"0" * (MAX_NUMBER_LENGTH + 1)
_NUMBERS_HOLD_THEIR_TYPE = bool(get_referents(Decimal()))  # since Python 3.13


class InDoubtError(ValueError):
    """It takes a careful look to tell what this text says, or what is wrong with it."""


def read_quickly(body: bytes) -> JSON:
    """The value that the bytes say in UTF-8, if it is plainly acceptable.

    Raises:
        InDoubtError: when it may not be acceptable.
    """
    if _may_hold_long_integer(body):
        raise InDoubtError
    try:
        tree = _reader.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise InDoubtError from None
    if _may_be_too_deep(tree) or _may_lack_members(tree, body):
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
_writer = msgspec.json.Encoder(decimal_format="number")


def _may_lack_members(tree: JSON, body: bytes) -> bool:
    """Whether the tree may be without a member that the text has, for having another of its name.

    What is written of a tree names no member of an object twice, so neither does a text that is the
    same byte for byte; it is, as a rule, when it came without spaces. In any other text a colon
    stands between a name and its value, or in a string. The tree written again has one for each
    member it holds and those in its strings, which writing does not escape and of which reading
    made none, unless the text escapes one. What the tree lacks is then at least the one colon of
    each member that went missing.
    """
    again = _writer.encode(tree)
    if again == body:
        return False
    if b"\\" in body and (b"\\u003a" in body or b"\\u003A" in body):
        return True
    return body.count(b":") != again.count(b":")


def _may_be_too_deep(tree: JSON) -> bool:
    """Whether a tree has more levels than ``MAX_DEPTH``, or as many and something in the last.

    The garbage collector tells at once what all objects and arrays of a level hold; texts and
    numbers hold nothing.
    """
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = get_referents(*level)
        if _NUMBERS_HOLD_THEIR_TYPE:
            level = [each for each in level if each is not Decimal]
        if not level:
            return False
    return True


def _may_hold_long_integer(body: bytes) -> bool:
    """Whether so many digits stand in a row that they may be an integer too long for us.

    Only every fourteenth byte is looked at first: seven of them are in every row of that length.
    """
    some = body[::_STEP].translate(_ONE_DIGIT)
    return _SOME_DIGITS in some and _TOO_MANY_DIGITS in body.translate(_ONE_DIGIT)
