"""Demonstration traffic: weeks of hook calls and of answers to their cards, made up.

The synthetic patients call at the hours of a clinic, most of them with little to say, through the
whole service; clinicians of our invention accept, override and ignore. Nothing in the proportions
is evidence of anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from heapq import heappop, heappush
from http import HTTPStatus
from itertools import count
from math import log, sqrt
from random import Random
from typing import Any
from uuid import UUID

from werkzeug.test import Client

from cds_service.app import create_app
from cds_service.errors import CDSServiceError
from cds_service.fixtures import FixtureInfo, list_fixtures, load_fixture
from cds_service.settings import Settings
from cds_service.store.port import CardLog, NoLog
from cds_service.store.records import Answered, CallRecord, FeedbackRecord
from cds_service.strict_json import dumps

CLIENT = "demo"
"""The client that the log names for all of it."""

# Of a clinic's day, by hour (UTC); and of its week, from Monday.
_HOURS: Mapping[int, int] = {
    **{7: 4, 8: 9, 9: 14, 10: 13, 11: 10, 12: 5, 13: 8, 14: 11, 15: 9, 16: 7, 17: 4, 18: 2},
    **{20: 1, 23: 1, 3: 1},
}
_WEEK = (1.2, 1.25, 1.2, 1.2, 1.1, 0.6, 0.45)

# A patient that no rule is told for is as common as so many that one is.
_QUIET_PATIENTS = 15
_SEEN_AGAIN = 0.3
_STILL_CHOOSING = 0.35
_WITHOUT_PATIENT = 0.008

# How likely a card is answered at all, and then overridden, before rules differ.
_ANSWERED: Mapping[str, float] = {"critical": 0.85, "warning": 0.6, "info": 0.3}
_OVERRIDDEN: Mapping[str, float] = {"critical": 0.3, "warning": 0.45, "info": 0.55}
_DIFFERENCE = 0.3
_WITHOUT_REASON = 0.1
_WITH_COMMENT = 0.1
_CHANGED_MIND = 0.04
_MEDIAN_SECONDS = 40.0
_MOST_SECONDS = 2 * 86_400

_COMMENT = "Made up by demo-traffic."


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: calls by HTTP status, cards by how they were shown, answers by outcome."""

    calls: Counter[int] = field(default_factory=Counter)
    cards: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Clock:
    """The time that the service is told."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


class _AsDemo(NoLog):
    """A card log that names the demonstration as the client, and counts what it is given."""

    def __init__(self, kept: CardLog) -> None:
        self._kept = kept
        self.made = Made()

    def record(self, call: CallRecord) -> None:
        """Keep it under our name."""
        self.made.calls[call.status] += 1
        self.made.cards.update(card.shown_as for card in call.cards)
        self._kept.record(replace(call, client=CLIENT))

    def keep_feedback(self, items: Sequence[FeedbackRecord]) -> None:
        """Keep it under our name."""
        self.made.answers.update(item.outcome for item in items)
        self._kept.keep_feedback([replace(item, client=CLIENT) for item in items])

    def answered(self, keys: Any, since: datetime) -> Mapping[str, Answered]:
        """What was answered earlier: such cards are quiet in the demonstration too."""
        return self._kept.answered(keys, since)


@dataclass(frozen=True, slots=True)
class _Patient:
    """Somebody who may come again, with the chart of a fixture under an id of their own."""

    id: bytes
    fixture: FixtureInfo


def make_traffic(
    settings: Settings,
    card_log: CardLog,
    *,
    days: int,
    calls_per_day: int,
    seed: int,
    until: datetime,
) -> Made:
    """Make the traffic of so many days before a moment, and keep it in a card log.

    The same seed and moment make the same calls and answers.

    Raises:
        CDSServiceError: when the service refuses a call or an answer that it should take.
    """
    random = Random(seed)  # noqa: S311 - the same seed must make the same traffic; nothing is secret.
    log_as_demo, clock = _AsDemo(card_log), _Clock(until)
    app = create_app(
        replace(settings, clients=None),
        clock,
        lambda: str(UUID(int=random.getrandbits(128), version=4)),
        log_as_demo,
    )
    clinic = _Clinic(random, app.test_client(), clock, until)
    for moment in _moments(random, days, calls_per_day, until):
        clinic.answer_until(moment)
        clinic.call(moment)
    clinic.answer_until(until)
    return log_as_demo.made


def _moments(random: Random, days: int, calls_per_day: int, until: datetime) -> Iterator[datetime]:
    """When calls are made, in order; on average so many a day."""
    for back in reversed(range(days)):
        day = until.date() - timedelta(days=back)
        expected = calls_per_day * _WEEK[day.weekday()]
        calls = max(0, round(random.gauss(expected, sqrt(expected))))
        hours = random.choices(list(_HOURS), list(_HOURS.values()), k=calls)
        midnight = datetime.combine(day, time(), UTC)
        moments = sorted(
            midnight + timedelta(hours=hour, seconds=random.randrange(3600)) for hour in hours
        )
        yield from (moment for moment in moments if moment < until)


class _Clinic:
    """Patients who come, some of them again, and clinicians who answer their cards."""

    def __init__(self, random: Random, client: Client, clock: _Clock, until: datetime) -> None:
        self._random = random
        self._client = client
        self._clock = clock
        self._until = until
        self._cast = list_fixtures()
        self._seen: list[_Patient] = []
        self._tempers: dict[str, float] = {}
        self._numbers = count()
        self._to_come: list[tuple[datetime, int, str, dict[str, Any]]] = []

    def call(self, moment: datetime) -> None:
        """One hook call at a moment; its cards are answered later, or never."""
        self._clock.now = moment
        patient = self._patient()
        request = self._request(patient, moment)
        path = f"/cds-services/inotuzumab-{request['hook']}"
        answer = self._client.post(
            path,
            query_string={"profile": patient.fixture.profile},
            data=dumps(request).replace(_patient_id(request), patient.id),
            content_type="application/json",
        )
        if answer.status_code not in (HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED):
            raise CDSServiceError(f"a demonstration call was refused: HTTP {answer.status_code}")
        for card in answer.get_json().get("cards", ()):
            self._plan_answers(card, path, moment)

    def answer_until(self, moment: datetime) -> None:
        """Tell the service every answer that is given by then."""
        while self._to_come and self._to_come[0][0] <= moment:
            self._clock.now, _, path, item = heappop(self._to_come)
            answer = self._client.post(f"{path}/feedback", json={"feedback": [item]})
            if answer.status_code != HTTPStatus.OK:
                raise CDSServiceError(
                    f"a demonstration answer was refused: HTTP {answer.status_code}"
                )

    def _request(self, patient: _Patient, moment: datetime) -> dict[str, Any]:
        """The patient's request at this moment: as it was told, or while orders are chosen."""
        request = load_fixture(patient.fixture.name, moment)
        request["hookInstance"] = str(UUID(int=self._random.getrandbits(128), version=4))
        if request["hook"] == "order-sign" and self._random.random() < _STILL_CHOOSING:
            request["hook"] = "order-select"
            drafts = request["context"]["draftOrders"]["entry"]
            request["context"]["selections"] = [_reference(each["resource"]) for each in drafts]
        if self._random.random() < _WITHOUT_PATIENT:
            request["prefetch"] = dict.fromkeys(request.get("prefetch", {}))
        return request

    def _patient(self) -> _Patient:
        if self._seen and self._random.random() < _SEEN_AGAIN:
            return self._random.choice(self._seen[-4:])
        weights = [1 if each.expects else _QUIET_PATIENTS for each in self._cast]
        (fixture,) = self._random.choices(self._cast, weights)
        self._seen.append(_Patient(f"demo-{len(self._seen) + 1:05}".encode(), fixture))
        return self._seen[-1]

    def _plan_answers(self, card: Mapping[str, Any], path: str, moment: datetime) -> None:
        if self._random.random() >= _ANSWERED[card["indicator"]]:
            return
        at = self._later(moment)
        outcome = self._outcome(card)
        self._plan(at, path, self._item(card, outcome))
        if self._random.random() < _CHANGED_MIND:
            other = "accepted" if outcome == "overridden" else "overridden"
            self._plan(self._later(at), path, self._item(card, other))

    def _outcome(self, card: Mapping[str, Any]) -> str:
        """Rules differ in how welcome they are, each by as much as was drawn for it."""
        rule_id = card["source"]["topic"]["code"]
        if rule_id not in self._tempers:
            self._tempers[rule_id] = self._random.uniform(-_DIFFERENCE, _DIFFERENCE)
        likely = _OVERRIDDEN[card["indicator"]] + self._tempers[rule_id]
        return "overridden" if self._random.random() < likely else "accepted"

    def _later(self, moment: datetime) -> datetime:
        """Mostly within a minute or two, now and then after hours."""
        seconds = self._random.lognormvariate(log(_MEDIAN_SECONDS), 1.4)
        return moment + timedelta(seconds=round(2 + min(seconds, _MOST_SECONDS)))

    def _plan(self, at: datetime, path: str, item: dict[str, Any]) -> None:
        if at <= self._until:
            item["outcomeTimestamp"] = at.isoformat()
            heappush(self._to_come, (at, next(self._numbers), path, item))

    def _item(self, card: Mapping[str, Any], outcome: str) -> dict[str, Any]:
        item: dict[str, Any] = {"card": card["uuid"], "outcome": outcome}
        suggestions = card.get("suggestions", [])
        if outcome == "accepted" and suggestions and self._random.random() < 0.8:
            item["acceptedSuggestions"] = [{"id": self._first_of(suggestions)["uuid"]}]
        if outcome == "overridden":
            item["overrideReason"] = self._reason(card)
        return item

    def _reason(self, card: Mapping[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = {}
        reasons = card.get("overrideReasons", [])
        if reasons and self._random.random() >= _WITHOUT_REASON:
            said["reason"] = self._first_of(reasons)
        if self._random.random() < _WITH_COMMENT:
            said["userComment"] = _COMMENT
        return said

    def _first_of(self, choices: Sequence[Any]) -> Any:
        """One of a list; what stands further up is chosen more often."""
        weights = [1 / (place * place) for place in range(1, len(choices) + 1)]
        return self._random.choices(choices, weights)[0]


def _patient_id(request: Mapping[str, Any]) -> bytes:
    own_id: str = request["context"]["patientId"]
    return own_id.encode()


def _reference(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
