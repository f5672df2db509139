"""The public keys of a client, as it last published them.

A key that was published is used for minutes without asking again, a new one is found within about
a minute, and one that was withdrawn is refused once the set was read again. While the set cannot
be read the known keys go on serving, but not for ever.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from cds_service.clients import Client, KeySet, KeySetError, PublicKey, read_key_set
from cds_service.errors import CDSServiceError
from cds_service.outbound import Outbound, OutboundError, listed_server

log = logging.getLogger(__name__)

Load = Callable[[], bytes]
Now = Callable[[], float]

FETCH_SECONDS = 3
FIRST_SECONDS = FETCH_SECONDS + 1
"""How long a call waits for the first set of all, which another call is reading."""
LARGEST_SET = 1024 * 1024

FRESH_SECONDS = 300
"""A set of this age is read again at its next use."""
STALE_SECONDS = 86_400
"""A set of this age is used no more."""
LOOK_AGAIN_SECONDS = 60
"""Between two readings for the sake of an unknown ``kid``: anybody can make one up."""
RETRY_SECONDS = 10
"""After a reading that failed."""
JUST_READ_SECONDS = 5
"""A set of this age is not read again for an unknown ``kid``."""


class KeysUnavailable(CDSServiceError):  # noqa: N818 - it says what is the matter, like DataUnavailable.
    """The key set could not be read just now."""


@dataclass(frozen=True, slots=True)
class _Held:
    keys: KeySet
    since: float


class ClientKeys:
    """Keeps the key set of one client; any number of threads may ask.

    ``load`` reads the set, ``now`` is a clock in seconds that never goes back. A set is read by
    one thread at a time; the others wait for it only while there is no set at all.
    """

    def __init__(self, name: str, load: Load, now: Now = time.monotonic) -> None:
        self._name = name
        self._load = load
        self._now = now
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._looked_again = float("-inf")
        self._not_before = float("-inf")

    def find(self, kid: str) -> tuple[PublicKey, ...]:
        """The keys under that ``kid``; none when it is unknown or the set is out of reach."""
        held = self._usable()
        if held is None or self._age(held) >= FRESH_SECONDS:
            held = self._renewed(held)
        found = held.keys.named(kid) if held else ()
        return found or self._sought(kid, held)

    def _renewed(self, seen: _Held | None) -> _Held | None:
        """The set after one thread read it anew; the others wait only if they have none to use."""
        if self._lock.acquire(timeout=0 if seen else FIRST_SECONDS):
            try:
                if self._usable() is seen:
                    self._read()
            finally:
                self._lock.release()
        return self._usable()

    def _sought(self, kid: str, seen: _Held | None) -> tuple[PublicKey, ...]:
        """The keys under a ``kid`` that the seen set lacks, in a set read for its sake.

        Anybody can make a ``kid`` up, so that nobody waits for a reading that another began.
        """
        if seen and self._lock.acquire(blocking=False):
            try:
                if self._usable() is seen and self._may_look_again(seen):
                    self._looked_again = self._now()
                    self._read()
            finally:
                self._lock.release()
        held = self._usable()
        return held.keys.named(kid) if held else ()

    def _may_look_again(self, seen: _Held) -> bool:
        since = self._now() - self._looked_again
        return since >= LOOK_AGAIN_SECONDS and self._age(seen) >= JUST_READ_SECONDS

    def _read(self) -> None:
        """Read the set, unless that has just failed. The lock is held."""
        began = self._now()
        if began < self._not_before:
            return
        try:
            self._held = _Held(read_key_set(self._load()), began)
        except (KeysUnavailable, KeySetError) as problem:
            self._not_before = self._now() + RETRY_SECONDS
            known = len(self._held.keys.keys) if self._held else 0
            fields = {"client": self._name, "problem": str(problem), "known_keys": known}
            log.error("key set cannot be read", extra=fields)
        else:
            log.info(
                "key set read",
                extra={"client": self._name, "keys": len(self._held.keys.keys)},
            )

    def _usable(self) -> _Held | None:
        held = self._held
        return held if held and self._age(held) < STALE_SECONDS else None

    def _age(self, held: _Held) -> float:
        return self._now() - held.since


def keys_of(client: Client, outbound: Outbound, now: Now = time.monotonic) -> ClientKeys:
    """Where the keys of a client are read: from its URL, or from its file."""
    read = _from_url(client.jwks_url, outbound) if client.jwks_url else _from_file(client.jwks_file)
    return ClientKeys(client.name, read, now)


def _from_url(url: str, outbound: Outbound) -> Load:
    def load() -> bytes:
        deadline = time.monotonic() + FETCH_SECONDS
        accept = {"Accept": "application/jwk-set+json, application/json"}
        try:
            answer = outbound.get(url, accept, deadline, LARGEST_SET, listed_server)
        except OutboundError as problem:
            raise KeysUnavailable(problem.reason) from problem
        if answer.status != HTTPStatus.OK:
            raise KeysUnavailable(f"status {answer.status}")
        return answer.body

    return load


def _from_file(file: Path | None) -> Load:
    def load() -> bytes:
        try:
            return file.read_bytes() if file else b""
        except OSError as problem:
            raise KeysUnavailable(f"the key file cannot be read: {problem.strerror}") from None

    return load
