"""A decision as the card log keeps it: rules, references and reasons, never a value or a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cds_service.cards.model import Card, SuggestionOffer
from cds_service.engine.verdict import Verdict
from cds_service.facts.unknown import Reason
from cds_service.store.records import CardRecord, MissingRecord, SuggestionRecord


def card_records(cards: Iterable[Card], rule_hashes: Mapping[str, str]) -> tuple[CardRecord, ...]:
    """Cards without their words; ``rule_hashes`` by rule id."""
    return tuple(
        CardRecord(
            uuid=card.uuid,
            rule_id=card.rule_id,
            rule_version=card.rule_version,
            rule_hash=rule_hashes.get(card.rule_id, ""),
            indicator=card.indicator,
            orders=card.orders,
            facts=card.facts,
            suggestions=tuple(map(_suggestion, card.suggestions)),
            answer_key=card.answer_key,
            shown_as=card.shown_as,
        )
        for card in cards
    )


def _suggestion(offer: SuggestionOffer) -> SuggestionRecord:
    return SuggestionRecord(
        offer.uuid,
        tuple(
            f"{action.type} {(action.resource or {}).get('resourceType') or action.resource_id}"
            for action in offer.actions
        ),
    )


def missing_records(verdicts: Sequence[Verdict]) -> tuple[MissingRecord, ...]:
    """What could not be known, each thing once, with the rules that missed it."""
    rules: dict[tuple[str, Reason], dict[str, None]] = {}
    for verdict in verdicts:
        if verdict.outcome == "unknown":
            for each in verdict.missing:
                told = each.plainly or each.what, each.reason
                rules.setdefault(told, {})[verdict.rule.id] = None
    return tuple(
        MissingRecord(what, str(reason), tuple(missed)) for (what, reason), missed in rules.items()
    )
