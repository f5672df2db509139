"""Clients mode over HTTP: who gets in where, what a refusal looks like, and what the log holds."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cli import main
from cds_service.clients import SANDBOX, Client
from cds_service.log import JSONFormatter
from cds_service.settings import KNOWN, Settings
from cds_service.store.card_log import open_card_log
from cds_service.store.port import CardLog
from cds_service.store.schema import upgrade_store
from tests import tokens
from tests.tokens import (
    ABSENT,
    INSTANT,
    ISSUER,
    PUBLIC_URL,
    SERVICE_PATH,
    TokenMemory,
    bearer,
    ec_key,
    rsa_key,
    token,
)
from tests.web_parts import app, card, deciding, parts, request_body

JSON_TYPE = {"Content-Type": "application/json"}
PROTECTED = [
    ("GET", "/cds-services"),
    ("HEAD", "/cds-services"),
    ("POST", SERVICE_PATH),
    ("POST", "/explain/inotuzumab-order-sign"),
    ("POST", "/cds-services/nobody-offers-this"),
]
OPEN = ["/health/live", "/health/ready", "/openapi.yaml", "/rules", "/static/page.css", "/metrics"]


@pytest.fixture
def memory() -> TokenMemory:
    return TokenMemory()


@pytest.fixture
def hospital(tmp_path: Path) -> Client:
    return tokens.client(tmp_path, profile="EU", refuse_replay=True)


@pytest.fixture
def http(hospital: Client, memory: TokenMemory) -> FlaskClient:
    return served(memory, hospital)


def served(card_log: CardLog, *clients: Client, **changes: Any) -> FlaskClient:
    """The app in clients mode, its clock at ``tokens.NOW``."""
    joined = parts(settings=tokens.settings(*clients, **changes))
    return app(replace(joined, card_log=card_log)).test_client()


def call(http: FlaskClient, authorization: str, path: str = SERVICE_PATH, **extra: Any) -> Any:
    headers = {"Authorization": authorization} if authorization else {}
    return http.post(path, json=request_body(), headers=headers, **extra)


class TestLetIn:
    def test_a_hook_call_is_answered_for_its_client(self, http, hospital, monkeypatch):
        decided = deciding(monkeypatch, card())

        answer = call(http, bearer(tenant="north"))

        assert answer.status_code == 200
        assert decided.call.client == hospital
        assert decided.call.profile == "EU"
        assert decided.call.tenant == "north"

    def test_a_client_without_a_profile_has_that_of_the_service(
        self, tmp_path, memory, monkeypatch
    ):
        decided = deciding(monkeypatch)
        http = served(memory, tokens.client(tmp_path), profile="EU")

        assert call(http, bearer()).status_code == 200
        assert decided.call.profile == "EU"

    def test_discovery_is_answered(self, http):
        address = f"{PUBLIC_URL}/cds-services"

        answer = http.get("/cds-services", headers={"Authorization": bearer(aud=address)})

        assert len(answer.json["services"]) == 3

    def test_the_address_that_was_called_is_not_read_from_the_host_header(self, http):
        attacked = {"Authorization": bearer(aud=f"http://evil.example{SERVICE_PATH}")}

        answer = http.post(SERVICE_PATH, json={}, headers=attacked, base_url="http://evil.example")

        assert answer.status_code == 401

    def test_an_unknown_service_is_404_to_who_has_a_token(self, http):
        path = "/cds-services/nobody-offers-this"

        assert call(http, bearer(aud=PUBLIC_URL + path), path).status_code == 404

    def test_each_client_is_known_by_its_own_keys(self, tmp_path, memory, monkeypatch):
        decided = deciding(monkeypatch)
        other = tokens.client(
            tmp_path, ec_key("other"), name="Other", issuer="https://other.example"
        )
        http = served(memory, tokens.client(tmp_path), other)

        own = bearer(ec_key("other"), iss="https://other.example")
        assert call(http, own).status_code == 200
        assert decided.call.client == other
        assert call(http, bearer(ec_key("other"))).status_code == 401


class TestRefused:
    @pytest.mark.parametrize(("method", "path"), PROTECTED)
    @pytest.mark.parametrize("header", [None, "", "Bearer x.y.z", "Basic YTpi"])
    def test_nothing_about_services_is_told_without_a_token(self, http, method, path, header):
        headers = {} if header is None else {"Authorization": header}

        assert http.open(path, method=method, headers=headers).status_code == 401

    def test_every_401_is_the_same(self, http, hospital):
        """Same bytes and same headers, so that nobody learns how far a token got."""
        used = bearer(jti="used")
        call(http, used)
        refused = [
            "",
            "Basic YTpi",
            "Bearer x",
            bearer(iss="https://stranger.example"),
            bearer(header={"alg": "none"}),
            bearer(header={"kid": "unknown"}),
            bearer(replace(ec_key("attacker"), kid="ec-1")),
            bearer(exp=INSTANT - 600, iat=INSTANT - 900),
            bearer(aud="x"),
            bearer(jti=ABSENT),
            bearer(tenant=1),
            used,
        ]

        answers = [call(http, header) for header in refused]

        assert {each.status_code for each in answers} == {401}
        assert len({each.data for each in answers}) == 1
        assert answers[0].json == {
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "severity": "error",
                    "code": "login",
                    "diagnostics": "this address needs a valid bearer token",
                }
            ],
        }
        ids = {each.headers.pop("X-Request-ID") for each in answers}
        assert len(ids) == len(answers)
        assert len({str(each.headers) for each in answers}) == 1
        assert answers[0].headers["WWW-Authenticate"] == "Bearer"

    def test_a_known_client_for_a_tenant_it_may_not_speak_for_is_forbidden(self, memory, hospital):
        http = served(memory, replace(hospital, tenants=("north",)))

        answer = call(http, bearer(tenant="south"))

        assert answer.status_code == 403
        assert answer.json["issue"][0]["code"] == "forbidden"
        assert "WWW-Authenticate" not in answer.headers
        assert call(http, bearer(tenant="north")).status_code != 403

    @pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[]", b'{"a":1,"a":2}'])
    def test_the_token_is_looked_at_before_the_body(self, http, body):
        assert http.post(SERVICE_PATH, data=body, headers=JSON_TYPE).status_code == 401
        let_in = {**JSON_TYPE, "Authorization": bearer()}
        assert http.post(SERVICE_PATH, data=body, headers=let_in).status_code == 400

    def test_no_byte_of_the_body_is_read_for_who_has_no_token(self, http):
        body = io.BytesIO(b"x" * 1000)

        assert http.post(SERVICE_PATH, input_stream=body, content_length=1000).status_code == 401
        assert body.tell() == 0

    def test_a_token_of_sandbox_mode_is_harmless(self, monkeypatch):
        decided = deciding(monkeypatch)
        http = app(parts(settings=Settings(profile="EU"))).test_client()

        for header in ("", "Bearer x.y.z", bearer(), "é"):
            assert call(http, header).status_code == 200
        assert {each.client for each in decided.calls} == {SANDBOX}
        assert {each.profile for each in decided.calls} == {"EU"}

    def test_without_the_store_it_is_503_and_no_call_is_judged(self, http, memory, monkeypatch):
        decided = deciding(monkeypatch)
        memory.is_away = True

        answer = call(http, bearer())

        assert answer.status_code == 503
        assert answer.json["issue"][0]["code"] == "transient"
        assert decided.calls == []


class TestTheRealStore:
    """Two workers over one database file, on the machine's own clock for the store's sake."""

    @pytest.fixture
    def workers(self, hospital: Client, tmp_path: Path) -> Iterator[list[FlaskClient]]:
        url = f"sqlite:///{tmp_path / 'cds.sqlite'}"
        upgrade_store(url)
        logs = [open_card_log(url, tmp_path / "var", in_background=False) for _ in range(2)]
        yield [served(each, hospital) for each in logs]
        for each in logs:
            each.close()

    def test_a_token_used_at_one_worker_is_refused_at_the_other(self, workers, monkeypatch):
        deciding(monkeypatch)
        once = bearer()

        assert [call(each, once).status_code for each in workers * 2] == [200, 401, 401, 401]

    def test_of_simultaneous_uses_exactly_one_passes(self, workers, monkeypatch):
        deciding(monkeypatch)
        once, together, told = bearer(jti="f" * 128), threading.Barrier(8), []

        def use(worker: FlaskClient) -> None:
            together.wait()
            told.append(call(worker, once).status_code)

        threads = [threading.Thread(target=use, args=(each,)) for each in workers * 4]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert sorted(told) == [200, *[401] * 7]


class TestOpenAndClosed:
    @pytest.mark.parametrize("path", OPEN)
    def test_what_says_nothing_about_patients_needs_no_token(self, http, path):
        with http.get(path) as answer:
            assert answer.status_code == 200

    @pytest.mark.parametrize("path", ["/", "/fixtures", "/fixtures/ada", "/analytics"])
    @pytest.mark.parametrize("header", ["", bearer()])
    def test_pages_that_fire_requests_are_off(self, http, path, header):
        answer = http.get(path, headers={"Authorization": header})

        assert answer.status_code == 404
        assert answer.json["resourceType"] == "OperationOutcome"

    def test_the_page_of_rules_does_not_speak_of_a_sandbox(self, http):
        page = http.get("/rules").text

        assert "Sandbox" not in page
        assert "Workbench" not in page
        assert "not reviewed by a clinician" in page

    def test_every_route_is_open_off_or_needs_a_token(self, http):
        """A route that is added later needs one, unless it is put on a list by hand."""
        for rule in http.application.url_map.iter_rules():
            method = "POST" if "POST" in rule.methods else "GET"
            path = rule.rule
            for name in rule.arguments:
                path = path.replace(f"<path:{name}>", "page.css").replace(f"<{name}>", "x")
            with http.open(path, method=method) as answer:
                status = answer.status_code
            is_open = path.startswith(("/health", "/rules", "/static", "/metrics", "/openapi"))
            is_off = path == "/" or path.startswith(("/fixtures", "/workbench", "/analytics"))
            assert (status == 401) != (is_open or is_off), path

    @pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), (SERVICE_PATH, 405)])
    def test_what_does_not_exist_needs_no_token(self, http, path, status):
        assert http.get(path).status_code == status


class TestTheCommandLine:
    def test_whoever_runs_a_command_needs_no_token(self, tmp_path, monkeypatch):
        file = tmp_path / "clients.yaml"
        keys = "{jwks_url: https://ehr.example.org/jwks.json}"
        file.write_text(f"clients: [{{name: General, issuer: {ISSUER}, keys: {keys}}}]")
        monkeypatch.setenv("CDS_CLIENTS", str(file))
        request = CliRunner().invoke(main, ["fixture", "ada-bilirubin-at-uln"]).output

        checked = CliRunner().invoke(main, ["check", "-"], input=request)

        assert checked.exit_code == 0
        assert "INO-" in checked.output

    def test_help_names_every_setting(self):
        told = CliRunner().invoke(main, ["serve", "--help"]).output

        assert {name for name in KNOWN if name not in told} == set()


class TestTheLog:
    @pytest.fixture
    def lines(self, caplog: pytest.LogCaptureFixture) -> Any:
        """The lines as they are written, of everything, at DEBUG."""
        caplog.set_level(logging.DEBUG)
        return lambda: [JSONFormatter().format(record) for record in caplog.records]

    def test_a_refusal_names_reason_issuer_tenant_and_id(self, http, caplog):
        call(http, bearer(aud="x", tenant="north", jti="id-1"))

        (record,) = [each for each in caplog.records if each.getMessage() == "caller refused"]
        told = (record.reason, record.issuer, record.tenant, record.token_id)
        assert told == ("other-audience", ISSUER, "north", "id-1")
        assert record.request_id

    def test_a_stranger_is_not_quoted(self, http, caplog, lines):
        call(http, bearer(iss="Ada Lovelace", jti="Ada", tenant="Ada", sub="Ada"))

        assert [each.issuer for each in caplog.records if hasattr(each, "issuer")] == ["unknown"]
        assert "Ada" not in "".join(lines())

    @pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ES384", "RS384"])
    def test_no_part_of_a_token_is_logged_even_at_debug(self, http, lines, key, monkeypatch):
        deciding(monkeypatch)
        for each in (token(key), token(key, aud="x"), token(key)[:-2] + "AA", token(iss="x")):
            call(http, f"Bearer {each}")
            for part in each.split("."):
                assert part not in "".join(lines())
        assert lines()


_FIELD = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
_MADE: list[FlaskClient] = []


@given(st.one_of(_FIELD, _FIELD.map("Bearer {}".format)))
def test_no_header_whatever_is_answered_by_anything_but_401(tmp_path_factory, header):
    if not _MADE:
        folder = tmp_path_factory.mktemp("keys")
        _MADE.append(served(TokenMemory(), tokens.client(folder)))

    assert call(_MADE[0], header).status_code == 401
