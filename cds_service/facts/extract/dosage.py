"""What dosage instructions say: days, end, dose, route, whether it is a single dose."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Literal

from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.extract.material import moment_at
from cds_service.facts.extract.numbers import measured_of, range_of
from cds_service.facts.extract.words import tidy
from cds_service.facts.model import Measured, Moment
from cds_service.facts.quantity import canonical_unit, converted
from cds_service.fhir.peek import Resource, at, codings_of, each, text_at, texts_of
from cds_service.terminology import Resolution

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
_USUAL_ROUTES = frozenset(
    {"Oral", "Oral route", "Oral use", "oral", "By mouth", "PO", "Intravenous", "Intravenous route"}
    | {"Intravenous use", "IV", "Subcutaneous", "Subcutaneous route", "Subcutaneous use"}
)
"""Words for routes that need no look whether they are local: none is."""

_DOSE_TYPES = ("ordered", "calculated")

MAX_DAYS = 400
"""More planned days than this are not a plan we can use."""


@cheap_dataclass(frozen=True, slots=True)
class Timing:
    """When doses are due, over all dosages of an order, as far as it is written.

    ``events`` are the days named one by one; ``starts`` and ``ends`` those of bounded periods.
    ``repeats``: some dosage is repeated. ``counts``: how often, None where a dosage does not say.
    """

    events: tuple[Moment, ...]
    starts: tuple[Moment, ...]
    ends: tuple[Moment, ...]
    repeats: bool
    counts: frozenset[object]


def timing_of(dosages: Iterable[Resource]) -> Timing:
    """Walk the dosages once for all that they say about time."""
    events: list[Moment | None] = []
    starts: list[Moment | None] = []
    ends: list[Moment | None] = []
    counts: set[object] = set()
    repeats = False
    for dosage in dosages:
        timing = dosage.get("timing")
        repeat = None
        if type(timing) is dict:
            repeat = timing.get("repeat")
            if isinstance(named := timing.get("event"), list):
                events += map(moment_at, named)
        if repeat is not None:
            repeats = True
        count = at(repeat, "count")
        if not isinstance(count, list | dict):
            counts.add(count)
        if bounds := at(repeat, "boundsPeriod"):
            starts.append(moment_at(bounds, "start"))
            ends.append(moment_at(bounds, "end"))
    return Timing(_known(events), _known(starts), _known(ends), repeats, frozenset(counts))


def _known(moments: Collection[Moment | None]) -> tuple[Moment, ...]:
    return tuple(filter(None, moments)) if moments else ()


def event_days(events: Iterable[Moment]) -> list[date]:
    """The calendar days named, in order."""
    return sorted({moment.day for moment in events if moment.day is not None})[:MAX_DAYS]


def first_start(timing: Timing) -> Moment | None:
    """The earliest start of a bounded period, or the first day named."""
    moments = timing.starts or timing.events
    return min(moments, key=lambda moment: moment.first) if moments else None


def last_end(timing: Timing) -> Moment | None:
    """The latest end of a bounded period; the last day named when days are all there is."""
    if not timing.ends and not timing.repeats:
        return latest(timing.events)
    return latest(timing.ends)


def latest(moments: Collection[Moment | None]) -> Moment | None:
    """The latest of several moments, those that are None left out."""
    known = _known(moments)
    return max(known, key=lambda moment: moment.last) if known else None


def is_local(drug: Resolution, dosages: Iterable[Resource]) -> bool:
    """Whether a drug is for the eye, the ear, the skin or the vagina alone.

    As its routes say; where none is named, as the product code or the product's name says.
    """
    named = [
        route for dosage in dosages if "route" in dosage and _names_one(route := dosage["route"])
    ]
    if named:
        return all(map(_is_local, named))
    return drug.local_use or bool(_LOCAL_FORMS.search(tidy(drug.label)))


def _names_one(route: object) -> bool:
    return bool(route) and (any(codings_of(route)) or any(texts_of(route)))


def _is_local(route: object) -> bool:
    for coding in codings_of(route):
        if text_at(coding, "code") in LOCAL_ROUTES:
            return True
    return any(
        _LOCAL_WORDS.search(tidy(words))
        for words in dict.fromkeys(texts_of(route))
        if words not in _USUAL_ROUTES
    )


def is_one_off(dosages: Iterable[Resource], timing: Timing) -> bool:
    """Whether a single dose is meant: one day named, a count of one, or the words for it."""
    if timing.counts == {1}:
        return True
    if timing.repeats:
        return False
    if len(timing.events) == 1:
        return True
    return any(_ONCE.search(tidy(words)) for dosage in dosages for words in _words(dosage))


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
