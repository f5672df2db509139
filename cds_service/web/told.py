"""What the log tells of one request beyond its address: who called which service, what came out.

Numbers and our own words only. The instance of the hook stays out: an EHR may make it of anything.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import g, request

from cds_service.rulebook.model import Service
from cds_service.store.records import CallRecord
from cds_service.web.parts import parts


def asked_service() -> Service | None:
    """The service that was asked; None when there is none of that id."""
    return parts().rulebook.service((request.view_args or {}).get("service_id", ""))


def tell(record: CallRecord | None) -> None:
    """Let the line of this request say what was answered."""
    if record is not None:
        shown = [card for card in record.cards if card.shown_as != "left out"]
        g.told = {
            "cards": dict(Counter(card.indicator for card in shown)),
            "left_out": len(record.cards) - len(shown),
            "unknown": len(record.missing),
            "fetched": len(record.fetched),
        }


def told() -> dict[str, Any]:
    """The fields of a request to a service; nothing for any other request."""
    if "service_id" not in (request.view_args or {}):
        return {}
    service = asked_service()
    return {
        "service": service.id if service else "unknown",
        "hook": service.hook if service else "unknown",
        "client": g.caller.client.name if "caller" in g else "unknown",
        **g.get("told", {}),
    }
