"""What the log tells of one request beyond its address: who called which service, what came out.

Numbers and our own words only. The instance of the hook stays out: an EHR may make it of anything.
"""

from __future__ import annotations

from typing import Any

from flask import Request, g

from cds_service.decide import Parts
from cds_service.store.records import CallRecord


def tell(record: CallRecord | None) -> None:
    """Let the line of this request say what was answered."""
    if record is not None:
        shown = [card.indicator for card in record.cards if card.shown_as != "left out"]
        g.told = {
            "cards": {each: shown.count(each) for each in shown},
            "left_out": len(record.cards) - len(shown),
            "unknown": len(record.missing),
            "fetched": len(record.fetched),
        }


def told(joined: Parts, request: Request, own: Any) -> dict[str, Any]:
    """The fields of a request to a service; nothing for any other request.

    ``own`` is what was kept for the request while it was answered.
    """
    asked = request.view_args
    if not asked or "service_id" not in asked:
        return {}
    service = joined.rulebook.service(asked["service_id"])
    return {
        "service": service.id if service else "unknown",
        "hook": service.hook if service else "unknown",
        "client": own.caller.client.name if "caller" in own else "unknown",
        **own.get("told", {}),
    }
