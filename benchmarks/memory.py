"""Whether the memory of a worker stays flat while it answers, keeps and hears back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt
from statistics import fmean, linear_regression

from benchmarks.chart import order_sign_call
from benchmarks.client import PATH, Client
from benchmarks.goal import Goal, Spread
from benchmarks.servers import running

CALLS = 5_000
READINGS = 100
EVERY = 5
"""After so many calls the cards of one are answered."""
ARENA_MEGABYTES = 1.0
"""Python takes memory from the system in pieces of this size."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through the readings after the first tenth, in which caches fill.

    ``slope`` and its standard ``error`` are megabytes per 1,000 calls; ``calls`` how many it spans.
    """

    slope: float
    error: float
    calls: int

    @classmethod
    def of(cls, calls: Sequence[int], megabytes: Sequence[float]) -> Trend:
        """The line of least squares through all but the first tenth."""
        first = len(calls) // 10
        thousands = [number / 1000 for number in calls[first:]]
        read = megabytes[first:]
        slope, height = linear_regression(thousands, read)
        off = [y - slope * x - height for x, y in zip(thousands, read, strict=True)]
        middle = fmean(thousands)
        width = sum((x - middle) ** 2 for x in thousands)
        error = sqrt(sum(each**2 for each in off) / max(len(off) - 2, 1) / width)
        return cls(slope, error, calls[-1] - calls[first])

    @property
    def spread(self) -> Spread:
        """The slope, and two standard errors to either side."""
        return Spread(self.slope, self.slope - 2 * self.error, self.slope + 2 * self.error)

    @property
    def noise(self) -> float:
        """The slope that would still be noise: two standard errors, or one arena over all calls."""
        return max(2 * self.error, ARENA_MEGABYTES / self.calls * 1000)


def measure(calls: int = CALLS) -> tuple[list[Goal], dict[int, float]]:
    """Both goals, and the resident memory of the worker after so many calls.

    The card log is on, and every fifth answer is followed by feedback on all its cards, in turn
    accepted and overridden, so that later ones are quiet.
    """
    seen = _watched(calls)
    trend = Trend.of(list(seen), list(seen.values()))
    return [
        Goal("resident memory of a worker", 150, "MB", Spread.of(list(seen.values())), {}),
        Goal(
            f"its growth over {calls:,} calls",
            trend.noise,
            "MB per 1,000 calls",
            trend.spread,
            {},
        ),
    ], seen


def _watched(calls: int) -> dict[int, float]:
    body, step = order_sign_call(), max(calls // READINGS, 1)
    seen = {}
    with running("full") as server:
        client = Client(server.port, body)
        for number in range(1, calls + 1):
            answer = client()
            if number % EVERY == 0:
                _answer(server.port, answer, is_accepted=number % (2 * EVERY) == 0)
            if number % step == 0:
                (seen[number],) = server.resident_megabytes()
        client.close()
        _expect(server.kept(), calls)
    return seen


def _expect(kept: dict[str, int], calls: int) -> None:
    """A worker that kept nothing has proven nothing."""
    if kept["calls"] != calls or not kept["feedback"]:
        raise SystemExit(f"of {calls} calls with feedback the card log holds {kept}")


def _answer(port: int, answer: bytes, *, is_accepted: bool) -> None:
    """Feedback on every card of an answer."""
    reason = {"reason": {"code": "repeat-pending", "system": "urn:cds-service:override"}}
    items = [
        {
            "card": card["uuid"],
            "outcome": "accepted" if is_accepted else "overridden",
            "outcomeTimestamp": datetime.now(UTC).isoformat(),
            **({} if is_accepted else {"overrideReason": reason}),
        }
        for card in json.loads(answer)["cards"]
    ]
    feedback = Client(port, json.dumps({"feedback": items}).encode(), f"{PATH}/feedback")
    feedback()
    feedback.close()
