"""The service as a process of its own: started, asked, watched, stopped or killed.

    with serving(tmp_path, CDS_WORKERS="2") as served:
        status, cards = served.ask("POST", "/cds-services/inotuzumab-order-sign", body)

What a process says on standard error goes to `tests/log_watch.py`, which looks for patients in it.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests import log_watch

SERVE = (sys.executable, "-m", "cds_service", "serve")
PATIENCE_SECONDS = 60


@dataclass
class Served:
    """A service that was started in a folder of its own, and what it wrote so far."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    log: Path

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def socket(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of one call by the plainest of clients, which sends all, then reads.

        A body of bytes is sent as it is, anything else as JSON.
        """
        status, answer = self.raw(method, path, body, headers)
        return status, json.loads(answer)

    def raw(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and bytes of one call."""
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            told = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, sent, told)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait_until_it_answers(self, path: str = "/health/ready") -> None:
        """Return at the first 200; a start that failed, or takes a minute, is an error."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._status(path) != HTTPStatus.OK:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def _status(self, path: str) -> int | None:
        try:
            return self.raw("GET", path)[0]
        except OSError:
            return None

    def lines(self) -> list[dict[str, Any]]:
        """Every line of standard error so far, which must be JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event."""
        return [line for line in self.lines() if line.get("event") == event]

    def stop(self) -> int:
        """Ask it to end as an operator does, and wait until it has; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def kill(self) -> None:
        """End all its processes at once, as a power cut does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Served]:
    """A service that is ready, and is gone afterwards. Its store and log lie in ``folder``."""
    with started(folder, **environment) as served:
        served.wait_until_it_answers()
        yield served


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[Served]:
    """A service that was told to start, and is gone afterwards, with every child it had."""
    port = int(environment.get("CDS_PORT") or free_port())
    settings = {"CDS_PORT": str(port), "CDS_WORKERS": "1", "CDS_LOG_LEVEL": "DEBUG", **environment}
    log = folder / "stderr"
    with log.open("a") as errors:
        process = subprocess.Popen(
            SERVE,
            env={**os.environ, **settings},
            stderr=errors,
            cwd=folder,
            start_new_session=True,
        )
    served = Served(port, process, folder, log)
    try:
        yield served
    finally:
        served.kill()
        log_watch.watch(log.read_text())


def refused(**environment: str) -> list[str]:
    """The problems told by a service that does not start with these settings."""
    done = subprocess.run(
        SERVE, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    log_watch.watch(done.stderr)
    assert done.returncode == 1, done.stderr
    problems: list[str] = json.loads(done.stderr.splitlines()[-1])["problems"]
    return problems


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
