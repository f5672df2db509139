"""How much longer a hook call takes than merely receiving and parsing it."""

from __future__ import annotations

from statistics import median

from benchmarks.chart import order_sign_call
from benchmarks.client import Client
from benchmarks.goal import Goal, Spread
from benchmarks.rounds import in_rounds, percentile
from benchmarks.servers import running

WARM_UP = 100
CALLS = 300


def measure(rounds: int, calls: int = CALLS) -> list[Goal]:
    """Call both servers in turn, one call at a time, one worker each."""
    body = order_sign_call()
    with running("bare") as bare, running("full") as full:
        clients = {"bare": Client(bare.port, body), "full": Client(full.port, body)}
        took = in_rounds(clients, rounds, calls, WARM_UP)
    middles = {name: [median(times) for times in each] for name, each in took.items()}
    tails = {name: [percentile(times, 0.99) for times in each] for name, each in took.items()}
    return [_goal("p50 of a call", 3, middles), _goal("p99 of a call", 6, tails)]


def _goal(what: str, limit: float, rounds: dict[str, list[float]]) -> Goal:
    medians = {f"{name} ms": Spread.of(each) for name, each in rounds.items()}
    return Goal(what, limit, "× bare", Spread.of_ratios(rounds["full"], rounds["bare"]), medians)
