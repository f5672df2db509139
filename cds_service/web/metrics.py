"""``GET /metrics``, and the count of every answer."""

from __future__ import annotations

from time import perf_counter

from flask import Blueprint, Flask, Response, g, request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from cds_service import __version__
from cds_service.engine.durable import engine_state
from cds_service.metrics import Standing
from cds_service.web.health import mode, rulebook_problems
from cds_service.web.parts import parts
from cds_service.web.told import asked_service

blueprint = Blueprint("metrics", __name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_HOOK_CALL = "hooks.call"


def register_metrics(app: Flask) -> None:
    """Count every answer, refusals and failures included."""
    app.before_request(_begin)
    app.after_request(_count)


@blueprint.get("/metrics")
def metrics() -> Response:
    """What every worker counted, and how the service stands now."""
    joined = parts()
    is_store_ready = not joined.card_log.problems()
    standing = Standing(
        build={
            "version": __version__,
            "rulebook": joined.rulebook.sha256,
            "profile": joined.settings.profile,
            "mode": mode(joined),
            "engine": engine_state(joined.engine),
        },
        is_ready=is_store_ready and not any(rulebook_problems(joined)),
        is_store_ready=is_store_ready,
        spooled=joined.card_log.spooled,
        set_aside=joined.card_log.set_aside,
    )
    answer = Response(joined.metrics.page(standing), content_type=CONTENT_TYPE_PLAIN_0_0_4)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _begin() -> None:
    g.counted_from = perf_counter()


def _count(answer: Response) -> Response:
    """Addresses and methods are told by our own words for them: a caller may send any number."""
    rule, counted = request.url_rule, parts().metrics
    counted.request(
        rule.rule if rule else "unknown",
        request.method if request.method in _METHODS else "other",
        answer.status_code,
        perf_counter() - g.counted_from,
    )
    if request.endpoint == _HOOK_CALL:
        service = asked_service()
        counted.call(service.id if service else "unknown", answer.status_code)
    return answer
