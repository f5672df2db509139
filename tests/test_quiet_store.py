"""Quiet with the stores that serve: what is answered is found again, and no patient is in it."""

from __future__ import annotations

import json
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.store.card_log import DatabaseLog
from cds_service.store.database import Database
from cds_service.store.tables import metadata
from tests.store_builders import Place
from tests.story import NOW, PATIENT, Story, dosed, liver, on_file, whole_chart
from tests.ward import answered

WARNING = "INO-LIV-02"
DRAFT = dosed()
CHART = [*whole_chart(21, liver(bilirubin="1.9")), on_file("ondansetron")]


@pytest.fixture
def story(card_log: DatabaseLog) -> Story:
    numbers = count(1)
    app = create_app(
        Settings(hash_key="k" * 40),
        clock=lambda: NOW,
        new_id=lambda: str(UUID(int=next(numbers), version=4)),
        card_log=card_log,
    )
    return Story(app.test_client())


def answer(story: Story, cards: dict[str, Any], **said: Any) -> None:
    items = [{**answered(card, NOW), **said} for card in cards.values()]
    path = "/cds-services/inotuzumab-order-select/feedback"
    assert story.post(path, {"feedback": items}).status_code == 200


def test_what_was_answered_is_left_out_and_softened(story: Story) -> None:
    answer(story, story.select([DRAFT], [], CHART))

    assert list(story.select([DRAFT], [], CHART)) == ["INO-QUIET"]
    assert story.sign([DRAFT], CHART)[WARNING]["indicator"] == "info"


def test_what_was_dismissed_is_said_again(story: Story) -> None:
    answer(story, story.select([DRAFT], [], CHART), overrideReason=None)
    assert WARNING in story.select([DRAFT], [], CHART)


def test_another_order_is_another_card(story: Story) -> None:
    answer(story, story.select([DRAFT], [], CHART))
    assert WARNING in story.select([dosed()], [], CHART)


def test_no_row_holds_the_patient_or_a_value(story: Story, place: Place) -> None:
    answer(story, story.select([DRAFT], [], CHART))
    story.select([DRAFT], [], CHART)
    held = everything(place.url)

    assert WARNING in held
    for private in (f'"{PATIENT}"', "1980-05-01", "1.9 mg/dL", "Bilirubin 1.9"):
        assert private not in held


def everything(url: str) -> str:
    """Every row of every table, as text."""
    with Database(url).reading() as connection:
        return json.dumps(
            [
                [str(value) for value in row]
                for table in metadata.sorted_tables
                for row in connection.execute(select(table))
            ]
        )
