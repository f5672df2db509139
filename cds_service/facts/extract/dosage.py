"""What dosage instructions say: days, end, dose, route, whether it is a single dose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Literal

from cds_service.facts.extract.material import moment_at
from cds_service.facts.extract.numbers import measured_of, range_of
from cds_service.facts.extract.words import tidy
from cds_service.facts.model import Measured, Moment
from cds_service.facts.quantity import canonical_unit, converted
from cds_service.fhir.peek import Resource, at, codings_of, each, text_at, texts_of

LOCAL_ROUTES = frozenset({"54485002", "10547007", "6064005", "16857009"})
"""SNOMED CT (FHIR value set route-codes): ophthalmic, otic, topical, vaginal."""

_LOCAL_WORDS = re.compile(
    r"\b(?:ophthalmic|eyes?|conjunctival|intravitreal|intracameral|otic|ears?|auricular|topical\w*"
    r"|cutaneous|skin|vaginal\w*|vagina|dental|local an[ae]+sthe\w+|infiltration)\b",
    re.IGNORECASE,
)
_LOCAL_FORMS = re.compile(
    r"\b(?:(?:eye|ear)[ -]?(?:drops?|gel|lotion)|ophthalmic|otic|ointment|cream|lotion|shampoo"
    r"|topical|vaginal|pessar(?:y|ies))\b",
    re.IGNORECASE,
)
_ONCE = re.compile(
    r"\b(?:once|one[- ]time|single[- ]dose|one dose|x\s?1 dose)\b"
    r"(?!\s*(?:a|an|per|every|each|daily|weekly|monthly|in|/|on days))",
    re.IGNORECASE,
)
_DOSE_TYPES = ("ordered", "calculated")

MAX_DAYS = 400
"""More planned days than this are not a plan we can use."""


def events_in(dosages: Iterable[Resource]) -> tuple[Moment, ...]:
    """What is named one by one in ``timing.event``, as it is written."""
    written = (at(dosage, "timing", "event") for dosage in dosages)
    found = (
        moment_at({"event": event}, "event")
        for events in written
        if isinstance(events, list)
        for event in events
    )
    return tuple(moment for moment in found if moment)


def event_days(events: Iterable[Moment]) -> list[date]:
    """The calendar days named, in order."""
    return sorted({moment.day for moment in events if moment.day is not None})[:MAX_DAYS]


def first_start(dosages: Iterable[Resource], events: Sequence[Moment]) -> Moment | None:
    """The earliest start of a bounded period, or the first day named."""
    dosages = list(dosages)
    starts = [moment_at(dosage, "timing", "repeat", "boundsPeriod", "start") for dosage in dosages]
    known = [start for start in starts if start] or events
    return min(known, key=lambda moment: moment.first, default=None)


def last_end(dosages: Iterable[Resource], events: Sequence[Moment]) -> Moment | None:
    """The latest end of a bounded period; the last day named when days are all there is."""
    dosages = list(dosages)
    ends = [moment_at(dosage, "timing", "repeat", "boundsPeriod", "end") for dosage in dosages]
    known = [end for end in ends if end]
    if not known and dosages and all(at(d, "timing", "repeat") is None for d in dosages):
        return latest(events)
    return latest(known)


def latest(moments: Iterable[Moment | None]) -> Moment | None:
    """The latest of several moments, those that are None left out."""
    known = [moment for moment in moments if moment]
    return max(known, key=lambda moment: moment.last, default=None)


def local_use(dosages: Iterable[Resource]) -> bool | None:
    """Whether every route named is local (eye, ear, skin, vagina); None when none is named."""
    routes = [dosage.get("route") for dosage in dosages]
    named = [route for route in routes if any(texts_of(route)) or any(codings_of(route))]
    return all(map(_is_local, named)) if named else None


def _is_local(route: object) -> bool:
    if any(text_at(coding, "code") in LOCAL_ROUTES for coding in codings_of(route)):
        return True
    return any(_LOCAL_WORDS.search(tidy(words)) for words in texts_of(route))


def is_local_form(label: str) -> bool:
    """Whether a product's name says that it is for the eye, the ear, the skin or the vagina."""
    return bool(_LOCAL_FORMS.search(tidy(label)))


def is_one_off(dosages: Iterable[Resource], events: Sequence[Moment]) -> bool:
    """Whether a single dose is meant: one day named, a count of one, or the words for it."""
    dosages = list(dosages)
    counts = {at(dosage, "timing", "repeat", "count") for dosage in dosages if _hashable(dosage)}
    if counts == {1}:
        return True
    if all(at(dosage, "timing", "repeat") is None for dosage in dosages):
        if len(events) == 1:
            return True
        return any(_ONCE.search(tidy(words)) for dosage in dosages for words in _words(dosage))
    return False


def _hashable(dosage: Resource) -> bool:
    return not isinstance(at(dosage, "timing", "repeat", "count"), list | dict)


def _words(dosage: Resource) -> Iterator[str]:
    yield text_at(dosage, "text")
    yield from texts_of(at(dosage, "timing", "code"))


def dose_in(dosages: Iterable[Resource], kind: Literal["dose", "dose-per-m2"]) -> Measured | None:
    """The dose in mg or in mg/m2: as ordered, else as calculated, else of any other type.

    Amounts in other units (mL, vials) are not doses we can compare. A dose may also stand beside
    its types, as before R4 and in Epic's own example.
    """
    unit = canonical_unit(kind)
    ranked: list[tuple[int, Measured]] = []
    for dosage in dosages:
        for dose in (*each(dosage, "doseAndRate"), dosage):
            amount = measured_of(dose.get("doseQuantity")) or range_of(dose.get("doseRange"))
            found = converted(kind, amount, unit) if amount else None
            if found:
                ranked.append((_rank(dose.get("type")), found))
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


def _rank(kind: object) -> int:
    words = " ".join(
        [*texts_of(kind), *(text_at(coding, "code") for coding in codings_of(kind))]
    ).casefold()
    return next((rank for rank, name in enumerate(_DOSE_TYPES) if name in words), len(_DOSE_TYPES))
