"""The card log in numbers, as shapes: what was shown, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from cds_service.store.rates import at_least, nearest_rank

ON_SCREEN = ("shown", "softened")
"""How a card was shown that somebody could see."""


@dataclass(frozen=True, slots=True)
class CallCount:
    """Calls of one (UTC) day and service that were answered with one HTTP status."""

    day: date
    service_id: str
    status: int
    calls: int


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took, as a count of each length; there is at least one."""

    counted: Mapping[int, int]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counted.values())

    @property
    def median(self) -> int:
        """Half of them took no longer."""
        return nearest_rank(self.counted, Fraction(1, 2))

    @property
    def p95(self) -> int:
        """95 of a hundred took no longer."""
        return nearest_rank(self.counted, Fraction(95, 100))

    @property
    def longest(self) -> int:
        """None took longer."""
        return max(self.counted)


@dataclass(frozen=True, slots=True)
class CardCount:
    """Cards of one day, rule and indicator that fared alike; ``outcome`` None: no answer."""

    day: date
    rule_id: str
    indicator: str
    shown_as: str
    outcome: str | None
    cards: int

    @property
    def is_on_screen(self) -> bool:
        """Whether somebody could see it."""
        return self.shown_as in ON_SCREEN


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """Cards of a rule overridden for one reason, as the EHR coded and worded it.

    ``has_comment``: there was free text too. The text itself stays in the log: it may speak of the
    patient.
    """

    rule_id: str
    code: str
    display: str
    has_comment: bool
    cards: int


@dataclass(frozen=True, slots=True)
class SuggestionCount:
    """Buttons of a rule that do the same (``update MedicationRequest``): offered, and taken."""

    rule_id: str
    actions: tuple[str, ...]
    offered: int
    accepted: int


@dataclass(frozen=True, slots=True)
class MissingCount:
    """One thing that calls could not know, and why; ``rules`` are those that missed it."""

    what: str
    reason: str
    rules: tuple[str, ...]
    calls: int


@dataclass(frozen=True, slots=True)
class RuleCount:
    """What came of a rule's cards. ``shown`` are those on a screen, softened ones included."""

    rule_id: str
    shown: int
    softened: int
    left_out: int
    accepted: int
    overridden: int

    @property
    def answered(self) -> int:
        """Shown cards that a clinician accepted or overrode."""
        return self.accepted + self.overridden

    @property
    def unanswered(self) -> int:
        """Shown cards that nobody told us anything about."""
        return self.shown - self.answered

    @property
    def override_rate(self) -> Fraction | None:
        """The share of the answered cards that were overridden; None without an answer."""
        return Fraction(self.overridden, self.answered) if self.answered else None

    @property
    def override_rate_at_least(self) -> Decimal:
        """The lowest override rate that so many answers support (Wilson, 95 %)."""
        return at_least(self.overridden, self.answered)

    @property
    def unwelcome(self) -> Decimal:
        """Often shown, mostly overridden: so many of the cards shown are likely to be unwelcome.

        Cards shown × the lowest override rate that the answers support.
        """
        return self.shown * self.override_rate_at_least


@dataclass(frozen=True, slots=True)
class Statistics:
    """The card log between two moments.

    ``milliseconds`` of the service by service id and status; ``seconds_to_answer`` from the call
    to the last answer, by outcome. ``too_early``: answers that an EHR's clock dates before their
    card, which tell no such time. ``strays``: answers received in this time to cards that are not
    on record for that client. ``on_record``: the first and the last call of all times; None when
    the log is empty.
    """

    calls: tuple[CallCount, ...]
    milliseconds: Mapping[tuple[str, int], Durations]
    cards: tuple[CardCount, ...]
    reasons: tuple[ReasonCount, ...]
    suggestions: tuple[SuggestionCount, ...]
    missing: tuple[MissingCount, ...]
    seconds_to_answer: Mapping[str, Durations]
    too_early: int
    strays: int
    on_record: tuple[datetime, datetime] | None = None

    def by_rule(self) -> tuple[RuleCount, ...]:
        """What came of each rule's cards, the most unwelcome first."""
        rules = sorted({each.rule_id for each in self.cards})
        counts = [self._of_rule(rule_id) for rule_id in rules]
        return tuple(sorted(counts, key=lambda each: (-each.unwelcome, -each.shown)))

    def _of_rule(self, rule_id: str) -> RuleCount:
        shown_as, outcomes = Counter[str](), Counter[str | None]()
        for each in self.cards:
            if each.rule_id == rule_id:
                shown_as[each.shown_as] += each.cards
                outcomes[each.outcome if each.is_on_screen else None] += each.cards
        return RuleCount(
            rule_id=rule_id,
            shown=sum(shown_as[each] for each in ON_SCREEN),
            softened=shown_as["softened"],
            left_out=shown_as["left out"],
            accepted=outcomes["accepted"],
            overridden=outcomes["overridden"],
        )
