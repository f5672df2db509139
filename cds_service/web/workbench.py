"""The workbench: fire a request and see the cards as an EHR shows them."""

from __future__ import annotations

from flask import Blueprint, Response, request

from cds_service.fixtures import list_fixtures
from cds_service.web.answer import json_answer
from cds_service.web.body import json_object
from cds_service.web.errors import malformed
from cds_service.web.markdown import as_html
from cds_service.web.page import page
from cds_service.web.parts import parts

blueprint = Blueprint("workbench", __name__)


@blueprint.get("/")
def workbench() -> Response:
    """The page itself; its script calls the same endpoints an EHR does."""
    return page(
        "workbench.html",
        root="",
        fixtures=list_fixtures(),
        services=parts().rulebook.services,
        profile=parts().settings.profile,
    )


@blueprint.post("/workbench/markdown")
def markdown() -> Response:
    """Card details as safe HTML, in the order given; only the workbench page asks for it."""
    texts = json_object(request).get("texts")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise malformed("texts must be an array of strings", "texts")
    return json_answer({"html": [str(as_html(text)) for text in texts]})
