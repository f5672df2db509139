"""Which pages may read an answer, and what protects those who read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.clients import Client
from cds_service.settings import Settings
from tests import tokens
from tests.test_authentication_http import served
from tests.tokens import PUBLIC_URL, SERVICE_PATH, TokenMemory, bearer, ec_key
from tests.web_parts import app, deciding, parts, request_body

GENERAL, OTHER, STRANGER = "https://general.example", "https://other.example", "https://x.example"
PATHS = ["/cds-services", SERVICE_PATH, f"{SERVICE_PATH}/feedback", "/explain/x", "/no", "/rules"]


@pytest.fixture
def clients(tmp_path: Path) -> tuple[Client, Client]:
    general = tokens.client(tmp_path, cors_origins=(GENERAL,), refuse_replay=False)
    other = tokens.client(
        tmp_path, ec_key("other"), name="Other", issuer=OTHER, cors_origins=(OTHER,)
    )
    return general, other


@pytest.fixture
def http(clients: tuple[Client, Client]) -> FlaskClient:
    return served(TokenMemory(), *clients)


@pytest.fixture
def sandbox() -> FlaskClient:
    return app(parts()).test_client()


def preflight(http: FlaskClient, path: str, origin: str) -> Any:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    return http.options(path, headers=asked)


def allowed(answer: Any) -> str | None:
    assert "Access-Control-Allow-Credentials" not in answer.headers
    origin: str | None = answer.headers.get("Access-Control-Allow-Origin")
    return origin


class TestPreflights:
    @pytest.mark.parametrize("path", PATHS)
    def test_a_listed_origin_is_allowed_everywhere_without_a_token(self, http, path):
        for origin in (GENERAL, OTHER):
            answer = preflight(http, path, origin)

            assert answer.status_code == 204
            assert allowed(answer) == origin
            assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
            assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type, Authorization"
            assert "Origin" in answer.vary

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize(
        "origin", [STRANGER, "null", "", "*", f"{GENERAL}.evil.example", GENERAL.upper()]
    )
    def test_another_origin_is_not(self, http, path, origin):
        answer = preflight(http, path, origin)

        assert allowed(answer) is None
        assert "Access-Control-Allow-Methods" not in answer.headers
        assert "Origin" in answer.vary

    @pytest.mark.parametrize("path", PATHS)
    def test_sandbox_mode_allows_every_origin(self, sandbox, path):
        answer = preflight(sandbox, path, STRANGER)

        assert answer.status_code == 204
        assert allowed(answer) == "*"


class TestAnswers:
    def test_a_page_of_the_calling_client_may_read(self, http, monkeypatch):
        deciding(monkeypatch)
        headers = {"Authorization": bearer(), "Origin": GENERAL}

        answer = http.post(SERVICE_PATH, json=request_body(), headers=headers)

        assert answer.status_code == 200
        assert allowed(answer) == GENERAL
        assert "Origin" in answer.vary
        assert answer.headers["Access-Control-Expose-Headers"] == "X-Request-ID"

    @pytest.mark.parametrize("origin", [OTHER, STRANGER])
    def test_a_page_of_another_client_may_not(self, http, monkeypatch, origin):
        deciding(monkeypatch)
        headers = {"Authorization": bearer(), "Origin": origin}

        answer = http.post(SERVICE_PATH, json=request_body(), headers=headers)

        assert answer.status_code == 200
        assert allowed(answer) is None
        assert "Origin" in answer.vary

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("POST", SERVICE_PATH, 401),
            ("GET", "/cds-services", 401),
            ("GET", SERVICE_PATH, 405),
            ("GET", "/no", 404),
            ("GET", "/health/live", 200),
        ],
    )
    def test_a_listed_page_may_read_a_refusal(self, http, method, path, status):
        for origin, readable in ((GENERAL, GENERAL), (OTHER, OTHER), (STRANGER, None)):
            answer = http.open(path, method=method, headers={"Origin": origin})

            assert answer.status_code == status
            assert allowed(answer) == readable
            assert "Origin" in answer.vary

    def test_an_unexpected_failure_can_be_read_too(self, http, monkeypatch):
        deciding(monkeypatch).failure = RuntimeError("x")
        headers = {"Authorization": bearer(), "Origin": GENERAL}

        answer = http.post(SERVICE_PATH, json=request_body(), headers=headers)

        assert answer.status_code == 500
        assert allowed(answer) == GENERAL

    def test_an_answer_depends_on_the_origin_even_when_there_is_none(self, http):
        answer = http.get("/health/live")

        assert allowed(answer) is None
        assert "Origin" in answer.vary


class TestProtection:
    @pytest.mark.parametrize(
        "path", ["/", "/rules", "/rules/no", "/cds-services", "/no", "/openapi.yaml", "/static/x"]
    )
    def test_every_answer_is_protected(self, sandbox, path):
        headers = sandbox.get(path).headers

        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]

    @pytest.mark.parametrize("path", ["/", "/rules", "/rules/no"])
    def test_a_page_runs_only_what_is_ours(self, sandbox, path):
        headers = sandbox.get(path).headers

        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"

    @pytest.mark.parametrize(
        ("url", "is_kept"), [(PUBLIC_URL, True), ("http://127.0.0.1:8080", False)]
    )
    def test_a_browser_keeps_to_tls_once_the_public_url_has_it(self, url, is_kept):
        http = app(parts(settings=Settings(public_url=url))).test_client()

        assert ("Strict-Transport-Security" in http.get("/rules").headers) == is_kept
