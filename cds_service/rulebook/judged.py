"""What running a case needs to know of a verdict, which is made in a room above this one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cds_service.facts.interval import Truth
from cds_service.facts.unknown import Unknown
from cds_service.rulebook.model import Clause, Rule, Variant


class JudgedClause(Protocol):
    """What running a case needs to know of a judged clause."""

    @property
    def clause(self) -> Clause:
        """The clause."""

    @property
    def truth(self) -> Truth:
        """True, false, or None for unknown."""

    @property
    def missing(self) -> Sequence[Unknown]:
        """Why it is unknown."""


class JudgedVariant(Protocol):
    """What running a case needs to know of a judged variant."""

    @property
    def variant(self) -> Variant:
        """The variant."""

    @property
    def outcome(self) -> str:
        """Fires, silent or unknown."""

    @property
    def clauses(self) -> Sequence[JudgedClause]:
        """Its clauses, judged."""


class Judged(Protocol):
    """What running a case needs to know of a verdict (``engine.verdict.Verdict`` is one)."""

    @property
    def rule(self) -> Rule:
        """The rule."""

    @property
    def outcome(self) -> str:
        """Fires, silent or unknown."""

    @property
    def variants(self) -> Sequence[JudgedVariant]:
        """Its variants, judged."""

    @property
    def speaking(self) -> JudgedVariant | None:
        """The variant that fires first."""
