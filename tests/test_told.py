"""The line that every hook call leaves in the log: who called what, what came out, no patient."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from web_parts import NOW, app, card, deciding, parts, post, request_body

from cds_service.clients import Client
from cds_service.record import card_records
from cds_service.settings import Settings
from cds_service.store.records import CallRecord, MissingRecord

EXPLAIN = "/explain/inotuzumab-order-sign"


def record(**changes: Any) -> CallRecord:
    """A call whose answer had two warnings, one of them left out, with a thing not known."""
    whole: dict[str, Any] = {
        "id": "r",
        "at": NOW,
        "client": "General Hospital",
        "tenant": "",
        "service_id": "inotuzumab-order-sign",
        "hook": "order-sign",
        "hook_instance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "profile": "US",
        "rulebook": "0" * 64,
        "status": 200,
        "milliseconds": 7,
        "verdicts": {},
        "missing": (MissingRecord("total bilirubin", "nothing found", ("INO-LIV-02",)),),
        "fetched": {"patient": "answered", "labs": "failed"},
        "cards": card_records([card(), card(shown_as="left out"), card(indicator="info")], {}),
    }
    return CallRecord(**(whole | changes))


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    """The line of one request, with what the decision recorded."""

    def of(path: str, body: Any, kept: CallRecord | None = None, **settings: Any) -> dict[str, Any]:
        scripted = deciding(monkeypatch, card())
        scripted.decision = replace(scripted.decision, record=kept)
        with caplog.at_level(logging.INFO, "cds_service"):
            post(app(parts(settings=Settings(**settings))).test_client(), body, path)
        (told,) = [each for each in caplog.records if each.getMessage() == "request answered"]
        return vars(told)

    return of


def test_a_hook_call_tells_numbers_of_cards_and_of_what_was_not_known(line: Any) -> None:
    told = line("/cds-services/inotuzumab-order-sign", request_body(), record())

    assert (told["service"], told["hook"]) == ("inotuzumab-order-sign", "order-sign")
    assert told["client"] == "sandbox"
    assert told["status"] == 200
    assert told["ms"] >= 0
    assert told["cards"] == {"warning": 1, "info": 1}
    assert (told["left_out"], told["unknown"], told["fetched"]) == (1, 1, 2)


def test_neither_the_instance_of_the_hook_nor_the_patient_is_told(line: Any) -> None:
    told = line("/cds-services/inotuzumab-order-sign", request_body(), record())

    assert "d1577c69" not in str(told)
    assert "1288992" not in str(told)
    assert "total bilirubin" not in str(told)


def test_a_refused_call_tells_who_and_which_service_only(line: Any) -> None:
    told = line("/cds-services/inotuzumab-order-sign", b"{")

    assert (told["service"], told["status"]) == ("inotuzumab-order-sign", 400)
    assert "cards" not in told


def test_a_service_that_is_not_ours_is_not_repeated(line: Any) -> None:
    told = line("/cds-services/Jane-Roe", request_body())

    assert (told["service"], told["hook"]) == ("unknown", "unknown")
    assert "Jane" not in str(told)


def test_who_was_not_let_in_is_unknown(line: Any) -> None:
    told = line(
        "/cds-services/inotuzumab-order-sign", request_body(), clients=(Client("General Hospital"),)
    )

    assert (told["client"], told["status"]) == ("unknown", 401)


def test_an_explanation_tells_whom_and_of_what(line: Any) -> None:
    assert line(EXPLAIN, request_body())["service"] == "inotuzumab-order-sign"


def test_a_page_is_about_no_service(line: Any) -> None:
    assert "service" not in line("/workbench/markdown", {"texts": []})
