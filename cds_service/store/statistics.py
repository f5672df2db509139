"""The card log counted: what was shown between two moments, and what came of it.

Every number counts calls made in the time asked for. Answers to their cards count whenever they
came, and of several answers to one card only the last.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    select,
)

from cds_service.store.counts import (
    ON_SCREEN,
    CallCount,
    CardCount,
    Durations,
    MissingCount,
    ReasonCount,
    Statistics,
    SuggestionCount,
)
from cds_service.store.tables import calls, cards, feedback, suggestions

_SECOND = timedelta(seconds=1)


def statistics(connection: Connection, since: datetime, until: datetime) -> Statistics:
    """Count the calls from ``since`` to before ``until``, and what came of their cards.

    The connection is in a new transaction, which sees one state of the log throughout.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    between = {"since": since, "until": until}
    seconds, too_early = _seconds_to_answer(connection, between)
    return Statistics(
        calls=_calls(connection, between),
        milliseconds=_milliseconds(connection, between),
        cards=_cards(connection, between),
        reasons=_reasons(connection, between),
        suggestions=_suggestions(connection, between),
        missing=_missing(connection, between),
        seconds_to_answer=seconds,
        too_early=too_early,
        strays=connection.execute(_STRAYS, between).scalar_one(),
        on_record=_on_record(connection),
    )


def _between(column: ColumnElement[datetime]) -> ColumnElement[bool]:
    since, until = (bindparam(name, type_=column.type) for name in ("since", "until"))
    return and_(column >= since, column < until)


def _day(moment: ColumnElement[datetime]) -> ColumnElement[str]:
    """The day in UTC: both databases write it alike, if asked for text."""
    return cast(func.date(moment), String).label("day")


def _cards_with_answers() -> Subquery:
    """Each card of the calls, once, with the last answer to it; empty where nobody answered."""
    card = (cards.c.call, cards.c.position)
    newest_first = (feedback.c.at.desc(), feedback.c.received_at.desc(), feedback.c.digest.desc())
    is_answer = and_(
        feedback.c.card == cards.c.uuid,
        feedback.c.client == calls.c.client,
        cards.c.shown_as.in_(ON_SCREEN),
    )
    ranked = (
        select(
            *card,
            calls.c.at.label("asked"),
            *(cards.c[name] for name in ("rule_id", "indicator", "shown_as")),
            feedback.c.at.label("answered"),
            *(feedback.c[name] for name in ("outcome", "accepted_suggestions")),
            *(feedback.c[name] for name in ("reason_code", "reason_display")),
            case((feedback.c.comment != "", 1), else_=0).label("has_comment"),
            func.row_number().over(partition_by=card, order_by=newest_first).label("place"),
        )
        .join_from(calls, cards, cards.c.call == calls.c.key)
        .outerjoin(feedback, is_answer)
        .where(_between(calls.c.at))
        .subquery()
    )
    return select(ranked).where(ranked.c.place == 1).subquery()


_card = _cards_with_answers().c

_CALLS = (
    select(_day(calls.c.at), calls.c.service_id, calls.c.status, func.count().label("calls"))
    .where(_between(calls.c.at))
    .group_by("day", calls.c.service_id, calls.c.status)
    .order_by("day", calls.c.service_id, calls.c.status)
)
_MILLISECONDS = (
    select(calls.c.service_id, calls.c.status, calls.c.milliseconds, func.count().label("calls"))
    .where(_between(calls.c.at))
    .group_by(calls.c.service_id, calls.c.status, calls.c.milliseconds)
    .order_by(calls.c.service_id, calls.c.status)
)
_alike = (_card.rule_id, _card.indicator, _card.shown_as, _card.outcome)
_CARDS = (
    select(_day(_card.asked), *_alike, func.count().label("cards"))
    .group_by("day", *_alike)
    .order_by("day", *_alike)
)
_said = (_card.rule_id, _card.reason_code, _card.reason_display, _card.has_comment)
_REASONS = (
    select(*_said, func.count().label("cards"))
    .where(_card.outcome == "overridden")
    .group_by(*_said)
    .order_by(func.count().desc(), *_said)
)
# The list of what was accepted is JSON, and UUIDs of ours stand in it as they are.
_is_taken = and_(
    _card.outcome == "accepted",
    _card.accepted_suggestions.contains('"' + suggestions.c.uuid + '"'),
)
_SUGGESTIONS: Select[Any] = (
    select(
        _card.rule_id,
        suggestions.c.actions,
        func.count().label("offered"),
        func.sum(case((_is_taken, 1), else_=0)).label("accepted"),
    )
    .where(suggestions.c.call == _card.call, suggestions.c.card == _card.position)
    .where(_card.shown_as.in_(ON_SCREEN))
    .group_by(_card.rule_id, suggestions.c.actions)
)
_MISSING = (
    select(calls.c.missing, func.count().label("calls"))
    .where(_between(calls.c.at), calls.c.missing != "[]")
    .group_by(calls.c.missing)
)
_TIMES = (
    select(_card.outcome, _card.asked, _card.answered)
    .where(_card.outcome.is_not(None))
    .execution_options(yield_per=1000)
)
_STRAYS = (
    select(func.count())
    .select_from(feedback)
    .where(
        _between(feedback.c.received_at),
        ~exists()
        .where(
            cards.c.uuid == feedback.c.card,
            calls.c.key == cards.c.call,
            calls.c.client == feedback.c.client,
        )
        .correlate(feedback),
    )
)
# Each from its end of the index; asked for together they would be sought in all of it.
_FIRST, _LAST = select(func.min(calls.c.at)), select(func.max(calls.c.at))


def _on_record(connection: Connection) -> tuple[datetime, datetime] | None:
    first, last = (connection.execute(each).scalar_one() for each in (_FIRST, _LAST))
    return (first, last) if first and last else None


def _calls(connection: Connection, between: Mapping[str, datetime]) -> tuple[CallCount, ...]:
    return tuple(
        CallCount(date.fromisoformat(day), service_id, status, count)
        for day, service_id, status, count in connection.execute(_CALLS, between)
    )


def _milliseconds(
    connection: Connection, between: Mapping[str, datetime]
) -> Mapping[tuple[str, int], Durations]:
    found: dict[tuple[str, int], dict[int, int]] = {}
    for service_id, status, milliseconds, count in connection.execute(_MILLISECONDS, between):
        found.setdefault((service_id, status), {})[milliseconds] = count
    return {each: Durations(counted) for each, counted in found.items()}


def _cards(connection: Connection, between: Mapping[str, datetime]) -> tuple[CardCount, ...]:
    return tuple(
        CardCount(date.fromisoformat(day), *rest)
        for day, *rest in connection.execute(_CARDS, between)
    )


def _reasons(connection: Connection, between: Mapping[str, datetime]) -> tuple[ReasonCount, ...]:
    return tuple(
        ReasonCount(rule_id, code, display, bool(has_comment), count)
        for rule_id, code, display, has_comment, count in connection.execute(_REASONS, between)
    )


def _suggestions(
    connection: Connection, between: Mapping[str, datetime]
) -> tuple[SuggestionCount, ...]:
    """An action that deletes names the very resource; counted is only of which type it is."""
    offered, accepted = (
        Counter[tuple[str, tuple[str, ...]]](),
        Counter[tuple[str, tuple[str, ...]]](),
    )
    for rule_id, actions, times, taken in connection.execute(_SUGGESTIONS, between):
        kinds = tuple(action.split("/")[0] for action in json.loads(actions))
        offered[rule_id, kinds] += times
        accepted[rule_id, kinds] += int(taken)
    return tuple(SuggestionCount(*each, offered[each], accepted[each]) for each in sorted(offered))


def _missing(connection: Connection, between: Mapping[str, datetime]) -> tuple[MissingCount, ...]:
    """Calls alike in what they missed come as one row each, so few texts are read."""
    counts, rules = Counter[tuple[str, str]](), dict[tuple[str, str], set[str]]()
    for text, count in connection.execute(_MISSING, between):
        for what, reason, missed in json.loads(text):
            counts[what, reason] += count
            rules.setdefault((what, reason), set()).update(missed)
    return tuple(
        MissingCount(what, reason, tuple(sorted(rules[what, reason])), count)
        for (what, reason), count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    )


def _seconds_to_answer(
    connection: Connection, between: Mapping[str, datetime]
) -> tuple[Mapping[str, Durations], int]:
    """By outcome the whole seconds to the last answer; and how many answers came before their card.

    The databases subtract times each in its own way, so we do.
    """
    found: dict[str, Counter[int]] = {}
    too_early = 0
    for outcome, asked, answered in connection.execute(_TIMES, between):
        if answered < asked:
            too_early += 1
        else:
            found.setdefault(outcome, Counter())[(answered - asked) // _SECOND] += 1
    return {outcome: Durations(found[outcome]) for outcome in sorted(found)}, too_early
