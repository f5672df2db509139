"""What every answer carries: cross-origin permission, protection, a request id, a line in the log.

Sandbox mode lets a page of any origin read us. In clients mode an origin is let in when a client
lists it; an answer to an authenticated call only when that very client does.
"""

from __future__ import annotations

import logging
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import Any

from flask import Flask, Request, Response, g, request

from cds_service.cards.random_uuid import random_uuid
from cds_service.clients import Client
from cds_service.decide import Parts
from cds_service.settings import Settings
from cds_service.web.door import ROOMS
from cds_service.web.framework import behind
from cds_service.web.metrics import HOOK_CALL, count
from cds_service.web.parts import parts
from cds_service.web.told import told

log = logging.getLogger(__name__)

Headers = tuple[tuple[str, str], ...]

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
_PROTECTION: Headers = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
)
_YEAR_OF_TLS: Headers = (("Strict-Transport-Security", "max-age=31536000"),)
# A page brings its own policy; nothing else that we send is a document with a life of its own.
_NOT_A_PAGE = "default-src 'none'; frame-ancestors 'none'"


def register_headers(app: Flask) -> None:
    """Run before and after every request, errors included.

    One function before and one after: the framework takes its time between two.
    """
    with app.app_context():
        joined = parts()
    app.before_request(_begin)
    app.after_request(partial(_finish, joined, _always(joined.settings)))


def _begin() -> Response | None:
    """The id is ours: one that a caller chose might name a patient in our log."""
    own = behind(g)
    own.request_id = random_uuid()
    own.started = perf_counter()
    return _answer_preflight() if request.method == "OPTIONS" else None


def _answer_preflight() -> Response | None:
    """A browser asks before it calls, without a token; what is allowed stands in the headers."""
    if "Access-Control-Request-Method" in request.headers:
        answer = Response(status=HTTPStatus.NO_CONTENT)
        del answer.headers["Content-Type"]
        return answer
    return None


def _finish(joined: Parts, always: Headers, answer: Response) -> Response:
    asked, own = behind(request), behind(g)
    answer.headers.extend(always)
    if "Content-Security-Policy" not in answer.headers:
        answer.headers.add("Content-Security-Policy", _NOT_A_PAGE)
    answer.headers.add("X-Request-ID", own.request_id)
    _allow(_origin_let_in(joined.settings.clients, answer), asked.method, answer)
    _tell(joined, asked, own, answer.status_code)
    return answer


def _always(settings: Settings) -> Headers:
    """What is the same on every answer."""
    return _PROTECTION + (_YEAR_OF_TLS if settings.public_url.startswith("https:") else ())


def _origin_let_in(clients: tuple[Client, ...] | None, answer: Response) -> str:
    """The origin whose pages may read this answer; ``*`` for all of them, empty for none."""
    if clients is None:
        return "*"
    answer.vary.add("Origin")
    if request.blueprint in ROOMS:
        return ""  # the pages of the workbench are for nobody but themselves
    origin = request.headers.get("Origin", "")
    callers = (g.caller.client,) if "caller" in g else clients
    return origin if any(origin in client.cors_origins for client in callers) else ""


def _allow(origin: str, method: str, answer: Response) -> None:
    if not origin:
        return
    answer.headers.add("Access-Control-Allow-Origin", origin)
    answer.headers.add("Access-Control-Expose-Headers", "X-Request-ID")
    if method == "OPTIONS":
        answer.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        answer.headers["Access-Control-Allow-Headers"] = "Content-Type, Authorization"
        answer.headers["Access-Control-Max-Age"] = "600"


def _tell(joined: Parts, asked: Request, own: Any, status: int) -> None:
    """A line in the log, and the counters; ``own``: what was kept for this request."""
    rule, method, about = asked.url_rule, asked.method, told(joined, asked, own)
    route, seconds = rule.rule if rule else "unknown", perf_counter() - own.started
    fields = {
        "request_id": own.request_id,
        "method": method if method in _METHODS else "other",
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
        **about,
    }
    log.info("request answered", extra=fields)
    count(joined.metrics, route, method, status, seconds)
    if "service" in about and asked.endpoint == HOOK_CALL:
        joined.metrics.call(about["service"], status)
