"""The course before each of many orders, walked once for all of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import date
from functools import reduce
from typing import Generic, TypeVar

from cds_service.facts.course import Dose

S = TypeVar("S")


class Walk(Generic[S]):
    """What comes of all doses given, and of those ordered for days before any day asked for.

    ``step`` makes of a state, and the next dose in time order, the next state.
    """

    def __init__(
        self, given: Iterable[Dose], ordered: Iterable[Dose], start: S, step: Callable[[S, Dose], S]
    ) -> None:
        self._given = sorted(given, key=_day_of)
        doses = sorted((*self._given, *ordered), key=_day_of)
        self._days = [dose.day for dose in doses]
        self._states = [start]
        for dose in doses:
            self._states.append(step(self._states[-1], dose))
        self._step = step

    def before(self, day: date) -> S:
        """The state before a dose of that day."""
        state = self._states[bisect_left(self._days, day)]
        # What is given counts even where its own day is a later one, as it may be in another zone.
        later = self._given[bisect_left(self._given, day, key=_day_of) :]
        return reduce(self._step, later, state)


def _day_of(dose: Dose) -> date:
    return dose.day
