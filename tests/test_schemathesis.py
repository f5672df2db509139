"""Requests made up from openapi.yaml, right ones and wrong ones: every answer is as described.

Schemathesis makes them: for every constraint of the description one request that keeps it and one
that breaks it, and some drawn at random, the same in every run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.config import (
    ChecksConfig,
    GenerationConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.config._checks import NegativeDataRejectionConfig
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from cds_service.app import create_app
from cds_service.data import openapi_file
from cds_service.fixtures import list_fixtures, load_fixture
from cds_service.settings import Settings
from cds_service.store.card_log import open_card_log
from cds_service.store.schema import upgrade_store
from cds_service.strict_json import MAX_EXPONENT, dumps
from tests import tokens
from tests.kept import Kept
from tests.story import NOW

REFUSAL = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "error",
            "code": "login",
            "diagnostics": "this address needs a valid bearer token",
        }
    ],
}
SECRET = "0" * 32
JSON = dict[str, Any]
CALLS = {
    "inotuzumab-patient-view": "PatientViewCall",
    "inotuzumab-order-select": "OrderSelectCall",
    "inotuzumab-order-sign": "OrderSignCall",
}
REFUSED = ["400", "401", "404", "405", "413", "415"]
# A made-up patient cannot be read (412), and a made-up name names nothing (404).
ACCEPTED = ["2XX", "404", "412"]
made_up = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def described() -> JSON:
    """The description with each service under its own address, as it takes calls of one hook."""
    whole: JSON = yaml.safe_load(openapi_file().read_text("utf-8"))
    whole["paths"] = {
        address.replace("{service_id}", service): _narrowed(operations, schema)
        for address, operations in whole["paths"].items()
        for service, schema in (CALLS.items() if "{service_id}" in address else [("", "")])
    }
    return whole


def _narrowed(operations: JSON, schema: str) -> JSON:
    if not schema:
        return operations
    kept = {name: each for name, each in operations.items() if name != "parameters"}
    body = kept["post"]["requestBody"]
    if "$ref" in body:
        body = {"required": True, "content": {"application/json": _calls(schema)}}
    return {**kept, "post": {**kept["post"], "requestBody": body}}


def _calls(schema: str) -> JSON:
    """Calls of one hook; for some patients of the cast, whose answers have cards of every kind."""
    fixtures = [each.name for each in list_fixtures() if CALLS[each.service_id] == schema]
    return {
        "schema": {"$ref": f"#/components/schemas/{schema}"},
        "examples": {
            name: {"value": json.loads(dumps(load_fixture(name, NOW)))} for name in fixtures[:4]
        },
    }


def requests_to(server: Server, description: JSON) -> BaseSchema:
    """Everything that can be asked, going by the description."""
    project = ProjectConfig(
        generation=GenerationConfig(deterministic=True),
        checks=ChecksConfig(
            positive_data_acceptance=PositiveDataAcceptanceConfig(expected_statuses=ACCEPTED),
            negative_data_rejection=NegativeDataRejectionConfig(expected_statuses=REFUSED),
        ),
    )
    config = SchemathesisConfig(seed=1, projects=ProjectsConfig(default=project))
    schema = schemathesis.openapi.from_dict(description, config=config)
    schema.app = server
    schema.hook("filter_body")(_is_readable)
    return schema


class Server:
    """Closes what it has sent, as every real one does; the app comes when the tests begin."""

    app: Any

    def __call__(self, environ: JSON, start_response: Any) -> list[bytes]:
        sent = self.app(environ, start_response)
        try:
            return [b"".join(sent)]
        finally:
            sent.close()


def _is_readable(_: object, body: object) -> bool:
    """JSON Schema cannot say it: a number such as 1e-300 is refused wherever it stands."""
    if isinstance(body, dict):
        return all(_is_readable(_, each) for each in body.values())
    if isinstance(body, list):
        return all(_is_readable(_, each) for each in body)
    return not isinstance(body, float) or abs(Decimal(body).adjusted()) <= MAX_EXPONENT


def only_with_a_token(description: JSON) -> JSON:
    """The description of clients mode: a token must be there, and nobody chooses the profile."""
    for operations in description["paths"].values():
        for operation in operations.values():
            accepted = operation.pop("security", [])
            if by_token := [each for each in accepted if "clientToken" in each]:
                operation["security"] = by_token
                operation.pop("parameters", None)
    return description


def token_for(path: str) -> dict[str, str]:
    """A token that has not been used yet, for one address."""
    address = f"{tokens.PUBLIC_URL}{path}"
    return {"Authorization": tokens.bearer(aud=address, jti=f"token {next(numbers)}")}


numbers = count(1)
open_server, closed_server = Server(), Server()
sandbox = requests_to(open_server, described())
clients = requests_to(closed_server, only_with_a_token(described()))


@pytest.fixture(scope="module", autouse=True)
def _apps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    client = tokens.client(tmp_path_factory.mktemp("keys"))
    trusting = tokens.settings(client, hash_key=SECRET)
    closed_server.app = create_app(trusting, clock=lambda: tokens.NOW, card_log=Kept())
    folder = tmp_path_factory.mktemp("log")
    url = f"sqlite:///{folder}/cds.sqlite"
    upgrade_store(url)
    card_log = open_card_log(url, folder, in_background=False)
    open_server.app = create_app(Settings(hash_key=SECRET), clock=lambda: NOW, card_log=card_log)
    yield
    card_log.close()


@sandbox.parametrize()
@made_up
def test_every_answer_in_sandbox_mode_is_as_described(case: schemathesis.Case) -> None:
    # Two days that are dates may still be the wrong way round, or too far apart: 400.
    two_days = [positive_data_acceptance] if case.path.startswith("/analytics") else []
    case.call_and_validate(excluded_checks=two_days)


@clients.parametrize()
@made_up
def test_every_answer_to_a_trusted_client_is_as_described(case: schemathesis.Case) -> None:
    """
    Schemathesis asks each time once more without a token, and with a wrong one: both get 401.
    """
    case.call_and_validate(headers=token_for(case.formatted_path))


@clients.parametrize()
@settings(made_up, max_examples=3)
def test_without_a_token_every_request_gets_the_same_answer(case: schemathesis.Case) -> None:
    answer = case.call()

    case.validate_response(answer, excluded_checks=[positive_data_acceptance])
    if "security" in case.operation.definition.raw and case.method == case.operation.method.upper():
        assert (answer.status_code, answer.json()) == (401, REFUSAL)
