"""The synthetic patients as requests, ready to be fired."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response

from cds_service.fixtures import list_fixtures, load_fixture
from cds_service.web.answer import json_answer
from cds_service.web.errors import CallError, Issue
from cds_service.web.parts import parts

blueprint = Blueprint("fixtures", __name__, url_prefix="/fixtures")


@blueprint.get("")
def listing() -> Response:
    """Every fixture with its title, hook and story."""
    told = [
        {"name": each.name, "title": each.title, "hook": each.hook, "story": each.story}
        for each in list_fixtures()
    ]
    return json_answer({"fixtures": told})


@blueprint.get("/<name>")
def fixture(name: str) -> Response:
    """One request, its dates moved so that it happens now."""
    if name not in {each.name for each in list_fixtures()}:
        problem = "there is no fixture of this name; GET /fixtures lists them"
        raise CallError(HTTPStatus.NOT_FOUND, [Issue("not-found", problem)])
    return json_answer(load_fixture(name, parts().clock()))
