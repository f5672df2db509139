"""The whole service over the wire: real rules, real charts, and charts that were spoilt."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from test_openapi import complaints

from cds_service.app import create_app
from cds_service.fixtures import list_fixtures, load_fixture
from cds_service.log import JSONFormatter
from cds_service.settings import Settings
from cds_service.strict_json import dumps

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
CAST = [each.name for each in list_fixtures()]
PATHS = {"/cds-services": "/cds-services/{service_id}", "/explain": "/explain/{service_id}"}


@cache
def client() -> FlaskClient:
    """The service as it runs, its clock held still."""
    return create_app(Settings(), clock=lambda: NOW).test_client()


def fire(body: Any, where: str, hook: str) -> Any:
    return client().post(
        f"{where}/inotuzumab-{hook}", data=dumps(body), content_type="application/json"
    )


def walk(node: Any) -> Iterator[Any]:
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from walk(child)


@pytest.mark.parametrize("where", PATHS)
@pytest.mark.parametrize("name", CAST)
def test_every_fixture_is_answered_as_described(name, where):
    body = load_fixture(name, NOW)

    answer = fire(body, where, body["hook"])

    assert answer.status_code == 200
    assert complaints(answer, PATHS[where], "post") == []


@pytest.mark.parametrize("name", CAST)
def test_no_answer_holds_a_key_without_a_value(name):
    """Except the list of cards, and what a changed order brought along from the request."""
    body = load_fixture(name, NOW)

    for card in json.loads(fire(body, "/cds-services", body["hook"]).data)["cards"]:
        for suggestion in card.get("suggestions", ()):
            for action in suggestion.get("actions", ()):
                action.pop("resource", None)
        for value in walk(card):
            assert value not in (None, {}, [])
            assert not isinstance(value, str) or value.strip()


@pytest.mark.parametrize("name", CAST)
def test_unknown_keys_in_every_object_change_nothing(name):
    body = load_fixture(name, NOW)
    stuffed = deepcopy(body)
    for node in list(walk(stuffed)):
        if isinstance(node, dict):
            node["x-unheard-of"] = {"of": [1, None]}

    plain, same = (
        _without_ids(fire(each, "/cds-services", body["hook"])) for each in (body, stuffed)
    )

    assert plain == same


def _without_ids(answer: Any) -> Any:
    """The cards without what is random, and without resources, which carry the stuffing on."""
    cards = json.loads(answer.data)["cards"]
    return [
        {**card, "uuid": "", "suggestions": [each["label"] for each in card.get("suggestions", ())]}
        for card in cards
    ]


def private(body: dict[str, Any]) -> set[str]:
    """What says who the patient is: ids, names and identifiers, of the call and of the Patient."""
    patient = body.get("prefetch", {}).get("patient") or {}
    told = [patient.get("name"), patient.get("identifier"), body["context"].get("encounterId")]
    words = {value for value in walk(told) if isinstance(value, str) and len(value) > 3}
    return {body["context"]["patientId"].split("/")[-1], body["hookInstance"], *words} - {
        "official",
        "usual",
    }


@pytest.mark.parametrize("name", CAST)
def test_nothing_in_the_log_says_who_the_patient_is(caplog, name):
    caplog.set_level(logging.DEBUG)
    body = load_fixture(name, NOW)
    for where in PATHS:
        fire(body, where, body["hook"])
        fire({**body, "prefetch": {}}, where, body["hook"])
        fire({**body, "context": {}}, where, body["hook"])

    lines = [JSONFormatter().format(record) for record in caplog.records]
    assert lines
    for word in private(body):
        assert word not in "".join(lines)


def places(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value below the top level."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    for name, child in pairs:
        yield (*way, name)
        if isinstance(child, dict | list):
            yield from places(child, (*way, name))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("2026-11-31"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def mishaps(draw: st.DrawFn) -> tuple[str, list[tuple[tuple[Any, ...], Any]]]:
    """A fixture, and up to three of its values with anything at all to put in their place."""
    name = draw(st.sampled_from(CAST))
    ways = st.sampled_from(list(places(load_fixture(name, NOW))))
    return name, draw(st.lists(st.tuples(ways, anything), min_size=1, max_size=3))


def befall(body: Any, way: tuple[Any, ...], value: Any) -> None:
    """Put the value in its place, unless an earlier mishap took the place away."""
    *above, last = way
    with suppress(LookupError, TypeError):
        for name in above:
            body = body[name]
        body[last] = value


@given(mishaps())
@settings(max_examples=60)
def test_whatever_happened_to_a_chart_it_is_answered_or_refused(mishap):
    name, changes = mishap
    body = load_fixture(name, NOW)
    hook = body["hook"]
    for way, value in changes:
        befall(body, way, value)

    for where, path in PATHS.items():
        answer = fire(body, where, hook)

        assert answer.status_code in (200, 400, 412)
        assert complaints(answer, path, "post") == []
