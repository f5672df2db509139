"""Addresses, methods, headers, health and pages."""

import json
import logging
import re
from dataclasses import replace
from datetime import date

import pytest
from web_parts import (
    NOW,
    app,
    bilirubin_rule,
    card,
    cast,
    deciding,
    parts,
    post,
    request_body,
    rulebook,
)

from cds_service.log import JSONFormatter
from cds_service.rulebook.model import SignOff

ADDRESSES = ["/cds-services", "/health/live", "/health/ready", "/openapi.yaml", "/rules", "/"]


@pytest.fixture
def client(monkeypatch):
    deciding(monkeypatch, card())
    cast(monkeypatch)
    return app().test_client()


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_answers_get_head_and_options(client, address):
    assert client.get(address).status_code == 200
    assert client.head(address).data == b""
    assert client.options(address).status_code in (200, 204)


@pytest.mark.parametrize(
    "address", ["/nowhere", "/cds-services/", "/health//live", "/metrics/x", "/rules/x/y"]
)
def test_an_unknown_address_is_404_with_an_outcome(client, address):
    answer = client.get(address)

    assert answer.status_code == 404
    assert answer.json["issue"][0]["code"] == "not-found"


@pytest.mark.parametrize("address", ["/cds-services/nothing", "/explain/nothing"])
def test_an_unknown_service_is_404_whatever_the_body(client, address):
    answer = client.post(address, data=b"{", content_type="text/plain")

    assert answer.status_code == 404
    assert "GET /cds-services" in answer.json["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("GET", "/cds-services/inotuzumab-order-sign", {"POST", "OPTIONS"}),
        ("DELETE", "/cds-services", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/health/live", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_405_and_says_which_are_right(client, method, address, allowed):
    answer = client.open(address, method=method)

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed
    assert answer.json["issue"][0]["code"] == "not-supported"


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/cds-services"),
        ("GET", "/nowhere"),
        ("GET", "/cds-services/inotuzumab-order-sign"),
        ("POST", "/cds-services/inotuzumab-order-sign"),
        ("POST", "/explain/inotuzumab-order-sign"),
        ("OPTIONS", "/cds-services/inotuzumab-order-sign"),
    ],
)
def test_any_origin_may_read_every_answer(client, method, address):
    answer = client.open(address, method=method, headers={"Origin": "https://sandbox.example.org"})

    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("address", ["/cds-services/inotuzumab-order-sign", "/cds-services"])
def test_a_preflight_allows_what_a_browser_client_sends(client, address):
    answer = client.options(
        address,
        headers={
            "Origin": "https://sandbox.example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )

    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type, Authorization"


@pytest.mark.parametrize("header", ["Bearer x.y.z", "Bearer", "Basic !!!", "", "é"])
def test_an_authorization_header_is_harmless(client, header):
    answer = client.get("/cds-services", headers={"Authorization": header})

    assert answer.status_code == 200


def test_a_failure_outside_the_views_is_500_too(client, monkeypatch):
    broken = replace(parts(), rulebook=None)

    answer = app(broken).test_client().get("/cds-services")

    assert answer.status_code == 500
    assert answer.json["issue"][0]["code"] == "exception"


def test_a_service_without_a_rule_in_force_is_not_ready():
    draft = replace(bilirubin_rule(), status="draft")

    answer = app(parts(draft)).test_client().get("/health/ready")

    assert answer.status_code == 503
    assert answer.json["status"] == "not ready"
    assert "inotuzumab-order-sign" in answer.json["reasons"][0]


def test_a_rulebook_without_services_is_not_ready():
    empty = replace(rulebook(), services=())

    answer = app(replace(parts(), rulebook=empty)).test_client().get("/health/ready")

    assert answer.json["reasons"] == ["the rulebook offers no service"]


def test_readiness_says_when_the_engine_is_missing(client):
    assert client.get("/health/ready").json["engine"] == "plain evaluator alone"


# ------------------------------------------------------------------ log


@pytest.fixture
def lines(caplog):
    """Everything logged in this test, as the JSON lines an operator sees."""
    caplog.set_level(logging.DEBUG)
    return lambda: [json.loads(JSONFormatter().format(record)) for record in caplog.records]


def test_a_request_leaves_one_line_without_what_was_asked_for(client, lines):
    answer = client.get("/rules/INO-LIV-02?patient=1288992", headers={"X-Request-ID": "Jane"})

    (line,) = [line for line in lines() if line["event"] == "request answered"]
    assert line["route"] == "/rules/<rule_id>"
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert "1288992" not in str(lines())
    assert "Jane" not in str(lines())


def test_an_unknown_address_and_method_are_not_repeated_in_the_log(client, lines):
    client.open("/Jane/Roe", method="ROE")

    assert "Roe" not in str(lines())
    assert "ROE" not in str(lines())


@pytest.mark.parametrize("fails", [False, True])
def test_the_log_never_says_who_the_patient_is(monkeypatch, lines, fails):
    decided = deciding(monkeypatch, card())
    decided.failure = RuntimeError("Jane Roe, 1288992") if fails else None
    patient = {"resourceType": "Patient", "id": "1288992", "name": [{"family": "Roe"}]}
    client = app().test_client()
    body = request_body(
        prefetch={"patient": patient}, fhirServer="https://x", fhirAuthorization={"token": "s3cr3t"}
    )
    body["context"] |= {"patientId": "1288992", "encounterId": "enc-77"}

    for address in ("/cds-services/inotuzumab-order-sign", "/explain/inotuzumab-order-sign"):
        post(client, body, address)
        post(client, {**body, "hook": "Roe"}, address)
        post(client, json.dumps(body).encode()[:-1], address)

    told = json.dumps(lines())
    for secret in ("1288992", "Roe", "enc-77", "s3cr3t", "d1577c69", "Practitioner/1"):
        assert secret not in told


def test_an_unexpected_failure_is_logged_with_its_place(monkeypatch, lines):
    deciding(monkeypatch).failure = RuntimeError("Jane Roe")

    answer = post(app().test_client(), request_body())

    (line,) = [line for line in lines() if line["event"] == "unexpected error"]
    assert line["error"]["type"] == "RuntimeError"
    assert line["error"]["at"][0].startswith("cds_service/web/hooks.py:")
    assert line["request_id"] == answer.headers["X-Request-ID"]


# ------------------------------------------------------------------ pages


def test_pages_run_no_script_but_their_own(client):
    policy = client.get("/").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("address", ["/", "/rules", "/rules/INO-LIV-02", "/rules/nothing"])
def test_every_page_says_what_this_is_not(client, address):
    page = client.get(address).text

    assert "Sandbox mode" in page
    assert "not reviewed by a clinician" in page
    assert "not a medical device" in page
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize("address", ["/", "/rules", "/rules/INO-LIV-02"])
def test_every_file_and_page_a_page_names_is_there(client, address):
    page = client.get(address).text
    root = "../" if address.count("/") > 1 else ""
    named = re.findall(r'(?:href|src)="([^"#]+)"', page)

    for target in named:
        if not target.startswith("https://"):
            relative = target.removeprefix(root).removeprefix("./")
            # This app keeps no card log, of which the analytics could tell.
            status = 503 if relative == "analytics" else 200
            assert client.get(f"/{relative}", buffered=True).status_code == status, target


def test_a_rule_page_tells_what_why_when_sources_limits_and_cases(client):
    page = client.get("/rules/INO-LIV-02").text

    for words in (
        "One liver limit exceeded",
        "The label asks to hold the dose.",
        "times ULN &gt; 1.5 x ULN",
        "BESPONSA US prescribing information",
        "project choice",
        "Conjugated bilirubin is not looked at.",
        "fires just above",
        "no clinician has signed this version",
    ):
        assert words in page
    assert "<b>" not in page


def test_a_signed_rule_names_who_reviewed_it():
    signed = replace(
        bilirubin_rule(), sign_off=SignOff("A. Smith", "pharmacist", date(2026, 12, 1))
    )

    page = app(parts(signed)).test_client().get("/rules/INO-LIV-02").text

    assert "Reviewed by A. Smith, pharmacist, on 2026-12-01" in page
    assert "no clinician has signed" not in page


def test_an_unknown_rule_is_a_page_with_404(client):
    answer = client.get("/rules/<script>")

    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**1.9 mg/dL**", "<p><strong>1.9 mg/dL</strong></p>\n"),
        ("<img src=x onerror=a()>", "<p>&lt;img src=x onerror=a()&gt;</p>\n"),
        ("[x](javascript:a())", "<p>[x](javascript:a())</p>\n"),
        ("![x](https://x/y.png)", '<p>!<a href="https://x/y.png">x</a></p>\n'),
        ("~~old~~", "<p><s>old</s></p>\n"),
        ("", ""),
    ],
)
def test_card_details_become_harmless_html(client, text, html):
    answer = post(client, {"texts": [text]}, "/workbench/markdown")

    assert answer.json == {"html": [html]}


@pytest.mark.parametrize("texts", [None, "x", [1], [None]])
def test_markdown_wants_texts(client, texts):
    assert post(client, {"texts": texts}, "/workbench/markdown").status_code == 400


def test_fixtures_are_listed(client):
    assert client.get("/fixtures").json == {
        "fixtures": [
            {
                "name": "ada",
                "title": "Ada <b>",
                "hook": "order-sign",
                "service": "inotuzumab-order-sign",
                "profile": "EU",
                "story": 'Says "high"',
            }
        ]
    }


def test_a_fixture_happens_now(client):
    assert client.get("/fixtures/ada").json["now"] == NOW.isoformat()


def test_an_unknown_fixture_is_404(client):
    assert client.get("/fixtures/../openapi").status_code == 404
    assert client.get("/fixtures/bob").json["issue"][0]["code"] == "not-found"
