"""Random UUIDs: two dozen in every answer, one for each card and each button.

Those made one after another begin alike, with bits that are as random. The card log keeps an index
of them, and writes a page of it for each place where something new belongs: this way that is one
place for an answer, and not one for each card. What follows the beginning nobody can guess.
"""

from __future__ import annotations

from itertools import count
from os import urandom

_ALIKE = 64
_LENGTH_OF_BEGINNING = 5
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_made = count()
_beginning = [urandom(_LENGTH_OF_BEGINNING)]


def random_uuid() -> str:
    """A UUID of version 4 (RFC 9562, section 5.4) from the system's randomness, as text."""
    if next(_made) % _ALIKE == 0:
        _beginning[0] = urandom(_LENGTH_OF_BEGINNING)
    return written(_beginning[0] + urandom(16 - _LENGTH_OF_BEGINNING))


def written(randomness: bytes) -> str:
    """16 bytes as the UUID of version 4 that they make; the standard library, only sooner."""
    digits = randomness.hex()
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}"
        f"-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"
    )
