"""A card log in memory that keeps what the port promises, and remembers everything it was told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from cds_service.store.port import StoreUnavailable
from cds_service.store.records import Answered, CallRecord, CardRecord, FeedbackRecord


class Kept:
    """What was recorded, in order; ``away`` makes the database as good as gone."""

    spooled = 0
    set_aside = 0

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []
        self.feedback: list[FeedbackRecord] = []
        self.away = False
        self._seen: set[tuple[str, str]] = set()

    def forget(self) -> None:
        """Begin anew."""
        self.calls.clear()
        self.feedback.clear()
        self._seen.clear()
        self.away = False

    def record(self, call: CallRecord) -> None:
        self.calls.append(call)

    def keep_feedback(self, items: Sequence[FeedbackRecord]) -> None:
        if self.away:
            raise StoreUnavailable("the store is away")
        told = {_without_our_time(each) for each in self.feedback}
        for item in items:
            if _without_our_time(item) not in told:
                told.add(_without_our_time(item))
                self.feedback.append(item)

    def answered(self, keys: Iterable[str], since: datetime) -> Mapping[str, Answered]:
        asked = set(keys)
        final = {
            item.card: item
            for item in sorted(self.feedback, key=_at)
            if _at(item) >= since and not self.away
        }
        found: dict[str, Answered] = {}
        for item in final.values():
            card = self._card(item)
            if card and card.answer_key in asked and _counts(item):
                found[card.answer_key] = Answered(
                    card.answer_key,
                    item.outcome,
                    _at(item),
                    item.reason_code,
                    item.reason_display,
                )
        return found

    def is_first_use(self, issuer: str, token_id: str, until: datetime, now: datetime) -> bool:
        first = (issuer, token_id) not in self._seen
        self._seen.add((issuer, token_id))
        return first

    def problems(self) -> Sequence[str]:
        return ["the store is away"] if self.away else []

    @property
    def call(self) -> CallRecord:
        """The last call."""
        return self.calls[-1]

    def card(self, rule: str) -> CardRecord:
        """The card of a rule in the last call."""
        (found,) = (card for card in self.call.cards if card.rule_id == rule)
        return found

    def _card(self, item: FeedbackRecord) -> CardRecord | None:
        """The card that a client gave feedback on, if it was shown to that client."""
        cards = (
            card
            for call in self.calls
            if call.client == item.client
            for card in call.cards
            if card.uuid == item.card
        )
        return next(cards, None)


def _at(item: FeedbackRecord) -> datetime:
    return min(item.outcome_at, item.received_at)


def _without_our_time(item: FeedbackRecord) -> FeedbackRecord:
    return replace(item, received_at=item.outcome_at)


def _counts(item: FeedbackRecord) -> bool:
    return item.outcome == "accepted" or bool(
        item.reason_code or item.reason_display or item.comment
    )
