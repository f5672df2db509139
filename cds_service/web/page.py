"""How an HTML page leaves the service."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template

from cds_service.web.parts import parts

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PROTECTION = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def page(template: str, *, root: str, status: int = 200, **values: Any) -> Response:
    """A rendered template. ``root`` is the relative way from the page to the base URL."""
    settings = parts().settings
    about = {"is_sandbox": settings.is_sandbox, "has_workbench": settings.has_workbench}
    text = render_template(template, root=root, **about, **values)
    answer = Response(text, status)
    answer.headers.update(_PROTECTION)
    return answer
