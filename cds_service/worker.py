"""gunicorn's thread worker, where its own way would not keep our word."""

from __future__ import annotations

import logging
import selectors
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from cds_service.strict_json import dumps
from cds_service.web.errors import Issue

logger = logging.getLogger(__name__)

_STATUS: Mapping[type[BaseException], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
# As long as gunicorn waits for a client that has connected and sends nothing.
_PATIENCE_SECONDS = 5.0
_FAILED = Issue("exception", "no answer: the service failed on this request; nothing was assessed")
_UNREADABLE = Issue("structure", "the request is not HTTP as this service reads it")


class Worker(ThreadWorker):
    """Refuses what is no HTTP in JSON, and answers every call that has reached the machine."""

    _is_closed = False

    def handle_error(
        self, req: Any, client: socket.socket, addr: object, exc: BaseException
    ) -> None:
        """Say what is wrong as everywhere else; gunicorn would quote the request in HTML."""
        if isinstance(exc, errors.ParseException):
            status, issue = _STATUS.get(type(exc), HTTPStatus.BAD_REQUEST), _UNREADABLE
            logger.warning("request refused before it was read", extra={"status": int(status)})
        else:
            status, issue = HTTPStatus.INTERNAL_SERVER_ERROR, _FAILED
            logger.error("unexpected error", exc_info=exc)
        server: Any = self.app
        any_origin = server.parts.settings.is_sandbox
        with suppress(OSError):
            client.sendall(refusal(status, issue, any_origin=any_origin))

    def handle(self, conn: Any) -> Any:
        """Serve one request, and give up a client that stops in the middle of it.

        gunicorn waits for ever, so as many halves of a request as there are threads would stop it.
        """
        seconds, rest = divmod(_PATIENCE_SECONDS, 1)
        idle = struct.pack("@ll", int(seconds), int(rest * 1_000_000))
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, idle)
        return super().handle(conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Hear out a body that nobody read, as far as one may be sent, after the answer has left.

        gunicorn gives up after 64 kB and hangs up on a connection it has promised to keep; a client
        that still sends, or sends its next call there, then sees a reset in place of an answer.
        """
        server: Any = self.app
        is_heard_out = conn.parser.finish_body(
            deadline=time.monotonic() + _PATIENCE_SECONDS,
            max_bytes=server.parts.settings.max_body_bytes,
        )
        return bool(keepalive and is_heard_out)

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """When stopping, take in the connections that wait already; later ones are refused."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive and not self._is_closed:
            self._is_closed = True
            for listener in self.sockets:
                while _has_waiting(listener):
                    self.accept(listener)
                listener.close()


def refusal(status: HTTPStatus, issue: Issue, *, any_origin: bool) -> bytes:
    """A whole HTTP answer that holds an OperationOutcome.

    What was no HTTP named no origin that could be looked up, so a page of any origin may read it,
    or none.
    """
    body = dumps({"resourceType": "OperationOutcome", "issue": [issue.as_json()]})
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"{'Access-Control-Allow-Origin: *' if any_origin else 'Vary: Origin'}\r\n"
        "\r\n"
    )
    return head.encode("ascii") + body


def _has_waiting(listener: socket.socket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        return bool(selector.select(timeout=0))
