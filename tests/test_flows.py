"""One after the other: an EHR calls, a clinician answers, the EHR tells us and calls again."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.fixtures import load_fixture
from cds_service.settings import Settings
from cds_service.strict_json import dumps
from tests import tokens
from tests.kept import Kept
from tests.story import NOW
from tests.test_openapi import complaints

CALL = "/cds-services/{service_id}"
FEEDBACK = "/cds-services/{service_id}/feedback"
SELECT = "inotuzumab-order-select"
SIGN = "inotuzumab-order-sign"
SECRET = "0" * 32
JSON = dict[str, Any]
numbers = count(1)


class EHR:
    """Calls by the book: what comes back must be as described."""

    def __init__(
        self, app: FlaskClient, kept: Kept, headers: Callable[[str], dict[str, str]]
    ) -> None:
        self.app = app
        self.kept = kept
        self._headers = headers

    def ask(self, described: str, service: str, body: Any) -> tuple[int, JSON]:
        path = described.replace("{service_id}", service)
        answer = self.app.post(
            path, data=dumps(body), content_type="application/json", headers=self._headers(path)
        )
        assert complaints(answer, described, "post") == []
        return answer.status_code, json.loads(answer.data)

    def cards(self, fixture: str = "vera-inotuzumab-selected", service: str = SELECT) -> list[JSON]:
        status, answer = self.ask(CALL, service, load_fixture(fixture, NOW))
        assert status == 200
        cards: list[JSON] = answer["cards"]
        return cards

    def tell(self, *items: JSON, service: str = SELECT) -> int:
        return self.ask(FEEDBACK, service, {"feedback": list(items)})[0]


def no_token(_: str) -> dict[str, str]:
    return {}


def token_for(path: str) -> dict[str, str]:
    """An unused token for the service; feedback may name its service too."""
    address = tokens.PUBLIC_URL + path.removesuffix("/feedback")
    return {"Authorization": tokens.bearer(aud=address, jti=f"flow {next(numbers)}")}


@pytest.fixture(scope="module")
def open_ehr() -> EHR:
    kept = Kept()
    app = create_app(Settings(hash_key=SECRET), lambda: NOW, card_log=kept)
    return EHR(app.test_client(), kept, no_token)


@pytest.fixture(scope="module")
def trusted_ehr(tmp_path_factory: pytest.TempPathFactory) -> EHR:
    kept = Kept()
    client = tokens.client(tmp_path_factory.mktemp("keys"))
    app = create_app(tokens.settings(client, hash_key=SECRET), lambda: tokens.NOW, card_log=kept)
    return EHR(app.test_client(), kept, token_for)


@pytest.fixture(params=["open_ehr", "trusted_ehr"])
def ehr(request: pytest.FixtureRequest) -> EHR:
    """In either mode, with nothing on record."""
    found: EHR = request.getfixturevalue(request.param)
    found.kept.calls.clear()
    found.kept.feedback.clear()
    found.kept.away = False
    return found


def accepted(card: JSON, **more: Any) -> JSON:
    chosen = [{"id": each["uuid"]} for each in card.get("suggestions", [])[:1]]
    told = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": chosen}
    return {**told, "outcomeTimestamp": "2026-11-20T09:00:00Z", **more}


def overridden(card: JSON, key: str = "overrideReason", **more: Any) -> JSON:
    reason = {"reason": card["overrideReasons"][0], "userComment": "seen"}
    told = {"card": card["uuid"], "outcome": "overridden", key: reason}
    return {**told, "outcomeTimestamp": "2026-11-20T10:00:00.123+01:00", **more}


def rules(cards: list[JSON]) -> list[str]:
    return [card["source"]["topic"]["code"] for card in cards]


def test_every_card_can_be_answered(ehr: EHR) -> None:
    cards = ehr.cards("abel-front-line-single-dose", SIGN)

    assert ehr.tell(*map(accepted, cards), service=SIGN) == 200
    assert [item.card for item in ehr.kept.feedback] == [card["uuid"] for card in cards]


@pytest.mark.parametrize("key", ["overrideReason", "overrideReasons"])
def test_a_card_overridden_with_a_reason_is_counted_at_the_next_call(ehr: EHR, key: str) -> None:
    loud = next(each for each in ehr.cards() if each["indicator"] != "critical")

    assert ehr.tell(overridden(loud, key)) == 200
    again = ehr.cards()

    assert loud["source"]["topic"]["code"] not in rules(again)
    assert "1 alert answered" in again[-1]["summary"]


def test_feedback_told_twice_or_in_two_batches_is_kept_once(ehr: EHR) -> None:
    first, second, *_ = ehr.cards()

    ehr.tell(accepted(first))
    ehr.tell(accepted(first), accepted(second), accepted(second))

    assert len(ehr.kept.feedback) == 2


def test_feedback_about_a_card_of_long_ago_is_kept_and_changes_nothing(ehr: EHR) -> None:
    before = rules(ehr.cards())

    status = ehr.tell({**accepted(ehr.cards()[0]), "card": "0000", "acceptedSuggestions": None})

    assert (status, len(ehr.kept.feedback)) == (200, 1)
    assert rules(ehr.cards()) == before


def test_of_a_batch_with_one_mistake_nothing_is_kept(ehr: EHR) -> None:
    card = ehr.cards()[0]

    assert ehr.tell(accepted(card), accepted(card, outcome="ignored")) == 400
    assert not ehr.kept.feedback


def test_what_cannot_be_kept_is_not_acknowledged(ehr: EHR) -> None:
    card = ehr.cards()[0]
    ehr.kept.away = True

    assert ehr.tell(accepted(card)) == 503


def test_a_token_that_brought_a_card_brings_no_feedback(trusted_ehr: EHR) -> None:
    used = token_for(CALL.replace("{service_id}", SIGN))
    once = EHR(trusted_ehr.app, trusted_ehr.kept, lambda _: used)

    assert once.ask(CALL, SIGN, load_fixture("abel-front-line-single-dose", NOW))[0] == 200
    assert once.ask(FEEDBACK, SIGN, {"feedback": []})[0] == 401
