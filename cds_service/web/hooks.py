"""Discovery, the hook call and its explanation."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, Response, g, request

from cds_service.decide import decide, judge_call
from cds_service.fhir.hook_call import HookCall
from cds_service.rulebook.model import Service
from cds_service.web.answer import json_answer
from cds_service.web.authentication import caller
from cds_service.web.body import object_in, received
from cds_service.web.call_schema import Caller, hook_call
from cds_service.web.card_form import as_sent
from cds_service.web.explained import explained
from cds_service.web.framework import behind
from cds_service.web.parts import parts
from cds_service.web.profile import under_chosen_profile
from cds_service.web.services import named_service
from cds_service.web.told import tell

blueprint = Blueprint("hooks", __name__)


@blueprint.get("/cds-services")
def discovery() -> Response:
    """The services there are, with the data they ask for."""
    return json_answer({"services": [_described(each) for each in parts().rulebook.services]})


@blueprint.post("/cds-services/<service_id>")
def call(service_id: str) -> Response:
    """Answer one hook call with cards."""
    asked, joined = _asked(service_id), parts()
    with joined.turns.taken():
        sent = _read(*asked)
        decision = decide(sent, joined, g.request_id)
        tell(decision.record)
        answer = json_answer(as_sent(decision.cards))
    answer.call_on_close(partial(_let_go, sent, decision))
    return answer


@blueprint.post("/explain/<service_id>")
def explain(service_id: str) -> Response:
    """Every rule of the service with its verdict on this call, clause by clause."""
    asked = _asked(service_id)
    with parts().turns.taken():
        judged = judge_call(_read(*asked), parts(), parts().clock())
        return json_answer(explained(judged.verdicts, parts().terminology))


def _asked(service_id: str) -> tuple[bytes, Service, Caller]:
    """A call that is here as a whole, which service it asks, and who asks."""
    service, judged_as = named_service(service_id), under_chosen_profile(caller())
    return received(behind(request)), service, judged_as


def _read(body: bytes, service: Service, judged_as: Caller) -> HookCall:
    with parts().metrics.phase("parse"):
        return hook_call(object_in(body), service, judged_as)


def _let_go(*_: object) -> None:
    """What a call was answered from is taken apart after its answer has left, not before."""


def _described(service: Service) -> dict[str, Any]:
    described = {
        "hook": service.hook,
        "id": service.id,
        "title": service.title,
        "description": service.description,
        "prefetch": dict(parts().prefetch.get(service.id, {})),
        "usageRequirements": service.usage_requirements,
    }
    return {name: value for name, value in described.items() if value}
