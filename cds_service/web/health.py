"""Whether the process is up, and whether it is fit to answer."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from flask import Blueprint, Response

from cds_service.decide import Parts
from cds_service.engine.durable import engine_state
from cds_service.web.answer import json_answer
from cds_service.web.parts import parts

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
def live() -> Response:
    """The process answers; nothing else is looked at."""
    return json_answer({"status": "up"})


@blueprint.get("/ready")
def ready() -> Response:
    """Whether calls can be judged, and by what; 503 with the reasons when not."""
    joined = parts()
    away = tuple(joined.card_log.problems())
    reasons = [*rulebook_problems(joined), *away]
    body = {
        "status": "not ready" if reasons else "ready",
        "rulebook": joined.rulebook.sha256,
        "rules": len(joined.rulebook.rules),
        "engine": engine_state(joined.engine),
        "mode": mode(joined),
        "store": "not ready" if away else "ready",
        "spooled": joined.card_log.spooled,
        **({"reasons": reasons} if reasons else {}),
    }
    return json_answer(body, HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK)


def mode(joined: Parts) -> str:
    """``sandbox``: anybody may call; ``clients``: only who has a token of a listed client."""
    return "sandbox" if joined.settings.is_sandbox else "clients"


def rulebook_problems(joined: Parts) -> Iterator[str]:
    """Why calls could not be judged."""
    if not joined.rulebook.services:
        yield "the rulebook offers no service"
    for service in joined.rulebook.services:
        if not joined.rulebook.for_hook(service.hook):
            yield f"the rulebook has no rule in force for {service.id}"
