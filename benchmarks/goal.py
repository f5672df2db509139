"""What is measured beside what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """What several rounds gave: their median, and the least and the most of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, rounds: Sequence[float]) -> Spread:
        """The spread of so many rounds, at least one."""
        return cls(median(rounds), min(rounds), max(rounds))

    @classmethod
    def of_ratios(cls, above: Sequence[float], below: Sequence[float]) -> Spread:
        """The spread of the ratio that each round gave."""
        return cls.of([one / other for one, other in zip(above, below, strict=True)])


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise. ``medians`` are the figures behind it, by name, with their unit in the name.

    ``measured`` None: it could not be measured here, and ``skipped`` says why. ``least``: the limit
    is the least that is good enough, not the most.
    """

    what: str
    limit: float
    unit: str
    measured: Spread | None
    medians: dict[str, Spread]
    least: bool = False
    skipped: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median keeps the promise; None when it was not measured."""
        if self.measured is None:
            return None
        if self.least:
            return self.measured.median >= self.limit
        return self.measured.median <= self.limit

    def as_json(self) -> dict[str, Any]:
        """As a result is kept."""
        return asdict(self) | {"met": self.met}
