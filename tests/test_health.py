"""Health: the process is up; calls can be judged and kept, or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from web_parts import app, bilirubin_rule, parts

from cds_service.clients import Client
from cds_service.settings import Settings
from cds_service.store.port import NoLog


class Sick(NoLog):
    """A store that cannot be used while twelve records wait."""

    spooled = 12

    def problems(self) -> Sequence[str]:
        """What is the matter."""
        return ("the database does not answer", "12 records wait")


def ready(joined=None) -> tuple[int, dict]:
    answer = app(joined).test_client().get("/health/ready")
    return answer.status_code, answer.json


def test_a_process_that_answers_is_alive_whatever_its_store_says():
    answer = app(replace(parts(), card_log=Sick())).test_client().get("/health/live")

    assert (answer.status_code, answer.json) == (200, {"status": "up"})


def test_a_service_that_can_judge_and_keep_is_ready():
    status, told = ready()

    assert status == 200
    assert told["status"] == "ready"
    assert (told["store"], told["spooled"]) == ("ready", 0)
    assert "reasons" not in told


def test_a_store_that_cannot_be_used_is_a_reason():
    status, told = ready(replace(parts(), card_log=Sick()))

    assert status == 503
    assert told["status"] == told["store"] == "not ready"
    assert told["spooled"] == 12
    assert told["reasons"] == ["the database does not answer", "12 records wait"]


def test_every_reason_is_told_at_once():
    draft = replace(bilirubin_rule(), status="draft")

    _, told = ready(replace(parts(draft), card_log=Sick()))

    assert len(told["reasons"]) == 5
    assert told["store"] == "not ready"


def test_who_may_call_is_told():
    listed = Settings(clients=(Client("General Hospital"),))

    assert ready()[1]["mode"] == "sandbox"
    assert ready(parts(settings=listed))[1]["mode"] == "clients"


def test_health_needs_no_token_in_clients_mode():
    listed = Settings(clients=(Client("General Hospital"),))
    client = app(parts(settings=listed)).test_client()

    for address in ("/health/live", "/health/ready", "/metrics"):
        assert client.get(address).status_code == 200
