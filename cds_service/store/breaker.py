"""Remembers that the database is away, so that no call finds out anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime


class Breaker:
    """Closed while the database answers; open from its first failure until it answers again."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: tuple[datetime, str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the database is away."""
        return self._open is not None

    @property
    def problem(self) -> str:
        """Since when and why the database is away; empty when it is not."""
        if not (state := self._open):
            return ""
        since, reason = state
        return f"the database is away since {since.isoformat(timespec='seconds')} ({reason})"

    def open(self, reason: str) -> bool:
        """The database failed; True when that is news."""
        with self._lock:
            is_news = self._open is None
            self._open = (self._open[0] if self._open else self._clock(), reason)
            return is_news

    def close(self) -> bool:
        """The database answers; True when that is news."""
        with self._lock:
            is_news, self._open = self._open is not None, None
            return is_news
