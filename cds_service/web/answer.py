"""How a JSON answer leaves the service."""

from __future__ import annotations

from flask import Response

from cds_service.strict_json import JSON, dumps

_NO_STORE = (("Cache-Control", "no-store"),)


def json_answer(body: JSON, status: int = 200) -> Response:
    """The value as strict JSON; nobody may store it, it may be about a patient."""
    return Response(dumps(body), status, _NO_STORE, content_type="application/json")
