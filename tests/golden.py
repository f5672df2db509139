"""The whole answer to each synthetic patient, as it is kept in ``fhir_fixtures/golden/``.

Clock and ids are held still, so that an answer changes only when the service or its rules do.
After such a change: ``.venv/bin/python -m tests.golden --write``, then read the difference as a
clinician would, because it is what every patient of the cast is told now.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.app import create_app
from cds_service.data import fixtures_dir
from cds_service.fixtures import list_fixtures, load_fixture
from cds_service.settings import Settings
from cds_service.strict_json import dumps

JSON = dict[str, Any]
CAST: JSON = yaml.safe_load((fixtures_dir() / "cast.yaml").read_text("utf-8"))
WRITTEN_FOR: datetime = CAST["written_for"]
FIXTURES = {each.name: each for each in list_fixtures()}


class Bench:
    """The running service under one label profile, with a clock that can be set."""

    def __init__(self, profile: str) -> None:
        self.now = WRITTEN_FOR
        self._numbers = count(1)
        settings = Settings.from_environment({"CDS_PROFILE": profile})
        app = create_app(settings, clock=lambda: self.now, new_id=self._new_id)
        self._client: FlaskClient = app.test_client()

    def _new_id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012d}"

    def get(self, path: str) -> TestResponse:
        """Ask for a page."""
        return self._client.get(path)

    def post(self, path: str, body: bytes | str, now: datetime = WRITTEN_FOR) -> TestResponse:
        """Send a body as it stands, at a moment; ids begin anew."""
        self.now, self._numbers = now, count(1)
        return self._client.post(path, data=body, content_type="application/json")


@cache
def bench(profile: str) -> Bench:
    """One service per profile; loading the rules takes longer than all calls together."""
    return Bench(profile)


@cache
def _fired(endpoint: str, name: str, now: datetime) -> JSON:
    info = FIXTURES[name]
    body = dumps(load_fixture(name, now))
    response = bench(info.profile).post(f"/{endpoint}/{info.service_id}", body, now)
    assert response.status_code == 200, response.get_data(as_text=True)
    answer: JSON = json.loads(response.get_data(), parse_float=Decimal)
    return answer


def fired(name: str, now: datetime = WRITTEN_FOR) -> JSON:
    """The answer to a fixture fired at a moment."""
    return _fired("cds-services", name, now)


def explained(name: str) -> dict[str, str]:
    """The verdict of every rule on a fixture, by rule id."""
    return {rule["id"]: rule["verdict"] for rule in _fired("explain", name, WRITTEN_FOR)["rules"]}


def indicators(answer: Mapping[str, Any]) -> dict[str, str]:
    """The indicator of each card by the id of its rule."""
    return {card["source"]["topic"]["code"]: card["indicator"] for card in answer["cards"]}


def golden_file(name: str) -> Path:
    """Where the kept answer of a fixture lies."""
    return fixtures_dir() / "golden" / f"{name}.json"


def kept(name: str) -> JSON:
    """The answer that was kept."""
    answer: JSON = json.loads(golden_file(name).read_text("utf-8"), parse_float=Decimal)
    return answer


def write() -> None:
    """Keep the answers of today's service, and forget fixtures that are gone."""
    for old in golden_file("x").parent.glob("*.json"):
        if old.stem not in FIXTURES:
            old.unlink()
    for name in FIXTURES:
        answer = json.loads(dumps(fired(name)))
        text = json.dumps(answer, indent=1, ensure_ascii=False)
        golden_file(name).parent.mkdir(exist_ok=True)
        golden_file(name).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.golden --write   (rewrites fhir_fixtures/golden)")
    write()
