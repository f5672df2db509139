"""The orders of the request: which of them a card is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cds_service.engine.verdict import ClauseVerdict
from cds_service.facts.answers import words_of
from cds_service.fhir.hook_call import HookCall

Drafts = Mapping[str, Mapping[str, Any]]
"""The resources of the request's ``draftOrders`` by ``Type/id``, exactly as they were sent."""

_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")


def drafts_of(call: HookCall) -> Drafts:
    """The drafts that can be named: those with an id that no other draft has."""
    found: dict[str, Mapping[str, Any]] = {}
    repeated = set()
    for resource in _resources(call.draft_orders):
        reference = f"{resource.get('resourceType')}/{resource.get('id')}"
        if not _REFERENCE.fullmatch(reference):
            continue
        if reference in found:
            repeated.add(reference)
        found[reference] = resource
    return {reference: found[reference] for reference in found if reference not in repeated}


def _resources(bundle: object) -> Iterator[Mapping[str, Any]]:
    entries = bundle.get("entry") if isinstance(bundle, Mapping) else None
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if isinstance(resource, Mapping):
            yield resource


def concerned(clauses: Iterable[ClauseVerdict], drafts: Drafts, call: HookCall) -> dict[str, str]:
    """The drafts that the holding readings of these clauses are about, each with its label.

    It is the draft the reading names; else those it was read from, if selected where some are.
    """
    found: dict[str, str] = {}
    if not drafts:
        return found
    for clause in clauses:
        for reading in clause.holding:
            words = words_of(reading)
            named = words.get("reference")
            if isinstance(named, str) and named in drafts:
                found[named] = _label(words, named, drafts[named])
                continue
            for source in reading.sources:
                reference = source.reference
                if reference in drafts and _is_selected(reference, call):
                    found[reference] = _label(words, reference, drafts[reference])
    return found


def _is_selected(reference: str, call: HookCall) -> bool:
    """Whether the draft is among the selections, by ``Type/id`` or by its id alone."""
    if not call.selections:
        return True
    names = {reference, reference.partition("/")[2]}
    return not names.isdisjoint(call.selections)


def _label(words: Mapping[str, object], reference: str, draft: Mapping[str, Any]) -> str:
    """How the chart names the order: in the words of a reading about it, else in the draft."""
    label = words.get("label")
    if isinstance(label, str) and label and words.get("reference") == reference:
        return label
    concept = draft.get("medicationCodeableConcept") or draft.get("code")
    return _text(concept) or reference


def _text(concept: object) -> str:
    """The text of a CodeableConcept, else the first display of its codings."""
    if not isinstance(concept, Mapping):
        return ""
    codings = concept.get("coding")
    coded = (
        [each for each in codings if isinstance(each, Mapping)] if isinstance(codings, list) else []
    )
    said = (concept.get("text"), *(coding.get("display") for coding in coded))
    return next((each for each in said if isinstance(each, str) and each.strip()), "")
