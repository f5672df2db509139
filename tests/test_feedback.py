"""The feedback endpoint: both spellings, batches, repeats, and whole batches refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.text import plain
from cds_service.store.records import FeedbackRecord
from cds_service.web.form import MOST_ITEMS
from tests.story import NOW
from tests.ward import BENEFIT, JSON, Ward, ward
from tests.web_parts import app, parts, post

CARD = str(UUID(int=7, version=4))
PATH = "/cds-services/inotuzumab-order-sign/feedback"
EPIC = "com.epic.cdshooks.feedback.overrideReason"


@pytest.fixture
def us() -> Ward:
    return ward().begin()


def item(**more: Any) -> JSON:
    """A card dismissed without a reason."""
    stamp = "2026-11-20T08:40:00Z"
    return {"card": CARD, "outcome": "overridden", "outcomeTimestamp": stamp, **more}


def kept(us: Ward, **more: Any) -> FeedbackRecord:
    """What is kept of one item."""
    answer = us.tell([item(**more)])
    assert answer.status_code == 200, answer.get_data(as_text=True)
    (record,) = us.kept.feedback
    return record


def refused(us: Ward, body: Any) -> list[tuple[str, str]]:
    """The path and the sentence of each issue; nothing is kept."""
    answer = post(us.client, body, PATH)
    assert answer.status_code == 400
    assert us.kept.feedback == []
    outcome = answer.get_json()
    assert outcome["resourceType"] == "OperationOutcome"
    return [(each.get("expression", [""])[0], each["diagnostics"]) for each in outcome["issue"]]


class TestWhatIsKept:
    def test_a_dismissed_card(self, us: Ward) -> None:
        assert kept(us) == FeedbackRecord(
            card=CARD,
            client="sandbox",
            service_id="inotuzumab-order-sign",
            outcome="overridden",
            outcome_at=datetime(2026, 11, 20, 8, 40, tzinfo=UTC),
            received_at=NOW,
        )

    def test_accepted_suggestions_each_once(self, us: Ward) -> None:
        accepted = [{"id": "a"}, {"id": "b", "more": 1}, {"id": "a"}]
        record = kept(us, outcome="accepted", acceptedSuggestions=accepted)

        assert record.outcome == "accepted"
        assert record.accepted_suggestions == ("a", "b")

    @pytest.mark.parametrize("spelling", ["overrideReason", "overrideReasons"])
    @pytest.mark.parametrize("listed", [False, True])
    def test_a_reason_in_either_spelling(self, us: Ward, spelling: str, listed: bool) -> None:
        said = {"reason": BENEFIT, "userComment": "discussed at the tumour board"}
        record = kept(us, **{spelling: [said] if listed else said})

        assert record.reason_code == "benefit-outweighs-risk"
        assert record.reason_system == "urn:cds-service:override-reason"
        assert record.reason_display == "Benefit outweighs the risk for this patient"
        assert record.comment == "discussed at the tumour board"

    def test_a_coding_in_the_place_of_the_reason(self, us: Ward) -> None:
        assert kept(us, overrideReason=BENEFIT).reason_code == "benefit-outweighs-risk"

    @pytest.mark.parametrize("left_out", ["system", "display"])
    def test_a_reason_without_one_of_its_parts(self, us: Ward, left_out: str) -> None:
        reason = {name: value for name, value in BENEFIT.items() if name != left_out}
        record = kept(us, overrideReason={"reason": reason})

        assert record.reason_code == "benefit-outweighs-risk"
        assert getattr(record, f"reason_{left_out}") == ""

    def test_what_users_of_epic_chose_from_its_own_list(self, us: Ward) -> None:
        """
        The shape that Epic documents for reasons which are its own and not the card's.
        """
        extension = {
            f"{EPIC}.reasonCategory": "45",
            f"{EPIC}.reasonDisplay": "Does not meet criteria",
            f"{EPIC}.reasonTitle": "Criteria",
        }
        said = {"extension": extension, "userComment": "Free text"}
        record = kept(us, overrideReasons=said)

        assert record.reason_code == "45"
        assert record.reason_system == f"{EPIC}.reasonCategory"
        assert record.reason_display == "Does not meet criteria"
        assert record.comment == "Free text"

    @pytest.mark.parametrize("extension", [None, [], "x", 7, {f"{EPIC}.reasonDisplay": 7}, {}])
    def test_any_other_extension_is_passed_over(self, us: Ward, extension: Any) -> None:
        assert kept(us, overrideReason={"extension": extension}).reason_display == ""

    @pytest.mark.parametrize(
        "empty",
        [None, {}, [], {"reason": None}, {"reason": {}}, {"reason": {"code": None}}],
        ids=str,
    )
    def test_no_reason_at_all(self, us: Ward, empty: Any) -> None:
        record = kept(us, overrideReason=empty, acceptedSuggestions=None)
        assert (record.reason_code, record.reason_display, record.comment) == ("", "", "")

    @pytest.mark.parametrize(
        ("written", "moment"),
        [
            ("2026-11-20T08:40:00Z", datetime(2026, 11, 20, 8, 40)),
            ("2026-11-20t08:40:00z", datetime(2026, 11, 20, 8, 40)),
            ("2026-11-20 08:40:00Z", datetime(2026, 11, 20, 8, 40)),
            ("2026-11-20T09:40:00+01:00", datetime(2026, 11, 20, 8, 40)),
            ("2026-11-19T22:10:00-10:30", datetime(2026, 11, 20, 8, 40)),
            ("2026-11-20T08:40:00.5Z", datetime(2026, 11, 20, 8, 40, 0, 500000)),
            ("2026-11-20T08:40:00.123456789Z", datetime(2026, 11, 20, 8, 40, 0, 123456)),
            ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59)),
        ],
    )
    def test_the_time_as_rfc_3339_writes_it(self, us: Ward, written: str, moment: datetime) -> None:
        assert kept(us, outcomeTimestamp=written).outcome_at == moment.replace(tzinfo=UTC)

    def test_long_text_is_cut_with_a_mark(self, us: Ward) -> None:
        said = {"reason": {"display": "d" * 5000}, "userComment": "c " * 5000}
        record = kept(us, overrideReason=said)

        assert len(record.comment) <= 2000
        assert record.comment.endswith("…")
        assert len(record.reason_display) == 255

    def test_what_nobody_can_see_is_taken_out(self, us: Ward) -> None:
        said = {"userComment": "a\x00b\x1b[2J\u202e\ud800\n c"}
        assert kept(us, overrideReason=said).comment == "a b [2J\N{REPLACEMENT CHARACTER} c"

    def test_a_card_that_nobody_knows(self, us: Ward) -> None:
        assert kept(us, card="never-shown").card == "never-shown"

    def test_a_batch_of_several_cards(self, us: Ward) -> None:
        items = [item(card=f"card-{number}") for number in range(MOST_ITEMS)]
        assert us.tell(items).status_code == 200
        assert len(us.kept.feedback) == MOST_ITEMS

    def test_an_exact_repeat_adds_nothing(self, us: Ward) -> None:
        for _ in range(2):
            assert us.tell([item(), item()]).status_code == 200
            us.later(minutes=1)
        assert len(us.kept.feedback) == 1

    def test_a_change_of_mind_is_kept_beside_the_first(self, us: Ward) -> None:
        us.tell([item(), item(outcome="accepted", outcomeTimestamp="2026-11-20T08:41:00Z")])
        assert [each.outcome for each in us.kept.feedback] == ["overridden", "accepted"]

    def test_fields_we_do_not_know_are_passed_over(self, us: Ward) -> None:
        told = post(us.client, {"feedback": [item(more={"x": 1})], "extension": {}}, PATH)
        assert told.status_code == 200

    def test_every_service_takes_feedback(self, us: Ward) -> None:
        for service in us.parts.rulebook.services:
            us.begin()
            assert us.tell([item()], service.id).status_code == 200
            assert us.kept.feedback[0].service_id == service.id


class TestTheAnswer:
    def test_it_is_an_object_without_anything_empty_in_it(self, us: Ward) -> None:
        answer = us.tell([item()])
        assert answer.get_json() == {}
        assert answer.content_type == "application/json"

    def test_an_empty_batch_is_fine(self, us: Ward) -> None:
        assert us.tell([]).status_code == 200
        assert us.kept.feedback == []

    def test_nothing_is_acknowledged_that_was_not_kept(self, us: Ward) -> None:
        us.kept.away = True
        answer = us.tell([item()])

        assert answer.status_code == 503
        assert answer.get_json()["resourceType"] == "OperationOutcome"

    def test_a_process_that_keeps_nothing_says_so(self) -> None:
        assert post(app(parts()).test_client(), {"feedback": [item()]}, PATH).status_code == 503

    def test_an_unknown_service(self, us: Ward) -> None:
        assert us.tell([item()], "no-such-service").status_code == 404

    def test_other_methods(self, us: Ward) -> None:
        assert us.client.get(PATH).status_code == 405

    def test_each_kept_item_is_counted_by_outcome(self, us: Ward) -> None:
        def counted(outcome: str) -> float:
            name = f'cds_feedback_total{{outcome="{outcome}"}}'
            lines = us.client.get("/metrics").get_data(as_text=True).splitlines()
            return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

        before = counted("accepted"), counted("overridden")
        us.tell([item(), item(outcome="accepted"), item(card="x")])
        us.tell([item(outcome="neither")])
        assert (counted("accepted") - before[0], counted("overridden") - before[1]) == (1, 2)

    def test_no_line_of_the_log_holds_what_was_told(
        self, us: Ward, caplog: pytest.LogCaptureFixture
    ) -> None:
        private = "Mrs Zebedee declined"
        with caplog.at_level(logging.DEBUG):
            us.tell([item(card="card-zebra", overrideReason={"userComment": private})])
            us.tell([item(card="card-zebra", outcome=private)])
            us.kept.away = True
            us.tell([item(card="card-zebra", overrideReason={"userComment": private})])

        told = " ".join(str(vars(record)) for record in caplog.records)
        assert "Zebedee" not in told
        assert "card-zebra" not in told


class TestRefused:
    @pytest.mark.parametrize(
        "body",
        [{}, {"feedback": None}, {"feedback": {}}, {"feedback": "x"}, {"feedback": 1}, [], b"x"],
        ids=str,
    )
    def test_a_body_without_a_feedback_array(self, us: Ward, body: Any) -> None:
        assert refused(us, body)

    @pytest.mark.parametrize(
        ("wrong", "path"),
        [
            ({"card": None}, "card"),
            ({"card": ""}, "card"),
            ({"card": " \u200b"}, "card"),
            ({"card": 7}, "card"),
            ({"card": "x" * 256}, "card"),
            ({"outcome": "ignored"}, "outcome"),
            ({"outcome": None}, "outcome"),
            ({"outcome": ["accepted"]}, "outcome"),
            ({"outcomeTimestamp": None}, "outcomeTimestamp"),
            ({"outcomeTimestamp": 1_790_000_000}, "outcomeTimestamp"),
            ({"outcomeTimestamp": "2026-11-20"}, "outcomeTimestamp"),
            ({"outcomeTimestamp": "2026-11-20T08:40:00"}, "outcomeTimestamp"),
            ({"outcomeTimestamp": "2026-13-20T08:40:00Z"}, "outcomeTimestamp"),
            ({"outcomeTimestamp": "2026-11-20T08:40:00+25:00"}, "outcomeTimestamp"),
            ({"outcomeTimestamp": "0001-01-01T00:00:00+01:00"}, "outcomeTimestamp"),
            ({"outcomeTimestamp": "٢٠٢٦-11-20T08:40:00Z"}, "outcomeTimestamp"),
            ({"acceptedSuggestions": {}}, "acceptedSuggestions"),
            ({"acceptedSuggestions": ["a"]}, "acceptedSuggestions[0]"),
            ({"acceptedSuggestions": [{}]}, "acceptedSuggestions[0].id"),
            ({"overrideReason": "x"}, "overrideReason"),
            ({"overrideReason": ["x"]}, "overrideReason"),
            ({"overrideReason": {"reason": "x"}}, "overrideReason.reason"),
            ({"overrideReason": {"reason": {"code": 1}}}, "overrideReason.reason.code"),
            ({"overrideReasons": {"userComment": 1}}, "overrideReasons.userComment"),
        ],
        ids=str,
    )
    def test_an_item_that_is_wrong(self, us: Ward, wrong: JSON, path: str) -> None:
        ((found, sentence),) = refused(us, {"feedback": [item(), item(**wrong)]})
        assert found == f"feedback[1].{path}"
        assert sentence.startswith(found)

    @pytest.mark.parametrize("name", ["card", "outcome", "outcomeTimestamp"])
    def test_an_item_without_what_it_must_have(self, us: Ward, name: str) -> None:
        lacking = item()
        del lacking[name]
        assert refused(us, {"feedback": [lacking]}) == [
            (f"feedback[0].{name}", f"feedback[0].{name} is missing")
        ]

    def test_every_problem_of_every_item_is_told(self, us: Ward) -> None:
        found = refused(us, {"feedback": [{}, 7, item(outcome="x")]})
        assert [path for path, _ in found] == [
            "feedback[0].card",
            "feedback[0].outcome",
            "feedback[0].outcomeTimestamp",
            "feedback[1]",
            "feedback[2].outcome",
        ]

    def test_very_many_problems_are_counted(self, us: Ward) -> None:
        found = refused(us, {"feedback": [{}] * 100})
        assert len(found) == 101
        assert found[-1][1] == "and 200 more problems"

    def test_a_batch_larger_than_we_read(self, us: Ward) -> None:
        answer = us.tell([item(card=f"card-{number}") for number in range(MOST_ITEMS + 1)])
        assert answer.status_code == 413
        assert us.kept.feedback == []

    def test_no_value_is_repeated(self, us: Ward) -> None:
        answer = us.tell([item(outcome="Zebedee", outcomeTimestamp="Zebedee")])
        assert "Zebedee" not in answer.get_data(as_text=True)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["reason", "code", "display", "userComment", "extension", "id", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
moments = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | anything
items = st.fixed_dictionaries(
    {},
    optional={
        "card": st.just(CARD) | anything,
        "outcome": st.sampled_from(["accepted", "overridden"]) | anything,
        "outcomeTimestamp": moments,
        "acceptedSuggestions": anything,
        "overrideReason": anything,
        "overrideReasons": anything,
    },
)
bodies = st.fixed_dictionaries({"feedback": st.lists(items | anything, max_size=3) | anything})


@given(bodies | anything)
def test_whatever_is_sent_is_kept_or_refused(body: Any) -> None:
    """
    200 exactly when every item is kept, else 400 and nothing is; never anything else.
    """
    us = ward().begin()
    answer = post(us.client, json.dumps(body).encode(), PATH)

    assert answer.status_code in (200, 400)
    sent = body["feedback"] if answer.status_code == 200 else []
    assert {each.card for each in us.kept.feedback} == {plain(one["card"]) for one in sent}
    assert all(nothing_hidden(record) for record in us.kept.feedback)


def nothing_hidden(record: FeedbackRecord) -> bool:
    return all(text.isprintable() for text in texts(record))


def texts(record: FeedbackRecord) -> Iterator[str]:
    yield from (record.card, record.reason_code, record.reason_system)
    yield from (record.reason_display, record.comment, *record.accepted_suggestions)
