"""Medications that were not identified by a code: no rule may pass over them in silence."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive.drugs import NEEDS, is_live, unidentified
from cds_service.facts.derive.view import DRAFTS, UNIDENTIFIED, View, only, slug
from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse
from cds_service.facts.unknown import Unknown


def answer(question: Question, view: View) -> Answer:
    """Drafts and drugs in force not identified, and the substance when known by text only.

    ``show["topics"]``: what a card that names them need not be followed by.
    """
    substance = slug(question, "substance")
    found = [
        use
        for use in view.uses.of(frozenset((substance, UNIDENTIFIED)))
        if _is_in_doubt(use, substance) and is_live(use, view.now)
    ]
    gaps = view.gaps(NEEDS, "active medications")
    fields: dict[str, Value] = {
        "count": Interval.at_least(len(found)) if gaps else Interval.exactly(len(found)),
        "drafted": any(use.role == "draft" for use in found)
        or next(iter(_lost_drafts(view)), False),
    }
    shown = Later(lambda: _shown(view, substance, found))
    return only(question, Reading(fields, shown, tuple(use.source for use in found)), gaps)


def _shown(view: View, substance: str, found: list[DrugUse]) -> dict[str, object]:
    named = tuple(unidentified(use) for use in found)
    return {
        "names": _names(found),
        "drafts": _names(use for use in found if use.role == "draft"),
        "items": [
            {
                "name": _name(use),
                "status": use.status,
                "reference": use.source.reference,
                "read_as": view.name(substance) if substance in use.substances else "",
            }
            for use in found
        ],
        "topics": {"count": named, "drafted": named},
    }


def _lost_drafts(view: View) -> tuple[Unknown, ...]:
    """Drafts set aside, whatever they are about."""
    anything = frozenset[str]().union(*(each.concerns for each in view.chart.set_aside))
    return view.gaps((DRAFTS,), "an order being placed", anything)


def _is_in_doubt(use: DrugUse, substance: str) -> bool:
    if use.resolved_by == "text":
        return substance in use.substances
    return use.resolved_by == "nothing"


def _names(uses: Iterable[DrugUse]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_name, uses)))


def _name(use: DrugUse) -> str:
    return use.label or "a drug without a name"
