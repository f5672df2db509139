"""How many calls a second two workers answer to sixteen callers at once."""

from __future__ import annotations

from benchmarks.goal import Goal, Spread
from benchmarks.load import Load, load
from benchmarks.servers import running

CONNECTIONS = 16
WORKERS = 2
SECONDS = 3.0
MOST_OF_A_CORE = 0.5
"""Callers that need more than this of a core are themselves what is measured."""


def measure(rounds: int, seconds: float = SECONDS) -> list[Goal]:
    """Both servers run all the time; one is called at a time.

    Raises:
        SystemExit: when the callers, not the servers, were at their limit.
    """
    got: dict[str, list[Load]] = {"bare": [], "full": []}
    workers = str(WORKERS)
    with running("bare", CDS_WORKERS=workers) as bare, running("full", CDS_WORKERS=workers) as full:
        for _ in range(rounds):
            for name, server in {"bare": bare, "full": full}.items():
                got[name].append(load(server.port, CONNECTIONS, seconds))
    cores = {name: Spread.of([each.core for each in loads]) for name, loads in got.items()}
    if cores["bare"].median > MOST_OF_A_CORE:
        raise SystemExit(f"the callers needed {cores['bare'].median:.2f} of a core: too slow")
    rates = {name: [each.per_second for each in loads] for name, loads in got.items()}
    return [
        Goal(
            f"throughput, {CONNECTIONS} callers, {WORKERS} workers",
            1 / 3,
            "of bare",
            Spread.of_ratios(rates["full"], rates["bare"]),
            {
                **{f"{name} calls/s": Spread.of(each) for name, each in rates.items()},
                **{f"callers of {name}, cores": each for name, each in cores.items()},
            },
            least=True,
        )
    ]
