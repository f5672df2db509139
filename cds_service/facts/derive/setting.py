"""Under which label profile and hook the call is judged."""

from __future__ import annotations

from cds_service.facts.answers import Answer, Question, Reading
from cds_service.facts.derive.view import View, only


def answer(question: Question, view: View) -> Answer:
    """The profile and the hook, as called."""
    chart = view.chart
    return only(question, Reading({"profile": chart.profile, "hook": chart.hook}))
