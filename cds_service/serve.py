"""The start of the service: settings, then the server, or every reason why not."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import NoReturn

from cds_service import log
from cds_service.errors import RulesError
from cds_service.settings import Settings, SettingsError

logger = logging.getLogger("cds_service")

_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder in it.


def serve(environment: Mapping[str, str]) -> None:
    """Serve until told to stop. What keeps it from starting is logged, all of it, and ends it."""
    log.configure("INFO")
    try:
        settings = Settings.from_environment(environment)
        log.configure(settings.log_level)
        with folder_of_metrics():
            # The library asks where the workers add up at the moment it is imported.
            from cds_service.server import Server

            Server(settings).run()
    except SettingsError as refused:
        _refuse("settings refused", refused.problems)
    except RulesError as refused:
        _refuse("rule files refused", refused.complaints)


@contextmanager
def folder_of_metrics() -> Iterator[None]:
    """A fresh private folder in which the workers of one server count; gone when it ends.

    In memory where the system offers that: a disk that is full must not end a worker that counts.
    """
    folder = mkdtemp(prefix="cds-metrics-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None)
    owner = os.getpid()
    os.environ[_SHARED_FOLDER] = folder
    try:
        yield
    finally:
        # A worker leaves this block too when it ends; the folder is its parent's.
        if os.getpid() == owner:
            rmtree(folder, ignore_errors=True)


def _refuse(event: str, problems: Sequence[str]) -> NoReturn:
    logger.critical(event, extra={"problems": list(problems)})
    sys.exit(1)
