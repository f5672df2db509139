"""Requests nobody should send: whatever comes, an answer of ours, and nothing of theirs in it.

They go to the app as the server would hand them on, without a client in between that tidies them.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.app import create_app
from cds_service.log import JSONFormatter
from cds_service.settings import Settings
from tests.story import NOW

SIGN = "/cds-services/inotuzumab-order-sign"
PLACES = (
    "/cds-services",
    SIGN,
    f"{SIGN}/feedback",
    "/explain/inotuzumab-patient-view",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.yaml",
    "/fixtures",
    "/fixtures/ada-bilirubin-at-uln",
    "/",
    "/workbench/markdown",
    "/rules",
    "/rules/INO-VOD-12",
    "/static/page.css",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
OUR_TYPES = ("text/html", "text/css", "text/plain", "application/yaml", "application/json")
SECRET = "Lovelace-1815"
few = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Answer:
    """What came back: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The media type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def issue(self) -> dict[str, Any]:
        """The only issue of the OperationOutcome."""
        outcome = json.loads(self.body)
        assert outcome["resourceType"] == "OperationOutcome"
        (issue,) = outcome["issue"]
        found: dict[str, Any] = issue
        return found


@dataclass
class Request:
    """A request as the server hands it on: the path decoded, headers as they came."""

    method: str = "GET"
    target: str = "/"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, Any]:
        """The same for WSGI."""
        path, _, query = self.target.partition("?")
        given = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in self.headers.items()}
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if f"HTTP_{name}" in given:
                given[name] = given.pop(f"HTTP_{name}")
        return {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "RAW_URI": self.target,
            "QUERY_STRING": query,
            "SCRIPT_NAME": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8080",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": io.StringIO(),
            **given,
        }


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(Settings(), clock=lambda: NOW)


def ask(app: Flask, request: Request) -> Answer:
    """The whole answer to a request, which must be one that may leave by HTTP."""
    begun: list[Any] = []
    parts: Iterable[bytes] = app.wsgi_app(request.environ(), lambda *head: begun.append(head))
    body = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    (status, headers), *_ = (head[:2] for head in begun)
    for name, value in headers:
        assert re.fullmatch(r"[A-Za-z0-9-]+", name)
        assert value.isprintable()
    return Answer(int(status[:3]), {name.lower(): value for name, value in headers}, body)


def assert_ours(answer: Answer, method: str = "GET") -> None:
    """Never a failure; JSON or a page of ours; a refusal is an OperationOutcome or a page."""
    assert answer.status < 500 or (answer.status, answer.kind) == (503, "application/json")
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.body:
        assert answer.kind in OUR_TYPES or answer.kind.endswith("javascript")
    if answer.kind == "application/json" and answer.body:
        told = json.loads(answer.body)
        assert answer.status < 400 or told["resourceType"] == "OperationOutcome"
    if answer.status >= 400 and method != "HEAD":
        assert answer.kind == "application/json" or answer.body.startswith(b"<!doctype html>")


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Any:
    """Everything logged so far, as the lines an operator sees."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(JSONFormatter().format(record) for record in caplog.records)


# A header as the server lets it through: a token, then Latin-1 without control characters.
header_names = st.sampled_from(
    [
        *("Accept", "Accept-Encoding", "Authorization", "Content-Encoding", "Content-Length"),
        *("Content-Type", "Cookie", "Expect", "Forwarded", "Host", "If-Match", "If-Modified-Since"),
        *("If-None-Match", "If-Range", "Origin", "Range", "Transfer-Encoding", "Upgrade"),
        *("Access-Control-Request-Headers", "Access-Control-Request-Method", "Referer"),
        *("X-Forwarded-For", "X-Forwarded-Host", "X-HTTP-Method-Override", "X-Request-ID"),
    ]
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60) | (
    st.sampled_from(
        [
            *("application/json; charset=utf-16", "text/html", "multipart/form-data; boundary=x"),
            *("application/json;;=;", "bytes=0-", "bytes=-1,0-0,9-", "0", "-1", "1e9", "9" * 40),
            *("Basic Og==", "Bearer " + "a" * 5000, "null", "chunked", "h2c", "[::1", "a b:99999"),
            "Sun, 06 Nov 1994 08:49:37 GMT",
        ]
    )
)


@few
@given(
    method=st.sampled_from(METHODS) | st.text("ABCXYZ-", min_size=1, max_size=12),
    target=st.sampled_from(PLACES),
    body=st.binary(max_size=120) | st.sampled_from([b"{}", b'{"feedback": []}', b"null", b"[]"]),
    headers=st.dictionaries(header_names, header_values, max_size=5),
)
def test_any_method_with_any_headers_and_any_bytes_is_answered_by_us(
    app: Flask, method: str, target: str, body: bytes, headers: dict[str, str]
) -> None:
    assert_ours(ask(app, Request(method, target, body, headers)), method)


@few
@given(
    st.binary(max_size=40).map(lambda raw: "/" + "".join(f"%{byte:02x}" for byte in raw))
    | st.lists(st.sampled_from([*PLACES, "//", "/..", "%2e%2e", "%00", "%2f", ";", "\\"])).map(
        "".join
    )
)
def test_any_address_is_answered_by_us(app: Flask, target: str) -> None:
    assert_ours(ask(app, Request(target=target)))


@pytest.mark.parametrize("around", ["/static/{}", "/fixtures/{}", "/rules/{}", "/{}"])
@pytest.mark.parametrize(
    "trick",
    [
        "../settings.py",
        "%2e%2e/%2e%2e/pyproject.toml",
        "..%2f..%2fpyproject.toml",
        "%252e%252e%252fpyproject.toml",
        "..\\..\\pyproject.toml",
        "/etc/passwd",
        "//etc/passwd",
        "%2fetc%2fpasswd",
        "page.css%00.html",
        "%00",
        "%ff%fe",
        ".",
        "..",
        "a" * 20_000,
    ],
    ids=lambda trick: trick[:30],
)
def test_no_trick_with_the_address_reads_another_file(app: Flask, around: str, trick: str) -> None:
    answer = ask(app, Request(target=around.format(trick)))

    assert answer.status == 404
    assert_ours(answer)
    for content in (b"[project]", b"root:", b"import"):
        assert content not in answer.body


@pytest.mark.parametrize(
    "target",
    ["//cds-services", f"/{SIGN}", "/rules/", "//evil.example.org/rules", "/./rules", "//"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_address_is_redirected(app: Flask, target: str, method: str) -> None:
    """
    A redirect would lose the body of a call, and its Location would hold what the caller wrote.
    """
    answer = ask(app, Request(method, target, b"{}"))

    assert answer.status in (200, 400, 404, 405)
    assert "location" not in answer.headers


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "request_",
    [
        Request(body=f'{{"{SECRET}": NaN}}'.encode()),
        Request(body=f'{{"{SECRET}": 1, "{SECRET}": 2}}'.encode()),
        Request(body=f'{{"hook": "{SECRET}", "feedback": [{{"outcome": "{SECRET}"}}]}}'.encode()),
        Request(body=f'{{"texts": {{"{SECRET}": 1}}, "feedback": "{SECRET}"}}'.encode()),
        Request(body=SECRET.encode(), headers={"Content-Type": f"text/{SECRET}"}),
        Request(headers={"Content-Type": f"application/json; charset={SECRET}"}),
        Request(headers={"Content-Encoding": SECRET, "X-Request-ID": SECRET}),
        Request(headers={"Authorization": f"Bearer {SECRET}", "Cookie": f"a={SECRET}"}),
        Request(headers={"Host": f"{SECRET}.example.org", "X-Forwarded-Host": SECRET}),
        Request(headers={"Content-Length": SECRET, "Range": SECRET}),
        Request(headers={"Access-Control-Request-Headers": SECRET, "Referer": SECRET}),
    ],
    ids=lambda request: str((request.body, request.headers))[:60],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", SECRET.upper()])
def test_what_a_caller_sent_comes_back_nowhere(
    app: Flask, logged: Any, place: str, request_: Request, method: str
) -> None:
    answer = ask(app, Request(method, place, request_.body, request_.headers))

    assert_ours(answer)
    told = str(answer.headers) + answer.body.decode() + logged()
    assert SECRET.lower() not in told.lower()


@pytest.mark.parametrize("target", [f"/{SECRET}", f"{SIGN}/{SECRET}", f"/explain/{SECRET}"])
def test_an_unknown_address_comes_back_nowhere(app: Flask, logged: Any, target: str) -> None:
    answer = ask(app, Request("POST", f"{target}?name={SECRET}", b"{}"))

    assert answer.status == 404
    assert SECRET not in str(answer.headers) + answer.body.decode() + logged()


@pytest.mark.parametrize("place", [SIGN, f"{SIGN}/feedback", "/workbench/markdown"])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"texts": ' + b"[" * 101 + b"]" * 101 + b"}",
        b'{"feedback": 1' + b"0" * 100_000 + b"}",
        b'{"feedback": -1e-99999999999}',
        b'{"feedback": [], "feedback": []}',
        b'{"texts": [], "\\u0074exts": []}',
        b'{"feedback": Infinity}',
        b"\xff{}",
        b"{}\x00",
        b"\x00",
        b"",
        b'"feedback"',
    ],
    ids=lambda body: str(body[:20]),
)
def test_every_address_that_reads_json_reads_it_strictly(
    app: Flask, place: str, body: bytes
) -> None:
    answer = ask(app, Request("POST", place, body))

    assert answer.status == 400
    assert answer.issue["code"] in ("structure", "required")


@pytest.mark.parametrize("place", [SIGN, f"{SIGN}/feedback", "/workbench/markdown"])
@pytest.mark.parametrize("length", ["5", "99999", "-1", "five", "", "1" * 5000])
def test_a_length_that_is_not_true_is_no_failure(app: Flask, place: str, length: str) -> None:
    """
    The server refuses most of these; the app does not count on it.
    """
    answer = ask(app, Request("POST", place, b'{"a": 1}', {"Content-Length": length}))

    assert answer.status in (400, 413)
    assert_ours(answer)


@pytest.mark.parametrize("name", ["q", "chapter", "indicator", "grade", "status"])
@pytest.mark.parametrize("value", ["%00", "%ff", "%0d%0aSet-Cookie:%20a=1", "<script>", "a" * 9000])
def test_no_filter_of_the_rules_breaks_or_leaves_its_place(
    app: Flask, name: str, value: str
) -> None:
    answer = ask(app, Request(target=f"/rules?{name}={value}&{name}=x"))

    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    assert b"<script>" not in answer.body


@pytest.mark.parametrize("body", [b'{"texts": ["[x](javascript:a)", "<b onclick=a>"]}'])
def test_text_from_a_body_is_never_markup(app: Flask, body: bytes) -> None:
    answer = ask(app, Request("POST", "/workbench/markdown", body))

    assert not re.search(r"<b|href", json.loads(answer.body)["html"][0])
    assert answer.kind == "application/json"


@pytest.mark.parametrize(
    ("place", "body", "path"),
    [
        (
            "/cds-services/inotuzumab-order-select",
            '{"hook": "order-select", "hookInstance": "x", "context": {"patientId": "1", '
            '"draftOrders": {"resourceType": "Bundle"}, "selections": [MANY]}}',
            "context.selections",
        ),
        (
            f"{SIGN}/feedback",
            '{"feedback": [{"card": "x", "outcome": "accepted", "outcomeTimestamp": '
            '"2026-11-20T09:00:00Z", "acceptedSuggestions": [MANY]}]}',
            "feedback[0].acceptedSuggestions",
        ),
    ],
)
def test_a_million_mistakes_are_told_in_one_sentence(
    app: Flask, place: str, body: str, path: str
) -> None:
    """
    A refusal that named each would be many times as long as the body.
    """
    many = ",".join(["1"] * 100_000)

    answer = ask(app, Request("POST", place, body.replace("MANY", many).encode()))

    assert answer.status == 400
    assert answer.issue["expression"] == [path]
