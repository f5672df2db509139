"""One call computes at a time in a process; the others wait in line.

Threads that compute at once do not get more done in Python: they cut each other's work into slices,
and whenever one of them waits for the card log for a moment, another takes the interpreter from it
for much longer. Two workers answered a third more calls a second since calls take turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, local

PATIENCE_SECONDS = 0.25
"""A call that has waited so long computes beside the others: none is held up by a long one."""


class Turns:
    """Whose turn it is, in one process. A call is answered by one thread."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Nobody has the turn; whoever wants it waits at most so long."""
        self._patience = patience_seconds
        self._turn = Lock()
        self._own = _Own()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Compute while nobody else does, or after too long a wait beside those who do."""
        self._take()
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Wait for somebody else meanwhile: who has the turn leaves it, and takes it again after.

        A thread that has not taken the turn just waits.
        """
        was_taken = self._own.is_taking_turns
        if was_taken:
            self._leave()
        try:
            yield
        finally:
            if was_taken:
                self._take()

    def _take(self) -> None:
        self._own.is_taking_turns = True
        self._own.has_turn = self._turn.acquire(timeout=self._patience)

    def _leave(self) -> None:
        self._own.is_taking_turns = False
        if self._own.has_turn:
            self._own.has_turn = False
            self._turn.release()


class _Own(local):
    """What one thread does with the turn."""

    is_taking_turns = False
    has_turn = False
