"""The caller: one connection that stays open, one request made beforehand, no library between.

What a client costs is added to the time of both servers and would make their ratio look better, so
this one sends bytes and reads bytes.
"""

from __future__ import annotations

import re
import socket

from benchmarks.chart import SERVICE

PATH = f"/cds-services/{SERVICE}"
PATIENCE_SECONDS = 60
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNK = 1 << 18


class Client:
    """Sends the same POST again and again to a port of loopback."""

    def __init__(self, port: int, body: bytes, path: str = PATH) -> None:
        self._port = port
        self._request = request(port, body, path)
        self._socket: socket.socket | None = None

    def renew(self) -> None:
        """Hang up and connect anew: the server may have closed a connection that was idle."""
        self.close()
        self._socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Hang up."""
        if self._socket:
            self._socket.close()

    def __call__(self) -> bytes:
        """Call once; the body of the answer.

        Raises:
            SystemExit: when the answer is not 200, because then there is nothing to measure.
        """
        if self._socket is None:
            self.renew()
        assert self._socket
        self._socket.sendall(self._request)
        return _answer(self._socket)


def request(port: int, body: bytes, path: str) -> bytes:
    """A whole request, as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _answer(connection: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        read += _more(connection)
    head, _, body = read.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length is None:
        raise SystemExit("the server did not say how long its answer is")
    while len(body) < int(length[1]):
        body += _more(connection)
    if head[9:12] != b"200":
        raise SystemExit(f"the call was answered with {head[9:12].decode()}: {body[:400]!r}")
    return body


def _more(connection: socket.socket) -> bytes:
    read = connection.recv(_CHUNK)
    if not read:
        raise SystemExit("the server hung up in the middle of an answer")
    return read
