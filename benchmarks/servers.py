"""The two servers that are compared, each in a process of its own, under the same gunicorn.

Both have their card log in a folder that is gone afterwards; only the full one writes to it.

``python -m benchmarks.servers full`` (or ``bare``) serves in the foreground, as the environment
says.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.chart import SERVICE
from cds_service import log
from cds_service.serve import folder_of_metrics
from cds_service.settings import Settings

PATH = f"/cds-services/{SERVICE}"
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers on a port of loopback."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path

    def connection(self) -> HTTPConnection:
        """A connection that is kept open."""
        return HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)

    def resident_kilobytes(self) -> int:
        """Resident memory of all its workers together.

        Raises:
            OSError: where the system has no /proc.
        """
        pid = self.process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(_resident(worker) for worker in workers)

    def kept(self) -> dict[str, int]:
        """How many calls, cards and items of feedback its card log holds."""
        with closing(sqlite3.connect(self.folder / "cds.sqlite")) as connection:
            return {
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - The names stand below.
                for table in ("calls", "cards", "feedback")
            }


def _resident(pid: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:")))


@contextmanager
def running(which: str) -> Iterator[Running]:
    """Start one of the servers with one worker, wait until it answers, and stop it at the end."""
    port = _free_port()
    folder = TemporaryDirectory(prefix="cds-benchmark-")
    environment = os.environ | {
        "CDS_VAR_DIR": folder.name,
        "CDS_HOST": "127.0.0.1",
        "CDS_PORT": str(port),
        "CDS_WORKERS": "1",
        "CDS_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "benchmarks.servers", which]
    process = subprocess.Popen(command, env=environment)
    server = Running(port, process, Path(folder.name))
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        folder.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(server: Running) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise SystemExit("the server did not start; its reasons are above")
        try:
            connection = server.connection()
            connection.request("GET", "/health/live")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"the server did not answer within {PATIENCE_SECONDS} s")


def post(connection: HTTPConnection, body: bytes, path: str = PATH) -> bytes:
    """One hook call, or whatever else the path takes.

    Raises:
        SystemExit: when it is not answered with 200, because then there is nothing to measure.
    """
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise SystemExit(f"the call was answered with {response.status}: {answer[:400]!r}")
    return answer


def main(which: str) -> None:
    """Serve until told to stop."""
    settings = Settings.from_environment()
    log.configure(settings.log_level)
    with folder_of_metrics():
        # The metrics library asks for its folder at the moment it is imported.
        from benchmarks.bare import BareServer
        from cds_service.server import Server

        {"full": Server, "bare": BareServer}[which](settings).run()


if __name__ == "__main__":
    main(sys.argv[1])
