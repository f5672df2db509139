"""The settings: environment variables, read once at start, every problem reported together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from cds_service.clients import Client, ClientsError, read_clients
from cds_service.data import rules_dir
from cds_service.errors import CDSServiceError

T = TypeVar("T")
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LOG_LEVELS: tuple[LogLevel, ...] = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MEGABYTE = 1024 * 1024
SHORTEST_SECRET = 32
SHORTEST_PASSWORD, LONGEST_PASSWORD = 16, 256
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{2,63}")
# Headers that browsers, clients and proxies send on every day, whoever is signed in.
_STANDARD_HEADER = re.compile(
    r"(accept|access-control|content|if|proxy|sec|service-worker|upgrade|x-b3)(-.*)?"
    r"|x-forwarded-(for|host|port|prefix|proto|protocol|scheme|server|ssl|by)"
    r"|authorization|cache-control|cf-connecting-ip|cf-ray|connection|cookie2?|date|dnt"
    r"|early-data|expect|forwarded|from|host|keep-alive|last-event-id|max-forwards|origin|ping-.*|pragma|priority|range|referer"
    r"|save-data|te|trace(parent|state)|trailer|transfer-encoding|user-agent|via|warning"
    r"|x-(correlation|request)-id|x-csrf-token|x-real-ip|x-requested-with"
)


class SettingsError(CDSServiceError):
    """The environment cannot be used; the service refuses to start.

    ``problems`` holds every one, each as ``VARIABLE: what is wrong; what to do``. No value of a
    variable that may hold a password is repeated.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def _cores() -> int:
    """The processor cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system can tell
        return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs. The defaults are those of ``make run``.

    ``public_url`` is the base URL as clients see it, without a slash at its end.
    ``max_body_bytes``: a larger request body gets 413. ``var_dir`` holds what this installation
    writes: the SQLite file unless ``database_url`` says otherwise, the spool, and the key of the
    keyed hashes unless ``hash_key`` gives one. ``fhir_deadline_ms`` bounds all FHIR calls of one
    hook call together. ``quiet_hours``: how long an answered card is not repeated (0: always is).
    ``clients`` are the EHRs that may call; None is sandbox mode, where anybody may. In clients mode
    the workbench is there for who knows ``workbench_password``, or whom the proxy names in the
    header ``workbench_header``; with neither it is off.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = field(default_factory=_cores)
    public_url: str = "http://127.0.0.1:8080"
    rules_dir: Path = field(default_factory=rules_dir)
    profile: Literal["US", "EU"] = "US"
    max_body_bytes: int = 10 * MEGABYTE
    log_level: LogLevel = "INFO"
    var_dir: Path = Path("var")
    database_url: str = field(default="sqlite:///var/cds.sqlite", repr=False)
    hash_key: str = field(default="", repr=False)
    fhir_deadline_ms: int = 2000
    quiet_hours: int = 24
    clients: tuple[Client, ...] | None = None
    workbench_password: str = field(default="", repr=False)
    workbench_header: str = ""

    @property
    def is_sandbox(self) -> bool:
        """Whether callers are not authenticated."""
        return self.clients is None

    @property
    def has_workbench(self) -> bool:
        """Whether the workbench is there, be it for everybody or for some."""
        return self.is_sandbox or bool(self.workbench_password or self.workbench_header)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the ``CDS_…`` variables; one that is empty counts as not set, except CDS_CLIENTS.

        Raises:
            SettingsError: with every problem found.
        """
        reader = _Reader(os.environ if environment is None else environment)
        settings = reader.settings()
        if reader.problems:
            raise SettingsError(tuple(reader.problems))
        return settings


class _Reader:
    """Reads variables one by one and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def settings(self) -> Settings:
        """All settings; meaningless when there are problems."""
        self._refuse_misspelt_names()
        host = self._read("CDS_HOST", _host, "127.0.0.1")
        port = self._read("CDS_PORT", _whole(1, 65535), 8080)
        var_dir = self._read("CDS_VAR_DIR", _writable, Path("var"))
        return Settings(
            host=host,
            port=port,
            workers=self._read("CDS_WORKERS", _whole(1, 256), _cores()),
            public_url=self._read("CDS_PUBLIC_URL", _base_url, f"http://{_in_url(host)}:{port}"),
            rules_dir=self._rules_dir(),
            profile=self._read("CDS_PROFILE", _profile, "US"),
            max_body_bytes=self._read("CDS_MAX_BODY_MB", _megabytes, 10 * MEGABYTE),
            log_level=self._read("CDS_LOG_LEVEL", _log_level, "INFO"),
            var_dir=var_dir,
            database_url=self._read("CDS_DATABASE_URL", _database_url, _sqlite_in(var_dir)),
            hash_key=self._read("CDS_HASH_KEY", _secret, ""),
            fhir_deadline_ms=self._read("CDS_FHIR_DEADLINE_MS", _whole(1, 600_000), 2000),
            quiet_hours=self._read("CDS_QUIET_HOURS", _whole(0, 8760), 24),
            clients=self._clients(),
            workbench_password=self._workbench("CDS_WORKBENCH_PASSWORD", _password),
            workbench_header=self._workbench("CDS_WORKBENCH_HEADER", _proxy_header),
        )

    def _read(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as problem:
            self.problems.append(f"{name}: {problem}")
            return default

    def _refuse_misspelt_names(self) -> None:
        """A misspelt CDS_CLIENTS must not leave the service open, so no near miss is let pass."""
        for name in sorted(set(self._environment) - KNOWN):
            if name.startswith("CDS_") and (near := get_close_matches(name, KNOWN, 1, 0.8)):
                self.problems.append(f"{name}: there is no such setting; did you mean {near[0]}?")

    def _clients(self) -> tuple[Client, ...] | None:
        """Those of the clients file; once the variable is there, nothing lets just anybody call."""
        if "CDS_CLIENTS" not in self._environment:
            return None
        text = self._environment["CDS_CLIENTS"].strip()
        if not text:
            self.problems.append(
                "CDS_CLIENTS: must name the clients file; unset it to run in sandbox mode"
            )
            return ()
        try:
            return read_clients(Path(text).expanduser())
        except ClientsError as refused:
            self.problems += [f"CDS_CLIENTS: {problem}" for problem in refused.problems]
            return ()

    def _workbench(self, name: str, parse: Callable[[str], str]) -> str:
        """One of the two ways into the workbench; whoever sets one believes that it is guarded."""
        value = self._read(name, parse, "")
        if value and "CDS_CLIENTS" not in self._environment:
            self.problems.append(
                f"{name}: must be unset in sandbox mode, where the workbench is open to everybody; "
                "set CDS_CLIENTS to guard it"
            )
        if value and name == "CDS_WORKBENCH_HEADER" and self._has("CDS_WORKBENCH_PASSWORD"):
            self.problems.append(f"{name}: must be unset when CDS_WORKBENCH_PASSWORD is set")
        return value

    def _has(self, name: str) -> bool:
        return bool(self._environment.get(name, "").strip())

    def _rules_dir(self) -> Path:
        try:
            default = rules_dir()
        except FileNotFoundError as problem:
            if not self._environment.get("CDS_RULES_DIR", "").strip():
                self.problems.append(f"CDS_RULES_DIR: {problem}")
            default = Path()
        return self._read("CDS_RULES_DIR", _folder, default)


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", text):
        raise ValueError("must be a host name or an IP address, for example 127.0.0.1")
    return text


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _megabytes(text: str) -> int:
    try:
        size = Decimal(text)
    except InvalidOperation:
        size = Decimal("NaN")
    if not size.is_finite() or not Decimal("0.01") <= size <= 1024:
        raise ValueError("must be a number of megabytes from 0.01 to 1024")
    return int(size * MEGABYTE)


def _base_url(text: str) -> str:
    if not _is_base_url(text):
        raise ValueError(
            "must be an http or https URL without user, query and fragment, "
            "for example https://cds.example.org"
        )
    return text.rstrip("/")


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        port_is_fine
        and parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not re.search(r"[@?#\s]", text)
    )


def _profile(text: str) -> Literal["US", "EU"]:
    match text.upper():
        case "US":
            return "US"
        case "EU":
            return "EU"
    raise ValueError("must be US or EU")


def _log_level(text: str) -> LogLevel:
    for level in LOG_LEVELS:
        if text.upper() == level:
            return level
    raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")


def _folder(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_dir():
        raise ValueError("must be a folder that exists and holds rule files")
    return path.resolve()


def _database_url(text: str) -> str:
    if not re.match(r"(sqlite|sqlite\+pysqlite|postgres|postgresql|postgresql\+psycopg)://", text):
        raise ValueError(
            "must be the URL of a database that the card log can use: "
            "postgresql://user@host/name or sqlite:///folder/file"
        )
    return text


def _sqlite_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'cds.sqlite'}"


def _writable(text: str) -> Path:
    path = Path(text).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("must be a folder, which is made when it does not exist")
    return path


def _secret(text: str) -> str:
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"must be a secret of at least {SHORTEST_SECRET} characters")
    return text


def _password(text: str) -> str:
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD or not text.isprintable():
        raise ValueError(
            f"must be a secret of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} printable characters"
        )
    return text


def _proxy_header(text: str) -> str:
    """A name that means something else already would let in whoever sends that."""
    if not _HEADER_NAME.fullmatch(text) or _STANDARD_HEADER.fullmatch(text.lower()):
        raise ValueError(
            "must be the name of a header that nobody but your proxy sets, "
            "for example X-Forwarded-User"
        )
    return text


KNOWN = frozenset(
    {
        "CDS_CLIENTS",
        "CDS_DATABASE_URL",
        "CDS_FHIR_DEADLINE_MS",
        "CDS_HASH_KEY",
        "CDS_HOST",
        "CDS_LOG_LEVEL",
        "CDS_MAX_BODY_MB",
        "CDS_PORT",
        "CDS_PROFILE",
        "CDS_PUBLIC_URL",
        "CDS_QUIET_HOURS",
        "CDS_RULES_DIR",
        "CDS_VAR_DIR",
        "CDS_WORKBENCH_HEADER",
        "CDS_WORKBENCH_PASSWORD",
        "CDS_WORKERS",
    }
)
