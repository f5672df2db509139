"""How much longer a call takes when its card log is in PostgreSQL and not in SQLite.

PostgreSQL runs with its own defaults, on this machine: every call waits until its record is on the
disk. SQLite promises that of feedback alone.
"""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

from benchmarks.chart import order_sign_call
from benchmarks.client import Client
from benchmarks.goal import Goal, Spread
from benchmarks.rounds import in_rounds
from benchmarks.servers import running
from tests.postgres import running_server

CALLS = 100
WARM_UP = 50


def measure(rounds: int, calls: int = CALLS) -> list[Goal]:
    """The ratio of the medians of each round; skipped where no PostgreSQL server is installed."""
    with ExitStack() as servers:
        try:
            postgres = servers.enter_context(running_server(is_durable=True))
        except AssertionError as missing:
            return [_goal(None, {}, skipped=str(missing))]
        url = postgres.new_database()
        ports = {
            "SQLite": servers.enter_context(running("full")).port,
            "PostgreSQL": servers.enter_context(running("full", CDS_DATABASE_URL=url)).port,
        }
        body = order_sign_call()
        clients = {name: Client(port, body) for name, port in ports.items()}
        took = in_rounds(clients, rounds, calls, WARM_UP)
    middles = {name: [median(times) for times in each] for name, each in took.items()}
    return [
        _goal(
            Spread.of_ratios(middles["PostgreSQL"], middles["SQLite"]),
            {f"{name} ms": Spread.of(each) for name, each in middles.items()},
        )
    ]


def _goal(measured: Spread | None, medians: dict[str, Spread], skipped: str = "") -> Goal:
    what = "card log on PostgreSQL, p50 of a call"
    return Goal(what, 1.3, "× SQLite", measured, medians, skipped=skipped)
