"""Where records wait on this machine while the database is away, and token ids are remembered.

One SQLite file, shared by all workers of the machine; it survives the end of any of them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cds_service.store.entries import Entry, Kind
from cds_service.store.folders import locked, private_file
from cds_service.store.per_process import PerProcess
from cds_service.store.port import StoreUnavailable
from cds_service.store.tables import in_utc

_PATIENCE_SECONDS = 1.0
_TABLES = """
CREATE TABLE waiting (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE TABLE set_aside (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL,
    at TEXT NOT NULL);
CREATE TABLE token_ids (key TEXT PRIMARY KEY, until TEXT NOT NULL);
CREATE INDEX token_ids_until ON token_ids (until);
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One record in the spool and its place in the queue; it is decoded when its turn comes."""

    place: int
    kind: Kind
    key: str
    body: str

    def entry(self) -> Entry:
        """The record.

        Raises:
            ValueError: when it cannot be read.
        """
        return Entry.from_json(self.kind, self.key, self.body)


class Spool:
    """The waiting records of this machine, under ``folder``.

    Every method raises `StoreUnavailable` when the file cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "spool.sqlite"
        self._lock_file = folder / "spool.lock"
        self._opened = PerProcess(_Opened)

    def add(self, entries: Iterable[Entry], *, durably: bool) -> None:
        """Put records at the end of the queue; one that waits already is left as it is."""
        rows = [(each.key, each.kind, each.as_json()) for each in entries]
        with self._writing(durably=durably) as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO waiting (key, kind, body) VALUES (?, ?, ?)", rows
            )

    def set_aside(self, key: str, kind: Kind, body: str, reason: str) -> None:
        """Keep a record that the database refuses, out of the way of the others."""
        with self._writing(durably=True) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO set_aside VALUES (?, ?, ?, ?, ?)",
                (key, kind, body, reason, _iso(datetime.now(UTC))),
            )
            connection.execute("DELETE FROM waiting WHERE key = ?", (key,))

    def put_back(self) -> int:
        """Queue again what was set aside; returns how many records."""
        with self._writing(durably=True) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO waiting (key, kind, body) "
                "SELECT key, kind, body FROM set_aside"
            )
            return connection.execute("DELETE FROM set_aside").rowcount

    def first(self, most: int) -> Sequence[Waiting]:
        """The records at the head of the queue."""
        with self._connection() as connection:
            found = connection.execute(
                "SELECT seq, kind, key, body FROM waiting ORDER BY seq LIMIT ?", (most,)
            )
            return [Waiting(*row) for row in found]

    def remove(self, places: Iterable[int]) -> None:
        """Take records out of the queue: the database has them."""
        with self._writing(durably=False) as connection:
            connection.executemany("DELETE FROM waiting WHERE seq = ?", [(p,) for p in places])

    def waiting(self) -> int:
        """How many records wait."""
        return self._count("SELECT count(*) FROM waiting")

    def aside(self) -> int:
        """How many records were refused and set aside."""
        return self._count("SELECT count(*) FROM set_aside")

    def forget_aside(self, before: datetime) -> int:
        """Delete what was set aside before a moment; returns how many records."""
        if not self._file.exists():
            return 0
        with self._writing(durably=False) as connection:
            return connection.execute(
                "DELETE FROM set_aside WHERE at < ?", (_iso(before),)
            ).rowcount

    def is_first_use(self, key: str, until: datetime, now: datetime) -> bool:
        """Remember a token id until it expires; False when any worker of this machine has."""
        with self._writing(durably=False) as connection:
            return bool(
                connection.execute(
                    "INSERT INTO token_ids VALUES (?, ?) ON CONFLICT (key) DO UPDATE "
                    "SET until = excluded.until WHERE token_ids.until <= ?",
                    (key, _iso(until), _iso(now)),
                ).rowcount
            )

    def forget_token_ids(self, now: datetime) -> None:
        """Delete token ids that have expired."""
        with self._writing(durably=False) as connection:
            connection.execute("DELETE FROM token_ids WHERE until <= ?", (_iso(now),))

    def check(self) -> None:
        """Raise unless a record could be put in now."""
        with self._writing(durably=False):
            pass

    @contextmanager
    def sole_replayer(self) -> Iterator[bool]:
        """Whether this process, alone on the machine, may now move records to the database."""
        try:
            private_file(self._lock_file)
            with locked(self._lock_file, wait=False) as is_mine:
                yield is_mine
        except OSError as error:
            raise _unusable() from error

    def close(self) -> None:
        """Close this process's connection."""
        if opened := self._opened.take():
            opened.close()

    def _count(self, question: str) -> int:
        if not self._file.exists():
            return 0
        with self._connection() as connection:
            return int(connection.execute(question).fetchone()[0])

    @contextmanager
    def _writing(self, *, durably: bool) -> Iterator[sqlite3.Connection]:
        with self._connection() as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durably else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        opened = self._opened.get()
        with opened.turn:
            try:
                yield opened.connection(self._file)
            except (OSError, sqlite3.Error) as error:
                opened.close()
                raise _unusable() from error


class _Opened:
    """A process's one connection to the spool, and whose turn it is to use it."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def connection(self, file: Path) -> sqlite3.Connection:
        if self._connection and not file.exists():  # somebody deleted it under us
            self.close()
        if not self._connection:
            private_file(file)
            self._connection = _connected(file)
        return self._connection

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        file, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        # A record that has gone to the database leaves no trace here.
        connection.execute("PRAGMA secure_delete = ON")
        if not _is_ready(connection):
            # Workers that start together make the tables once; turning a file to WAL is no wait.
            with locked(file.parent, wait=True):
                if not _is_ready(connection):
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_ready(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA user_version").fetchone()[0])


def _unusable() -> StoreUnavailable:
    return StoreUnavailable(
        "the spool in CDS_VAR_DIR cannot be used; see that the folder can be written and has room"
    )


def _iso(moment: datetime) -> str:
    """A moment as text that sorts by time."""
    return in_utc(moment).isoformat(timespec="microseconds")
