"""What is worked out once for a rule, and not again in every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

ROOM = 4096
"""Results that one function keeps; beyond that it starts anew."""

Worked = TypeVar("Worked", bound=Callable[..., Any])


def once(work: Worked) -> Worked:
    """Keep what ``work`` makes of the parts of a rulebook, which never change once loaded.

    They are known by identity: to compare two rules takes longer than most work. Nothing that
    comes from a chart may be given to it.
    """
    kept: dict[tuple[int, ...], tuple[tuple[object, ...], Any]] = {}

    def known(*parts: object) -> Any:
        key = tuple(map(id, parts))
        found = kept.get(key)
        if found is None:
            if len(kept) >= ROOM:
                kept.clear()
            # The parts are held as well: while they live, their identities are nobody else's.
            found = kept[key] = parts, work(*parts)
        return found[1]

    known.__doc__ = work.__doc__
    return known  # type: ignore[return-value]  # A closure cannot say that it takes what work takes.
