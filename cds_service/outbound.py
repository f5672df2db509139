"""GET over HTTP, bounded in time, in size, and in where it may connect to.

A name is resolved once, every address behind it is judged, and the connection goes to one of those
addresses and nowhere else; the name itself is only used for TLS and the ``Host`` header. Nothing is
taken from the environment but the certificates to trust: no proxy, no netrc. No redirect is
followed, no cookie kept.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from requests import PreparedRequest, Request, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout, Timeout
from requests.exceptions import SSLError as RequestsSSLError
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3 import Timeout as Seconds
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as UrllibTimeout
from urllib3.response import BaseHTTPResponse

from cds_service.errors import CDSServiceError

T = TypeVar("T")
Address = IPv4Address | IPv6Address
MayConnect = Callable[[str, Address], bool]
"""Whether a host, as ``Place.host`` writes it, may be reached at an address."""

MayKeep = Callable[[int], bool]
"""Whether so many bytes more of a body may be kept."""

Resolve = Callable[[str], Sequence[str]]
"""The addresses behind a name; raises OSError when there are none."""

Problem = Literal[
    "url",
    "refused-address",
    "unresolved",
    "connection",
    "tls",
    "timeout",
    "redirect",
    "encoded",
    "too-large",
]

CONNECTIONS_PER_HOST = 64
TRIED_ADDRESSES = 3
RESOLVED_FOR_SECONDS = 30.0
_CHUNK = 65536
_DEFAULT_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_LOOPBACK = IPv4Network("127.0.0.0/8")
_LOOPBACK_6 = IPv6Address("::1")
_METADATA = frozenset({ip_address("fd00:ec2::254"), ip_address("100.100.100.200")})
"""Where two clouds keep a machine's secrets outside of the link-local networks."""

# One expression for the whole URL: what it does not match (user names, backslashes, fragments,
# letters outside ASCII) cannot be read in two ways, because it is not read at all.
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[a-z0-9._~!$&'()*+,;=:@%-]*)*)"
    r"(?P<query>\?[^\x00-\x20\x7f-\U0010ffff#\\]*)?",
    re.ASCII | re.IGNORECASE,
)


class OutboundError(CDSServiceError):
    """There is no answer; ``reason`` says why in one word, without anything of the URL."""

    def __init__(self, reason: Problem) -> None:
        self.reason: Problem = reason
        super().__init__(f"a request to another server was not answered: {reason}")


class _NotConnectedError(OutboundError):
    """Nothing was sent, so another address of the same name may be tried."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, whatever its status; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """An http or https URL taken apart.

    ``host`` is a name in lower case without a dot at its end, or a literal address in its usual
    spelling (IPv6 without brackets). ``path`` is empty or begins with a slash, ``query`` is empty
    or begins with a question mark; both are as they were written.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return self.scheme, self.host, self.port


def place_of(url: str) -> Place:
    """Take a URL apart.

    Raises:
        OutboundError: ``url`` for anything that is not plainly an http or https URL.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise OutboundError("url")
    scheme = found["scheme"].lower()
    port = int(found["port"] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 65536:
        raise OutboundError("url")
    host = found["host"].lower().removesuffix(".")
    literal = _literal(host)
    return Place(scheme, str(literal or host), port, found["path"], found["query"] or "")


def _literal(host: str) -> Address | None:
    """The address a host spells, None when it is a name.

    Decimal, octal and hexadecimal spellings of IPv4 are refused: readers differ on them.
    """
    if not (":" in host or re.search(r"(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)$", host)):
        return None
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        raise OutboundError("url") from None


def loopback_only(host: str, address: Address) -> bool:
    """This machine under its own names, and nothing else."""
    return is_loopback_host(host) and _is_loopback(address)


def is_loopback_host(host: str) -> bool:
    """Whether a host, as ``Place.host`` writes it, plainly means this machine."""
    literal = _literal(host)
    return host == "localhost" if literal is None else _is_loopback(literal)


def _is_loopback(address: Address) -> bool:
    """As the network sees it; Python's versions differ on IPv4 addresses inside IPv6 ones."""
    return address in _LOOPBACK if isinstance(address, IPv4Address) else address == _LOOPBACK_6


def listed_server(host: str, address: Address) -> bool:
    """What an operator listed: private networks too, but a name never leads to a special address.

    Special are link-local (where clouds keep secrets), unspecified, multicast and reserved ones;
    whoever means one of these lists the address itself.
    """
    return _literal(host) is not None or not _is_special(address)


def _is_special(address: Address) -> bool:
    inner = _embedded(address)
    if _is_loopback(inner):  # Python counts ::1 as reserved
        return False
    return (
        inner.is_link_local
        or inner.is_unspecified
        or inner.is_multicast
        or inner.is_reserved
        or inner in _METADATA
        or (isinstance(inner, IPv4Address) and inner in _THIS_NETWORK)
    )


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def resolve(name: str) -> Sequence[str]:
    """What the system's resolver says, in its order."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class PerProcess(Generic[T]):
    """Something every process makes for itself when it first needs it: threads, connections."""

    def __init__(self, make: Callable[[], T]) -> None:
        """Make nothing yet."""
        self._make = make
        self._made: tuple[int, T] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """This process's own."""
        with self._lock:
            if self._made is None or self._made[0] != os.getpid():
                self._made = os.getpid(), self._make()
            return self._made[1]


class Outbound:
    """Fetches, for many threads at once."""

    def __init__(self, resolve: Resolve = resolve) -> None:
        """Open nothing yet; ``resolve`` is asked for each name at most every half minute."""
        self._names = PerProcess(lambda: _Names(resolve))
        self._pools = PerProcess(_pools)
        self._trust = PerProcess(_trust)

    def get(
        self,
        url: str,
        headers: Mapping[str, str],
        deadline: float,
        max_bytes: int,
        may_connect: MayConnect,
        may_keep: MayKeep = lambda _: True,
    ) -> Answer:
        """Fetch a URL; over by ``deadline``, an instant of ``time.monotonic()``.

        ``may_keep`` is asked for every few bytes of the body, with their number.

        Raises:
            OutboundError: when there is no answer, or one that is too large, encoded, or elsewhere.
        """
        place = place_of(url)
        addresses = self._addresses(place.host, deadline)
        if not addresses or not all(may_connect(place.host, each) for each in addresses):
            raise OutboundError("refused-address")
        request = _Request(place, headers, deadline, max_bytes, may_keep)
        *others, last = addresses[:TRIED_ADDRESSES]
        for number, address in enumerate(others):
            share = request.seconds_left() / (len(others) - number + 1)
            try:
                return self._ask(request, address, share)
            except _NotConnectedError:
                continue
        return self._ask(request, last, request.seconds_left())

    def _addresses(self, host: str, deadline: float) -> Sequence[Address]:
        literal = _literal(host)
        return (literal,) if literal else self._names().addresses(host, deadline)

    def _ask(self, request: _Request, address: Address, connect_seconds: float) -> Answer:
        """Ask at one address.

        Raises:
            _NotConnectedError: when there was no connection, so that nothing was sent.
        """
        pool = self._pool(request.place, address)
        try:
            try:
                return request.send(pool, connect_seconds)
            except RequestException as problem:
                # A kept connection may be closed by the server at the moment we use it again.
                if not _went_without_a_word(problem):
                    raise
                return request.send(pool, connect_seconds)
        except (RequestException, HTTPError, OSError, ValueError) as problem:
            refused = _NotConnectedError if _was_not_connected(problem) else OutboundError
            raise refused(_reason(problem)) from problem

    def _pool(self, place: Place, address: Address) -> HTTPConnectionPool:
        """The connections to one address that speak under one name."""
        options: dict[str, Any] = {}
        if place.scheme == "https":
            try:
                options["ssl_context"] = self._trust()
            except OSError as problem:  # a bundle that is not there, or holds no certificates
                raise OutboundError("tls") from problem
            if _literal(place.host) is None:
                options["server_hostname"] = options["assert_hostname"] = place.host
        return self._pools().connection_from_host(str(address), place.port, place.scheme, options)


@dataclass(frozen=True, slots=True)
class _Request:
    place: Place
    headers: Mapping[str, str]
    deadline: float
    max_bytes: int
    may_keep: MayKeep

    def seconds_left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise OutboundError("timeout")
        return left

    def send(self, pool: HTTPConnectionPool, connect_seconds: float) -> Answer:
        # The adapter alone, without a session: no redirect, cookie, proxy or netrc to switch off.
        adapter = _Adapter(pool, Seconds(connect=connect_seconds, total=self.seconds_left()))
        answer = adapter.send(self._prepared(), stream=True).raw
        try:
            return self._read(answer)
        except BaseException:
            answer.close()
            raise

    def _prepared(self) -> PreparedRequest:
        url = f"{self.place.scheme}://{self._host()}{self.place.path}{self.place.query}"
        own = {"Host": self._host(), "Accept-Encoding": "identity"}
        return Request("GET", url, headers={**self.headers, **own}).prepare()

    def _host(self) -> str:
        host = f"[{self.place.host}]" if ":" in self.place.host else self.place.host
        is_default = self.place.port == _DEFAULT_PORTS[self.place.scheme]
        return host if is_default else f"{host}:{self.place.port}"

    def _read(self, answer: BaseHTTPResponse) -> Answer:
        if answer.status in _REDIRECTS:
            raise OutboundError("redirect")
        if answer.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise OutboundError("encoded")
        body = bytearray()
        for chunk in answer.stream(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > self.max_bytes or not self.may_keep(len(chunk)):
                raise OutboundError("too-large")
        answer.release_conn()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, headers, bytes(body))


def _reason(problem: Exception) -> Problem:
    if isinstance(problem, (Timeout, UrllibTimeout, TimeoutError)):
        return "timeout"
    is_tls = isinstance(problem, (RequestsSSLError, SSLError, ssl.SSLError))
    return "tls" if is_tls else "connection"


def _was_not_connected(problem: Exception) -> bool:
    reasons = (getattr(each, "reason", None) for each in problem.args)
    return isinstance(problem, ConnectTimeout) or any(
        isinstance(each, NewConnectionError) for each in reasons
    )


def _went_without_a_word(problem: RequestException) -> bool:
    causes = [each for each in problem.args if isinstance(each, ProtocolError)]
    return any(isinstance(each, ConnectionError) for cause in causes for each in cause.args)


class _Adapter(HTTPAdapter):
    """Sends over connections of ours, to the address that was judged and with our trust."""

    def __init__(self, pool: HTTPConnectionPool, seconds: Seconds) -> None:
        super().__init__()
        self._pool = pool
        self._seconds = seconds

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Within the seconds of the whole request; requests' own signature knows no total."""
        return super().send(request, *args, **(options | {"timeout": self._seconds}))

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """The pool knows whom to trust; requests would add authorities of its own."""


class _Names:
    """Names resolved off the calling thread, because a resolver may take as long as it likes."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._known: dict[str, tuple[float, Future[tuple[Address, ...]]]] = {}
        self._lock = threading.Lock()

    def addresses(self, name: str, deadline: float) -> tuple[Address, ...]:
        try:
            return self._asked(name).result(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise OutboundError("timeout") from None
        except (OSError, ValueError):
            raise OutboundError("unresolved") from None

    def _asked(self, name: str) -> Future[tuple[Address, ...]]:
        now = time.monotonic()
        with self._lock:
            until, answer = self._known.get(name, (0.0, None))
            if answer and (not answer.done() or (now < until and answer.exception() is None)):
                return answer
            asked: Future[tuple[Address, ...]] = Future()
            self._known[name] = now + RESOLVED_FOR_SECONDS, asked
        # A daemon: a resolver that hangs must not keep the process from ending.
        threading.Thread(target=self._ask, args=(name, asked), daemon=True).start()
        return asked

    def _ask(self, name: str, asked: Future[tuple[Address, ...]]) -> None:
        try:
            asked.set_result(tuple(ip_address(each) for each in self._resolve(name)))
        except Exception as problem:
            asked.set_exception(problem)


class _TimelyBytes(RawIOBase):
    """The bytes of a socket until an instant: a byte now and then does not win more time."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._bytes = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _TimelyResponse(HTTPResponse):
    """An answer whose head and body together are read within the time the socket has left."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = BufferedReader(_TimelyBytes(sock, time.monotonic() + (sock.gettimeout() or 0)))


class _TimelyHTTP(HTTPConnection):
    response_class = _TimelyResponse


class _TimelyHTTPS(HTTPSConnection):
    response_class = _TimelyResponse


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _TimelyHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TimelyHTTPS


def _pools() -> PoolManager:
    manager = PoolManager(num_pools=32, maxsize=CONNECTIONS_PER_HOST)
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return manager


def _trust() -> ssl.SSLContext:
    """The authorities of ``SSL_CERT_FILE`` and ``REQUESTS_CA_BUNDLE``, else the system's."""
    bundles = list(filter(None, map(os.environ.get, ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"))))
    if not bundles:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for bundle in bundles:
        is_folder = Path(bundle).is_dir()
        context.load_verify_locations(**{"capath" if is_folder else "cafile": bundle})
    return context
