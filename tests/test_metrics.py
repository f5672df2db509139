"""The numbers an operator watches: what is counted, and that no label says what a caller sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from web_parts import app, bilirubin_rule, card, deciding, parts, post, request_body

from cds_service.metrics import Metrics, Standing
from cds_service.store.port import NoLog
from tests.exposition import samples, series

SIGN = "/cds-services/inotuzumab-order-sign"


class Sick(NoLog):
    """A store that cannot be used while twelve records wait."""

    spooled = 12
    set_aside = 3

    def problems(self) -> Sequence[str]:
        """What is the matter."""
        return ("the database does not answer",)


def counted(client: FlaskClient, name: str, **labels: str) -> float:
    """The value of one sample; 0 when nobody counted it."""
    return samples(client.get("/metrics").text).get(series(name, **labels), 0)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    deciding(monkeypatch, card())
    return app().test_client()


def test_the_page_is_prometheus_text_that_needs_no_token(client: FlaskClient) -> None:
    answer = client.get("/metrics")

    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert samples(answer.text)


def test_a_hook_call_is_counted_by_service_and_status(client: FlaskClient) -> None:
    post(client, request_body())
    post(client, b"{")
    post(client, request_body(), "/cds-services/nothing")

    service = "inotuzumab-order-sign"
    assert counted(client, "cds_calls_total", service=service, status="200") == 1
    assert counted(client, "cds_calls_total", service=service, status="400") == 1
    assert counted(client, "cds_calls_total", service="unknown", status="404") == 1


def test_a_call_that_fails_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    deciding(monkeypatch).failure = RuntimeError("Jane Roe")
    client = app().test_client()

    post(client, request_body())

    failed = counted(client, "cds_calls_total", service="inotuzumab-order-sign", status="500")
    assert failed == 1


def test_every_answer_is_counted_and_timed_by_the_pattern_of_its_address(
    client: FlaskClient,
) -> None:
    client.get("/rules/INO-LIV-02")
    client.get("/rules/nobody")

    route = "/rules/<rule_id>"
    labels = {"route": route, "method": "GET"}
    assert counted(client, "cds_requests_total", **labels, status="200") == 1
    assert counted(client, "cds_requests_total", **labels, status="404") == 1
    assert counted(client, "cds_request_seconds_count", route=route) == 2


@pytest.mark.parametrize("address", ["/Jane/Roe", "/rules/Jane-Roe", "/cds-services/Jane-Roe"])
@pytest.mark.parametrize("method", ["GET", "POST", "ROE", "DELETE"])
def test_no_label_repeats_an_address_or_a_method(
    client: FlaskClient, address: str, method: str
) -> None:
    client.open(address, method=method, query_string="patient=Roe", data=b"Roe")

    assert "Roe" not in client.get("/metrics").text
    assert "ROE" not in client.get("/metrics").text


def test_callers_cannot_make_the_page_grow(client: FlaskClient) -> None:
    def series_after(calls: range) -> int:
        for number in calls:
            client.open(f"/x{number}", method=f"M{number}")
            post(client, request_body(), f"/cds-services/x{number}")
        client.get("/metrics")
        return len(samples(client.get("/metrics").text))

    assert series_after(range(2)) == series_after(range(2, 30))


def test_what_the_parts_count_is_on_the_page() -> None:
    metrics = Metrics()
    metrics.card("INO-LIV-02", "warning", "softened")
    metrics.unknown("nothing found")
    metrics.disagreement("INO-LIV-02")
    metrics.engine_failure()
    metrics.fetch("truncated")
    metrics.refusal("expired")
    metrics.feedback("overridden")
    metrics.worker_started()
    with metrics.phase("judge"):
        pass

    found = samples(metrics.page(Standing({}, True, True, 0, 0)).decode())

    warned = (("indicator", "warning"), ("rule", "INO-LIV-02"), ("shown_as", "softened"))
    for sample in (
        ("cds_cards_total", warned),
        ("cds_unknowns_total", (("reason", "nothing found"),)),
        ("cds_engine_disagreements_total", (("rule", "INO-LIV-02"),)),
        ("cds_engine_failures_total", ()),
        ("cds_fhir_fetches_total", (("result", "truncated"),)),
        ("cds_refusals_total", (("reason", "expired"),)),
        ("cds_feedback_total", (("outcome", "overridden"),)),
        ("cds_workers", ()),
        ("cds_phase_seconds_count", (("phase", "judge"),)),
    ):
        assert found[sample] == 1, sample


def test_the_standing_is_looked_up_when_somebody_asks() -> None:
    sick = app(replace(parts(), card_log=Sick())).test_client()

    assert counted(sick, "cds_store_ready") == 0
    assert counted(sick, "cds_ready") == 0
    assert counted(sick, "cds_spool_records") == 12
    assert counted(sick, "cds_refused_records") == 3


def test_a_rulebook_without_a_rule_in_force_is_not_ready() -> None:
    draft = app(parts(replace(bilirubin_rule(), status="draft"))).test_client()

    assert counted(draft, "cds_ready") == 0
    assert counted(draft, "cds_store_ready") == 1


def test_the_build_says_which_rulebook_serves(client: FlaskClient) -> None:
    (labels,) = [
        dict(labels)
        for name, labels in samples(client.get("/metrics").text)
        if name == "cds_build_info"
    ]

    ready = json.loads(client.get("/health/ready").data)
    assert labels["rulebook"] == ready["rulebook"]
    assert labels["engine"] == ready["engine"]


def test_the_end_of_a_worker_is_nothing_to_a_process_that_counts_alone() -> None:
    Metrics().worker_ended(1)
