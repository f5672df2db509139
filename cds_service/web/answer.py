"""How a JSON answer leaves the service."""

from __future__ import annotations

from typing import Any

from flask import Response
from werkzeug.datastructures import Headers

from cds_service.strict_json import JSON, dumps

_NO_STORE = (("Cache-Control", "no-store"),)


class _JSONResponse(Response):
    """An answer whose headers are complete as they stand: it has a body of known length."""

    def get_wsgi_headers(self, environ: dict[str, Any]) -> Headers:
        """Those it has. The framework would look for a missing length or address in a copy."""
        return self.headers


def json_answer(body: JSON, status: int = 200) -> Response:
    """The value as strict JSON; nobody may store it, it may be about a patient.

    ``status`` is one that has a body: neither 1xx, 204 nor 304.
    """
    return _JSONResponse(dumps(body), status, _NO_STORE, content_type="application/json")
