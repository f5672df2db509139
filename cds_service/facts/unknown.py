"""The kinds of not knowing. Each is said on a card; none of them is "normal"."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from cds_service.facts.cheap import cheap_dataclass


class Reason(StrEnum):
    """Why something is not known, in the words a card uses."""

    NOT_FOUND = "nothing found"
    NOT_SENT = "not sent by the EHR"
    NULL = "sent as null, without an answer"
    FAILED = "search failed"
    NOT_ALLOWED = "not allowed"
    TRUNCATED = "more pages unread"
    UNREADABLE = "unreadable resource"
    FOREIGN = "other patient's data"
    TOO_OLD = "too old"
    NO_LIMIT = "no reference range"
    UNIT = "unit not understood"
    PRELIMINARY = "preliminary only"
    CONFLICT = "contradictory entries"
    NO_DATE = "no date"
    NOT_RECORDED = "not recorded"
    UNRESOLVED = "drug not identified"
    AMBIGUOUS = "too close or too vague to decide"


@cheap_dataclass(frozen=True, slots=True, order=True)
class Unknown:
    """One thing that could not be known.

    ``what`` is said in clinical words ("total bilirubin"), ``detail`` completes the sentence
    ("none in the last 7 days", "latest 2026-11-02"), ``reference`` names the resource, if any.
    ``what`` may hold words of the chart, such as those of a diagnosis; ``plainly`` is then the same
    in words of ours alone, for what outlives the call.
    """

    what: str
    reason: Reason
    detail: str = ""
    reference: str = ""
    plainly: str = field(default="", compare=False)

    def __str__(self) -> str:
        """As printed on a card: ``total bilirubin: nothing found (none in the last 7 days)``."""
        return f"{self.what}: {self.reason}" + (f" ({self.detail})" if self.detail else "")
