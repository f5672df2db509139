"""Whether the disease bears a marker, as the words of its diagnoses say."""

from __future__ import annotations

from cds_service.facts.answers import Answer, Question, Reading, Value
from cds_service.facts.derive.condition import COUNTED
from cds_service.facts.derive.view import View, only, slug
from cds_service.facts.model import ConditionEntry
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import CONDITIONS


def answer(question: Question, view: View) -> Answer:
    """One reading; what no diagnosis says, or what they say both ways, is not known."""
    stated, denied = slug(question, "stated_by"), slug(question, "denied_by")
    what = f"whether the disease is {view.name(stated)}"
    yes, no = _entries(view, stated), _entries(view, denied)
    gaps = view.gaps((CONDITIONS,), what, (stated, denied))
    positive: Value = bool(yes)
    if yes and no:
        positive = Unknown(what, Reason.CONFLICT, "diagnoses say both")
    elif not yes and gaps:
        positive = gaps[0]
    elif not yes and not no:
        positive = Unknown(what, Reason.NOT_RECORDED)
    shown = {"label": next((each.label for each in yes if each.label), "")}
    sources = tuple(each.source for each in (*yes, *no))
    return only(question, Reading({"positive": positive}, shown, sources))


def _entries(view: View, concept: str) -> list[ConditionEntry]:
    found = view.entries.of_word(concept)
    return [each for each in found if each.verification in COUNTED]
