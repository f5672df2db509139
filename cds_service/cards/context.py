"""What a card needs besides the verdict it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cds_service.store.keyed_hash import KeyedHash
from cds_service.terminology import Terminology


@dataclass(frozen=True, slots=True)
class CardContext:
    """What the answering of one call lends to its cards.

    ``new_id`` makes a random UUID, ``now`` is the evaluation time with its offset, and
    ``public_url`` is the base under which clients see this service. ``keyed_hash`` None: nothing is
    kept, so no answer to a card is ever found again.
    """

    new_id: Callable[[], str]
    now: datetime
    public_url: str
    terminology: Terminology
    keyed_hash: KeyedHash | None = None
