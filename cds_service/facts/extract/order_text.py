"""Cycle and day as people write them in orders and plans: "C2D8", "Cycle 2, Day 8"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from cds_service.facts.extract.words import tidy

_DIGIT = re.compile(r"\d")
_SHORT = re.compile(r"\bC\s?0?(\d{1,2})[\s/,.-]*D\s?0?(\d{1,2})\b", re.IGNORECASE)
_CYCLE = re.compile(r"\bcycle\s*(?:no\.?|number|#)?\s*:?\s*0?(\d{1,2})\b", re.IGNORECASE)
_DAY = re.compile(r"\bd(?:ay)?\s*:?\s*0?(\d{1,2})\b(?!\s*(?:,|and|&|/|-|to)\s*\d)", re.IGNORECASE)
_DAY_OF_CYCLE = re.compile(r"\bD(?:ay)?\s?0?(\d{1,2})\s*(?:of\s+)?C(?:ycle)?\s?0?(\d{1,2})\b", re.I)


class Place(NamedTuple):
    """A place in the course: cycle and day of the cycle, each None when not stated."""

    cycle: int | None
    day: int | None


def stated_place(texts: Iterable[str]) -> Place:
    """The cycle and day the texts state; a text that names two different ones states none."""
    places = {place for text in texts if _DIGIT.search(text) for place in _places_in(tidy(text))}
    cycles = {place.cycle for place in places if place.cycle}
    if len(cycles) != 1:
        return Place(None, None)
    days = {place.day for place in places if place.day}
    return Place(cycles.pop(), days.pop() if len(days) == 1 else None)


def _places_in(text: str) -> Iterable[Place]:
    for found in _SHORT.finditer(text):
        yield Place(int(found[1]), int(found[2]))
    for found in _DAY_OF_CYCLE.finditer(text):
        yield Place(int(found[2]), int(found[1]))
    cycles = [int(found[1]) for found in _CYCLE.finditer(text)]
    if cycles:
        days = {int(found[1]) for found in _DAY.finditer(text)}
        day = days.pop() if len(days) == 1 else None
        yield from (Place(cycle, day) for cycle in cycles)
