"""The service as it is served: with card log and FHIR access, under gunicorn.

Worker processes with threads, JSON lines, a graceful stop.
"""

from __future__ import annotations

import ctypes
import gc
import logging
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from gunicorn.app.base import BaseApplication

from cds_service import log
from cds_service.app import create_app
from cds_service.cards.warm import warm
from cds_service.decide import Parts
from cds_service.engine.durable import engine_state
from cds_service.fhir.access import FHIRAccess
from cds_service.outbound import Outbound
from cds_service.settings import Settings
from cds_service.store.card_log import open_card_log
from cds_service.store.port import StoreUnavailable
from cds_service.store.schema import upgrade_store
from cds_service.worker import Worker

logger = logging.getLogger("cds_service")

# A client that sends half a request and waits holds one thread, not a worker.
THREADS = 32
# SIGTERM ends within 15 seconds, with calls finished.
GRACE_SECONDS = 10
_OBJECTS_PER_COLLECTION = 50_000
_REQUESTS_PER_COLLECTION = 500
# What glibc's mallopt calls the number of heaps (M_ARENA_MAX in malloc.h).
_HEAPS = -8
# A worker that stops answering altogether is replaced.
SILENCE_SECONDS = 30


class Server(BaseApplication):
    """The app is built once, before the workers are forked.

    What must not cross a fork (the rule engine's threads and memory, connections to the database
    and to FHIR servers) is made by each worker when it first needs it.

    Raises:
        SettingsError, RulesError: as `create_app` does.
        StoreRefused: when the card log's database is of no use, now or later.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.card_log = open_card_log(settings.database_url, settings.var_dir)
        fhir = FHIRAccess(Outbound(), settings.fhir_deadline_ms)
        self._flask_app = create_app(settings, card_log=self.card_log, fhir=fhir)
        self.parts: Parts = self._flask_app.extensions["cds_service"]
        # Once for all workers: else each would keep the first reader of each card waiting for it.
        warm(self.parts.rulebook, self.parts.terminology)
        _make_tables(settings)
        _tell_who_may_call(settings)
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn; its own command line and environment are not read."""
        for name, value in _options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The WSGI app, as every worker serves it."""
        return self._flask_app.wsgi_app


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "bind": f"{settings.host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": Worker,
        "threads": THREADS,
        "graceful_timeout": GRACE_SECONDS,
        "timeout": SILENCE_SECONDS,
        "logconfig_dict": log.configuration(settings.log_level),
        "proc_name": "cds-service",
        "control_socket_disable": True,
        "post_worker_init": _warm_up,
        "post_request": tidy,
        "worker_exit": _close,
        "child_exit": _forget,
    }


def _make_tables(settings: Settings) -> None:
    """A database that is away may come back: until then calls wait in the spool."""
    try:
        revision = upgrade_store(settings.database_url)
    except StoreUnavailable as away:
        logger.error("store away at the start, so calls wait in the spool", exc_info=away)
    else:
        logger.info("store ready", extra={"revision": revision})


def _tell_who_may_call(settings: Settings) -> None:
    if settings.clients is None:
        logger.warning(
            "sandbox mode: nobody is authenticated, and only FHIR servers of this machine are asked"
        )
        return
    logger.info("clients mode", extra={"clients": len(settings.clients)})
    if settings.public_url.startswith("http:") and not _is_loopback(settings.host):
        logger.warning(
            "CDS_PUBLIC_URL is http while other machines may call: tokens and charts are readable "
            "on the way; let a proxy speak TLS and name its https address"
        )


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _warm_up(worker: Any) -> None:
    """Build the native rule sets before the first call, in the process that will use them."""
    state = engine_state(worker.app.parts.engine)
    # What is here now stays until the end; without this the collector would look through all of it
    # again and again, for a tenth of a second each time. A call makes thousands of objects and
    # hardly a cycle: the collector need not come several times in each.
    gc.freeze()
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    share_one_heap()
    worker.app.card_log.start()
    worker.app.parts.metrics.worker_started()
    logger.info("ready to judge", extra={"engine": state})


def share_one_heap() -> None:
    """All threads take from one heap; a C library without the choice goes on as before.

    glibc would give each its own, and what a call has freed there is of no use to the next one,
    which another thread answers. Python's threads take turns anyway.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_HEAPS, 1)


def tidy(worker: Any, _request: object, _environ: object, _answer: object) -> None:
    """Now and then, after an answer has left, free what no call uses and nothing else would.

    The web framework leaves eight objects that hold each other for each request. Waiting for
    `_OBJECTS_PER_COLLECTION` of them takes five thousand requests and four megabytes.
    """
    if worker.nr % _REQUESTS_PER_COLLECTION == 0:
        gc.collect()


def _close(_arbiter: Any, worker: Any) -> None:
    """All calls of this worker are answered; nobody needs its connections any more."""
    worker.app.card_log.close()


def _forget(arbiter: Any, worker: Any) -> None:
    """A worker that is gone serves no more, whatever it counted."""
    arbiter.app.parts.metrics.worker_ended(worker.pid)
