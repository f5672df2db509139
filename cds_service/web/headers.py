"""What every answer carries: cross-origin permission, a request id, and a line in the log."""

from __future__ import annotations

import logging
from time import perf_counter
from uuid import uuid4

from flask import Flask, Response, g, request

log = logging.getLogger(__name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})


def register_headers(app: Flask) -> None:
    """Run before and after every request, errors included."""
    app.before_request(_begin)
    app.after_request(_allow_any_origin)
    app.after_request(_finish)


def _begin() -> None:
    """The id is ours: one that a caller chose might name a patient in our log."""
    g.request_id = str(uuid4())
    g.started = perf_counter()


def _allow_any_origin(answer: Response) -> Response:
    """Sandbox mode lets a page of any origin call us."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Access-Control-Expose-Headers"] = "X-Request-ID"
    if request.method == "OPTIONS":
        answer.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        answer.headers["Access-Control-Allow-Headers"] = "Content-Type, Authorization"
        answer.headers["Access-Control-Max-Age"] = "600"
    return answer


def _finish(answer: Response) -> Response:
    answer.headers["X-Request-ID"] = g.request_id
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    rule = request.url_rule
    fields = {
        "request_id": g.request_id,
        "method": request.method if request.method in _METHODS else "other",
        "route": rule.rule if rule else "unknown",
        "status": answer.status_code,
        "ms": round((perf_counter() - g.started) * 1000, 1),
    }
    log.info("request answered", extra=fields)
    return answer
