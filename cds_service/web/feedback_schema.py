"""The wire form of feedback: what clinicians did with cards, as EHRs tell it.

The reason of an override is an object under ``overrideReason``; Epic spells it ``overrideReasons``
and may put what its own users chose from into an extension. Text is bounded and stripped of what
cannot be seen; it is never refused for being long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from cds_service.cards.text import clipped, plain, units
from cds_service.store.records import FeedbackRecord
from cds_service.web.call_schema import Caller
from cds_service.web.errors import CallError, Issue
from cds_service.web.form import (
    MISSING,
    MOST_ITEMS,
    OBJECT_PROBLEMS,
    ListOf,
    Text,
    Tolerant,
    issues,
)

LONGEST_ID = 255
LONGEST_TEXT = 255
LONGEST_COMMENT = 2000
"""In UTF-16 units, as the other two."""

_MOST_ISSUES = 100
_EPIC = "com.epic.cdshooks.feedback.overrideReason"
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why a card was overridden; empty where the EHR does not say."""

    code: str = ""
    system: str = ""
    display: str = ""
    comment: str = ""


class _Id(Text):
    """An id that we, or another service before us, gave to a card or a suggestion."""

    def _deserialize(self, value: object, *args: Any, **options: Any) -> str:
        text = plain(super()._deserialize(value, *args, **options))
        if not text:
            raise ValidationError("is empty")
        if units(text) > LONGEST_ID:
            raise ValidationError(f"is longer than {LONGEST_ID} characters")
        return text


class _Instant(fields.Field[datetime]):
    """A point in time as RFC 3339 writes it, in any offset; read as UTC."""

    def _deserialize(self, value: object, *_: Any, **__: Any) -> datetime:
        written = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
        if written is None:
            raise ValidationError(_NO_INSTANT)
        day, time, seconds, fraction, offset = written.groups(default="")
        seconds = "59" if seconds == "60" else seconds  # a leap second, which Python does not know
        try:
            text = f"{day}T{time}:{seconds}{fraction[:7]}{offset.upper()}"
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(_NO_INSTANT) from None


_NO_INSTANT = "must be a date and time with offset (RFC 3339), for example 2026-11-20T09:40:00Z"


class _Suggestion(Tolerant):
    id = _Id(required=True)


class _Coding(Tolerant):
    code = Text(allow_none=True)
    system = Text(allow_none=True)
    display = Text(allow_none=True)


class _Override(_Coding):
    """The reason, or a coding in its place."""

    reason = fields.Nested(_Coding(), allow_none=True, error_messages=OBJECT_PROBLEMS)
    comment = Text(allow_none=True, data_key="userComment")
    extension = fields.Raw(allow_none=True)

    @post_load
    def _as_reason(self, said: dict[str, Any], **_: Any) -> _Reason:
        coding = said.get("reason") or _chosen_in_epic(said.get("extension")) or said
        texts = {name: coding.get(name) or "" for name in ("code", "system", "display")}
        comment = clipped(plain(said.get("comment") or ""), LONGEST_COMMENT)
        return _Reason(comment=comment, **{n: _bounded(text) for n, text in texts.items()})


class _OverrideReason(fields.Field[_Reason]):
    """An object, or an array of which the first is read; none when it is empty."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> _Reason:
        if isinstance(value, list):
            value = value[0] if value else {}
        if not isinstance(value, dict):
            raise ValidationError("must be an object, or an array of one")
        reason: _Reason = _OVERRIDE.load(value)
        return reason


class _Item(Tolerant):
    card = _Id(required=True)
    outcome = Text(
        required=True,
        validate=validate.OneOf(("accepted", "overridden"), error="must be accepted or overridden"),
    )
    outcome_at = _Instant(
        required=True,
        data_key="outcomeTimestamp",
        error_messages={"required": MISSING, "null": _NO_INSTANT},
    )
    accepted = ListOf(
        fields.Nested(_Suggestion(), error_messages=OBJECT_PROBLEMS),
        allow_none=True,
        data_key="acceptedSuggestions",
    )
    reason = _OverrideReason(allow_none=True, data_key="overrideReason")
    reason_of_epic = _OverrideReason(allow_none=True, data_key="overrideReasons")


class _Feedback(Tolerant):
    feedback = ListOf(fields.Nested(_Item(), error_messages=OBJECT_PROBLEMS), required=True)


_OVERRIDE: Schema = _Override()
_FORM: Schema = _Feedback()


def feedback_records(
    body: Mapping[str, Any], service_id: str, caller: Caller, received_at: datetime
) -> tuple[FeedbackRecord, ...]:
    """Everything that was told, or nothing of it.

    Raises:
        CallError: 400 with an issue for each place that is wrong; 413 when there are more than
            ``MOST_ITEMS`` items.
    """
    sent = body.get("feedback")
    if isinstance(sent, list) and len(sent) > MOST_ITEMS:
        problem = f"feedback has more than {MOST_ITEMS} items; send them in several requests"
        raise CallError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, [Issue("too-long", problem, "feedback")]
        )
    try:
        items = _FORM.load(body)["feedback"]
    except ValidationError as error:
        raise CallError(HTTPStatus.BAD_REQUEST, _first(error.messages_dict)) from None
    return tuple(_record(item, service_id, caller, received_at) for item in items)


def _first(messages: Any) -> Iterator[Issue]:
    """The problems; of very many the first, and how many there are."""
    found = list(issues(messages))
    yield from islice(found, _MOST_ISSUES)
    if len(found) > _MOST_ISSUES:
        yield Issue("structure", f"and {len(found) - _MOST_ISSUES} more problems")


def _record(
    item: Mapping[str, Any], service_id: str, caller: Caller, received_at: datetime
) -> FeedbackRecord:
    reason = item.get("reason") or item.get("reason_of_epic") or _Reason()
    return FeedbackRecord(
        card=item["card"],
        client=caller.client.name,
        service_id=service_id,
        outcome=item["outcome"],
        outcome_at=item["outcome_at"],
        received_at=received_at,
        accepted_suggestions=tuple(
            dict.fromkeys(each["id"] for each in item.get("accepted") or ())
        ),
        reason_code=reason.code,
        reason_system=reason.system,
        reason_display=reason.display,
        comment=reason.comment,
    )


def _chosen_in_epic(extension: object) -> Mapping[str, str]:
    """The reason as Epic tells it when its own list of reasons was shown."""
    if not isinstance(extension, Mapping):
        return {}
    told = {name: extension.get(f"{_EPIC}.reason{name}") for name in _EPIC_WORDS}
    texts = {name: text for name, text in told.items() if isinstance(text, str) and text.strip()}
    display = texts.get("Display") or texts.get("Title", "")
    category = texts.get("Category", "")
    system = f"{_EPIC}.reasonCategory" if category else ""
    return {"code": category, "system": system, "display": display} if texts else {}


_EPIC_WORDS = ("Category", "Display", "Title")


def _bounded(text: str) -> str:
    return clipped(plain(text), LONGEST_TEXT)
