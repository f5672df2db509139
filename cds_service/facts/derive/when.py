"""Comparing moments that are known to the second, to the day, or hardly at all."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo
from fractions import Fraction

from cds_service.facts.course import Dose
from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import Moment

CLOCK_SKEW = timedelta(hours=24)
"""How far ahead of us a chart's clock may be; a date alone says nothing about its time zone."""


def span(moment: Moment, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """The earliest and the latest instant it may be; a bare date is taken in our time zone."""
    if moment.at:
        return moment.at, moment.at
    return (
        datetime.combine(moment.first, time.min, zone),
        datetime.combine(moment.last, time.max, zone),
    )


_LONG = timedelta(days=365 * 200)
_ZONES = timedelta(days=3)


def oldest(now: datetime, period: timedelta | None) -> datetime | None:
    """An instant before everything that may lie in a period up to now, whatever its time zone."""
    return None if period is None or period > _LONG else now - period - _ZONES


def is_ahead(moment: Moment, now: datetime) -> bool:
    """Dated so far in the future that the date must be wrong."""
    return span(moment, now.tzinfo)[0] > now + CLOCK_SKEW


def days_before(moment: Moment, now: datetime) -> Interval:
    """Days from a moment to now: exact to the second when a time is known, else calendar days."""
    if moment.at:
        seconds = max((now - moment.at) // timedelta(microseconds=1), 0)
        return Interval.exactly(Fraction(seconds, 86_400_000_000))
    today = now.date()
    return Interval(
        Fraction(max((today - moment.last).days, 0)), Fraction(max((today - moment.first).days, 0))
    )


def is_within(moment: Moment, now: datetime, period: timedelta | None) -> Truth:
    """Not longer ago than a period, its last second (or calendar day) included."""
    if period is None:
        return True
    if moment.at:
        return now - moment.at <= period
    today = now.date()
    if today - moment.first <= period:
        return True
    return False if today - moment.last > period else None


def is_after_dose(moment: Moment, dose: Dose) -> Truth:
    """Later than a dose: by the clock when both times are known, else on a later day.

    The same day without both times is not later.
    """
    if moment.at and dose.at:
        return moment.at > dose.at
    if moment.first > dose.day:
        return True
    return False if moment.last <= dose.day else None


def is_before(moment: Moment, other: Moment) -> Truth:
    """Earlier than another: by the clock when both times are known, else on an earlier day."""
    if moment.at and other.at:
        return moment.at < other.at
    if moment.last < other.first:
        return True
    return False if moment.first >= other.last else None


def age(moment: Moment, now: datetime, older_than: timedelta) -> str:
    """``4 days old`` for what is older than the given span, else nothing."""
    latest = span(moment, now.tzinfo)[1]
    days = (now.date() - moment.last).days
    old = now - latest > older_than if moment.at else days > older_than.days
    whole = (now - latest).days if moment.at else days
    return f"{whole} days old" if old else ""
