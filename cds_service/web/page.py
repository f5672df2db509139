"""How an HTML page leaves the service."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page(template: str, *, root: str, status: int = 200, **values: Any) -> Response:
    """A rendered template. ``root`` is the relative way from the page to the base URL."""
    answer = Response(render_template(template, root=root, **values), status)
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer
