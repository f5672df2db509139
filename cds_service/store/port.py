"""What the rest of the service may ask of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cds_service.errors import CDSServiceError
from cds_service.store.counts import Statistics
from cds_service.store.records import Answered, CallRecord, FeedbackRecord


class StoreUnavailable(CDSServiceError):  # noqa: N818 - it says what is the matter, like DataUnavailable.
    """What must be kept, or must be known, could be neither kept nor known (HTTP 503)."""


class CardLog(Protocol):
    """The record of calls, cards and feedback, and the memory of token ids."""

    def record(self, call: CallRecord) -> None:
        """Keep a call with its cards, durably, before its answer leaves; never raises.

        When the database is away the record goes to the spool; the answer is not held up.
        """

    def keep_feedback(self, items: Sequence[FeedbackRecord]) -> None:
        """Keep feedback on disk; an exact repeat adds nothing.

        Raises:
            StoreUnavailable: when neither the database nor the spool could keep it.
        """

    def answered(self, keys: Iterable[str], since: datetime) -> Mapping[str, Answered]:
        """The last answer (accepted, or overridden with a reason) to each of these answer keys.

        Empty when the store cannot tell: then every card speaks. Never raises.
        """

    def is_first_use(self, issuer: str, token_id: str, until: datetime, now: datetime) -> bool:
        """Remember a token id until it expires; False when it was seen before, on any worker.

        Raises:
            StoreUnavailable: when nobody can tell.
        """

    def statistics(self, since: datetime, until: datetime) -> Statistics:
        """The calls from ``since`` to before ``until`` in numbers; what waits is not in them.

        Raises:
            StoreUnavailable: when the database cannot tell.
        """

    def problems(self) -> Sequence[str]:
        """Why the store is not fit for use, one sentence each; empty when it is."""

    @property
    def spooled(self) -> int:
        """How many records wait in the spool."""

    @property
    def set_aside(self) -> int:
        """How many records the database refused for good; `cds-service log retry` queues them."""


class NoLog:
    """Keeps nothing: for commands that only look."""

    spooled = 0
    set_aside = 0

    def record(self, call: CallRecord) -> None:
        """Forget it."""

    def keep_feedback(self, items: Sequence[FeedbackRecord]) -> None:
        """Refuse: feedback that nobody keeps must not be acknowledged."""
        raise StoreUnavailable("this process keeps no card log")

    def answered(self, keys: Iterable[str], since: datetime) -> Mapping[str, Answered]:
        """Nothing was answered."""
        return {}

    def is_first_use(self, issuer: str, token_id: str, until: datetime, now: datetime) -> bool:
        """Nobody can tell."""
        raise StoreUnavailable("this process keeps no token ids")

    def statistics(self, since: datetime, until: datetime) -> Statistics:
        """Nothing was counted, which is not the same as nothing happened."""
        raise StoreUnavailable("this process keeps no card log")

    def problems(self) -> Sequence[str]:
        """Nothing is wrong with keeping nothing."""
        return ()
