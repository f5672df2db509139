"""Whether the memory of a worker stays flat while it answers, keeps and hears back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http.client import HTTPConnection

from benchmarks.chart import order_sign_call
from benchmarks.servers import PATH, post, running

READINGS = 20
EVERY = 5
"""After so many calls the cards of one are answered."""


def watch(calls: int) -> None:
    """Make so many calls, print the worker's resident memory on the way, and how much it grew.

    The card log is on, and every fifth answer is followed by feedback on all its cards, in turn
    accepted and overridden, so that later ones are quiet. The growth is counted from the end of the
    first tenth, when all caches are filled.
    """
    body = order_sign_call()
    step = max(calls // READINGS, 1)
    seen = []
    with running("full") as server:
        connection = server.connection()
        for number in range(1, calls + 1):
            answer = post(connection, body)
            if number % EVERY == 0:
                _answer(connection, answer, is_accepted=number % (2 * EVERY) == 0)
            if number % step == 0:
                seen.append(server.resident_kilobytes())
                print(f"  after {number:7} calls {seen[-1] / 1024:7.1f} MB", flush=True)
        kept = server.kept()
    settled = seen[max(len(seen) // 10 - 1, 0) :]
    print(f"  grew by {(settled[-1] - settled[0]) / 1024:.1f} MB after the first tenth")
    print(f"  on record: {', '.join(f'{number} {what}' for what, number in kept.items())}")


def _answer(connection: HTTPConnection, answer: bytes, *, is_accepted: bool) -> None:
    """Feedback on every card of an answer."""
    reason = {"reason": {"code": "repeat-pending", "system": "urn:cds-service:override"}}
    items = [
        {
            "card": card["uuid"],
            "outcome": "accepted" if is_accepted else "overridden",
            "outcomeTimestamp": datetime.now(UTC).isoformat(),
            **({} if is_accepted else {"overrideReason": reason}),
        }
        for card in json.loads(answer)["cards"]
    ]
    post(connection, json.dumps({"feedback": items}).encode(), f"{PATH}/feedback")
