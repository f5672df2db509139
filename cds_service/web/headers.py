"""What every answer carries: cross-origin permission, protection, a request id, a line in the log.

Sandbox mode lets a page of any origin read us. In clients mode an origin is let in when a client
lists it; an answer to an authenticated call only when that very client does.
"""

from __future__ import annotations

import logging
from functools import partial
from http import HTTPStatus
from time import perf_counter
from uuid import uuid4

from flask import Flask, Response, g, request

from cds_service.clients import Client
from cds_service.settings import Settings
from cds_service.web.door import ROOMS
from cds_service.web.parts import parts
from cds_service.web.told import told

log = logging.getLogger(__name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
_PROTECTION = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
# A page brings its own policy; nothing else that we send is a document with a life of its own.
_NOT_A_PAGE = "default-src 'none'; frame-ancestors 'none'"
_YEAR_OF_TLS = "max-age=31536000"


def register_headers(app: Flask) -> None:
    """Run before and after every request, errors included."""
    with app.app_context():
        settings = parts().settings
    app.before_request(_begin)
    app.before_request(_answer_preflight)
    if settings.clients is None:
        app.after_request(_allow_any_origin)
    else:
        app.after_request(partial(_allow_listed_origin, settings.clients))
    app.after_request(partial(_protect, settings))
    app.after_request(_finish)


def _begin() -> None:
    """The id is ours: one that a caller chose might name a patient in our log."""
    g.request_id = str(uuid4())
    g.started = perf_counter()


def _answer_preflight() -> Response | None:
    """A browser asks before it calls, without a token; what is allowed stands in the headers."""
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        answer = Response(status=HTTPStatus.NO_CONTENT)
        del answer.headers["Content-Type"]
        return answer
    return None


def _allow_any_origin(answer: Response) -> Response:
    return _allow(answer, "*")


def _allow_listed_origin(clients: tuple[Client, ...], answer: Response) -> Response:
    answer.vary.add("Origin")
    if request.blueprint in ROOMS:
        return answer  # the pages of the workbench are for nobody but themselves
    origin = request.headers.get("Origin", "")
    callers = (g.caller.client,) if "caller" in g else clients
    if origin and any(origin in client.cors_origins for client in callers):
        return _allow(answer, origin)
    return answer


def _allow(answer: Response, origin: str) -> Response:
    answer.headers["Access-Control-Allow-Origin"] = origin
    answer.headers["Access-Control-Expose-Headers"] = "X-Request-ID"
    if request.method == "OPTIONS":
        answer.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        answer.headers["Access-Control-Allow-Headers"] = "Content-Type, Authorization"
        answer.headers["Access-Control-Max-Age"] = "600"
    return answer


def _protect(settings: Settings, answer: Response) -> Response:
    answer.headers.update(_PROTECTION)
    answer.headers.setdefault("Content-Security-Policy", _NOT_A_PAGE)
    if settings.public_url.startswith("https:"):
        answer.headers["Strict-Transport-Security"] = _YEAR_OF_TLS
    return answer


def _finish(answer: Response) -> Response:
    answer.headers["X-Request-ID"] = g.request_id
    rule = request.url_rule
    fields = {
        "request_id": g.request_id,
        "method": request.method if request.method in _METHODS else "other",
        "route": rule.rule if rule else "unknown",
        "status": answer.status_code,
        "ms": round((perf_counter() - g.started) * 1000, 1),
        **told(),
    }
    log.info("request answered", extra=fields)
    return answer
