"""What is recorded can be read again, word for word, from either database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.store.card_log import DatabaseLog, open_card_log
from cds_service.store.database import Database
from cds_service.store.entries import LONGEST
from cds_service.store.reading import shown_card
from cds_service.store.records import MissingRecord
from cds_service.store.schema import upgrade_store
from tests.store_builders import CLIENT, NOW, Place, answer, call, card, rows, shown

DAY = timedelta(days=1)


def test_a_card_is_read_again_with_all_that_belongs_to_it(
    card_log: DatabaseLog, place: Place
) -> None:
    made = card()
    card_log.record(call(card(), made, id="request-1", fetched={"labs": "fetched"}))
    card_log.keep_feedback([answer(made.uuid, "overridden", reason_code="repeat-pending")])

    found = shown(place.url, made.uuid)

    assert found
    assert (found.at, found.client, found.tenant, found.call_id) == (
        *(NOW, CLIENT, "ward", "request-1"),
    )
    assert (found.rule_id, found.rule_version, found.rule_hash) == (
        *(made.rule_id, made.rule_version, made.rule_hash),
    )
    assert (found.indicator, found.shown_as) == (made.indicator, "shown")
    assert (found.orders, found.facts) == (made.orders, made.facts)
    assert found.suggestions == made.suggestions
    assert found.verdicts == {"fires": 1, "unknown": 1, "silent": 1}
    assert found.missing == (MissingRecord("QTc", "nothing found", ("INO-QT-01",)),)
    assert found.fetched == {"labs": "fetched"}
    assert [each.reason_code for each in found.feedback] == ["repeat-pending"]
    assert not card_log.problems()


def test_a_call_without_cards_is_a_call_on_record(card_log: DatabaseLog, place: Place) -> None:
    card_log.record(call(status=412, verdicts={}, missing=()))
    assert (rows(place.url, "calls"), rows(place.url, "cards")) == (1, 0)


def test_a_card_that_is_not_on_record_is_not_made_up(place: Place) -> None:
    assert shown(place.url, "no-such-card") is None


def test_two_calls_with_the_same_request_id_are_two_calls(
    card_log: DatabaseLog, place: Place
) -> None:
    card_log.record(call(id="same"))
    card_log.record(call(id="same"))
    assert rows(place.url, "calls") == 2


def test_times_are_kept_as_the_moment_they_name(card_log: DatabaseLog, place: Place) -> None:
    there = timezone(timedelta(hours=-5))
    made = card()
    card_log.record(call(made, at=NOW.astimezone(there)))
    found = shown(place.url, made.uuid)
    assert found
    assert found.at == NOW
    assert found.at.tzinfo is UTC


@pytest.mark.parametrize("text", ["Jane Doe's chart", "a" * 65, "", "id\n", "naïve"])
def test_a_hook_instance_that_is_no_id_is_kept_as_a_hash(
    card_log: DatabaseLog, place: Place, text: str
) -> None:
    made = card()
    card_log.record(call(made, hook_instance=text))
    found = shown(place.url, made.uuid)
    assert found
    assert found.hook_instance.startswith("sha256:")
    assert len(found.hook_instance) == len("sha256:") + 64


def test_a_reference_says_which_resource_and_never_which_patient(
    card_log: DatabaseLog, place: Place
) -> None:
    made = card(
        facts=(
            "Observation/1",
            "https://ehr.example.org/fhir/Observation/2",
            "#contained",
            "Patient/eve-everywoman",
            "https://ehr.example.org/fhir/Patient/eve-everywoman",
            "Observation/Eve Everywoman, bilirubin 2.1",
        )
    )
    card_log.record(call(made))
    found = shown(place.url, made.uuid)
    assert found
    assert found.facts[:3] == made.facts[:3]
    assert found.facts[3:5] == ("Patient", "Patient")
    assert found.facts[5].startswith("sha256:")


def test_an_exact_repeat_of_feedback_adds_nothing(card_log: DatabaseLog, place: Place) -> None:
    said = answer("card", received_at=NOW)
    again = replace(said, received_at=NOW + DAY)
    card_log.keep_feedback([said, said])
    card_log.keep_feedback([again])
    assert rows(place.url, "feedback") == 1


def test_feedback_that_says_something_else_is_kept_too(card_log: DatabaseLog, place: Place) -> None:
    said = answer("card", "overridden")
    others = [replace(said, comment="x"), replace(said, client="y"), replace(said, outcome_at=NOW)]
    card_log.keep_feedback([said, *others, replace(said, outcome_at=NOW + DAY)])
    assert rows(place.url, "feedback") == 4


def test_feedback_may_come_before_its_card_and_for_no_card(
    card_log: DatabaseLog, place: Place
) -> None:
    made = card()
    card_log.keep_feedback([answer(made.uuid), answer("nobody's card"), answer("long" * 1000)])
    card_log.record(call(made))
    found = shown(place.url, made.uuid)
    assert found
    assert len(found.feedback) == 1
    assert rows(place.url, "feedback") == 3


def test_no_feedback_is_nothing_to_keep(card_log: DatabaseLog, place: Place) -> None:
    card_log.keep_feedback([])
    assert rows(place.url, "feedback") == 0


def test_an_accepted_card_is_answered(card_log: DatabaseLog) -> None:
    made = card(answer_key="bilirubin")
    card_log.record(call(made, card(answer_key="other")))
    card_log.keep_feedback([answer(made.uuid, "accepted", at=NOW)])

    answered = card_log.answered(["bilirubin", "other", "never shown", ""], NOW - DAY)

    assert list(answered) == ["bilirubin"]
    assert (answered["bilirubin"].outcome, answered["bilirubin"].at) == ("accepted", NOW)


@pytest.mark.parametrize(
    ("reason", "counts"),
    [
        ({"reason_code": "benefit-outweighs-risk"}, True),
        ({"reason_display": "Benefit outweighs risk"}, True),
        ({"comment": "discussed with haematology"}, True),
        ({"comment": " \n"}, False),
        ({"reason_system": "urn:reasons"}, False),
        ({}, False),
    ],
)
def test_an_override_is_an_answer_when_it_has_a_reason(
    card_log: DatabaseLog, reason: dict[str, str], counts: bool
) -> None:
    made = card()
    card_log.record(call(made))
    card_log.keep_feedback([answer(made.uuid, "overridden", **reason)])
    assert bool(card_log.answered(["key"], NOW - DAY)) is counts


def test_only_the_client_that_was_shown_the_card_can_answer_it(card_log: DatabaseLog) -> None:
    made = card()
    card_log.record(call(made))
    card_log.keep_feedback([answer(made.uuid, client="Other Hospital")])
    assert not card_log.answered(["key"], NOW - DAY)


def test_an_answer_from_before_does_not_count(card_log: DatabaseLog) -> None:
    made = card()
    card_log.record(call(made))
    card_log.keep_feedback([answer(made.uuid, at=NOW - DAY - timedelta(microseconds=1))])
    assert not card_log.answered(["key"], NOW - DAY)


def test_an_answer_taken_back_does_not_count(card_log: DatabaseLog) -> None:
    made = card()
    card_log.record(call(made))
    later = NOW + timedelta(minutes=1)
    card_log.keep_feedback([answer(made.uuid, "overridden", at=later), answer(made.uuid, at=NOW)])
    assert not card_log.answered(["key"], NOW - DAY)


def test_the_last_answer_to_any_card_that_said_the_same_counts(card_log: DatabaseLog) -> None:
    first, second, third = card(), card(), card()
    card_log.record(call(first))
    card_log.record(call(second, third))
    card_log.keep_feedback(
        [
            answer(second.uuid, "overridden", at=NOW + timedelta(hours=1), reason_code="later"),
            answer(first.uuid, "accepted", at=NOW),
            answer(third.uuid, "overridden", at=NOW + timedelta(hours=2)),
        ]
    )
    assert card_log.answered(["key"], NOW - DAY)["key"].reason_code == "later"


def test_an_answer_that_came_before_its_card_counts(card_log: DatabaseLog) -> None:
    made = card()
    card_log.keep_feedback([answer(made.uuid, "accepted", at=NOW)])
    card_log.record(call(made))
    assert card_log.answered(["key"], NOW - DAY)["key"].outcome == "accepted"


def test_among_very_many_answers_the_last_one_counts(card_log: DatabaseLog) -> None:
    """
    Of a card that is shown and answered again and again only the newest answers are looked at.
    """
    made = [card() for _ in range(30)]
    card_log.record(call(*made))
    card_log.keep_feedback(
        [
            answer(each.uuid, at=NOW + timedelta(minutes=minute), reason_code=f"reason-{minute}")
            for minute, each in enumerate(made)
        ]
    )
    assert card_log.answered(["key"], NOW - DAY)["key"].reason_code == "reason-29"


def test_an_answer_dated_in_the_future_counts_from_when_it_was_heard(card_log: DatabaseLog) -> None:
    made = card()
    card_log.record(call(made))
    card_log.keep_feedback([answer(made.uuid, at=NOW + 300 * DAY, received_at=NOW)])
    assert card_log.answered(["key"], NOW - DAY)["key"].at == NOW
    assert not card_log.answered(["key"], NOW + DAY)


def test_a_token_id_is_new_once_per_issuer(card_log: DatabaseLog) -> None:
    until = NOW + timedelta(hours=1)
    long_issuer = "https://ehr.example.org/" + "x" * 5000
    assert card_log.is_first_use("one", "id", until, NOW)
    assert not card_log.is_first_use("one", "id", until, NOW)
    assert card_log.is_first_use("two", "id", until, NOW)
    assert card_log.is_first_use(long_issuer + "1", "id", until, NOW)
    assert card_log.is_first_use(long_issuer + "2", "id", until, NOW)
    assert card_log.is_first_use("one", "x" * 100_000 + "\0\ud800", until, NOW)


def test_a_token_id_is_new_to_one_of_two_nodes_only(place: Place) -> None:
    """
    Two machines share a database, and nothing else.
    """
    logs = [place.open_log(name=name) for name in ("one", "other")]
    until = NOW + timedelta(hours=1)
    assert [log.is_first_use("one", "id", until, NOW) for log in logs] == [True, False]
    for log in logs:
        log.close()


def test_a_token_id_that_expired_may_come_again(card_log: DatabaseLog) -> None:
    until = NOW + timedelta(hours=1)
    assert card_log.is_first_use("one", "id", until, NOW)
    assert not card_log.is_first_use("one", "id", until, until - timedelta(seconds=1))
    assert card_log.is_first_use("one", "id", until + DAY, until)
    assert not card_log.is_first_use("one", "id", until + DAY, until)


def test_token_ids_that_expired_are_forgotten_now_and_then(
    card_log: DatabaseLog, place: Place
) -> None:
    for number in range(5):
        card_log.is_first_use("one", str(number), NOW + timedelta(minutes=number + 1), NOW)
    card_log.is_first_use("one", "later", NOW + DAY, NOW + timedelta(hours=1))
    assert rows(place.url, "token_ids") == 1


def test_of_many_simultaneous_uses_of_a_token_one_passes(card_log: DatabaseLog) -> None:
    until = NOW + timedelta(hours=1)

    def use(_: int) -> bool:
        return card_log.is_first_use("one", "id", until, NOW)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(use, range(32))) == 1


def test_eight_threads_write_at_once_and_nothing_is_missed(
    card_log: DatabaseLog, place: Place
) -> None:
    calls = [call(card(), card()) for _ in range(80)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(card_log.record, calls))
    assert rows(place.url, "calls") + card_log.spooled == 80
    card_log.replay()
    assert (rows(place.url, "calls"), rows(place.url, "cards"), card_log.spooled) == (80, 160, 0)


anything = st.text(st.characters(), max_size=30)  # half characters and NUL among them


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DatabaseLog, Database]]:
    """One card log for all examples of a property."""
    var_dir = tmp_path_factory.mktemp("var")
    url = (
        f"sqlite:///{var_dir / 'cds.sqlite'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres").new_database()
    )
    upgrade_store(url)
    opened = open_card_log(url, var_dir, in_background=False, patience=60)
    lasting_database = Database(url, patience=60)
    yield opened, lasting_database
    lasting_database.close()
    opened.close()


def kept(text: str) -> str:
    """What is left of a text: all of it, but for NUL and half characters."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\ufffd")


@given(text=anything, moment=st.datetimes(timezones=st.just(UTC)), number=st.integers())
def test_any_text_any_time_and_any_number_is_kept(
    lasting: tuple[DatabaseLog, Database], text: str, moment: datetime, number: int
) -> None:
    card_log, database = lasting
    made = card(rule_id=text, facts=(text,), answer_key=text)
    card_log.record(
        call(
            made,
            at=moment,
            tenant=text,
            hook_instance=text,
            milliseconds=number,
            verdicts={text: text},
            missing=(MissingRecord(text, text, (text,)),),
            fetched={text: text},
        )
    )
    said = answer(made.uuid, "overridden", at=moment, received_at=moment, comment=text)
    card_log.keep_feedback([said])

    with database.reading() as connection:
        found = shown_card(connection, made.uuid)

    assert found
    assert (found.tenant, found.rule_id, found.at) == (kept(text), kept(text), moment)
    assert found.missing == (MissingRecord(text, text, (text,)),)
    assert found.fetched == {text: text}
    assert [(each.comment, each.outcome_at) for each in found.feedback] == [(kept(text), moment)]
    assert (card_log.spooled, card_log.set_aside) == (0, 0)


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
@pytest.mark.parametrize("offset", [-14, 14])
def test_the_ends_of_the_calendar_are_times_too(
    card_log: DatabaseLog, place: Place, moment: datetime, offset: int
) -> None:
    at = moment.replace(tzinfo=timezone(timedelta(hours=offset)))
    card_log.record(call(at=at))
    card_log.keep_feedback([answer("card", at=at, received_at=NOW)])
    assert (rows(place.url, "calls"), rows(place.url, "feedback")) == (1, 1)


def test_endless_text_is_cut(card_log: DatabaseLog, place: Place) -> None:
    made = card()
    card_log.record(call(made, tenant="x" * 1_000_000))
    card_log.keep_feedback([answer(made.uuid, comment="y" * 1_000_000)])
    found = shown(place.url, made.uuid)
    assert found
    assert (len(found.tenant), len(found.feedback[0].comment)) == (LONGEST, LONGEST)
