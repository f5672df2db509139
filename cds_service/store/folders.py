"""Folders and files that only the service's own user may read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def private_folder(folder: Path) -> None:
    """Make a folder, for this user alone; one that exists keeps its permissions."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def private_file(file: Path) -> None:
    """Make an empty file and its folder, for this user alone; one that exists stays as it is.

    SQLite gives the files that it puts beside a database the permissions of the database.
    """
    private_folder(file.parent)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of a file or folder, among all processes of this machine.

    Yields whether it was had; without ``wait`` another holder means no. It ends with the process.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        yield _flock(handle, wait=wait)
    finally:
        os.close(handle)


def _flock(handle: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
