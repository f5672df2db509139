"""The start of the service: settings, then the server, or every reason why not."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from typing import NoReturn

from cds_service import log
from cds_service.errors import RulesError
from cds_service.settings import Settings, SettingsError
from cds_service.store.database import StoreRefused
from cds_service.store.folders import locked

logger = logging.getLogger("cds_service")

_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "cds-metrics-"
_JUST_MADE_SECONDS = 60
_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder in it.


def serve(environment: Mapping[str, str]) -> None:
    """Serve until told to stop. What keeps it from starting is logged, all of it, and ends it."""
    log.configure("INFO")
    # Until the server listens to signals itself: told to stop while starting, leave nothing behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = Settings.from_environment(environment)
        log.configure(settings.log_level)
        with folder_of_metrics():
            with _loading():
                # The library asks where the workers add up at the moment it is imported.
                from cds_service.server import Server

                server = Server(settings)
            server.run()
    except SettingsError as refused:
        _refuse("settings refused", refused.problems)
    except RulesError as refused:
        _refuse("rule files refused", refused.complaints)
    except StoreRefused as refused:
        _refuse("store refused", [str(refused)])


@contextmanager
def _loading() -> Iterator[None]:
    """What is made in here stays until the end; the collector of garbage need never look at it."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@contextmanager
def folder_of_metrics() -> Iterator[None]:
    """A fresh private folder in which the workers of one server count; gone when it ends.

    In memory where the system offers that: a disk that is full must not end a worker that counts.
    """
    home = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(gettempdir())
    _sweep(home)
    folder = Path(mkdtemp(prefix=_PREFIX, dir=home))
    owner = os.getpid()
    os.environ[_SHARED_FOLDER] = str(folder)
    try:
        with locked(folder, wait=False):
            yield
    finally:
        # A worker leaves this block too when it ends; the folder is its parent's.
        if os.getpid() == owner:
            rmtree(folder, ignore_errors=True)


def _sweep(home: Path) -> None:
    """Remove folders of servers that were killed: nobody locks them any more."""
    for folder in home.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or gone by now
            if time.time() - folder.stat().st_mtime > _JUST_MADE_SECONDS:
                with locked(folder, wait=False) as is_left:
                    if is_left:
                        rmtree(folder, ignore_errors=True)


def _refuse(event: str, problems: Sequence[str]) -> NoReturn:
    logger.critical(event, extra={"problems": list(problems)})
    sys.exit(1)
