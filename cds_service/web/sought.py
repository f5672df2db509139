"""Where the answer to a question was looked for, for those who find it missing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cds_service.facts.answers import Question
from cds_service.facts.extract import asked_analytes, templates
from cds_service.facts.vocabulary import KINDS, PATIENT
from cds_service.terminology import Terminology
from cds_service.web.words import number

DRAFT_ORDERS = "context.draftOrders"
_ABOUT_DRAFTS = frozenset({"order", "dose_ordered", "schedule", "infusion", "preparation"})
_AMONG_DRAFTS = frozenset({"drafted", "drafted-or-current"})


def sought(question: Question, terminology: Terminology) -> dict[str, Any]:
    """The parts of a call that answer a question, the days it reaches back, the codes it knows.

    ``places`` are prefetch keys with the search that answers them (and the draft orders of the
    context); ``codes`` has for each analyte by name the ``system|code`` it is known by.
    """
    places = list(_places(question, terminology))
    codes = [
        {"name": terminology.display_name(analyte), "codes": _codes(analyte, terminology)}
        for analyte in sorted(asked_analytes((question,)))
    ]
    days = question.get("within")
    told: dict[str, Any] = {"words": _words(places, days, codes), "places": places}
    if isinstance(days, Fraction):
        told["days"] = number(days)
    return {**told, "codes": codes} if codes else told


def _places(question: Question, terminology: Terminology) -> Iterator[dict[str, str]]:
    if question.kind in _ABOUT_DRAFTS or question.get("state") in _AMONG_DRAFTS:
        yield {"key": DRAFT_ORDERS}
    is_about_patient = PATIENT in KINDS[question.kind].needs
    for key, template in templates((question,), terminology).items():
        if key != PATIENT or is_about_patient:
            yield {"key": key, "search": template}


def _codes(analyte: str, terminology: Terminology) -> list[str]:
    return [f"{coding.system}|{coding.code}" for coding in terminology.codes(analyte)]


def _words(places: list[dict[str, str]], days: object, codes: list[dict[str, Any]]) -> str:
    """``looked for in observations, of the last 7 days, as total bilirubin``."""
    keys = ", ".join(place["key"] for place in places) or "the call itself"
    window = f", of the last {number(days)} days" if isinstance(days, Fraction) else ""
    names = " or ".join(each["name"] for each in codes)
    return f"looked for in {keys}{window}" + (f", as {names}" if names else "")
