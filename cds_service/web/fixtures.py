"""The synthetic patients as requests, ready to be fired."""

from __future__ import annotations

from flask import Blueprint, Response

from cds_service.fixtures import list_fixtures, load_fixture
from cds_service.web.answer import json_answer
from cds_service.web.parts import parts

blueprint = Blueprint("fixtures", __name__, url_prefix="/fixtures")


@blueprint.get("")
def listing() -> Response:
    """Every fixture with its title, story, service and label profile."""
    told = [
        {
            "name": each.name,
            "title": each.title,
            "hook": each.hook,
            "service": each.service_id,
            "profile": each.profile,
            "story": each.story,
        }
        for each in list_fixtures()
    ]
    return json_answer({"fixtures": told})


@blueprint.get("/<name>")
def fixture(name: str) -> Response:
    """One request, its dates moved so that it happens now."""
    return json_answer(load_fixture(name, parts().clock()))
