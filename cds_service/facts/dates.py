"""FHIR's written dates and times as moments."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime

from cds_service.facts.model import Moment

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}):(\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_PLAIN_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d{3})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
_PLAIN_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
"""The usual forms of a time and of a day, which Python reads as they stand."""


def moment(text: str) -> Moment:
    """Read a FHIR date, dateTime or instant.

    A time keeps its offset, and its calendar day is the day written, not the day in UTC.

    Raises:
        ValueError: when the text is none of these, without repeating the text.
    """
    if _PLAIN_TIME.fullmatch(text):
        at = datetime.fromisoformat(text)
        day = at.date()
        return Moment(day, day, at)
    if _PLAIN_DAY.fullmatch(text):
        day = date.fromisoformat(text)
        return Moment(day, day)
    return moment_of_any_form(text)


def instant(text: str) -> datetime | None:
    """The instant of a moment that has one; None for a day, and for what is no moment."""
    try:
        return datetime.fromisoformat(text) if _PLAIN_TIME.fullmatch(text) else moment(text).at
    except ValueError:
        return None


def moment_of_any_form(text: str) -> Moment:
    """As ``moment``, without a short way for the usual form."""
    if timed := _TIME.fullmatch(text):
        at = _instant(*timed.groups())
        return Moment(at.date(), at.date(), at)
    if dated := _DATE.fullmatch(text):
        return _days(*dated.groups())
    raise ValueError(
        "not a FHIR date: expected YYYY, YYYY-MM, YYYY-MM-DD, or a day with time and offset"
    )


def _instant(minute: str, second: str, fraction: str | None, offset: str) -> datetime:
    # FHIR allows a leap second, which datetime does not know: it is the same minute.
    whole = "59" if second == "60" else second
    micro = (fraction or "")[:6].ljust(6, "0")
    return datetime.fromisoformat(f"{minute}:{whole}.{micro}{offset.replace('Z', '+00:00')}")


def _days(year: str, month: str | None, day: str | None) -> Moment:
    if month is None:
        return Moment(date(int(year), 1, 1), date(int(year), 12, 31))
    if day is None:
        first = date(int(year), int(month), 1)
        return Moment(first, first.replace(day=monthrange(first.year, first.month)[1]))
    whole = date(int(year), int(month), int(day))
    return Moment(whole, whole)
