"""The benchmark measures what it says: a chart of the promised size, two servers alike."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bare import BareServer, bare_app
from benchmarks.chart import order_sign_call
from benchmarks.client import PATH, Client
from benchmarks.goal import Goal, Spread
from benchmarks.in_process import caller
from benchmarks.memory import Trend
from benchmarks.phases import Counting
from benchmarks.rounds import percentile
from benchmarks.servers import running
from benchmarks.tables import goals_table
from cds_service.settings import Settings
from tests.story import NOW


def test_the_chart_is_of_the_promised_size():
    body = order_sign_call(NOW)
    call = json.loads(body)
    kinds = Counter(
        entry["resource"]["resourceType"]
        for bundle in (call["context"]["draftOrders"], *call["prefetch"].values())
        for entry in bundle.get("entry", ())
    )

    assert kinds == {"Observation": 50, "MedicationRequest": 21, "Condition": 10}
    assert 75_000 < len(body) < 95_000


def test_the_service_answers_the_call_with_cards_about_the_draft(client):
    answer = client.post(PATH, data=order_sign_call(NOW), content_type="application/json")

    assert answer.status_code == 200
    assert "INO-QT-01" in [card["source"]["topic"]["code"] for card in answer.json["cards"]]


def test_the_bare_endpoint_parses_and_answers():
    answer = bare_app().test_client().post(PATH, json={"hook": "order-sign"})

    assert answer.json == {"cards": []}


def test_the_bare_server_serves_the_bare_endpoint(tmp_path):
    settings = Settings.from_environment({"CDS_VAR_DIR": str(tmp_path)})

    answer = caller(BareServer(settings).load(), order_sign_call(NOW))()

    assert json.loads(answer) == {"cards": []}


def test_a_client_reads_whole_answers_and_measures_nothing_that_was_refused():
    with running("bare") as server:
        client, refused = Client(server.port, order_sign_call(NOW)), Client(server.port, b"{")
        answers = [client() for _ in range(3)]
        with pytest.raises(SystemExit, match="answered with 400"):
            refused()
        client.close()
        refused.close()

    assert [json.loads(each) for each in answers] == 3 * [{"cards": []}]


def test_a_promise_is_kept_at_its_limit_and_not_beyond():
    at_most = Goal("time", 3, "s", Spread(3, 1, 9), {})
    at_least = Goal("calls", 3, "1/s", Spread(3, 1, 9), {}, least=True)

    assert at_most.met
    assert at_least.met
    assert not replace(at_most, measured=Spread(3.1, 1, 9)).met
    assert not replace(at_least, measured=Spread(2.9, 1, 9)).met
    assert replace(at_most, measured=None).met is None


def test_the_ratio_is_taken_in_each_round():
    assert Spread.of_ratios([10, 30, 20], [5, 10, 5]) == Spread(3, 2, 4)


def test_the_percentile_is_a_time_that_was_measured():
    assert percentile([float(each) for each in range(1, 301)], 0.99) == 297
    assert percentile([4.0], 0.99) == 4


@given(slope=st.floats(-1, 1), height=st.floats(50, 200))
def test_memory_that_grows_in_a_line_is_told_by_its_slope(slope, height):
    calls = range(100, 10_100, 100)
    trend = Trend.of(calls, [height + slope * number / 1000 for number in calls])

    assert trend.slope == pytest.approx(slope, abs=1e-6)
    assert trend.error == pytest.approx(0, abs=1e-6)
    assert trend.calls == 8_900


def test_the_first_tenth_in_which_caches_fill_is_not_growth():
    calls = range(100, 10_100, 100)
    trend = Trend.of(calls, [min(100 + number / 100, 110) for number in calls])

    assert trend.slope == pytest.approx(0, abs=1e-6)


def test_a_phase_within_another_is_not_counted_in_the_outer_one():
    counting = Counting()

    def outer():
        counting.enter("outer")
        abs(1)
        counting.enter("inner")
        abs(2)
        counting.leave()
        abs(3)
        counting.leave()

    counting.watch(outer)

    assert (counting.calls["outer"], counting.calls["inner"]) == (2, 1)


def test_a_table_says_which_promise_was_kept():
    kept = Goal("p50", 3, "× bare", Spread(2.5, 2, 3), {"bare ms": Spread(1, 1, 1)})
    broken = Goal("p99", 6, "× bare", Spread(7, 6, 8), {})
    skipped = Goal("other log", 1.3, "× SQLite", None, {}, skipped="no server")
    table = goals_table({"goals": [each.as_json() for each in (kept, broken, skipped)]})

    assert [line.split(" | ")[-1] for line in table.splitlines()[2:]] == [
        "met |",
        "**not met** |",
        "skipped: no server |",
    ]
