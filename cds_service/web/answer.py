"""How a JSON answer leaves the service."""

from __future__ import annotations

from flask import Response

from cds_service.strict_json import JSON, dumps


def json_answer(body: JSON, status: int = 200) -> Response:
    """The value as strict JSON; nobody may store it, it may be about a patient."""
    answer = Response(dumps(body), status, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer
