"""The days that a page is asked to tell about, as in ``?from=2026-11-01&to=2026-11-22``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

MOST_DAYS = 366
USUAL_DAYS = 30

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS = range(1970, 2970)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DateRange:
    """Whole days in UTC, the first and the last included."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        """Its first instant."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        """The first instant after it."""
        return datetime.combine(self.last + _ONE_DAY, time(), UTC)

    @property
    def days(self) -> tuple[date, ...]:
        """Every day of it."""
        return tuple(
            self.first + timedelta(days=number)
            for number in range((self.last - self.first).days + 1)
        )


class WrongDates(ValueError):  # noqa: N818 - it says what is the matter, as others here do.
    """``problems`` say by parameter (``from``, ``to``) what is wrong and what to write."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))


def last_days(days: int, today: date) -> DateRange:
    """So many days, today the last."""
    return DateRange(today - timedelta(days=days - 1), today)


def date_range(asked: Mapping[str, str], today: date) -> DateRange:
    """The days from ``from`` to ``to``; without them the last ``USUAL_DAYS``, to today.

    Raises:
        WrongDates: when one is no date, they are the wrong way round, or too far apart.
    """
    problems: dict[str, str] = {}
    days: dict[str, date] = {}
    for name in ("from", "to"):
        if text := asked.get(name, "").strip():
            try:
                days[name] = _day(text)
            except ValueError as problem:
                problems[name] = str(problem)
    if problems:
        raise WrongDates(problems)
    last = days.get("to", max(today, days.get("from", today)))
    found = DateRange(days.get("from", last_days(USUAL_DAYS, last).first), last)
    if found.first > found.last:
        raise WrongDates({"from": "is after the last day; the earlier day comes first"})
    if (found.last - found.first).days >= MOST_DAYS:
        raise WrongDates(
            {"from": f"is more than {MOST_DAYS} days before the last day; ask for less"}
        )
    return found


def _day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError("must be written as year-month-day, for example 2026-11-01")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("is no day of the calendar") from None
    if day.year not in _YEARS:
        raise ValueError(f"must lie in the years {_YEARS.start} to {_YEARS.stop - 1}")
    return day
