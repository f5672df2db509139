"""The results of one thing on one time line, the newest first: looked through until enough is seen.

A chart holds years of a test and a question is about its last days. What was measured long before
the newest result that counts can neither be as late nor contradict it, so nobody looks at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter, gt

from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.derive import when
from cds_service.facts.model import LabResult, Measured, Moment


@cheap_dataclass(frozen=True, slots=True)
class Usable:
    """A result that has a number and a date."""

    result: LabResult
    value: Measured
    when: Moment

    @classmethod
    def of(cls, result: LabResult) -> Usable | None:
        """The result if it is usable."""
        value, moment = result.value, result.when
        return None if value is None or moment is None else cls(result, value, moment)


@cheap_dataclass(frozen=True, slots=True)
class Placed:
    """A dated result on the time line; ``place`` is where it stands in the chart.

    ``earliest`` and ``latest`` are the instants it may be.
    """

    result: LabResult
    place: int
    when: Moment
    earliest: datetime
    latest: datetime


class Results:
    """The results of one thing: those dated up to now, newest first, and apart from them the rest.

    ``every`` are all of them, as the chart has them.
    """

    def __init__(self, every: Iterable[LabResult], now: datetime) -> None:
        """Put every result in its place."""
        self.every = tuple(every)
        self.undated: list[tuple[int, LabResult]] = []
        self.ahead: list[Placed] = []
        placed: list[Placed] = []
        zone, ahead_from = now.tzinfo, now + when.CLOCK_SKEW
        for place, result in enumerate(self.every):
            moment = result.when
            if moment is None:
                self.undated.append((place, result))
                continue
            earliest = latest = moment.at
            if earliest is None or latest is None:
                earliest, latest = when.span(moment, zone)
            one = Placed(result, place, moment, earliest, latest)
            (self.ahead if earliest > ahead_from else placed).append(one)
        self.newest_first = _newest_first(placed)

    def back_to(self, oldest: datetime | None) -> Sequence[Placed]:
        """Every dated result, those ahead too, newest first; none from before an instant."""
        dated = self.newest_first
        if self.ahead:
            dated = _newest_first(sorted((*self.ahead, *dated), key=attrgetter("place")))
        for place, one in enumerate(dated):
            if oldest and one.latest < oldest:
                return dated[:place]
        return dated


def _newest_first(in_chart: list[Placed]) -> list[Placed]:
    """The newest first, and of two as recent the one the chart has first."""
    found = sorted(in_chart, key=_latest, reverse=True)
    times = list(map(_latest, found))
    # When they were issued is not read where it decides nothing.
    return found if all(map(gt, times, times[1:])) else sorted(found, key=recency, reverse=True)


_latest = attrgetter("latest")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def recency(one: Placed) -> tuple[datetime, datetime]:
    """By effective time, then by time of issue."""
    return one.latest, one.result.issued or _LONG_AGO


NOTHING = Results((), datetime.min)
"""The results of what was never measured."""
