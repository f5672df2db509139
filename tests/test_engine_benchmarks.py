"""The benchmark measures what it says: a chart of the promised size, two servers alike."""

import json
from collections import Counter

from benchmarks.bare import BareServer, bare_app
from benchmarks.chart import order_sign_call
from benchmarks.servers import PATH
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

    assert BareServer(settings).load().name == "bare"
