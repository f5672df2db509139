"""The workbench: fire a request and see the cards as an EHR shows them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from flask import Blueprint, Response, request

from cds_service.fixtures import FixtureInfo, list_fixtures, load_fixture
from cds_service.rulebook.model import Rulebook
from cds_service.strict_json import dumps
from cds_service.web.answer import json_answer
from cds_service.web.body import json_object
from cds_service.web.errors import malformed
from cds_service.web.laid_out import laid_out
from cds_service.web.markdown import as_html
from cds_service.web.page import page
from cds_service.web.parts import parts
from cds_service.web.profile import PROFILES
from cds_service.web.request_from import request_from

blueprint = Blueprint("workbench", __name__)

_NOTHING_TO_SAY = "nothing to say"


@blueprint.get("/")
def workbench() -> Response:
    """The page itself; its script calls the same endpoints an EHR does.

    ``?fixture=name`` puts a synthetic patient into the text, ``?q=words`` narrows the list.
    """
    words, name = request.args.get("q", "").strip(), request.args.get("fixture", "")
    everybody, joined = list_fixtures(), parts()
    shown = [each for each in everybody if _fits(each, words)]
    chosen = next((each for each in everybody if each.name == name), None)
    return page(
        "workbench.html",
        root="",
        groups=_by_chapter(shown, joined.rulebook),
        words=words,
        shown=len(shown),
        chosen=chosen,
        is_unknown=bool(name) and chosen is None,
        body=_written(chosen) if chosen else "",
        services=joined.rulebook.services,
        profiles=PROFILES,
        settings=joined.settings,
    )


@blueprint.post("/workbench/markdown")
def markdown() -> Response:
    """Card details as safe HTML, in the order given; only the workbench page asks for it."""
    texts = json_object(request).get("texts")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise malformed("texts must be an array of strings", "texts")
    return json_answer({"html": [str(as_html(text)) for text in texts]})


@blueprint.post("/workbench/request")
def made_request() -> Response:
    """A hook call made from a Bundle, or from a FHIR server and a patient."""
    return json_answer(request_from(json_object(request), parts()))


def _fits(fixture: FixtureInfo, words: str) -> bool:
    told = (fixture.title, fixture.hook, fixture.profile, fixture.story, *fixture.expects)
    text = " ".join(told).casefold()
    return all(word in text for word in words.casefold().split())


def _by_chapter(
    fixtures: Iterable[FixtureInfo], rulebook: Rulebook
) -> list[tuple[str, list[FixtureInfo]]]:
    """The fixtures under the chapter of the rule that each is told for."""

    def chapter(fixture: FixtureInfo) -> str:
        rule = rulebook.rules.get(fixture.expects[0]) if fixture.expects else None
        return rule.chapter if rule else _NOTHING_TO_SAY

    ordered = sorted(fixtures, key=lambda each: (chapter(each) == _NOTHING_TO_SAY, chapter(each)))
    return [(name, list(group)) for name, group in groupby(ordered, chapter)]


def _written(fixture: FixtureInfo) -> str:
    """The request as a person edits it, with every digit that it was written with."""
    return laid_out(dumps(load_fixture(fixture.name, parts().clock())).decode())
