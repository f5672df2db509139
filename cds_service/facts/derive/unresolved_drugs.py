"""Medications that were not identified by a code: no rule may pass over them in silence."""

from __future__ import annotations

from cds_service.facts.answers import Answer, Question, Reading
from cds_service.facts.derive.drugs import NEEDS, is_live
from cds_service.facts.derive.view import View, only, slug
from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse


def answer(question: Question, view: View) -> Answer:
    """Drafts and drugs in force not identified, and the substance when known by text only."""
    substance = slug(question, "substance")
    found = [
        use
        for use in view.chart.drugs
        if is_live(use, view.chart.now) and _is_in_doubt(use, substance)
    ]
    gaps = view.gaps(NEEDS, "active medications")
    count = Interval.at_least(len(found)) if gaps else Interval.exactly(len(found))
    shown = {
        "names": tuple(dict.fromkeys(use.label or "a drug without a name" for use in found)),
        "items": [
            {
                "name": use.label or "a drug without a name",
                "status": use.status,
                "reference": use.source.reference,
                "read_as": view.name(substance) if substance in use.substances else "",
            }
            for use in found
        ],
    }
    return only(
        question, Reading({"count": count}, shown, tuple(use.source for use in found)), gaps
    )


def _is_in_doubt(use: DrugUse, substance: str) -> bool:
    if use.resolved_by == "text":
        return substance in use.substances
    return use.resolved_by == "nothing"
