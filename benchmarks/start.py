"""How long it takes from the start of the process until the service says that it is ready."""

from __future__ import annotations

from benchmarks.goal import Goal, Spread
from benchmarks.servers import running

WORKERS = 2


def measure(rounds: int) -> list[Goal]:
    """Start it so often, each time in an empty folder, where keys and tables are made first."""
    took = []
    for _ in range(rounds):
        with running("full", CDS_WORKERS=str(WORKERS)) as server:
            took.append(server.ready_after)
    return [Goal(f"start to ready, {WORKERS} workers", 2, "s", Spread.of(took), {})]
