"""Quiet until something changed: a card that was answered is not shouted again.

While an order is still being chosen, or a chart opened, an answered warning or info card is left
out and counted in one info card. When the order is signed everything is there once more, an
answered warning as info. A critical card always stays what it is; it only says how it was answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cds_service.cards.context import CardContext
from cds_service.cards.fine_print import evaluated
from cds_service.cards.model import Card
from cds_service.cards.templates import SUMMARY_LIMIT
from cds_service.cards.text import clipped, escaped, flat, units
from cds_service.fhir.hook_call import HookCall
from cds_service.rulebook.model import URGENCY, Rulebook
from cds_service.store.port import CardLog
from cds_service.store.records import Answered

QUIET_ID = "INO-QUIET"
QUIET_TITLE = "Answered earlier"
QUIET_VERSION = "1.0.0"

_REASON_LIMIT = 200


_Pair = tuple[Card, Answered]


@dataclass(frozen=True, slots=True)
class EarlierAnswers:
    """What was answered within the last ``hours``, by answer key."""

    hours: int = 0
    by_key: Mapping[str, Answered] = field(default_factory=dict)

    def to(self, card: Card) -> Answered | None:
        """The answer to this card, if there is one."""
        return self.by_key.get(card.answer_key) if card.answer_key else None


def earlier_answers(
    cards: Iterable[Card], card_log: CardLog, hours: int, now: datetime
) -> EarlierAnswers:
    """The answers to these cards within the last ``hours`` (0: none counts)."""
    keys = [card.answer_key for card in cards if card.answer_key]
    if not keys or hours <= 0:
        return EarlierAnswers()
    return EarlierAnswers(hours, card_log.answered(keys, since=now - timedelta(hours=hours)))


def quieten(
    cards: Sequence[Card],
    call: HookCall,
    earlier: EarlierAnswers,
    rulebook: Rulebook,
    context: CardContext,
) -> tuple[Card, ...]:
    """The cards as they are shown, most urgent first, each with what an answer did to it.

    Those with ``shown_as`` "left out" are for the record alone; one card more counts them.
    """
    if not any(map(earlier.to, cards)):
        return tuple(cards)
    quiet = [_answered(card, earlier, call.hook, context.now) for card in cards]
    left_out = [
        (card, earlier.by_key[card.answer_key]) for card in quiet if card.shown_as == "left out"
    ]
    counted = [_notice(left_out, call, earlier.hours, rulebook, context)] if left_out else []
    return (*sorted(quiet, key=_place), *counted)


def _place(card: Card) -> tuple[int, bool]:
    """By urgency; what could not be assessed comes last of its urgency, as in any answer."""
    return URGENCY[card.indicator], "-DATA-" in card.rule_id


def _answered(card: Card, earlier: EarlierAnswers, hook: str, now: datetime) -> Card:
    answer = earlier.to(card)
    if answer is None:
        return card
    if card.indicator != "critical" and hook != "order-sign":
        return replace(card, shown_as="left out")
    said = replace(card, detail=f"Answered {_when_and_why(card, answer)}\n\n{card.detail}")
    return _softened(said, answer, now) if card.indicator == "warning" else said


def _softened(card: Card, answer: Answered, now: datetime) -> Card:
    """The warning as info; its summary says why where there is room for it."""
    at = answer.at.astimezone(UTC)
    when = f"{at:%H:%M}" if _is_today(at, now) else f"{at:%Y-%m-%d %H:%M}"
    summary = f"(answered {when} UTC) {card.summary}"
    fits = units(summary) <= SUMMARY_LIMIT
    return replace(
        card,
        indicator="info",
        summary=summary if fits else card.summary,
        shown_as="softened",
    )


def _when_and_why(card: Card, answer: Answered) -> str:
    """``2026-11-20 09:40 UTC: benefit outweighs risk``."""
    return f"{answer.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {_reason(card, answer)}"


def _reason(card: Card, answer: Answered) -> str:
    if answer.outcome == "accepted":
        return "accepted"
    ours = {reason.code: reason.display for reason in card.override_reasons}
    said = answer.reason_display or ours.get(answer.reason_code) or answer.reason_code
    return escaped(clipped(flat(said), _REASON_LIMIT)) or "overridden, with a comment"


def _is_today(at: datetime, now: datetime) -> bool:
    return at.astimezone(UTC).date() == now.astimezone(UTC).date()


def _notice(
    left_out: Sequence[_Pair],
    call: HookCall,
    hours: int,
    rulebook: Rulebook,
    context: CardContext,
) -> Card:
    """The one card that tells how many are left out, which, and how long."""
    service = rulebook.service(call.service_id)
    return Card(
        uuid=context.new_id(),
        summary=_counted([answer.at for _, answer in left_out], hours, context.now),
        detail=_listed(left_out, call.hook, hours, context.now),
        indicator="info",
        source_label=service.title if service else QUIET_TITLE,
        source_url="",
        rule_id=QUIET_ID,
        rule_title=QUIET_TITLE,
        rule_version=QUIET_VERSION,
        suggestions=(),
        override_reasons=(),
        links=(),
        orders=tuple(dict.fromkeys(order for card, _ in left_out for order in card.orders)),
        facts=(),
        evaluated=context.now.isoformat(timespec="seconds"),
        has_extension=call.client.card_extension,
    )


def _counted(answered_at: Sequence[datetime], hours: int, now: datetime) -> str:
    """``2 alerts answered earlier today (UTC) are not repeated``."""
    count = len(answered_at)
    alerts = "1 alert" if count == 1 else f"{count} alerts"
    today = all(_is_today(at, now) for at in answered_at)
    when = "earlier today (UTC)" if today else f"in the last {_hours(hours)}"
    return f"{alerts} answered {when} {'is' if count == 1 else 'are'} not repeated"


def _listed(left_out: Sequence[_Pair], hook: str, hours: int, now: datetime) -> str:
    lines = [
        f"- {escaped(card.rule_title)}: answered {_when_and_why(card, answer)}"
        for card, answer in left_out
    ]
    again = " and when the order is signed" if hook == "order-select" else ""
    return "\n\n".join(
        (
            "Answered for this patient, and nothing these alerts rest on has changed since:",
            "\n".join(lines),
            f"Each is left out for {_hours(hours)} after its answer. It is shown again as "
            f"soon as a value, a date or an order changes{again}.",
            evaluated(now),
        )
    )


def _hours(count: int) -> str:
    return "1 hour" if count == 1 else f"{count} hours"
