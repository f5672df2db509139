"""Cards as CDS Hooks 2.0.1 knows them, before they become JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from cds_service.facts.cheap import cheap_dataclass
from cds_service.rulebook.model import Indicator, OverrideReason
from cds_service.store.records import ShownAs

SelectionBehavior = Literal["at-most-one", "any"]
"""Whether several suggestions of a card may be chosen."""


@cheap_dataclass(frozen=True, slots=True)
class Action:
    """One change offered: create and update carry a FHIR R4 resource, delete a ``Type/id``.

    ``about`` is what the chart calls the draft that is changed; it is not sent.
    """

    type: Literal["create", "update", "delete"]
    description: str
    resource: Mapping[str, Any] | None = None
    resource_id: str = ""
    about: str = ""


@cheap_dataclass(frozen=True, slots=True)
class SuggestionOffer:
    """One button. Never pre-selected by us."""

    uuid: str
    label: str
    actions: tuple[Action, ...] = ()


@cheap_dataclass(frozen=True, slots=True)
class Link:
    """A link of type absolute; never holds patient data."""

    label: str
    url: str


@cheap_dataclass(frozen=True, slots=True)
class Card:
    """One card. ``orders`` are the drafts it is about, ``facts`` the resources it was read from.

    ``has_extension`` says whether our own extension goes with it.
    ``answer_key`` is the keyed hash under which an earlier answer to the same is found, and
    ``shown_as`` what that answer did to the card.
    """

    uuid: str
    summary: str
    detail: str
    indicator: Indicator
    source_label: str
    source_url: str
    rule_id: str
    rule_title: str
    rule_version: str
    suggestions: tuple[SuggestionOffer, ...]
    override_reasons: tuple[OverrideReason, ...]
    links: tuple[Link, ...]
    orders: tuple[str, ...]
    facts: tuple[str, ...]
    evaluated: str
    selection_behavior: SelectionBehavior = "at-most-one"
    has_extension: bool = True
    answer_key: str = ""
    shown_as: ShownAs = "shown"
