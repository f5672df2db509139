"""gunicorn with our settings: worker processes with threads, JSON lines, a graceful stop."""

from __future__ import annotations

import gc
import logging
from typing import Any

from gunicorn.app.base import BaseApplication

from cds_service import log
from cds_service.app import create_app
from cds_service.decide import Parts
from cds_service.engine.durable import engine_state
from cds_service.settings import Settings
from cds_service.worker import Worker

logger = logging.getLogger("cds_service")

# A client that sends half a request and waits holds one thread, not a worker.
THREADS = 32
# SIGTERM ends within 15 seconds, with calls finished.
GRACE_SECONDS = 10
# A worker that stops answering altogether is replaced.
SILENCE_SECONDS = 30


class Server(BaseApplication):
    """The app is built once, before the workers are forked.

    What must not cross a fork (the rule engine's threads and memory, connections to the database)
    is made by each worker when it first needs it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._flask_app = create_app(settings)
        self.parts: Parts = self._flask_app.extensions["cds_service"]
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
        "child_exit": _forget,
    }


def _warm_up(worker: Any) -> None:
    """Build the native rule sets before the first call, in the process that will use them."""
    # What is here now stays until the end; without this the collector would look through all of it
    # again and again, for a tenth of a second each time.
    state = engine_state(worker.app.parts.engine)
    gc.freeze()
    worker.app.parts.metrics.worker_started()
    logger.info("ready to judge", extra={"engine": state})


def _forget(arbiter: Any, worker: Any) -> None:
    """A worker that is gone serves no more, whatever it counted."""
    arbiter.app.parts.metrics.worker_ended(worker.pid)
