"""How a dose was prepared, where a pharmacy note with the order gives the times.

``Reconstituted 08:00, diluted 11:30, end of infusion 15:30``: times of one day; a time before the
one it follows is of the next day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive.numbers import plain
from cds_service.facts.derive.view import View, slug
from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse

_CLOCK = r"[^.;,\n\d]{0,30}(?<!\d)(\d{1,2}):(\d{2})(?!\d)\s*([ap]\.?m\b)?"
_RECONSTITUTED = re.compile(r"\breconstitut(?:ed|ion)\b" + _CLOCK, re.IGNORECASE)
_DILUTED = re.compile(r"\bdilut(?:ed|ion)\b" + _CLOCK, re.IGNORECASE)
_ENDED = re.compile(
    r"\b(?:end of (?:the )?infusion|infusion (?:ends?|ended|complete[d]?|finished|until))\b"
    + _CLOCK,
    re.IGNORECASE,
)
_FROZEN = re.compile(r"\b(?:(?:was|were|been|found|got) frozen|froze)\b", re.IGNORECASE)
_LIGHT = re.compile(
    r"\b(?:(?:was|were|been|got|left) (?:exposed to|in(?: the)?) (?:direct )?(?:sun)?light"
    r"|(?:was|were) not protected from light)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|never) (?:been |got |left )?(?:frozen|exposed|in)\b", re.IGNORECASE)
_DAY = 24 * 60


def answer(question: Question, view: View) -> Answer:
    """A reading per order of the substance that is being signed now."""
    substance = slug(question, "substance")
    unread = view.unread_orders(substance)
    drafts = view.drafts(substance)
    return Answer(question, tuple(_reading(use) for use in drafts), unread)


def _reading(use: DrugUse) -> Reading:
    made = _time(_RECONSTITUTED, use.text)
    to_dilution = _hours(made, _time(_DILUTED, use.text))
    to_end = _hours(made, _time(_ENDED, use.text))
    fields: dict[str, Value] = {
        "hours_to_dilution": None if to_dilution is None else Interval.exactly(to_dilution),
        "hours_to_end": None if to_end is None else Interval.exactly(to_end),
        "frozen": bool(_FROZEN.search(use.text)) and not _DENIED.search(use.text),
        "light": bool(_LIGHT.search(use.text)) and not _DENIED.search(use.text),
    }
    shown = Later(
        lambda: {
            "label": use.label,
            "reference": use.source.reference,
            "to_dilution": _text(to_dilution),
            "to_end": _text(to_end),
        }
    )
    return Reading(fields, shown, (use.source,))


def _time(words: re.Pattern[str], text: str) -> int | None:
    """Minutes after midnight; None when no time is told, or several that differ."""
    told = set(_times(words, text))
    return told.pop() if len(told) == 1 else None


def _times(words: re.Pattern[str], text: str) -> Iterator[int]:
    for hour, minute, half in words.findall(text):
        hours, minutes = int(hour), int(minute)
        if half and 1 <= hours <= 12:
            hours = hours % 12 + (12 if half[0] in "pP" else 0)
        if hours < 24 and minutes < 60:
            yield hours * 60 + minutes


def _hours(begin: int | None, end: int | None) -> Fraction | None:
    if begin is None or end is None:
        return None
    return Fraction((end - begin) % _DAY, 60)


def _text(hours: Fraction | None) -> str:
    return f"{plain(hours)} h" if hours is not None else ""
