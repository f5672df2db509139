"""The results of one thing on one time line, the newest first: looked through until enough is seen.

A chart holds years of a test and a question is about its last days. What was measured long before
the newest result that counts can neither be as late nor contradict it, so nobody looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from operator import attrgetter

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

    ``earliest`` and ``latest`` are the instants it may be, ``issued`` is long ago when not known.
    """

    result: LabResult
    place: int
    when: Moment
    earliest: datetime
    latest: datetime
    issued: datetime


class Results:
    """The results of one thing: those dated up to now, newest first, and apart from them the rest.

    ``every`` are all of them, as the chart has them.
    """

    def __init__(self, every: Iterable[LabResult], now: datetime) -> None:
        """Put every result in its place."""
        self.every = tuple(every)
        self.undated: list[tuple[int, LabResult]] = []
        self.ahead: list[Placed] = []
        self.newest_first: list[Placed] = []
        zone, ahead_from = now.tzinfo, now + when.CLOCK_SKEW
        long_ago = datetime.min.replace(tzinfo=zone)
        for place, result in enumerate(self.every):
            moment = result.when
            if moment is None:
                self.undated.append((place, result))
                continue
            at = moment.at
            earliest, latest = (at, at) if at else when.span(moment, zone)
            one = Placed(result, place, moment, earliest, latest, result.issued or long_ago)
            (self.ahead if earliest > ahead_from else self.newest_first).append(one)
        # Stable: of two as recent, the one the chart has first comes first.
        self.newest_first.sort(key=recency, reverse=True)

    def back_to(self, oldest: datetime | None) -> Iterator[Placed]:
        """Every dated result, those ahead too, newest first; none from before an instant."""
        dated = self.newest_first
        if self.ahead:
            in_chart = sorted((*self.ahead, *dated), key=lambda one: one.place)
            dated = sorted(in_chart, key=recency, reverse=True)
        for one in dated:
            if oldest and one.latest < oldest:
                return
            yield one


recency: Callable[[Placed], tuple[datetime, datetime]] = attrgetter("latest", "issued")
"""By effective time, then by time of issue."""


NOTHING = Results((), datetime.min)
"""The results of what was never measured."""
