"""Cards over many calls, counted as a committee reads them."""

from __future__ import annotations

from cds_service.burden import Burden, burden_text, fired_by, measured
from tests.story import Story, liver, order
from tests.story import lab as result


def card(rule: str, indicator: str) -> dict:
    return {"source": {"topic": {"code": rule}}, "indicator": indicator}


def test_a_call_with_information_alone_interrupts_nobody():
    burden = Burden()
    burden.add([card("INO-X-01", "info")])
    burden.add([card("INO-X-01", "warning"), card("INO-X-02", "critical")])

    first, *_ = burden_text(burden)
    assert first == (
        "2 calls, 3 cards (1 critical, 1 warning, 1 info): 1.5 cards a call; "
        "50 % of the calls without a warning or critical card."
    )


def test_the_rule_that_speaks_most_comes_first():
    burden = Burden()
    burden.add([card("INO-X-02", "info"), card("INO-X-01", "info")])
    burden.add([card("INO-X-02", "warning")])

    rows = [line for line in burden_text(burden) if line.startswith("| INO")]
    assert rows == ["| INO-X-02 |  | 1 | 1 | 100 % |", "| INO-X-01 |  |  | 1 | 50 % |"]


def test_a_folder_of_requests_is_fired_and_refusals_are_named(client, tmp_path):
    import json

    body = Story(client).body("order-sign", [order("inotuzumab")], liver("1.9"))
    (tmp_path / "one.json").write_text(json.dumps(body))
    (tmp_path / "two.json").write_text("no JSON")

    burden = measured(client, tmp_path.glob("*.json"))

    assert burden.calls == 1
    assert burden.cards["INO-LIV-02", "warning"] == 1
    assert burden.refused == ["two.json: HTTP 400"]


def test_fired_by_names_the_requests_that_fire_a_rule(client):
    import json

    raised = [*liver()[1:], result("bilirubin", "1.9 mg/dL", "1.2")]
    body = Story(client).body("order-sign", [order("inotuzumab")], raised)

    assert fired_by(client, {"one": json.dumps(body).encode()})["INO-LIV-02"] == ["one"]
