"""Records as rows: what is written to the tables, and waits in the spool when it cannot be."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import Any, Literal

import msgspec

from cds_service.store.records import CallRecord, CardRecord, FeedbackRecord
from cds_service.store.tables import UTCDateTime, in_utc, metadata

Row = dict[str, Any]
Kind = Literal["call", "feedback", "token"]

LONGEST = 4000
"""No text is kept beyond this many characters."""

LONGEST_KEY = 200
"""Nor one that an index holds; PostgreSQL takes no key of more than 2700 bytes."""

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_REFERENCE = re.compile(r"(https?://[^\s?#]{1,200}/)?([A-Za-z]{1,64})/[A-Za-z0-9.-]{1,64}")
_LOCAL = re.compile(r"#[A-Za-z0-9.-]{1,64}|urn:uuid:[0-9A-Fa-f-]{36}")
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as rows by table. ``key`` tells it from all others: twice is once."""

    kind: Kind
    key: str
    rows: Mapping[str, Sequence[Row]]

    def as_json(self) -> str:
        """The rows for the spool, times as ISO 8601."""
        return _compact(self.rows)

    @classmethod
    def from_json(cls, kind: Kind, key: str, text: str) -> Entry:
        """The entry as it went into the spool.

        Raises:
            ValueError: when the text is not one.
        """
        try:
            rows = {
                table: [_with_times(table, row) for row in rows]
                for table, rows in json.loads(text).items()
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not an entry of the spool") from error
        return cls(kind, key, rows)


def call_entry(call: CallRecord) -> Entry:
    """A call, its cards and their suggestions."""
    key = _new_key(call.at)
    rows: dict[str, Sequence[Row]] = {"calls": [_call_row(key, call)]}
    if call.cards:
        # Most cards of a call speak of the same orders and facts.
        named = {each for card in call.cards for each in (*card.orders, *card.facts)}
        kept = {each: encode_basestring_ascii(reference(each)) for each in named}
        rows["cards"] = [_card_row(key, place, card, kept) for place, card in enumerate(call.cards)]
    if suggestions := _suggestion_rows(key, call.cards):
        rows["suggestions"] = suggestions
    return Entry("call", key, rows)


def feedback_entry(item: FeedbackRecord) -> Entry:
    """An answer to a card. Its key is what was said, so an exact repeat adds nothing."""
    said = asdict(item)
    del said["received_at"]
    said["outcome_at"] = in_utc(item.outcome_at)
    digest = _sha256(_compact(said))
    row = {
        "digest": digest,
        "card": clean(item.card, LONGEST_KEY),
        "client": clean(item.client),
        "service_id": clean(item.service_id),
        "outcome": item.outcome,
        "at": min(in_utc(item.outcome_at), in_utc(item.received_at)),
        "outcome_at": in_utc(item.outcome_at),
        "received_at": in_utc(item.received_at),
        "accepted_suggestions": _compact(item.accepted_suggestions),
        "reason_code": clean(item.reason_code),
        "reason_system": clean(item.reason_system),
        "reason_display": clean(item.reason_display),
        "comment": clean(item.comment),
        "answer_key": "",
    }
    return Entry("feedback", digest, {"feedback": [row]})


def token_entry(issuer: str, token_id: str, until: datetime) -> Entry:
    """A token id, as its hash; ids may be long, and are nobody's business."""
    # Names are hashed too when they are too long for a key, so that two do not fall together.
    name = clean(issuer, LONGEST_KEY + 1)
    name = name if len(name) <= LONGEST_KEY else _sha256(issuer)
    row = {"issuer": name, "digest": _sha256(token_id), "until": in_utc(until)}
    return Entry("token", f"{_sha256(name)[:16]}{row['digest']}", {"token_ids": [row]})


def clean(text: str, longest: int = LONGEST) -> str:
    """Text as every database takes it: no NUL, no half character, not endless."""
    if text.isascii():
        if len(text) <= longest and "\0" not in text:
            return text  # as nearly every text is
    else:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\ufffd")[:longest]


def instance(text: str) -> str:
    """A hook instance: kept when it looks like an id, else only its hash."""
    return text if _ID.fullmatch(text) else f"sha256:{_sha256(text)}"


def reference(text: str) -> str:
    """A reference to a resource; the patient's own, and what is none, without its id."""
    if match := _REFERENCE.fullmatch(text):
        return "Patient" if match[2] == "Patient" else text
    return text if _LOCAL.fullmatch(text) else f"sha256:{_sha256(text)}"


def _call_row(key: str, call: CallRecord) -> Row:
    return {
        "key": key,
        "id": clean(call.id, LONGEST_KEY),
        "at": in_utc(call.at),
        "client": clean(call.client),
        "tenant": clean(call.tenant),
        "service_id": clean(call.service_id),
        "hook": clean(call.hook),
        "hook_instance": instance(call.hook_instance),
        "profile": clean(call.profile),
        "rulebook": clean(call.rulebook),
        "status": _whole(call.status),
        "milliseconds": _whole(call.milliseconds),
        "verdicts": _of_texts(dict(call.verdicts)),
        "missing": _of_texts([(each.what, each.reason, each.rules) for each in call.missing]),
        "fetched": _of_texts(dict(call.fetched)),
    }


def _card_row(key: str, place: int, card: CardRecord, kept: Mapping[str, str]) -> Row:
    row = {
        "call": key,
        "position": place,
        "uuid": card.uuid,
        "rule_id": card.rule_id,
        "rule_version": card.rule_version,
        "rule_hash": card.rule_hash,
        "indicator": card.indicator,
        "shown_as": card.shown_as,
        "answer_key": card.answer_key,
        "orders": f"[{','.join(map(kept.__getitem__, card.orders))}]",
        "facts": f"[{','.join(map(kept.__getitem__, card.facts))}]",
    }
    if not _is_clean(card):
        row |= {
            "uuid": clean(card.uuid, LONGEST_KEY),
            "rule_id": clean(card.rule_id),
            "rule_version": clean(card.rule_version),
            "rule_hash": clean(card.rule_hash),
            "indicator": clean(card.indicator),
            "answer_key": clean(card.answer_key, LONGEST_KEY),
        }
    return row


def _is_clean(card: CardRecord) -> bool:
    """Whether the texts of a card stay as they are, seen at one look at all of them."""
    key, uuid = card.answer_key, card.uuid
    together = f"{key}{uuid}{card.rule_id}{card.rule_version}{card.rule_hash}{card.indicator}"
    return max(len(key), len(uuid)) <= LONGEST_KEY and clean(together) is together


def _suggestion_rows(key: str, cards: Sequence[CardRecord]) -> list[Row]:
    return [
        {
            "call": key,
            "card": card_place,
            "position": place,
            "uuid": clean(suggestion.uuid, LONGEST_KEY),
            "actions": _texts(suggestion.actions),
        }
        for card_place, card in enumerate(cards)
        for place, suggestion in enumerate(card.suggestions)
    ]


def _new_key(at: datetime) -> str:
    """Thirty-two hexadecimal digits that nobody else has, the time first."""
    return f"{max(0, int(in_utc(at).timestamp() * 1000)):012x}{secrets.token_hex(10)}"


def _whole(number: int) -> int:
    return max(-_LARGEST, min(_LARGEST, number))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _texts(values: Iterable[str]) -> str:
    """What `_compact` makes of a list of texts, for many short lists."""
    return f"[{','.join(map(encode_basestring_ascii, values))}]"


def _of_texts(value: object) -> str:
    """What `_compact` makes of lists and maps of texts, quickly when all of them are ASCII."""
    with suppress(UnicodeEncodeError, TypeError):  # half a character; a text of another class
        written = msgspec.json.encode(value)
        if written.isascii() and b"\x7f" not in written:  # which one escapes and one does not
            return written.decode("ascii")
    return _compact(value)


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


# JSON in ASCII: every text survives in it, half characters and NUL too.
_compact = json.JSONEncoder(separators=(",", ":"), default=_iso).encode


def _with_times(table: str, row: Row) -> Row:
    """A row from JSON, its times as times again."""
    moments = {
        column.name for column in metadata.tables[table].c if isinstance(column.type, UTCDateTime)
    }
    return {
        name: datetime.fromisoformat(value) if name in moments else value
        for name, value in row.items()
    }
