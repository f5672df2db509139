"""The card log counted: a log written by hand, whose every number is known, in both databases."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st
from sqlalchemy import event

from cds_service.store.card_log import DatabaseLog, open_card_log
from cds_service.store.counts import Statistics
from cds_service.store.database import Database
from cds_service.store.port import NoLog, StoreUnavailable
from cds_service.store.rates import at_least, nearest_rank
from cds_service.store.records import CardRecord, FeedbackRecord, MissingRecord, SuggestionRecord
from cds_service.store.schema import upgrade_store
from cds_service.store.statistics import statistics
from tests.store_builders import Place, answer, call, card

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
NEXT_MONDAY = MONDAY + timedelta(days=7)
TEN = MONDAY + timedelta(hours=10)
VOD, QT = "INO-VOD-12", "INO-QT-01"
UNSENT = MissingRecord("the QTc", "nothing found", (QT,))


def week(log: DatabaseLog) -> Statistics:
    return log.statistics(MONDAY, NEXT_MONDAY)


def shown(log: DatabaseLog, *cards: CardRecord, at: datetime = TEN, **said: object) -> None:
    log.record(call(*cards, at=at, **{"missing": (), **said}))


def of(found: Statistics, rule_id: str):
    return next(each for each in found.by_rule() if each.rule_id == rule_id)


class TestCalls:
    def test_are_counted_by_day_service_and_status(self, card_log):
        shown(card_log)
        shown(card_log)
        shown(card_log, status=412)
        shown(card_log, at=TEN + timedelta(days=2), service_id="inotuzumab-patient-view")

        sign, view, monday = "inotuzumab-order-sign", "inotuzumab-patient-view", MONDAY.date()
        assert [(e.day, e.service_id, e.status, e.calls) for e in week(card_log).calls] == [
            (monday, sign, 200, 2),
            (monday, sign, 412, 1),
            (monday + timedelta(days=2), view, 200, 1),
        ]

    def test_belong_to_the_day_in_utc(self, card_log):
        shown(card_log, at=datetime.fromisoformat("2026-11-18T00:30:00+02:00"))

        assert [each.day for each in week(card_log).calls] == [date(2026, 11, 17)]

    def test_of_the_first_instant_count_and_those_of_the_end_do_not(self, card_log):
        shown(card_log, at=MONDAY)
        shown(card_log, at=MONDAY - timedelta(microseconds=1))
        shown(card_log, at=NEXT_MONDAY)
        shown(card_log, at=NEXT_MONDAY - timedelta(microseconds=1))

        assert sum(each.calls for each in week(card_log).calls) == 2

    def test_tell_how_long_they_took(self, card_log):
        for milliseconds in (10, 20, 30, 40, 1000):
            shown(card_log, milliseconds=milliseconds)
        shown(card_log, milliseconds=5, status=412)

        took = week(card_log).milliseconds
        answered = took["inotuzumab-order-sign", 200]
        assert (answered.count, answered.median, answered.p95, answered.longest) == (
            5,
            30,
            1000,
            1000,
        )
        assert took["inotuzumab-order-sign", 412].median == 5

    def test_none_is_no_number_at_all(self, card_log):
        found = week(card_log)

        assert found == Statistics((), {}, (), (), (), (), {}, 0, 0, on_record=None)
        assert found.by_rule() == ()

    def test_elsewhen_tell_since_when_there_are_any(self, card_log):
        early, late = MONDAY - timedelta(days=90), MONDAY - timedelta(days=9)
        for at in (late, early):
            shown(card_log, at=at)

        assert week(card_log) == Statistics((), {}, (), (), (), (), {}, 0, 0, (early, late))


class TestCards:
    def test_are_shown_softened_or_left_out(self, card_log):
        shown(card_log, card(), card(shown_as="softened"), card(shown_as="left out"))
        shown(card_log, card(rule_id=QT, indicator="critical"))

        vod = of(week(card_log), VOD)
        assert (vod.shown, vod.softened, vod.left_out) == (2, 1, 1)
        assert {(e.rule_id, e.indicator) for e in week(card_log).cards} == {
            (VOD, "warning"),
            (QT, "critical"),
        }

    def test_have_the_last_of_their_answers(self, card_log):
        shown(card_log, card("c1"), card("c2"), card("c3"))
        card_log.keep_feedback(
            [
                answer("c1", "overridden", at=TEN + timedelta(minutes=1), reason_code="hasty"),
                answer("c1", "accepted", at=TEN + timedelta(minutes=9)),
                answer("c2", "accepted", at=TEN + timedelta(minutes=1)),
                answer("c2", "overridden", at=TEN + timedelta(minutes=9), reason_code="known"),
            ]
        )

        vod = of(week(card_log), VOD)
        assert (vod.accepted, vod.overridden, vod.unanswered) == (1, 1, 1)
        assert vod.override_rate == Fraction(1, 2)
        assert [(e.code, e.cards) for e in week(card_log).reasons] == [("known", 1)]

    def test_without_any_answer_have_no_override_rate(self, card_log):
        shown(card_log, card())

        vod = of(week(card_log), VOD)
        assert vod.unanswered == 1
        assert vod.override_rate is None
        assert vod.unwelcome == 0

    def test_count_an_answer_given_after_the_time_asked_for(self, card_log):
        shown(card_log, card("c1"))
        card_log.keep_feedback([answer("c1", "overridden", at=NEXT_MONDAY + timedelta(days=3))])

        assert of(week(card_log), VOD).overridden == 1

    def test_do_not_count_what_another_client_says_of_them(self, card_log):
        shown(card_log, card("c1"))
        card_log.keep_feedback([answer("c1", "overridden", at=TEN, client="Elsewhere")])

        found = week(card_log)
        assert of(found, VOD).unanswered == 1
        assert found.strays == 1

    def test_that_nobody_showed_make_their_answers_strays(self, card_log):
        card_log.keep_feedback([answer("never-shown", at=TEN)])
        card_log.keep_feedback([answer("shown-elsewhen", at=TEN - timedelta(days=30))])

        assert week(card_log).strays == 1


class TestReasons:
    def test_are_counted_by_rule_as_the_ehr_coded_and_worded_them(self, card_log):
        shown(card_log, *(card(f"c{number}") for number in range(4)))
        shown(card_log, card("q", rule_id=QT))
        card_log.keep_feedback(
            [
                answer("c0", "overridden", at=TEN, reason_code="known", reason_display="Known"),
                answer("c1", "overridden", at=TEN, reason_code="known", reason_display="Known"),
                answer("c2", "overridden", at=TEN, comment="as discussed"),
                answer("c3", "overridden", at=TEN),
                answer("q", "overridden", at=TEN, reason_display="<b>because</b>"),
            ]
        )

        assert [
            (e.rule_id, e.code, e.display, e.has_comment, e.cards) for e in week(card_log).reasons
        ] == [
            (VOD, "known", "Known", False, 2),
            (QT, "", "<b>because</b>", False, 1),
            (VOD, "", "", False, 1),
            (VOD, "", "", True, 1),
        ]


class TestSuggestions:
    UPDATE = ("update MedicationRequest",)
    CREATE = ("create ServiceRequest",)

    def test_are_offered_and_taken(self, card_log):
        hold, test = SuggestionRecord("s1", self.UPDATE), SuggestionRecord("s2", self.CREATE)
        again = SuggestionRecord("s3", self.UPDATE)
        shown(card_log, card("c1", suggestions=(hold, test)), card("c2", suggestions=(again,)))
        card_log.keep_feedback([accepted("c1", "s1"), accepted("c2", "s1", "s3-and-more")])

        assert [
            (e.rule_id, e.actions, e.offered, e.accepted) for e in week(card_log).suggestions
        ] == [(VOD, self.CREATE, 1, 0), (VOD, self.UPDATE, 2, 1)]

    def test_that_delete_an_order_are_alike_whichever_it_is(self, card_log):
        for uuid, order in (
            ("s1", "delete MedicationRequest/1"),
            ("s2", "delete MedicationRequest"),
        ):
            shown(card_log, card(suggestions=(SuggestionRecord(uuid, (order,)),)))

        (counted_once,) = week(card_log).suggestions
        assert counted_once.actions == ("delete MedicationRequest",)
        assert counted_once.offered == 2

    def test_taken_back_are_not_taken(self, card_log):
        shown(card_log, card("c1", suggestions=(SuggestionRecord("s1", self.UPDATE),)))
        card_log.keep_feedback([accepted("c1", "s1")])
        card_log.keep_feedback([answer("c1", "overridden", at=TEN + timedelta(hours=1))])

        assert [each.accepted for each in week(card_log).suggestions] == [0]

    def test_of_cards_left_out_were_not_offered(self, card_log):
        offer = (SuggestionRecord("s1", self.UPDATE),)
        shown(card_log, card(shown_as="left out", suggestions=offer))

        assert week(card_log).suggestions == ()


def accepted(card_uuid: str, *suggestions: str) -> FeedbackRecord:
    return FeedbackRecord(
        card=card_uuid,
        client="General Hospital",
        service_id="inotuzumab-order-sign",
        outcome="accepted",
        outcome_at=TEN,
        received_at=TEN,
        accepted_suggestions=suggestions,
    )


class TestUnknowns:
    def test_are_counted_by_what_and_why_with_the_rules_that_missed_it(self, card_log):
        failed = MissingRecord("the QTc", "could not be read", (QT,))
        also = MissingRecord("the QTc", "nothing found", ("INO-QT-06",))
        for missing in ((UNSENT,), (UNSENT,), (UNSENT, failed), (also,)):
            shown(card_log, missing=missing)

        assert [(e.what, e.reason, e.rules, e.calls) for e in week(card_log).missing] == [
            ("the QTc", "nothing found", ("INO-QT-01", "INO-QT-06"), 4),
            ("the QTc", "could not be read", (QT,), 1),
        ]


class TestTimeToAnswer:
    def test_is_from_the_call_to_the_last_answer(self, card_log):
        shown(card_log, card("c1"), card("c2"))
        card_log.keep_feedback(
            [
                answer("c1", "accepted", at=TEN + timedelta(seconds=10)),
                answer("c1", "accepted", at=TEN + timedelta(seconds=40)),
                answer("c2", "overridden", at=TEN + timedelta(hours=1)),
            ]
        )

        took = week(card_log).seconds_to_answer
        assert {outcome: each.counted for outcome, each in took.items()} == {
            "accepted": {40: 1},
            "overridden": {3600: 1},
        }

    def test_is_not_told_by_a_clock_that_lags(self, card_log):
        shown(card_log, card("c1"))
        card_log.keep_feedback([answer("c1", at=TEN - timedelta(minutes=5))])

        found = week(card_log)
        assert (found.seconds_to_answer, found.too_early) == ({}, 1)
        assert of(found, VOD).accepted == 1


class TestOrder:
    def test_often_shown_and_mostly_overridden_comes_first(self, card_log):
        often, once, welcome = "INO-A-01", "INO-B-01", "INO-C-01"
        for rule, times, overridden in ((once, 1, 1), (welcome, 40, 2), (often, 40, 30)):
            uuids = [f"{rule}-{number}" for number in range(times)]
            shown(card_log, *(card(uuid, rule_id=rule) for uuid in uuids))
            card_log.keep_feedback(
                [
                    answer(uuid, "overridden" if place < overridden else "accepted", at=TEN)
                    for place, uuid in enumerate(uuids)
                ]
            )

        assert [each.rule_id for each in week(card_log).by_rule()] == [often, welcome, once]

    @pytest.mark.parametrize(
        ("part", "whole", "bound"),
        [(0, 0, "0"), (0, 9, "0"), (1, 1, "0.2065"), (9, 10, "0.5958"), (90, 100, "0.8256")],
    )
    def test_a_share_is_at_least_what_its_answers_support(self, part, whole, bound):
        assert at_least(part, whole).quantize(Decimal("0.0001")) == Decimal(bound)

    @given(st.integers(0, 300), st.integers(1, 300))
    def test_a_supported_share_never_exceeds_the_share(self, part, more):
        whole = part + more
        assert 0 <= at_least(part, whole) <= Decimal(part) / whole
        assert at_least(part, whole) <= at_least(10 * part, 10 * whole)


class TestPercentiles:
    def test_are_values_that_occurred(self):
        hundred = dict.fromkeys(range(1, 101), 1)

        assert nearest_rank(hundred, Fraction(1, 2)) == 50
        assert nearest_rank(hundred, Fraction(95, 100)) == 95
        assert nearest_rank({7: 1}, Fraction(95, 100)) == 7

    def test_of_nothing_are_an_error(self):
        with pytest.raises(ValueError, match="no values"):
            nearest_rank({}, Fraction(1, 2))


ANSWERS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(["accepted", "overridden"]),
        st.integers(0, 3),
        st.sampled_from(["", "known", "repeat pending"]),
    ),
    max_size=14,
)


@drawn(max_examples=25)
@given(answers=ANSWERS, seed=st.integers())
def test_totals_add_up_in_whatever_order_answers_came(tmp_path_factory, answers, seed):
    """Six cards, of which the last was left out; answers before, between and after the calls."""
    told = [
        answer(f"c{number}", outcome, at=TEN + timedelta(minutes=minutes), reason_code=reason)
        for number, outcome, minutes, reason in answers
    ]
    shuffled = random.Random(seed).sample(told, len(told))

    one, other = (counted(tmp_path_factory.mktemp("log"), each) for each in (told, shuffled))

    assert one == other
    rules = one.by_rule()
    assert sum(each.shown + each.left_out for each in rules) == 6
    assert all(each.answered + each.unanswered == each.shown for each in rules)
    assert all(each.unanswered >= 0 for each in rules)
    assert sum(each.cards for each in one.reasons) == sum(each.overridden for each in rules)
    timed = sum(each.count for each in one.seconds_to_answer.values()) + one.too_early
    assert timed == sum(each.answered for each in rules)


def counted(folder: Path, told: list[FeedbackRecord]) -> Statistics:
    url = f"sqlite:///{folder / 'cds.sqlite'}"
    upgrade_store(url)
    log = open_card_log(url, folder, in_background=False)
    half = len(told) // 2
    for each in told[:half]:
        log.keep_feedback([each])
    kinds = [(VOD, "shown")] * 3 + [(QT, "softened")] * 2 + [(QT, "left out")]
    shown(
        log,
        *(
            card(f"c{place}", rule_id=rule, shown_as=shown_as, suggestions=())
            for place, (rule, shown_as) in enumerate(kinds)
        ),
    )
    for each in told[half:]:
        log.keep_feedback([each])
    found = week(log)
    log.close()
    return found


class TestAStoreThatCannotTell:
    def test_says_so_while_the_database_is_away(self, place: Place):
        log = place.open_log(patience=0.05)
        with place.away(), pytest.raises(StoreUnavailable):
            week(log)
        log.close()

    def test_says_so_without_tables(self, empty_place: Place):
        log = empty_place.open_log()
        with pytest.raises(StoreUnavailable):
            week(log)
        log.close()

    def test_says_so_where_nothing_is_kept(self):
        with pytest.raises(StoreUnavailable, match="keeps no card log"):
            NoLog().statistics(MONDAY, NEXT_MONDAY)


def test_no_table_is_read_from_end_to_end(tmp_path):
    """Only what an index finds of the time asked for is read; counted answers are few."""
    url = f"sqlite:///{tmp_path / 'cds.sqlite'}"
    upgrade_store(url)
    database, plans = Database(url), []

    with database.reading() as connection:

        def explain(_connection, cursor, statement, parameters, *_):
            if statement.lstrip().startswith("SELECT"):
                cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.extend(row[-1] for row in cursor.fetchall())

        event.listen(database.engine, "before_cursor_execute", explain)
        statistics(connection, MONDAY, NEXT_MONDAY)
    database.close()

    tables = ("calls", "cards", "suggestions", "feedback")
    assert plans
    assert not [step for step in plans if step.startswith(tuple(f"SCAN {each}" for each in tables))]
