"""How much longer a call takes when its card log is in PostgreSQL and not in SQLite.

``python -m benchmarks.card_logs`` prints it as JSON. PostgreSQL runs with its own defaults, on this
machine: every call waits until its record is on the disk. SQLite promises that of feedback alone.
"""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from benchmarks.chart import order_sign_call
from benchmarks.client import Client
from benchmarks.rounds import in_rounds, percentile
from benchmarks.servers import running
from tests.postgres import running_server

CALLS = 100
WARM_UP = 50
ROUNDS = 10


def measure(rounds: int, calls: int = CALLS) -> dict[str, Any]:
    """Milliseconds of a call with each card log, and the ratio of the medians of each round."""
    body = order_sign_call()
    with (
        running_server(is_durable=True) as postgres,
        running("full") as on_sqlite,
        running("full", CDS_DATABASE_URL=postgres.new_database()) as on_postgresql,
    ):
        servers = {"sqlite": on_sqlite, "postgresql": on_postgresql}
        clients = {name: Client(each.port, body) for name, each in servers.items()}
        took = in_rounds(clients, rounds, calls, WARM_UP)
    ratios = [
        median(slow) / median(fast)
        for slow, fast in zip(took["postgresql"], took["sqlite"], strict=True)
    ]
    return {
        "postgresql_to_sqlite": round(median(ratios), 3),
        "ratios_of_rounds": [round(each, 3) for each in ratios],
        **{name: _told(each) for name, each in took.items()},
    }


def _told(rounds: list[list[float]]) -> dict[str, float]:
    times = [each for one in rounds for each in one]
    return {
        "median_ms": round(median(times), 2),
        "p99_ms": round(percentile(times, 0.99), 2),
        "least_ms": round(min(times), 2),
    }


if __name__ == "__main__":
    print(json.dumps(measure(ROUNDS), indent=1))
