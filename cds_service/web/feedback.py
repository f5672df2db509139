"""Feedback: what clinicians did with our cards. Acknowledged means that it is on disk."""

from __future__ import annotations

from flask import Blueprint, Response, request

from cds_service.web.answer import json_answer
from cds_service.web.authentication import caller
from cds_service.web.body import json_object
from cds_service.web.feedback_schema import feedback_records
from cds_service.web.parts import parts
from cds_service.web.services import named_service

blueprint = Blueprint("feedback", __name__)


@blueprint.post("/cds-services/<service_id>/feedback")
def feedback(service_id: str) -> Response:
    """Keep what was told, all of it or nothing."""
    service, joined = named_service(service_id), parts()
    items = feedback_records(json_object(request), service.id, caller(), joined.clock())
    if items:
        joined.card_log.keep_feedback(items)
    for item in items:
        joined.metrics.feedback(item.outcome)
    return json_answer({})
