"""The servers that are measured, each in a process of its own, under the same gunicorn.

The full one is ``cds-service serve``: card log on SQLite, metrics, a log line for every call. The
bare one is started the same way. What they write is gone afterwards.

``python -m benchmarks.servers bare`` serves the bare endpoint in the foreground, as the environment
says; ``python -m benchmarks.servers active 4`` (or ``shadow 4``) with four times the rules.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from cds_service import log
from cds_service.serve import folder_of_metrics
from cds_service.settings import Settings

PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers on a port of loopback.

    ``ready_after`` are the seconds from the start of its process to the first answer that it is
    ready.
    """

    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    ready_after: float

    def resident_megabytes(self) -> list[float]:
        """Resident memory of each worker.

        Raises:
            OSError: where the system has no /proc.
        """
        pid = self.process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [_resident_kilobytes(worker) / 1024 for worker in workers]

    def kept(self) -> dict[str, int]:
        """How many calls, cards and items of feedback its card log holds."""
        with closing(sqlite3.connect(self.folder / "cds.sqlite")) as connection:
            return {
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - The names stand below.
                for table in ("calls", "cards", "feedback")
            }


def _resident_kilobytes(pid: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:")))


@contextmanager
def running(*which: str, **environment: str) -> Iterator[Running]:
    """Start a server, wait until it is ready, and stop it at the end.

    ``which`` is "full", "bare", or "active" or "shadow" with how many times the rules. It has one
    worker and the service's own defaults, unless the environment given here says otherwise.
    """
    with TemporaryDirectory(prefix="cds-benchmark-") as folder:
        port = _free_port()
        settings = {
            "CDS_VAR_DIR": folder,
            "CDS_HOST": "127.0.0.1",
            "CDS_PORT": str(port),
            "CDS_WORKERS": "1",
        }
        told = {name: each for name, each in os.environ.items() if not name.startswith("CDS_")}
        begun, said = time.monotonic(), Path(folder) / "log"
        with said.open("wb") as log_file:
            process = subprocess.Popen(
                _command(which), env=told | settings | environment, stderr=log_file
            )
        try:
            _wait_until_it_is_ready(port, process, said)
            yield Running(port, process, Path(folder), time.monotonic() - begun)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _command(which: Sequence[str]) -> list[str]:
    if which == ("full",):
        return [sys.executable, "-m", "cds_service", "serve"]
    return [sys.executable, "-m", "benchmarks.servers", *which]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_is_ready(port: int, process: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server did not start: {said.read_text()}")
        if _is_ready(port):
            return
        time.sleep(0.005)
    raise SystemExit(f"the server was not ready within {PATIENCE_SECONDS} s: {said.read_text()}")


def _is_ready(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)) as connection:
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False


def main(which: str, times: str = "1") -> None:
    """Serve until told to stop."""
    settings = Settings.from_environment()
    log.configure(settings.log_level)
    with folder_of_metrics():
        # The metrics library asks for its folder at the moment it is imported.
        from benchmarks.bare import BareServer
        from benchmarks.copies import CopiesServer

        if which == "bare":
            BareServer(settings).run()
        else:
            CopiesServer(settings, int(times), "shadow" if which == "shadow" else "active").run()


if __name__ == "__main__":
    main(*sys.argv[1:])
