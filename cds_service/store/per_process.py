"""What must not cross a fork: connections, locks, threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """One thing per process, made by whoever asks first.

    A child that was forked gets its own. Its parent's is put away and never closed, as closing it
    here would speak over the parent's connection.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._mine: tuple[int, T] | None = None
        self._put_away: list[T] = []

    def get(self) -> T:
        """This process's own."""
        if (mine := self._mine) and mine[0] == os.getpid():
            return mine[1]
        with self._lock:
            if (mine := self._mine) and mine[0] == os.getpid():
                return mine[1]
            if mine:
                self._put_away.append(mine[1])
            self._mine = (os.getpid(), self._make())
            return self._mine[1]

    def take(self) -> T | None:
        """This process's own when it was ever made, for closing; the next `get` makes another."""
        with self._lock:
            mine, self._mine = self._mine, None
        return mine[1] if mine and mine[0] == os.getpid() else None
