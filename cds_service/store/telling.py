"""The card log as text for a person at a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime

from cds_service.store.reading import ShownCard
from cds_service.store.records import FeedbackRecord
from cds_service.store.upkeep import Holdings

_NAMES: Mapping[str, str] = {
    "calls": "calls",
    "cards": "cards",
    "suggestions": "suggestions",
    "feedback": "answers",
    "token_ids": "token ids",
}


def card_text(card: ShownCard) -> Iterator[str]:
    """What was shown and why."""
    yield f"Card {safe(card.uuid)}: {card.rule_id} {card.rule_version}, {card.indicator}"
    yield from _lines(
        {
            "shown": f"{_time(card.at)}, {card.shown_as}",
            "to": " / ".join(filter(None, (card.client, card.tenant))),
            "in": f"{card.service_id} ({card.hook}, instance {card.hook_instance})",
            "request": f"{card.call_id}, {card.milliseconds} ms",
            "label": card.profile,
            "rule hash": card.rule_hash,
            "rulebook": card.rulebook,
            "orders": ", ".join(card.orders),
            "read from": ", ".join(card.facts),
            "verdicts": ", ".join(f"{n} {name}" for name, n in sorted(card.verdicts.items())),
            "fetched": ", ".join(f"{key}: {how}" for key, how in card.fetched.items()),
        }
    )
    for suggestion in card.suggestions:
        does = ", ".join(suggestion.actions) or "advice without a change"
        yield from _lines({"offered": f"{does} [{suggestion.uuid}]"})
    for missing in card.missing:
        about = f"{missing.what} ({missing.reason}), for {', '.join(missing.rules)}"
        yield from _lines({"not known": about})
    for answer in card.feedback:
        yield from answer_text(answer)
    if not card.feedback:
        yield from _lines({"answer": "none on record"})


def answer_text(answer: FeedbackRecord) -> Iterator[str]:
    """What a clinician did with the card."""
    reason = " ".join(filter(None, (answer.reason_code, answer.reason_display)))
    yield from _lines(
        {
            "answer": f"{answer.outcome} {_time(answer.outcome_at)}, by {answer.client}, "
            f"received {_time(answer.received_at)}",
            "  took": ", ".join(answer.accepted_suggestions),
            "  because": reason,
            "  comment": answer.comment,
        }
    )


def holdings_text(held: Holdings, *, waiting: int, set_aside: int) -> Iterator[str]:
    """How much there is, and what waits."""
    if held.revision is None:
        yield "The database has no tables yet; run `cds-service store upgrade`."
    else:
        yield f"Tables of revision {held.revision}"
        for table, name in _NAMES.items():
            yield f"  {held.rows[table]:10,} {name}"
    if held.oldest and held.newest:
        yield f"Calls from {_time(held.oldest)} to {_time(held.newest)}"
    yield f"{waiting} records wait in the spool of this machine, {set_aside} were refused"


def counts_text(counts: Mapping[str, int]) -> str:
    """Rows by table, in words."""
    return ", ".join(f"{count} {_NAMES[table]}" for table, count in counts.items())


def safe(text: str) -> str:
    """Text without what a terminal would obey: control, format and other unprintable characters."""
    return "".join(
        character if character.isprintable() else _escaped(character) for character in text
    )


def _escaped(character: str) -> str:
    number = ord(character)
    if unicodedata.category(character) == "Zs":
        return " "
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _lines(fields: Mapping[str, str]) -> Iterator[str]:
    for name, value in fields.items():
        if value:
            yield f"  {name:11}{safe(value)}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
