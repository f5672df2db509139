"""What a card offers: cancel or hold the draft it is about, or order what is missing.

A resource of the request is data, not text: it goes back element by element as it came.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from cds_service.cards.context import CardContext
from cds_service.cards.drafts import Drafts, concerned
from cds_service.cards.model import Action, SuggestionOffer
from cds_service.cards.once import once
from cds_service.cards.text import clipped, plain
from cds_service.engine.verdict import ClauseVerdict, VariantVerdict
from cds_service.facts.answers import Reading, words_of
from cds_service.fhir.hook_call import HookCall
from cds_service.rulebook.model import Rule, Rulebook, Suggestion
from cds_service.terminology import Terminology

_log = logging.getLogger(__name__)

_LABEL_LIMIT = 100
_STATUS_REASON_TYPES = ("MedicationRequest",)

_EXAMPLE = {
    "subject": {"reference": "Patient/example"},
    "encounter": {"reference": "Encounter/example"},
    "authoredOn": "2026-11-20T09:40:00+00:00",
    "requester": {"reference": "Practitioner/example"},
}
"""All that a call fills in."""


class Offers:
    """What the cards of one call offer."""

    def __init__(
        self, call: HookCall, drafts: Drafts, rulebook: Rulebook, context: CardContext
    ) -> None:
        self._call = call
        self._drafts = drafts
        self._templates = rulebook.resources
        self._context = context
        self._filled_in = filled_in(call, context)

    def of(self, rule: Rule, speaking: VariantVerdict) -> tuple[SuggestionOffer, ...]:
        """The rule's suggestions, one for each draft where several are concerned.

        Where no order is being placed there is nothing to cancel or hold, so that is not offered.
        Where the draft cannot be named (it has no id) the offer stays as advice without an action.
        """
        offers: list[SuggestionOffer] = []
        for suggestion in rule.suggestions:
            if suggestion.when_missing and not self._fills_a_gap(suggestion, speaking):
                continue
            if suggestion.action in ("delete-order", "hold-order"):
                if self._call.draft_orders is not None:
                    offers += self._on_drafts(suggestion, rule, speaking)
            elif suggestion.action == "create":
                offers.append(self._offer(suggestion.label, self._creation(suggestion, rule)))
            else:
                offers.append(self._offer(suggestion.label))
        return tuple(offers)

    def _offer(self, label: str, actions: tuple[Action, ...] = ()) -> SuggestionOffer:
        return SuggestionOffer(self._context.new_id(), clipped(label, _LABEL_LIMIT), actions)

    def _on_drafts(
        self, suggestion: Suggestion, rule: Rule, speaking: VariantVerdict
    ) -> list[SuggestionOffer]:
        clauses: Sequence[ClauseVerdict] = speaking.clauses
        if suggestion.clause:
            clauses = [each for each in clauses if each.clause.name == suggestion.clause]
        orders = concerned(clauses, self._drafts, self._call)
        if not orders:
            return [self._offer(suggestion.label)]
        action = _deletion if suggestion.action == "delete-order" else _hold
        offers = []
        for reference, name in orders.items():
            label = f"{suggestion.label}: {plain(name)}" if len(orders) > 1 else suggestion.label
            offers.append(self._offer(label, (action(reference, name, rule, self._drafts),)))
        return offers

    def _creation(self, suggestion: Suggestion, rule: Rule) -> tuple[Action, ...]:
        template = self._templates.get(suggestion.resource)
        if template is None or not _makes_fhir(template):
            _log.error("suggested resource is not FHIR R4", extra={"rule": rule.id})
            return ()
        resource = {**template, **self._filled_in}
        return (Action("create", f"Create an order: {suggestion.label}", resource=resource),)

    def _fills_a_gap(self, suggestion: Suggestion, speaking: VariantVerdict) -> bool:
        """Whether one of the things that it fills is named as missing."""
        filled = _names(suggestion, self._context.terminology)
        for clause in speaking.clauses:
            for reading in clause.holding:
                for item in _items(reading):
                    if item.get("what") in filled:
                        return True
        return False


def prepare(rule: Rule, rulebook: Rulebook, terminology: Terminology) -> None:
    """Check what the rule offers now, not when it first fires."""
    for suggestion in rule.suggestions:
        if suggestion.when_missing:
            _names(suggestion, terminology)
        if suggestion.resource in rulebook.resources:
            _makes_fhir(rulebook.resources[suggestion.resource])


@once
def _names(suggestion: Suggestion, terminology: Terminology) -> frozenset[str]:
    """What the suggestion fills, as a card names it."""
    return frozenset(map(terminology.display_name, suggestion.when_missing))


def _items(reading: Reading) -> list[Mapping[str, object]]:
    listed = words_of(reading).get("items", ())
    if not isinstance(listed, (list, tuple)):
        return []
    return [item for item in listed if isinstance(item, (dict, Mapping))]


def _deletion(reference: str, name: str, rule: Rule, drafts: Drafts) -> Action:
    what = clipped(plain(name), _LABEL_LIMIT)
    return Action("delete", f"Delete the draft order {what}", resource_id=reference, about=what)


def _hold(reference: str, name: str, rule: Rule, drafts: Drafts) -> Action:
    """The whole draft with another status and the reason for it; nothing else is touched."""
    draft = drafts[reference]
    held: dict[str, Any] = {**draft, "status": "on-hold"}
    what = clipped(plain(name), _LABEL_LIMIT)
    done = f"Put the draft order {what} on hold"
    if draft["resourceType"] in _STATUS_REASON_TYPES:
        reason = draft.get("statusReason")
        kept = reason if isinstance(reason, Mapping) else {}
        held["statusReason"] = {**kept, "text": f"{rule.title} ({rule.id} {rule.version})"}
        done += f" and give {rule.id} as the reason"
    return Action("update", f"{done}; nothing else in it changes", resource=held, about=what)


def filled_in(call: HookCall, context: CardContext) -> dict[str, object]:
    """What a call fills in to a template: subject, encounter, date and requester.

    These elements have the same names in every request resource a rule may create:
    MedicationRequest, ServiceRequest, DeviceRequest, CommunicationRequest.
    """
    elements: dict[str, object] = {
        "subject": {"reference": f"Patient/{call.patient_id}"},
        "authoredOn": context.now.isoformat(timespec="seconds"),
    }
    if call.encounter_id:
        elements["encounter"] = {"reference": f"Encounter/{call.encounter_id}"}
    if call.user_id.startswith(("Practitioner/", "PractitionerRole/")):
        elements["requester"] = {"reference": call.user_id}
    return elements


@once
def _makes_fhir(template: Mapping[str, object]) -> bool:
    """Whether the template is FHIR once it is filled in.

    What a call fills in is the text of references and a date of ours, and does not change that.
    """
    return is_valid({**template, **_EXAMPLE})


def is_valid(resource: Mapping[str, object]) -> bool:
    """Whether it validates as FHIR R4 (the R4B models serve R4)."""
    try:
        get_fhir_model_class(str(resource.get("resourceType"))).model_validate(resource)
    except (ValueError, LookupError, TypeError):
        return False
    return True
