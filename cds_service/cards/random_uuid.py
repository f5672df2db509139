"""Random UUIDs: two dozen in every answer, one for each card and each button."""

from __future__ import annotations

from os import urandom

_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def random_uuid() -> str:
    """A UUID of version 4 (RFC 9562, section 5.4) from the system's randomness, as text."""
    return written(urandom(16))


def written(randomness: bytes) -> str:
    """16 bytes as the UUID of version 4 that they make; the standard library, only sooner."""
    digits = randomness.hex()
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}"
        f"-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"
    )
