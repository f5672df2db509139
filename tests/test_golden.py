"""What every synthetic patient is told, whole, and that the cast covers the rulebook.

`tests/golden.py` says how the kept answers are rewritten.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cds_service.data import rules_dir
from cds_service.fixtures import load_fixture
from cds_service.rulebook.loader import load_rulebook
from cds_service.strict_json import dumps
from cds_service.terminology import Terminology
from tests import golden
from tests.golden import CAST, FIXTURES, WRITTEN_FOR, bench, explained, fired, indicators
from tests.wire_rules import assert_conforms

RANK = {"info": 0, "warning": 1, "critical": 2}

every_fixture = pytest.mark.parametrize("name", FIXTURES)


@every_fixture
def test_the_whole_answer_is_the_one_that_was_kept(name: str) -> None:
    assert fired(name) == golden.kept(name)


def test_no_answer_is_kept_for_a_patient_who_left() -> None:
    kept = {file.stem for file in golden.golden_file("x").parent.glob("*.json")}
    assert kept == FIXTURES.keys()


@every_fixture
def test_the_answer_keeps_to_cds_hooks(name: str) -> None:
    context = load_fixture(name, WRITTEN_FOR)["context"]
    drafts = [entry["resource"] for entry in context.get("draftOrders", {}).get("entry", [])]
    assert_conforms(fired(name), [draft for draft in drafts if "id" in draft])


@every_fixture
def test_the_cards_the_cast_expects_are_there(name: str) -> None:
    assert CAST["cast"][name]["expects"].items() <= indicators(fired(name)).items()


@every_fixture
def test_the_cards_the_cast_rules_out_are_not_there(name: str) -> None:
    assert not indicators(fired(name)).keys() & set(CAST["cast"][name]["must_not"])


@every_fixture
def test_nothing_is_more_urgent_than_the_cast_allows(name: str) -> None:
    limit = CAST["cast"][name].get("at_most", "critical")
    assert all(RANK[each] <= RANK[limit] for each in indicators(fired(name)).values())


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 11, 21, 0, 1, tzinfo=UTC),
        datetime(2028, 2, 29, 23, 59, tzinfo=UTC),
        datetime(2031, 7, 1, 12, 0, tzinfo=UTC),
    ],
    ids=str,
)
@every_fixture
def test_on_any_other_day_and_hour_the_same_rules_speak(name: str, now: datetime) -> None:
    assert indicators(fired(name, now)) == indicators(fired(name))


def test_the_label_profile_decides_how_urgent_an_earlier_vod_is() -> None:
    body = dumps(load_fixture("elin-earlier-vod-eu", WRITTEN_FOR))
    path = "/cds-services/inotuzumab-order-sign"
    urgency = {p: indicators(bench(p).post(path, body).get_json()) for p in ("US", "EU")}
    assert urgency["US"]["INO-VOD-02"] == "warning"
    assert urgency["EU"]["INO-VOD-02"] == "critical"


def test_a_medication_list_cut_off_is_told_in_words_a_clinician_can_use() -> None:
    card = fired("rosa-nothing-arrived")["cards"][0]
    for words in ("total bilirubin", "not allowed", "more pages unread", "not sent by the EHR"):
        assert words in card["detail"]
    assert "too vague" not in card["detail"]


def test_every_active_rule_fires_for_somebody() -> None:
    rulebook = load_rulebook(rules_dir(), Terminology.load(rules_dir() / "valuesets"))
    active = {rule.id for rule in rulebook.rules.values() if rule.status == "active"}
    fires = {
        rule for name in FIXTURES for rule, verdict in explained(name).items() if verdict == "fires"
    }
    assert not active - fires
