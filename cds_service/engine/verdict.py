"""What came of judging a rule: fires, silent or unknown, and why, clause by clause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from cds_service.facts.answers import Answer, Question, Reading
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.interval import Truth
from cds_service.facts.unknown import Unknown
from cds_service.rulebook.model import Clause, Rule, Variant

Outcome = Literal["fires", "silent", "unknown"]
Answers = Mapping[Question, Answer]


@cheap_dataclass(frozen=True, slots=True)
class ClauseVerdict:
    """One clause judged.

    ``holding`` are the readings that certainly hold; ``missing`` says what kept it from an answer
    (only when ``truth`` is None).
    """

    clause: Clause
    truth: Truth
    answer: Answer
    holding: tuple[Reading, ...] = ()
    missing: tuple[Unknown, ...] = ()


@cheap_dataclass(frozen=True, slots=True)
class VariantVerdict:
    """One variant judged: all its clauses, none skipped.

    There are none where a call that wants cards reads none: of a rule that is silent, and of a
    variant that does not fire of a rule that does.
    """

    variant: Variant
    outcome: Outcome
    clauses: tuple[ClauseVerdict, ...]


@cheap_dataclass(frozen=True, slots=True)
class Verdict:
    """One rule judged.

    ``speaking`` is the first variant that fires. ``because`` says in words why a rule that would
    fire stays silent (another rule says more), or that an evaluator alone found it
    (``engines disagree``), else it is empty.
    """

    rule: Rule
    outcome: Outcome
    variants: tuple[VariantVerdict, ...]
    speaking: VariantVerdict | None = None
    because: str = ""

    @property
    def missing(self) -> tuple[Unknown, ...]:
        """What kept the rule from an answer, without repeats; empty unless it is unknown."""
        if self.outcome != "unknown":
            return ()
        return once(
            [
                unknown
                for variant in self.variants
                if variant.outcome == "unknown"
                for clause in variant.clauses
                for unknown in clause.missing
            ]
        )


def once(unknowns: Iterable[Unknown]) -> tuple[Unknown, ...]:
    """Each once, in the order met; one alone, as it mostly is, need not be compared."""
    every = tuple(unknowns)
    return tuple(dict.fromkeys(every)) if len(every) > 1 else every
