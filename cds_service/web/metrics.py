"""``GET /metrics``, and the count of every answer."""

from __future__ import annotations

from flask import Blueprint, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from cds_service import __version__
from cds_service.engine.durable import engine_state
from cds_service.metrics import Metrics, Standing
from cds_service.web.health import mode, rulebook_problems
from cds_service.web.parts import parts

blueprint = Blueprint("metrics", __name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
HOOK_CALL = "hooks.call"
"""The endpoint whose answers are counted by service as well."""


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


def count(metrics: Metrics, route: str, method: str, status: int, seconds: float) -> None:
    """Count an answer, a refusal or a failure included.

    Addresses and methods are told by our own words for them: a caller may send any number.
    """
    metrics.request(route, method if method in _METHODS else "other", status, seconds)
