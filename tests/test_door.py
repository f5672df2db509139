"""The workbench in clients mode: off, or open by a password, or to whom the proxy has signed in."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from cds_service.app import create_app
from cds_service.clients import WORKBENCH
from cds_service.fixtures import load_fixture
from cds_service.log import JSONFormatter
from cds_service.settings import Settings, SettingsError
from cds_service.strict_json import dumps
from cds_service.web.door import BRAKE, MOST_WRONG
from tests import tokens
from tests.kept import Kept
from tests.servers import serving
from tests.test_openapi import complaints
from tests.tokens import ABSENT, SERVICE_PATH, TokenMemory, bearer
from tests.web_parts import app, deciding, parts, request_body

PASSWORD = "correct horse battery"
HEADER = "X-Forwarded-User"
ORIGIN = "https://cds.example.org"
PAGES = ["/", "/fixtures", "/fixtures/ada-bilirubin-at-uln", "/analytics"]
ASKED_BY_PAGES = [
    SERVICE_PATH,
    "/explain/inotuzumab-order-sign",
    f"{SERVICE_PATH}/feedback",
    "/workbench/markdown",
    "/workbench/request",
    "/workbench/course/inotuzumab-order-sign",
]
FOR_EHRS_TOO = ASKED_BY_PAGES[:3]
OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}
ANY = {"texts": ["x"], "hook": "order-sign", "feedback": []}
JSON = dict[str, Any]


def basic(password: str = PASSWORD, user: str = "workbench") -> dict[str, str]:
    """The header of a browser whose user typed this."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


SIGNED_IN = {HEADER: "ada@example.org"}


class Hands:
    """A clock that is moved by hand."""

    now = tokens.NOW

    def __call__(self) -> datetime:
        return self.now


def served(folder: Path, clock: Hands | None = None, **changes: Any) -> FlaskClient:
    """The app of a hospital, opened as told."""
    joined = parts(settings=tokens.settings(tokens.client(folder), **changes))
    clock = clock or Hands()
    return app(replace(joined, card_log=TokenMemory(), clock=clock)).test_client()


@pytest.fixture
def closed(tmp_path: Path) -> FlaskClient:
    return served(tmp_path)


@pytest.fixture
def by_password(tmp_path: Path) -> FlaskClient:
    return served(tmp_path, workbench_password=PASSWORD)


@pytest.fixture
def by_header(tmp_path: Path) -> FlaskClient:
    return served(tmp_path, workbench_header=HEADER)


@pytest.fixture(params=["password", "header"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[FlaskClient, dict[str, str]]:
    """A workbench, and what lets one in."""
    if request.param == "password":
        return served(tmp_path, workbench_password=PASSWORD), basic()
    return served(tmp_path, workbench_header=HEADER), SIGNED_IN


def ask(http: FlaskClient, path: str, headers: Mapping[str, str], body: object = ANY) -> Any:
    return http.post(path, json=body, headers=headers)


class TestClosed:
    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.parametrize("header", [{}, basic(), SIGNED_IN, {"Authorization": bearer()}])
    def test_without_a_setting_there_is_no_workbench_for_anybody(self, closed, page, header):
        assert closed.get(page, headers=header).status_code == 404

    @pytest.mark.parametrize("path", FOR_EHRS_TOO)
    @pytest.mark.parametrize("header", [basic(), SIGNED_IN, basic() | SIGNED_IN])
    def test_a_header_that_was_not_set_up_lets_nobody_in(self, closed, path, header):
        answer = ask(closed, path, header | OWN_PAGE)

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_the_header_is_of_no_use_where_a_password_is_asked_for(self, by_password):
        assert by_password.get("/", headers=SIGNED_IN).status_code == 401
        assert ask(by_password, SERVICE_PATH, SIGNED_IN | OWN_PAGE).status_code == 401

    def test_a_password_is_of_no_use_where_the_proxy_signs_in(self, by_header):
        assert by_header.get("/", headers=basic()).status_code == 403
        assert ask(by_header, SERVICE_PATH, basic() | OWN_PAGE).status_code == 401

    def test_a_token_of_an_ehr_opens_no_workbench(self, by_password, by_header):
        assert by_password.get("/", headers={"Authorization": bearer()}).status_code == 401
        assert by_header.get("/", headers={"Authorization": bearer()}).status_code == 403


class TestOpen:
    @pytest.mark.parametrize("page", ["/", "/fixtures"])
    def test_its_pages_are_there(self, opened, page):
        http, let_in = opened

        assert http.get(page, headers=let_in).status_code == 200

    @pytest.mark.parametrize("service_call", [SERVICE_PATH, f"{SERVICE_PATH}?profile=EU"])
    def test_it_calls_as_itself_and_never_as_the_sandbox(self, opened, service_call, monkeypatch):
        http, let_in = opened
        decided = deciding(monkeypatch)

        answer = ask(http, service_call, let_in | OWN_PAGE, request_body())

        assert answer.status_code == 200
        assert decided.call.client is WORKBENCH
        assert not decided.call.client.is_sandbox
        assert decided.call.client.fhir_servers == ()
        assert decided.call.profile == ("EU" if "EU" in service_call else "US")

    def test_an_ehr_beside_it_calls_as_ever(self, opened, monkeypatch):
        http, _ = opened
        decided = deciding(monkeypatch)

        answer = ask(http, SERVICE_PATH, {"Authorization": bearer()} | SIGNED_IN, request_body())

        assert answer.status_code == 200
        assert decided.call.client.name != WORKBENCH.name

    def test_an_ehr_does_not_choose_its_profile(self, opened):
        http, _ = opened
        header = {"Authorization": bearer()}

        assert ask(http, f"{SERVICE_PATH}?profile=EU", header, request_body()).status_code == 400

    def test_the_pages_lead_to_the_workbench(self, opened, closed):
        http, _ = opened

        assert ">Workbench<" in http.get("/rules").text
        assert ">Workbench<" not in closed.get("/rules").text

    def test_no_fhir_server_is_asked_for_it(self, opened):
        http, let_in = opened
        chart = {"hook": "order-sign", "server": "http://127.0.0.1:9/fhir", "patient": "1"}

        answer = ask(http, "/workbench/request", let_in | OWN_PAGE, chart)

        assert answer.status_code == 400
        assert "sandbox mode only" in answer.json["issue"][0]["diagnostics"]

    def test_discovery_stays_for_ehrs(self, opened):
        http, let_in = opened

        assert http.get("/cds-services", headers=let_in | OWN_PAGE).status_code == 401

    def test_what_it_does_is_kept_under_its_own_name(self, tmp_path):
        kept = Kept()
        settings = tokens.settings(
            tokens.client(tmp_path), workbench_password=PASSWORD, hash_key="0" * 32
        )
        http = create_app(settings, clock=Hands(), card_log=kept).test_client()
        body = dumps(load_fixture("ada-bilirubin-at-uln", tokens.NOW))

        answer = http.post(
            SERVICE_PATH,
            data=body,
            content_type="application/json",
            headers=basic() | OWN_PAGE,
        )

        assert answer.status_code == 200
        assert [each.client for each in kept.calls] == ["workbench"]


class TestPassword:
    def test_a_browser_is_told_to_ask_for_it(self, by_password):
        answer = by_password.get("/")

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="workbench", charset="UTF-8"'

    @pytest.mark.parametrize("path", [*FOR_EHRS_TOO, "/cds-services"])
    def test_an_address_of_ehrs_asks_for_a_token_alone(self, by_password, path):
        """A browser must not be made to show its password where a token is due."""
        for header in ({}, basic("wrong"), basic()):
            method = "GET" if path == "/cds-services" else "POST"
            answer = by_password.open(path, method=method, json={}, headers=header)

            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "header",
        [
            basic("wrong"),
            basic(""),
            basic(PASSWORD[:-1]),
            basic(PASSWORD + " "),
            basic(PASSWORD.upper()),
            basic(user="admin"),
            basic(user=""),
            {"Authorization": "Basic"},
            {"Authorization": "Basic !!!!"},
            {"Authorization": "Basic YQ==="},
            {"Authorization": f"Basic {PASSWORD}"},
            {"Authorization": "Basic " + "A" * 4000},
            {"Authorization": basic()["Authorization"].replace("Basic", "Digest")},
        ],
    )
    def test_nothing_else_lets_in(self, by_password, header):
        answer = by_password.get("/", headers=header)

        assert answer.status_code == 401
        assert complaints(answer, "/", "get") == []

    @given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60))
    def test_no_header_whatever_lets_in(self, tmp_path_factory, header):
        http = served(tmp_path_factory.mktemp("keys"), workbench_password=PASSWORD)

        assert http.get("/", headers={"Authorization": f"Basic {header}"}).status_code == 401

    def test_a_password_of_other_scripts_works(self, tmp_path):
        http = served(tmp_path, workbench_password="пароль für das Wörk☂")

        assert http.get("/", headers=basic("пароль für das Wörk☂")).status_code == 200

    def test_a_wrong_one_is_told_in_log_and_metrics_without_it(self, by_password, caplog):
        caplog.set_level(logging.DEBUG)
        by_password.get("/", headers=basic("wrong but close"))
        ask(by_password, SERVICE_PATH, basic("wrong but close"))

        told = [each.reason for each in caplog.records if each.getMessage() == "caller refused"]
        assert told == ["workbench-wrong-password"] * 2
        lines = "".join(JSONFormatter().format(each) for each in caplog.records)
        assert "close" not in lines
        assert basic("wrong but close")["Authorization"][6:] not in lines
        counted = 'cds_refusals_total{reason="workbench-wrong-password"} 2.0'
        assert counted in by_password.get("/metrics").text

    def test_opening_the_page_for_the_first_time_is_no_try(self, by_password, caplog):
        by_password.get("/")

        assert "caller refused" not in caplog.messages
        assert "workbench" not in by_password.get("/metrics").text

    def test_the_settings_do_not_show_it(self, tmp_path):
        assert PASSWORD not in repr(Settings(workbench_password=PASSWORD))


class TestGuessing:
    def test_after_many_wrong_ones_none_is_looked_at_for_a_while(self, tmp_path):
        clock = Hands()
        http = served(tmp_path, workbench_password=PASSWORD, clock=clock)
        for _ in range(MOST_WRONG):
            assert http.get("/", headers=basic("wrong")).status_code == 401

        answer = http.get("/", headers=basic())
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "60"
        assert complaints(answer, "/", "get") == []

        clock.now += BRAKE
        assert http.get("/", headers=basic()).status_code == 200

    def test_tries_at_the_addresses_of_ehrs_count_too_and_look_the_same_as_ever(self, by_password):
        answers = [ask(by_password, SERVICE_PATH, basic("wrong")) for _ in range(MOST_WRONG + 1)]

        assert {(each.status_code, each.data) for each in answers} == {(401, answers[0].data)}
        assert by_password.get("/", headers=basic()).status_code == 429

    def test_ehrs_are_not_held_up(self, by_password, monkeypatch):
        deciding(monkeypatch)
        for _ in range(MOST_WRONG):
            by_password.get("/", headers=basic("wrong"))

        answer = ask(by_password, SERVICE_PATH, {"Authorization": bearer()}, request_body())

        assert answer.status_code == 200

    def test_a_slip_now_and_then_is_forgiven(self, tmp_path):
        clock = Hands()
        http = served(tmp_path, workbench_password=PASSWORD, clock=clock)
        for _ in range(3 * MOST_WRONG):
            http.get("/", headers=basic("wrong"))
            clock.now += timedelta(seconds=BRAKE.total_seconds() / MOST_WRONG)

        assert http.get("/", headers=basic()).status_code == 200


class TestTheProxysHeader:
    @pytest.mark.parametrize("user", ["", " ", "a" * 257, "a\tb", "a\x7f"])
    def test_it_must_name_somebody(self, by_header, user):
        answer = by_header.get("/", headers={HEADER: user})

        assert answer.status_code == 403
        assert "WWW-Authenticate" not in answer.headers
        assert complaints(answer, "/", "get") == []

    def test_without_it_there_is_no_way_in(self, by_header):
        assert by_header.get("/").status_code == 403
        assert ask(by_header, SERVICE_PATH, OWN_PAGE).status_code == 401

    def test_who_is_signed_in_is_in_no_log_line(self, by_header, caplog, monkeypatch):
        deciding(monkeypatch)
        caplog.set_level(logging.DEBUG)

        by_header.get("/", headers=SIGNED_IN)
        ask(by_header, SERVICE_PATH, SIGNED_IN | OWN_PAGE, request_body())
        by_header.get("/", headers={HEADER: "ada@example.org\x7f"})

        assert "ada@" not in "".join(JSONFormatter().format(each) for each in caplog.records)

    def test_a_spelling_that_proxies_do_not_strip_is_not_taken(self, tmp_path):
        """``X_Forwarded_User`` would be the same to WSGI; the server drops it."""
        file = tmp_path / "clients.yaml"
        keys = "{jwks_url: https://ehr.example.org/jwks.json}"
        file.write_text(f"clients: [{{name: General, issuer: https://x.example, keys: {keys}}}]")
        opened = {"CDS_CLIENTS": str(file), "CDS_WORKBENCH_HEADER": HEADER}

        with serving(tmp_path, **opened) as service:
            assert service.raw("GET", "/", headers=SIGNED_IN)[0] == 200
            spoofed = {HEADER.replace("-", "_"): "ada@example.org"}
            assert service.raw("GET", "/", headers=spoofed)[0] == 403


class TestOtherSites:
    """A browser sends password and session along with what another site makes it ask."""

    @pytest.mark.parametrize("path", ASKED_BY_PAGES)
    @pytest.mark.parametrize(
        "told",
        [
            {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "same-site", "Origin": "https://other.example.org"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
            {"Sec-Fetch-Site": ""},
            {"Origin": "https://evil.example"},
            {"Origin": "https://cds.example.org.evil.example"},
            {"Origin": "http://cds.example.org"},
            {"Origin": "null"},
            {},
        ],
    )
    def test_do_nothing_in_somebodys_name(self, opened, path, told, monkeypatch):
        http, let_in = opened
        decided = deciding(monkeypatch)

        answer = ask(http, path, let_in | told)

        assert answer.status_code == (401 if path in FOR_EHRS_TOO else 403)
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert decided.calls == []

    @pytest.mark.parametrize("told", [OWN_PAGE, {"Origin": ORIGIN}])
    def test_are_told_from_our_own(self, opened, told):
        http, let_in = opened

        assert ask(http, "/workbench/markdown", let_in | told).status_code == 200

    def test_a_form_is_no_json(self, opened):
        http, let_in = opened

        answer = http.post("/workbench/markdown", data={"a": "b"}, headers=let_in | OWN_PAGE)

        assert answer.status_code == 415

    def test_not_even_a_listed_one_reads_the_workbench(self, tmp_path):
        listed = "https://ehr.example.org"
        hospital = tokens.client(tmp_path, cors_origins=(listed,))
        settings = tokens.settings(hospital, workbench_password=PASSWORD)
        http = app(parts(settings=settings)).test_client()
        asking = {"Origin": listed, "Access-Control-Request-Method": "POST"}

        for answer in (
            http.get("/fixtures", headers=basic() | {"Origin": listed}),
            http.options("/workbench/markdown", headers=asking),
            ask(http, "/workbench/markdown", basic() | {"Origin": listed}),
        ):
            assert "Access-Control-Allow-Origin" not in answer.headers


class TestSettings:
    @pytest.fixture
    def problems(self, tmp_path: Path) -> Any:
        file = tmp_path / "clients.yaml"
        keys = "{jwks_url: https://ehr.example.org/jwks.json}"
        file.write_text(f"clients: [{{name: General, issuer: https://x.example, keys: {keys}}}]")

        def told(**changes: str) -> list[str]:
            environment = {"CDS_CLIENTS": str(file), **changes}
            try:
                Settings.from_environment({k: v for k, v in environment.items() if v is not ABSENT})
            except SettingsError as refused:
                return list(refused.problems)
            return []

        return told

    @pytest.mark.parametrize("header", ["X-Forwarded-User", "Remote-User", "X-Auth-Request-Email"])
    def test_names_of_sign_in_headers_will_do(self, problems, header):
        assert problems(CDS_WORKBENCH_HEADER=header) == []

    @pytest.mark.parametrize(
        "header",
        [
            *("Authorization", "host", "Cookie", "COOKIE", "Origin", "User-Agent", "Content-Type"),
            *("Sec-Fetch-Site", "X-Forwarded-For", "X-Real-IP", "Accept", "Accept-Language"),
            *("If-None-Match", "Proxy-Authorization", "Connection", "Referer", "Via"),
            *("X", "X_User", "X-User:", "X User", "é", "-X-User", "X" * 65),
        ],
    )
    def test_a_header_that_everybody_sends_is_refused(self, problems, header):
        (problem,) = problems(CDS_WORKBENCH_HEADER=header)

        assert problem.startswith("CDS_WORKBENCH_HEADER: must be the name of a header that nobody")

    @pytest.mark.parametrize("password", ["short", "x" * 15, "x" * 257, "tab\tin the middle of it"])
    def test_a_password_that_can_be_guessed_is_refused_and_not_repeated(self, problems, password):
        (problem,) = problems(CDS_WORKBENCH_PASSWORD=password)

        assert problem.startswith("CDS_WORKBENCH_PASSWORD: must be a secret of 16 to 256")
        assert password not in problem

    def test_one_of_the_two_ways_must_do(self, problems):
        (problem,) = problems(CDS_WORKBENCH_PASSWORD="x" * 16, CDS_WORKBENCH_HEADER=HEADER)

        assert problem.startswith("CDS_WORKBENCH_HEADER: must be unset when CDS_WORKBENCH_PASSWORD")

    @pytest.mark.parametrize("name", ["CDS_WORKBENCH_PASSWORD", "CDS_WORKBENCH_HEADER"])
    def test_nobody_believes_a_sandbox_to_be_guarded(self, problems, name):
        (problem,) = problems(**{"CDS_CLIENTS": ABSENT, name: "X-Forwarded-Users"})

        assert problem.startswith(f"{name}: must be unset in sandbox mode")

    def test_a_misspelt_name_stops_the_start(self, problems):
        (problem,) = problems(CDS_WORKBENCH_PASSWORT="x" * 16)

        assert "did you mean CDS_WORKBENCH_PASSWORD?" in problem
