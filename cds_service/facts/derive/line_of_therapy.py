"""The line of therapy, as plans state it. It is never inferred from names of drugs."""

from __future__ import annotations

from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.derive.view import View, only
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import CARE_PLANS, CONDITIONS, MEDICATION_REQUESTS

_WHAT = "line of therapy"


def answer(question: Question, view: View) -> Answer:
    """One reading: the highest line stated, because lines only go up."""
    gaps = view.gaps((CARE_PLANS, MEDICATION_REQUESTS, CONDITIONS), _WHAT)
    stated = max(view.chart.lines, key=lambda each: each.line, default=None)
    number = stated.line if stated else 0
    known = Interval.at_least(number) if gaps else Interval.exactly(number)
    not_stated = gaps[0] if gaps else Unknown(_WHAT, Reason.NOT_RECORDED)
    fields: dict[str, Value] = {"line": known if stated else not_stated, "highest": known}
    shown = {"line": str(number) if stated else "", "label": stated.label if stated else ""}
    sources = (stated.source,) if stated else ()
    return only(question, Reading(fields, shown, sources), gaps)
