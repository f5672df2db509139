"""Joining flags of which some are not known: one that decides is enough."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.facts.unknown import Unknown

Flag = bool | Unknown


def either(flags: Iterable[Flag]) -> Flag:
    """True when one is; else the first that is not known; else false."""
    held = tuple(flags)
    if True in held:
        return True
    return next((each for each in held if isinstance(each, Unknown)), False)


def negated(flag: Flag) -> Flag:
    """The opposite; what is not known stays so."""
    return flag if isinstance(flag, Unknown) else not flag
