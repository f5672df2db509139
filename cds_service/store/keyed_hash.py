"""Hashes that nobody can make without our key: how the store knows a thing it does not hold.

An answered card is found again by the hash of who called, the patient, the rule and the facts.
Patient ids are few enough to try them all, so a plain hash would not hide one; a keyed hash does.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cds_service.settings import Settings, SettingsError

KEY_FILE = "hash.key"
KEY_BYTES = 32
SHORTEST_KEY = 16
"""A key is at least so many bytes; every new one has ``KEY_BYTES``."""


class KeyedHash:
    """HMAC-SHA-256 under one key."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")

    @classmethod
    def of(cls, settings: Settings) -> KeyedHash:
        """With the key of the settings, else with the one that ``var_dir`` keeps.

        The first process that needs the file makes it; all others wait for it and read the same.

        Raises:
            SettingsError: when the file can be neither read nor made, or holds too little.
        """
        if settings.hash_key:
            return cls(settings.hash_key.encode())
        return cls(_kept_key(settings.var_dir / KEY_FILE))

    def of_parts(self, *parts: str) -> str:
        """64 hexadecimal digits; ``("a", "bc")`` and ``("ab", "c")`` differ."""
        return self._with(parts).hexdigest()

    def after(self, *parts: str) -> KeyedHash:
        """The hash of texts that all begin with the same parts."""
        begun = KeyedHash.__new__(KeyedHash)
        begun._keyed = self._with(parts)
        return begun

    def _with(self, parts: Iterable[str]) -> hmac.HMAC:
        keyed = self._keyed.copy()
        texts = [part.encode("utf-8", "surrogatepass") for part in parts]
        keyed.update(b"".join([len(text).to_bytes(8, "big") + text for text in texts]))
        return keyed


def _kept_key(path: Path) -> bytes:
    try:
        key = _read(path) or _make(path)
    except OSError as error:
        raise _refused(f"{path} cannot be read or made ({error.strerror})") from None
    if len(key) < SHORTEST_KEY:
        raise _refused(f"{path} is damaged: {len(key)} bytes, fewer than {SHORTEST_KEY}")
    return key


def _read(path: Path) -> bytes:
    """What the file holds; nothing when there is none."""
    try:
        with _locked(os.open(path, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH) as file:
            return _content(file)
    except FileNotFoundError:
        return b""


def _make(path: Path) -> bytes:
    """The new key, or the one that another process has made by now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with _locked(opened, fcntl.LOCK_EX) as file:
        made = _content(file)
        if not made:
            made = secrets.token_bytes(KEY_BYTES)
            os.write(file, made)
            os.fsync(file)
        return made


@contextmanager
def _locked(file: int, lock: int) -> Iterator[int]:
    """The open file, locked against other processes and closed at the end."""
    try:
        fcntl.flock(file, lock)
        yield file
    finally:
        os.close(file)


def _content(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


def _refused(problem: str) -> SettingsError:
    remedy = (
        "set CDS_HASH_KEY, or restore the file, or remove it to have a new one made "
        "(cards answered earlier are then shown once more)"
    )
    return SettingsError((f"CDS_VAR_DIR: {problem}; {remedy}",))
