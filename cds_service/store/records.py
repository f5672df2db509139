"""What the card log keeps: no name, no value, no text of a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

FeedbackOutcome = Literal["accepted", "overridden"]
ShownAs = Literal["shown", "softened", "left out"]


class MissingRecord(NamedTuple):
    """One thing that a call could not know: in clinical words, why, and for which rules."""

    what: str
    reason: str
    rules: tuple[str, ...]


class SuggestionRecord(NamedTuple):
    """A button: its UUID and the kinds of its actions (``update MedicationRequest``)."""

    uuid: str
    actions: tuple[str, ...]


class CardRecord(NamedTuple):
    """One card of an answer.

    ``rule_hash`` is the SHA-256 of what the rule said. ``orders`` and ``facts`` are references
    (``Observation/1``), never values. ``answer_key`` is the keyed hash under which an answer to
    this card is found again, empty when it cannot be quiet. ``shown_as``: ``softened`` and
    ``left out`` are what an earlier answer did to it.
    """

    uuid: str
    rule_id: str
    rule_version: str
    rule_hash: str
    indicator: str
    orders: tuple[str, ...]
    facts: tuple[str, ...]
    suggestions: tuple[SuggestionRecord, ...]
    answer_key: str = ""
    shown_as: ShownAs = "shown"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One hook call and its answer.

    ``id`` is our request id, ``at`` the evaluation time with offset, ``status`` the HTTP status.
    ``verdicts`` maps rule id to ``fires``, ``silent`` or ``unknown``; ``fetched`` maps a prefetch
    key that was fetched to how that went. A call that was not judged has neither.
    """

    id: str
    at: datetime
    client: str
    tenant: str
    service_id: str
    hook: str
    hook_instance: str
    profile: str
    rulebook: str
    status: int
    milliseconds: int
    verdicts: Mapping[str, str]
    missing: tuple[MissingRecord, ...] = ()
    fetched: Mapping[str, str] = field(default_factory=dict)
    cards: tuple[CardRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """What a clinician did with a card, as the EHR told it.

    ``outcome_at`` is the EHR's time, ``received_at`` ours. ``comment`` is free text and may speak
    of the patient: it is bounded, shown only escaped, and goes with the retention time.
    """

    card: str
    client: str
    service_id: str
    outcome: FeedbackOutcome
    outcome_at: datetime
    received_at: datetime
    accepted_suggestions: tuple[str, ...] = ()
    reason_code: str = ""
    reason_system: str = ""
    reason_display: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The last answer to a card that said the same, and what it was.

    ``at`` is the EHR's time, or ours when theirs is ahead of it: a fast clock wins no quiet time.
    """

    answer_key: str
    outcome: FeedbackOutcome
    at: datetime
    reason_code: str = ""
    reason_display: str = ""
