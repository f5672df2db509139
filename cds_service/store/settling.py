"""Moves what SQLite has in its journal to the file itself, beside the calls and not in them.

SQLite's own way is that whoever fills the journal also empties it: one call in fifty would wait
for the disk. And as a commit waits for no disk, the journal of a quiet day would stay there for
hours, where a power cut can take it; so it is moved a moment after each write.
"""

from __future__ import annotations

import logging
import threading

from cds_service.store.database import STORE_ERRORS, Database, told

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 2.0
"""So long writes are gathered, to go to the disk together."""


class Settling:
    """A process's thread that settles the writes of its SQLite file; it begins with the first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._written = threading.Event()
        self._is_stopped = threading.Event()

    def written(self) -> None:
        """There is something to settle."""
        if self._written.is_set():
            return
        self._written.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._look_after, name="card-log-settling", daemon=True
                    )
                    self._thread.start()

    def stop(self) -> None:
        """End the thread; what is left is settled when the file is closed."""
        self._is_stopped.set()
        self._written.set()
        if self._thread:
            self._thread.join(timeout=3)

    def _look_after(self) -> None:
        while self._written.wait() and not self._is_stopped.wait(_PAUSE_SECONDS):
            self._written.clear()
            self.settle()

    def settle(self) -> None:
        """Bring to the disk what was written so far; nobody who reads or writes waits for it."""
        try:
            with self._database.reading_straight() as driver:
                driver.execute("PRAGMA wal_checkpoint(PASSIVE)", {})
        except STORE_ERRORS as error:
            logger.warning("journal not settled", extra={"reason": told(error)})
