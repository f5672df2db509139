"""openapi.yaml is held to the routes and to the bodies that really go over the wire."""

import json
import re
from dataclasses import replace

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from web_parts import (
    app,
    bare_card,
    bilirubin_rule,
    card,
    cast,
    deciding,
    parts,
    post,
    request_body,
    verdict,
)

from cds_service.data import openapi_file
from cds_service.errors import DataUnavailable
from cds_service.settings import Settings

DESCRIPTION = yaml.safe_load(openapi_file().read_text("utf-8"))
METHODS = {"get", "post", "put", "patch", "delete"}


def test_the_description_is_valid_openapi():
    validate(DESCRIPTION)


def test_the_description_served_is_the_file():
    answer = app().test_client().get("/openapi.yaml")

    assert yaml.safe_load(answer.text) == DESCRIPTION


def test_every_route_is_described_and_nothing_else_is():
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app().url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method)
        for path, operations in DESCRIPTION["paths"].items()
        for method in METHODS & operations.keys()
    }

    assert routes == described


def complaints(answer, path: str, method: str) -> list[str]:
    """What is wrong with an answer, going by the description of its path and status."""
    described = DESCRIPTION["paths"][path][method]["responses"][str(answer.status_code)]
    if "$ref" in described:
        described = DESCRIPTION["components"]["responses"][described["$ref"].split("/")[-1]]
    content = described["content"].get(answer.mimetype)
    if content is None:
        return [f"{answer.mimetype} is not described"]
    if answer.mimetype != "application/json":
        return []
    return invalid(content["schema"], json.loads(answer.data))


def invalid(schema: dict, value: object) -> list[str]:
    whole = {**schema, "components": DESCRIPTION["components"]}
    return [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(whole).iter_errors(value)
    ]


CALL = "/cds-services/{service_id}"
EXPLAIN = "/explain/{service_id}"
SIGN = {CALL: "/cds-services/inotuzumab-order-sign", EXPLAIN: "/explain/inotuzumab-order-sign"}


READ = ["/cds-services", "/health/live", "/health/ready", "/fixtures", "/", "/rules"]


@pytest.mark.parametrize("path", [*READ, "/openapi.yaml"])
def test_what_is_read_is_as_described(monkeypatch, path):
    cast(monkeypatch)

    assert complaints(app().test_client().get(path), path, "get") == []


@pytest.mark.parametrize(
    ("path", "address", "status"),
    [
        ("/rules/{rule_id}", "/rules/INO-LIV-02", 200),
        ("/rules/{rule_id}", "/rules/none", 404),
        ("/fixtures/{name}", "/fixtures/ada", 200),
        ("/fixtures/{name}", "/fixtures/none", 404),
        ("/static/{filename}", "/static/none.css", 404),
    ],
)
def test_what_is_read_by_name_is_as_described(monkeypatch, path, address, status):
    cast(monkeypatch)

    answer = app().test_client().get(address)

    assert answer.status_code == status
    assert complaints(answer, path, "get") == []


def test_a_service_that_is_not_ready_answers_as_described():
    joined = parts(replace(bilirubin_rule(), status="draft"))

    answer = app(joined).test_client().get("/health/ready")

    assert answer.status_code == 503
    assert complaints(answer, "/health/ready", "get") == []


@pytest.mark.parametrize("path", [CALL, EXPLAIN])
def test_a_judged_call_is_answered_as_described(monkeypatch, path):
    deciding(monkeypatch, card(), bare_card(), verdicts=[verdict("fires"), verdict("unknown")])

    answer = post(app().test_client(), request_body(), SIGN[path])

    assert answer.status_code == 200
    assert complaints(answer, path, "post") == []


@pytest.mark.parametrize("path", [CALL, EXPLAIN])
@pytest.mark.parametrize(
    ("body", "failure", "limit", "status"),
    [
        (b"{", None, 1000, 400),
        (b'{"a": {"Jane Roe": NaN}}', None, 1000, 400),
        (b"{}", None, 1000, 400),
        (request_body("patient-view"), None, 1000, 400),
        (request_body(), DataUnavailable("patient", "it was not sent"), 1000, 412),
        (request_body(), ValueError("x"), 1000, 500),
        (request_body(), None, 10, 413),
    ],
)
def test_a_refused_call_is_answered_as_described(monkeypatch, path, body, failure, limit, status):
    deciding(monkeypatch).failure = failure
    client = app(parts(settings=Settings(max_body_bytes=limit))).test_client()

    answer = post(client, body, SIGN[path])

    assert answer.status_code == status
    assert complaints(answer, path, "post") == []


@pytest.mark.parametrize("path", [CALL, EXPLAIN])
def test_an_unknown_service_and_another_type_are_answered_as_described(path):
    client = app().test_client()

    unknown = post(client, request_body(), path.replace("{service_id}", "none"))
    text = client.post(SIGN[path], data="{}", content_type="text/plain")

    assert (unknown.status_code, text.status_code) == (404, 415)
    assert complaints(unknown, path, "post") == complaints(text, path, "post") == []


@pytest.mark.parametrize(("texts", "status"), [(["**x**"], 200), ([1], 400)])
def test_markdown_is_answered_as_described(texts, status):
    answer = post(app().test_client(), {"texts": texts}, "/workbench/markdown")

    assert answer.status_code == status
    assert complaints(answer, "/workbench/markdown", "post") == []


@pytest.mark.parametrize("hook", ["order-sign", "order-select", "patient-view"])
def test_a_call_that_is_accepted_is_a_call_as_described(hook):
    assert invalid({"$ref": "#/components/schemas/HookCall"}, request_body(hook)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"summary": "x" * 140},
        {"summary": " "},
        {"indicator": "hard-stop"},
        {"detail": ""},
        {"suggestions": []},
        {"suggestions": [{"label": "x", "uuid": "1"}]},
        {"links": [{"label": "x", "url": "javascript:x", "type": "absolute"}]},
        {"systemActions": []},
        {"extension": {}},
    ],
    ids=str,
)
def test_the_description_knows_a_wrong_card(monkeypatch, wrong):
    deciding(monkeypatch, card())
    (good,) = post(app().test_client(), request_body()).json["cards"]
    schema = {"$ref": "#/components/schemas/Card"}

    assert invalid(schema, good) == []
    assert invalid(schema, {**good, **wrong})
