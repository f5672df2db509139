"""One patient's course as a picture, for the workbench."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, request

from cds_service.decide import judge_call
from cds_service.picture import NARROW, WIDE, Knowledge, draw
from cds_service.web.answer import json_answer
from cds_service.web.authentication import caller
from cds_service.web.body import json_object
from cds_service.web.call_schema import hook_call
from cds_service.web.parts import parts
from cds_service.web.profile import under_chosen_profile
from cds_service.web.services import named_service

blueprint = Blueprint("course", __name__)


@blueprint.post("/workbench/course/<service_id>")
def course(service_id: str) -> Response:
    """The course of the patient of a hook call, drawn for a page and for a phone, and in words."""
    joined, service = parts(), named_service(service_id)
    call = hook_call(json_object(request), service, under_chosen_profile(caller()))
    judged = judge_call(call, joined, joined.clock())
    asked = joined.plans[service.id].analytes
    knowledge = Knowledge(joined.rulebook, joined.terminology, joined.regimens, asked)
    wide, narrow = (
        draw(judged.chart, judged.verdicts, knowledge, layout) for layout in (WIDE, NARROW)
    )
    text = [asdict(section) for section in wide.text]
    return json_answer({"svg": wide.svg, "narrow": narrow.svg, "text": text})
