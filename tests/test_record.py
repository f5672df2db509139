"""The card log outlives the call, so it is told in words of ours, never in those of the chart."""

from __future__ import annotations

import json
from typing import Any

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.kept import Kept
from tests.story import NOW, SNOMED, Story, ago, given, liver, order

SUBJECT = {"reference": "Patient/p-1"}


def about_somebody() -> list[dict[str, Any]]:
    """A diagnosis, an allergy and an event whose words name somebody, and leave much open."""
    vod = {
        "coding": [{"system": SNOMED, "code": "65617004"}],
        "text": "VOD of Jane Roe, MRN 7781990",
    }
    return [
        {"resourceType": "Condition", "id": "c1", "subject": SUBJECT, "code": vod},
        {
            "resourceType": "AllergyIntolerance",
            "id": "a1",
            "patient": SUBJECT,
            "code": {"text": "inotuzumab, says Jane Roe"},
        },
        {
            "resourceType": "AdverseEvent",
            "id": "e1",
            "subject": SUBJECT,
            "actuality": "actual",
            "event": {"text": "hepatic veno-occlusive disease of Jane Roe"},
            "date": ago(1),
        },
    ]


def test_what_was_missing_is_recorded_without_a_word_of_the_chart() -> None:
    kept = Kept()
    client = create_app(Settings(hash_key="0" * 32), lambda: NOW, card_log=kept).test_client()
    chart = [*about_somebody(), *liver("1.0", "30"), given("inotuzumab", 20)]

    answer = client.post(
        "/cds-services/inotuzumab-order-sign",
        json=Story(client).body("order-sign", [order("inotuzumab")], chart),
    )

    assert "Jane Roe" in json.dumps(answer.json)
    assert "whether a diagnosis is active" in [each.what for each in kept.call.missing]
    assert "severity of an allergy" in [each.what for each in kept.call.missing]
    assert "Roe" not in repr(kept.calls)
    assert "7781990" not in repr(kept.calls)
