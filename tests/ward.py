"""The whole service with a card log in memory: fire a request, answer its cards, fire again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from cds_service.app import create_app
from cds_service.clients import SANDBOX, Client
from cds_service.decide import Parts, decide
from cds_service.settings import Settings
from cds_service.strict_json import dumps, parse
from cds_service.web.call_schema import Caller, hook_call
from cds_service.web.card_form import as_sent
from tests.kept import Kept
from tests.story import NOW, Story, by_rule

JSON = dict[str, Any]
BENEFIT = {
    "code": "benefit-outweighs-risk",
    "system": "urn:cds-service:override-reason",
    "display": "Benefit outweighs the risk for this patient",
}


class Ward:
    """One running service whose clock can be set, and what it kept."""

    def __init__(self, settings: Settings) -> None:
        self.now = NOW
        self.kept = Kept()
        numbers = count(1)
        self._app = create_app(
            settings,
            clock=lambda: self.now,
            new_id=lambda: str(UUID(int=next(numbers), version=4)),
            card_log=self.kept,
        )
        self.client = self._app.test_client()
        self.story = Story(self.client)

    @property
    def parts(self) -> Parts:
        """What the calls are answered with."""
        joined: Parts = self._app.extensions["cds_service"]
        return joined

    def begin(self, now: datetime = NOW) -> Ward:
        """Forget everything, and set the clock."""
        self.now = now
        self.kept.forget()
        return self

    def later(self, **time: float) -> Ward:
        """Move the clock on."""
        self.now += timedelta(**time)
        return self

    def fire(self, body: JSON) -> dict[str, JSON]:
        """The cards of a call, by rule."""
        service = f"inotuzumab-{body['hook']}"
        return by_rule(_cards(self._post(f"/cds-services/{service}", written(body))))

    def fire_as(self, body: JSON, client: Client = SANDBOX, tenant: str = "") -> dict[str, JSON]:
        """The cards that another client, or a tenant of it, gets for the same call."""
        service = self.parts.rulebook.service(f"inotuzumab-{body['hook']}")
        assert service is not None
        call = hook_call(parse(written(body).encode()), service, Caller(client, "US", tenant))
        decision = decide(call, self.parts, f"call-{len(self.kept.calls)}")
        return by_rule(json.loads(dumps(as_sent(decision.cards)))["cards"])

    def answer(self, cards: Iterable[JSON], **said: Any) -> None:
        """Answer cards now; as overridden with a reason unless something else is said."""
        items = [{**answered(card, self.now), **said} for card in cards]
        told = self.tell(items)
        assert told.status_code == 200, told.get_data(as_text=True)

    def tell(self, items: Any, service: str = "inotuzumab-order-sign") -> TestResponse:
        """Send feedback as it stands."""
        return self._post(f"/cds-services/{service}/feedback", json.dumps({"feedback": items}))

    def _post(self, path: str, body: bytes | str) -> TestResponse:
        return self.client.post(path, data=body, content_type="application/json")


def written(body: JSON) -> str:
    """A request as text; a fixture holds decimals, a story holds floats."""
    return json.dumps(body, default=float)


def answered(card: JSON, at: datetime) -> JSON:
    """A card overridden because the benefit outweighs the risk."""
    return {
        "card": card["uuid"],
        "outcome": "overridden",
        "outcomeTimestamp": at.isoformat(),
        "overrideReason": {"reason": BENEFIT},
    }


def _cards(answer: TestResponse) -> list[JSON]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: list[JSON] = json.loads(answer.get_data())["cards"]
    return found


@cache
def ward(profile: str = "US") -> Ward:
    """One service per profile; loading the rules takes longer than all calls together."""
    return Ward(Settings.from_environment({"CDS_PROFILE": profile, "CDS_HASH_KEY": "k" * 40}))
