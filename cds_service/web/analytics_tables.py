"""The card log in numbers as tables, each for one question of a CDS committee."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import TypeVar

from cds_service.cards.quiet import QUIET_ID, QUIET_TITLE
from cds_service.rulebook.model import Rulebook
from cds_service.store.counts import CardCount, MissingCount, ReasonCount, RuleCount, Statistics
from cds_service.web.tables import Column, Share, Table, Trend

NAMES = (
    *("rules", "reasons", "suggestions", "cards", "cards-by-day", "unknowns", "unknown-reasons"),
    *("answers", "services", "days"),
)
"""The tables there are."""

Said = TypeVar("Said", str, tuple[str, str, str])

_TENTH = Decimal("0.1")
_MOST_PIECES = 31


def tables(found: Statistics, days: Sequence[date], rulebook: Rulebook) -> Mapping[str, Table]:
    """Every table by its name."""
    made = (
        _rules(found.by_rule(), rulebook),
        _reasons(found.reasons, rulebook),
        _suggestions(found),
        _cards(found.cards, days),
        _cards_by_day(found.cards),
        _unknown_reasons(found.missing),
        _unknowns(found.missing),
        _answers(found),
        _services(found),
        _days(found, days),
    )
    return {table.name: table for table in made}


def _rules(counts: Iterable[RuleCount], rulebook: Rulebook) -> Table:
    return Table(
        "rules",
        "Often shown, mostly overridden",
        "Rules in the order of cards shown × the lowest override rate that the answers support "
        "(Wilson, 95 %; the mark in the bar): so many cards are likely unwelcome. The rate is that "
        "of the answered cards, and of several answers to a card the last counts.",
        "No card was shown.",
        (
            Column("Rule", "rule"),
            Column("Title", "aside"),
            Column("Shown"),
            Column("Accepted"),
            Column("Overridden"),
            Column("No answer"),
            Column("Override rate, %", "share"),
            Column("At least, %"),
            Column("Likely unwelcome"),
        ),
        tuple(
            (
                each.rule_id,
                _title(each.rule_id, rulebook),
                each.shown,
                each.accepted,
                each.overridden,
                each.unanswered,
                Share(each.overridden, each.answered, each.override_rate_at_least),
                (100 * each.override_rate_at_least).quantize(_TENTH) if each.answered else None,
                each.unwelcome.quantize(_TENTH),
            )
            for each in counts
        ),
    )


def _title(rule_id: str, rulebook: Rulebook) -> str:
    if rule_id == QUIET_ID:
        return QUIET_TITLE
    rule = rulebook.rules.get(rule_id)
    return rule.title if rule else "No longer in the rulebook"


def _reasons(counts: Iterable[ReasonCount], rulebook: Rulebook) -> Table:
    """Reasons of ours in our words, others in the EHR's; comments are never told."""
    cards, of_rule = Counter[tuple[str, str, str]](), Counter[str]()
    for each in counts:
        cards[each.rule_id, _reason(each, rulebook), each.code] += each.cards
        of_rule[each.rule_id] += each.cards
    return Table(
        "reasons",
        "Reasons to override",
        "Overridden cards by rule and reason, the most frequent first.",
        "No card was overridden.",
        (
            Column("Rule", "rule"),
            Column("Reason", "text"),
            Column("Code", "text"),
            Column("Cards"),
            Column("Of the overridden cards of the rule, %", "share"),
        ),
        tuple((*said, count, Share(count, of_rule[said[0]])) for said, count in _most_first(cards)),
    )


def _reason(said: ReasonCount, rulebook: Rulebook) -> str:
    rule = rulebook.rules.get(said.rule_id)
    ours = {each.code: each.display for each in rule.override_reasons} if rule else {}
    words = ours.get(said.code) or said.display or said.code
    return words or ("in a comment only" if said.has_comment else "none given")


def _suggestions(found: Statistics) -> Table:
    return Table(
        "suggestions",
        "Suggestions",
        "What the buttons of the cards shown do, and how many were accepted.",
        "No suggestion was offered.",
        (
            Column("Rule", "rule"),
            Column("What it does", "text"),
            Column("Offered"),
            Column("Accepted"),
            Column("Accepted of offered, %", "share"),
        ),
        tuple(
            (
                each.rule_id,
                ", ".join(each.actions),
                each.offered,
                each.accepted,
                Share(each.accepted, each.offered),
            )
            for each in sorted(
                found.suggestions, key=lambda each: (-each.accepted, -each.offered, each.rule_id)
            )
        ),
    )


def _cards(counts: Iterable[CardCount], days: Sequence[date]) -> Table:
    by_kind: dict[tuple[str, str], list[CardCount]] = {}
    for each in counts:
        by_kind.setdefault((each.rule_id, each.indicator), []).append(each)
    counted = {kind: _shown_as(cards) for kind, cards in by_kind.items()}
    most_shown_first = sorted(by_kind, key=lambda kind: (-counted[kind][0], kind))
    return Table(
        "cards",
        "Cards by rule and indicator",
        "Cards as they were shown. Softened: an answered warning shown as info when the order was "
        "signed. Left out: answered, and not shown again while quiet.",
        "No card was shown.",
        (
            Column("Rule", "rule"),
            Column("Indicator", "text"),
            Column("Shown"),
            Column("of them softened"),
            Column("Left out"),
            Column("Shown over time", "trend"),
        ),
        tuple((*kind, *counted[kind], _trend(by_kind[kind], days)) for kind in most_shown_first),
    )


def _shown_as(cards: Iterable[CardCount]) -> tuple[int, int, int]:
    by = Counter[str]()
    for each in cards:
        by[each.shown_as] += each.cards
    return by["shown"] + by["softened"], by["softened"], by["left out"]


def _trend(cards: Iterable[CardCount], days: Sequence[date]) -> Trend:
    by_day = Counter[date]()
    for each in cards:
        if each.is_on_screen:
            by_day[each.day] += each.cards
    counts = pieces([by_day[day] for day in days])
    most, day = max((by_day[day], day) for day in days)
    return Trend(counts, f"most {most} on {day:%d %b}" if most else "none shown")


def pieces(counts: Sequence[int], most: int = _MOST_PIECES) -> tuple[int, ...]:
    """Sums of equally many neighbours, the last perhaps of fewer; no more pieces than ``most``."""
    size = -(-len(counts) // most)
    return tuple(sum(counts[at : at + size]) for at in range(0, len(counts), size))


def _cards_by_day(counts: Iterable[CardCount]) -> Table:
    return Table(
        "cards-by-day",
        "Cards by day",
        "Cards that fared alike, by day.",
        "No card was shown.",
        (
            Column("Day", "text"),
            Column("Rule", "rule"),
            Column("Indicator", "text"),
            Column("Shown as", "text"),
            Column("Last answer", "text"),
            Column("Cards"),
        ),
        tuple(
            (each.day, each.rule_id, each.indicator, each.shown_as, each.outcome, each.cards)
            for each in counts
        ),
    )


def _unknown_reasons(counts: Iterable[MissingCount]) -> Table:
    by_reason = Counter[str]()
    for each in counts:
        by_reason[each.reason] += each.calls
    return Table(
        "unknown-reasons",
        "Why something could not be known",
        "Each thing that a call could not know counts once.",
        "Everything that was asked could be known.",
        (Column("Reason", "text"), Column("Times")),
        tuple(_most_first(by_reason)),
    )


def _unknowns(counts: Iterable[MissingCount]) -> Table:
    return Table(
        "unknowns",
        "What could not be known",
        "Calls that missed a thing, and the rules that could not be judged for it.",
        "Everything that was asked could be known.",
        (
            Column("What", "text"),
            Column("Reason", "text"),
            Column("Calls"),
            Column("Rules", "text"),
        ),
        tuple((each.what, each.reason, each.calls, ", ".join(each.rules)) for each in counts),
    )


def _answers(found: Statistics) -> Table:
    return Table(
        "answers",
        "From card to answer",
        "Seconds from a call to the last answer to its card, by the EHR's clock.",
        "No card was answered.",
        (
            Column("Answer", "text"),
            Column("Cards"),
            Column("Half of them within, s"),
            Column("95 % within, s"),
            Column("Longest, s"),
        ),
        tuple(
            (outcome, each.count, each.median, each.p95, each.longest)
            for outcome, each in found.seconds_to_answer.items()
        ),
    )


def _services(found: Statistics) -> Table:
    return Table(
        "services",
        "Time of the service",
        "Milliseconds from a call to its cards, by service and HTTP status (412: the patient or "
        "the orders could not be read).",
        "No call was made.",
        (
            Column("Service", "text"),
            Column("Status", "text"),
            Column("Calls"),
            Column("Half of them within, ms"),
            Column("95 % within, ms"),
            Column("Longest, ms"),
        ),
        tuple(
            (service_id, str(status), each.count, each.median, each.p95, each.longest)
            for (service_id, status), each in found.milliseconds.items()
        ),
    )


def _days(found: Statistics, days: Sequence[date]) -> Table:
    calls, refused, cards = Counter[date](), Counter[date](), Counter[date]()
    for call in found.calls:
        calls[call.day] += call.calls
        refused[call.day] += call.calls if call.status != HTTPStatus.OK else 0
    for card in found.cards:
        cards[card.day] += card.cards if card.is_on_screen else 0
    return Table(
        "days",
        "Calls by day",
        "Days in UTC, the last first. Not judged: the call was answered with an error.",
        "No call was made.",
        (
            Column("Day", "text"),
            Column("Calls"),
            Column("of them not judged"),
            Column("Cards shown"),
        ),
        tuple((day, calls[day], refused[day], cards[day]) for day in reversed(days)),
    )


def _most_first(counts: Counter[Said]) -> list[tuple[Said, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
