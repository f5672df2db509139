"""How long it takes from the start of the process until the service says that it is ready."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from benchmarks.goal import Goal, Spread
from benchmarks.servers import running

WORKERS = 2


def measure(rounds: int) -> list[Goal]:
    """Start it so often, each time in an empty folder, where keys and tables are made first.

    As where it is installed, its modules are compiled: a first start does that and does not count.
    """
    took = []
    with TemporaryDirectory(prefix="cds-compiled-") as compiled:
        kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": compiled}
        for _ in range(rounds + 1):
            with running("full", CDS_WORKERS=str(WORKERS), **kept) as server:
                took.append(server.ready_after)
    del took[0]
    return [Goal(f"start to ready, {WORKERS} workers", 2, "s", Spread.of(took), {})]
